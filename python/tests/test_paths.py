"""Paths that are not UTF-8, texts that cannot be UTF-8, and files of a run that have changed."""

import os
import shutil

import numpy as np
import pytest

import hardy

SURROGATE = "\udce9"


@pytest.fixture()
def place(tmp_path):
    """A folder whose name is no UTF-8."""
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    try:
        os.mkdir(folder)
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    return os.fsdecode(folder)


def small():
    x = np.random.default_rng(3).normal(size=(24, 3)).astype(np.float32)
    return hardy.Corpus.from_arrays({"a": x, "b": x}, labels=list("xy") * 12,
                                    dialogues=np.repeat(list("klmnop"), 4))


def test_models_and_runs_lie_anywhere(model, run, features, place):
    file = os.path.join(place, "model.safetensors")
    shutil.copy(model.file, file)
    expected = model.predict(features)
    for name in (file, os.fsencode(file)):
        assert hardy.load(name).file == file
        np.testing.assert_array_equal(hardy.load(name).predict(features).logits, expected.logits)
    shutil.copytree(run.folder, os.path.join(place, "run"))
    assert hardy.load(os.path.join(place, "run")).classes == model.classes
    assert hardy.Run.open(os.fsencode(place) + b"/run").results.equals(run.results)


def test_corpora_there_are_refused_or_written(place):
    small().save(os.path.join(place, "corpus"))
    with pytest.raises(hardy.DataError, match="not UTF-8"):  # results would be named after it
        hardy.Corpus.load(os.path.join(place, "corpus"))
    found = hardy.Corpus.check_path(os.path.join(place, "corpus"))
    assert found[0].severity == "error"


def test_a_run_is_written_there(place):
    run = hardy.run(small(), method="majority", config={"preset": "quick", "protocol.folds": 2},
                    out=os.path.join(place, "run"), jobs=1)
    assert os.fspath(run.folder) == os.path.join(place, "run")
    assert len(run.predictions) > 0


@pytest.mark.parametrize("call", [
    hardy.load, hardy.Corpus.load, hardy.Corpus.check_path, hardy.Run.open,
    lambda path: small().save(path),
    lambda path: hardy.run(small(), out=path),
    lambda path: hardy.run(path),
    lambda path: hardy.run(small(), config={"data.path": path}),
    lambda path: hardy.evaluate(path),
])
def test_a_zero_byte_ends_no_path_early(call):
    with pytest.raises(hardy.ConfigError, match="zero byte"):
        call("a\0b")


def test_texts_that_are_no_utf_8_are_refused(model, features):
    x = np.zeros((2, 3), np.float32)
    calls = [
        lambda: model.predict(features, available=SURROGATE),
        lambda: model.stream().add({m: v[0] for m, v in features.items()}, available=[SURROGATE]),
        lambda: hardy.Corpus.from_arrays({SURROGATE: x}, labels=["a", "b"]),
        lambda: hardy.Corpus.from_arrays({"m": x}, labels=[SURROGATE, "b"]),
        lambda: hardy.Corpus.from_arrays({"m": x}, labels=["a", "b"], dialogues=["d", SURROGATE]),
        lambda: hardy.Corpus.from_arrays({"m": x}, labels={SURROGATE: [0, 1]}, task="labels"),
        lambda: hardy.Corpus.load("", format=SURROGATE),
        lambda: hardy.run(small(), method=SURROGATE),
        lambda: hardy.compare(small(), methods=[SURROGATE]),
        lambda: hardy.run(small(), config={"data.labels": SURROGATE}),
        lambda: hardy.settings.Settings(preset=SURROGATE),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(hardy.Error, match="UTF-8"):
            call()
            pytest.fail(f"call {number}")


def test_a_changed_file_of_a_run_is_refused(run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run.folder, copy)
    for name, read in [("results.json", lambda r: r.results), ("predictions.csv", lambda r: r.predictions),
                       ("curves.csv", lambda r: r.curves), ("manifest.json", lambda r: r.manifest)]:
        text = (copy / name).read_text()
        (copy / name).write_text(text.replace("0.", "1.", 1))
        with pytest.raises(hardy.ArtifactError, match=f"{name}.*damaged"):
            read(hardy.Run.open(copy))
        (copy / name).write_text(text)
        read(hardy.Run.open(copy))
    (copy / "hardness.csv").unlink()
    with pytest.raises(hardy.ArtifactError, match="hardness.csv is not there"):
        hardy.Run.open(copy).hardness
    model = next((copy / "models").iterdir())
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(hardy.ArtifactError, match="damaged"):
        hardy.Run.open(copy).model(model.name)


def test_names_that_look_like_numbers_stay_names(tmp_path):
    x = np.random.default_rng(3).normal(size=(24, 3)).astype(np.float32)
    corpus = hardy.Corpus.from_arrays(
        {"1": x, "2": x}, labels=["NA", "007"] * 12, dialogues=np.repeat(["01", "02", "03", "04"], 6),
        speakers=["null"] * 24)
    run = hardy.run(corpus, method="majority", config={"preset": "quick", "protocol.folds": 2},
                    out=tmp_path / "run", jobs=1)
    table = run.predictions
    assert set(table.truth) == {"NA", "007"}
    assert set(table.dialogue) == {"01", "02", "03", "04"}
    assert set(table.speaker) == {"null"}
    assert {"1", "2", "1,2"} == set(table.condition)
    assert table["p_007"].between(0, 1).all()
