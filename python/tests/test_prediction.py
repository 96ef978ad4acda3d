import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import hardy


def test_one_utterance_equals_its_row_of_a_batch(model, features):
    batch = model.predict(features)
    one = model.predict({m: x[2] for m, x in features.items()})
    assert one.label == batch.labels[2]
    np.testing.assert_allclose(one.probabilities, batch.probabilities[2], atol=1e-6)
    assert one.used == tuple(m.name for m in model.modalities)
    assert abs(one.probabilities.sum() - 1) < 1e-5
    assert one[one.label] == pytest.approx(one.probabilities.max())


def test_types_and_orders_of_arrays_do_not_matter(model, features):
    expected = model.predict(features).probabilities
    for change in (np.float64, lambda x: np.asfortranarray(x), lambda x: np.repeat(x, 2, axis=1)[:, ::2]):
        changed = {m: x.astype(change) if isinstance(change, type) else change(x)
                   for m, x in features.items()}
        np.testing.assert_array_equal(model.predict(changed).probabilities, expected)


def test_an_array_in_place_is_not_changed(model, features):
    before = {m: x.copy() for m, x in features.items()}
    model.predict(features)
    for m, x in features.items():
        np.testing.assert_array_equal(x, before[m])


def test_none_and_rows_of_nan_are_absent_modalities(model, features):
    first, *rest = [m.name for m in model.modalities]
    as_none = model.predict({first: features[first], **{m: None for m in rest}})
    nan = {m: np.full_like(features[m], np.nan) for m in rest}
    as_nan = model.predict({first: features[first], **nan})
    left_out = model.predict({first: features[first]})
    masked = model.predict(features, available=[first])
    for other in (as_nan, left_out, masked):
        np.testing.assert_array_equal(as_none.probabilities, other.probabilities)
    assert as_none[0].used == (first,)


def test_dialogues_see_each_other_and_only_each_other(model, features):
    apart = model.predict(features)
    together = model.predict(features, dialogue=["a"] * 3 + ["b"] * 3)
    first = model.predict({m: x[:3] for m, x in features.items()}, dialogue=["a"] * 3)
    np.testing.assert_allclose(together.probabilities[:3], first.probabilities, atol=1e-6)
    assert np.abs(together.probabilities - apart.probabilities).max() > 1e-4
    with pytest.raises(hardy.DataError, match="interrupted"):
        model.predict(features, dialogue=["a", "b", "a", "a", "b", "b"])


def test_a_stream_gives_what_the_dialogue_so_far_gives(model, features):
    with model.stream() as stream:
        for i in range(6):
            turn = stream.add({m: x[i] for m, x in features.items()}, speaker="AB"[i % 2])
            whole = model.predict({m: x[: i + 1] for m, x in features.items()},
                                  dialogue=["d"] * (i + 1), speaker=list("ABABAB"[: i + 1]))
            np.testing.assert_allclose(turn.probabilities, whole.probabilities[-1], atol=1e-5)
    assert len(stream) == 6


def test_contributions_sum_to_the_prediction_minus_the_baseline(model, features):
    explanation = model.explain(features, utterance=1)
    outputs = explanation.outcome.outputs
    assert sum(explanation.contributions.values()) == pytest.approx(
        float(outputs.max()) - explanation.baseline, abs=1e-5)
    assert set(explanation.contributions) == {m.name for m in model.modalities}
    for weights in explanation.attention.values():
        assert sum(weights.values()) == pytest.approx(1, abs=1e-4)


def test_sets_hold_what_is_probable_enough(model, features):
    many = model.predict(features, coverage=0.5)
    assert many.promised.all() and many.sets.shape == many.probabilities.shape
    probable = np.where(many.sets, many.raw_probabilities, 1).min()
    assert (many.raw_probabilities[~many.sets] < probable).all()
    for one in many:
        assert one.set[0] == one.label and one.promised and one.interval is None
    wider = model.predict(features, coverage=0.88)
    assert (wider.sets >= many.sets).all() and wider.sets.sum() > many.sets.sum()
    single = model.predict({name: rows[0] for name, rows in features.items()}, coverage=0.5)
    assert single.set == many[0].set
    assert model.predict(features).sets is None
    assert "set." + model.classes[0] in many.to_pandas().columns
    with pytest.raises(hardy.ConfigError, match="validation dialogues"):
        model.predict(features, coverage=0.999999)
    with pytest.raises(hardy.ConfigError, match="between 0 and 1"):
        model.predict(features, coverage=90)


def test_damaged_modalities_are_set_aside(model, run, corpus):
    """As `hardy predict --set-aside`: what is suspected is predicted as if it were missing."""
    rows = corpus.to_pandas().dialogue == corpus.to_pandas().dialogue[0]
    features = {m.name: corpus.features(m.name)[rows].copy() for m in model.modalities}
    name = model.modalities[0].name
    features[name][2] *= 1000
    found = model.predict(features, dialogue="d", set_aside=0.05)
    assert found.suspected.shape == found.used.shape and found.suspected[2, 0]
    assert not (found.used & found.suspected).any()
    without = {m: np.where(found.suspected[:, i, None], np.nan, features[m]).astype(np.float32)
               for i, m in enumerate(found.modalities)}
    np.testing.assert_array_equal(found.probabilities,
                                  model.predict(without, dialogue="d").probabilities)
    assert name in found[2].suspected and name not in found[2].used
    assert found.to_pandas()[f"suspected.{name}"][2]
    assert model.predict(features).suspected is None
    one = model.predict({m: x[2] for m, x in features.items()}, set_aside=0.05)
    assert name in one.suspected and name not in one.used
    with model.stream() as stream:
        turns = [stream.add({m: x[i] for m, x in features.items()}, set_aside=0.05) for i in range(3)]
    assert name in turns[2].suspected
    with pytest.raises(hardy.ConfigError):
        model.predict(features, set_aside=1e-9)
    with pytest.raises(hardy.ConfigError):
        model.predict(features, set_aside=-0.1)


