import subprocess
import sys
import threading
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