def test_a_run_folder_stands_for_the_model_that_the_program_takes(model, run, tmp_path):
    assert hardy.load(run.folder).file == str(run.models[0].resolve()) or \
        hardy.load(run.folder).fingerprint == model.fingerprint
    folder = tmp_path / "r"
    (folder / "models").mkdir(parents=True)
    (folder / "manifest.json").write_bytes((run.folder / "manifest.json").read_bytes())
    whole = "+".join(m.name for m in model.modalities)
    first = model.modalities[0].name

    def chosen(*names):
        for file in (folder / "models").iterdir():
            file.unlink()
        for name in names:
            (folder / "models" / f"{name}.safetensors").write_bytes(run.models[0].read_bytes())
        return Path(hardy.load(folder).file).stem

    specialist = f"specialist-{first}-fold0-seed1"
    assert chosen(specialist, "unified-fold0-seed10", "unified-fold0-seed2") == "unified-fold0-seed2"
    assert chosen("unified-fold10-seed1", "unified-fold2-seed3") == "unified-fold2-seed3"
    complete = f"specialist-{whole}-fold1-seed1"
    assert chosen(specialist, complete) == complete
    assert chosen(specialist) == specialist
    with pytest.raises(hardy.ArtifactError, match="fold1"):
        chosen(specialist, f"specialist-{first}-fold1-seed1")


def test_a_turn_that_is_refused_leaves_the_stream_as_it_was(model, features):
    one = {m: x[0] for m, x in features.items()}
    with model.stream() as stream, model.stream() as other:
        stream.add(one, speaker="P")
        other.add(one, speaker="P")
        with pytest.raises(hardy.DataError):
            stream.add({model.modalities[0].name: None}, speaker="Q")
        with pytest.raises(hardy.DataError, match="speaker"):
            stream.add(one, speaker=["Q"])
        assert len(stream) == 1
        for speaker in ("R", "", None):
            np.testing.assert_array_equal(stream.add(one, speaker=speaker).logits,
                                          other.add(one, speaker=speaker).logits)


def test_what_cannot_be_predicted_is_refused_with_a_remedy(model, features):
    name = model.modalities[0].name
    with pytest.raises(hardy.ConfigError, match=name):
        model.predict({name[:-1]: features[name]})
    with pytest.raises(hardy.ShapeError, match="width"):
        model.predict({name: features[name][:, :-1]})
    with pytest.raises(hardy.DataError):
        model.predict({name: features[name][0] * np.inf})
    with pytest.raises(hardy.DataError, match="no modality"):
        model.predict({name: None})
    with pytest.raises(hardy.DataError, match="utterance 1"):
        model.predict({name: np.stack([features[name][0], np.full_like(features[name][0], np.nan)])})
    with pytest.raises(hardy.DataError, match="no array"):
        model.predict({name: "text"})
    with pytest.raises(hardy.ShapeError):
        model.predict({name: features[name][None]})


@pytest.mark.parametrize("bad", [object(), 3, b"x", [[1, 2], [3]], {"a": 1}, np.array("x"), float("nan"),
                                 np.zeros((0, 0)), np.zeros((2, 0)), [None, None], 1 + 2j])
def test_no_argument_crashes(model, bad):
    for argument in (bad, {model.modalities[0].name: bad}, {"?": bad}, {3: bad}):
        with pytest.raises(Exception):
            model.predict(argument)
    with pytest.raises(Exception):
        model.explain({model.modalities[0].name: bad})
    with pytest.raises(Exception):
        hardy.load(bad)


def test_a_damaged_model_is_refused(run, tmp_path):
    whole = run.models[0].read_bytes()
    for name, content in {"cut": whole[:1000], "empty": b"", "text": b"hello" * 100}.items():
        file = tmp_path / f"{name}.safetensors"
        file.write_bytes(content)
        with pytest.raises(hardy.ArtifactError):
            hardy.load(file)
    with pytest.raises((hardy.ArtifactError, hardy.IoError)):
        hardy.load(tmp_path / "none.safetensors")


def test_threads_get_the_same_numbers(model, features):
    expected = model.predict(features).probabilities
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        [model.predict(features).probabilities for _ in range(50)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for several in results:
        for one in several:
            np.testing.assert_array_equal(one, expected)


def test_other_threads_run_during_a_prediction(model):
    """With the lock of the interpreter held, this thread would get nothing done meanwhile."""
    rows = 20_000
    x = {m.name: np.ones((rows, m.width), np.float32) for m in model.modalities}
    used = []

    def work():
        start = time.thread_time()
        model.predict(x, dialogue=np.repeat(np.arange(rows // 10), 10))
        used.append(time.thread_time() - start)

    worker = threading.Thread(target=work)
    start = time.thread_time()
    worker.start()
    while worker.is_alive():
        pass
    assert time.thread_time() - start > 0.1 * used[0]


def test_results_show_themselves(model, features):
    assert "<table" in model.predict(features)[0]._repr_html_()
    frame = model.predict(features).to_pandas()
    assert list(frame.columns[:3]) == ["label", "confidence", "calibrated"]
    assert len(frame) == 6
    assert "hardy.Model" in repr(model)


def test_import_needs_no_libtorch():
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import hardy; "
            "maps = open('/proc/self/maps').read(); assert 'libtorch' not in maps; "
            "assert hardy.__version__.count('.') == 2; assert 'Model' in dir(hardy)")
    subprocess.run([sys.executable, "-c", code, str(Path(hardy.__file__).parent.parent)], check=True)
