import numpy as np
import pytest

import hardy


def arrays(n=12):
    rng = np.random.default_rng(1)
    return {"acoustic": rng.normal(size=(n, 3)).astype(np.float32),
            "textual": rng.normal(size=(n, 4)).astype(np.float32)}


def test_arrays_and_back(tmp_path):
    x = arrays()
    x["textual"][4] = np.nan
    corpus = hardy.Corpus.from_arrays(
        x, labels=["happy", "sad", "angry"] * 4, dialogues=["b", "a"] * 6, speakers=["S1", None] * 6)
    assert len(corpus) == 12
    assert corpus.classes == ("angry", "happy", "sad")
    frame = corpus.to_pandas()
    assert list(frame.dialogue) == ["b"] * 6 + ["a"] * 6
    assert list(frame.id[:3]) == ["u0", "u2", "u4"]
    assert list(frame.label[:3]) == ["happy", "angry", "sad"]
    np.testing.assert_array_equal(corpus.features("acoustic")[1], x["acoustic"][2])
    assert not corpus.present("textual")[2]
    corpus.save(tmp_path / "plain")
    again = hardy.Corpus.load(tmp_path / "plain")
    assert again.checksum == corpus.checksum
    with pytest.raises(ValueError):
        corpus.features("acoustic")[0] = 1


def test_features_outlive_the_corpus():
    corpus = hardy.Corpus.from_arrays(arrays(), labels=[0, 1] * 6)
    view = corpus.features("acoustic")
    expected = view.copy()
    del corpus
    np.testing.assert_array_equal(view, expected)


def test_floats_are_values_and_whole_numbers_classes():
    assert hardy.Corpus.from_arrays(arrays(), labels=np.linspace(-1, 1, 12)).classes == ()
    assert hardy.Corpus.from_arrays(arrays(), labels=[3, 5] * 6).classes == ("3", "5")
    assert hardy.Corpus.from_arrays(arrays(), labels=[0.0, 1.0] * 6, task="class").classes == ("0.0", "1.0")


def test_unlabelled_utterances_stay_unlabelled():
    corpus = hardy.Corpus.from_arrays(arrays(), labels=["calm", None, "tense"] * 4)
    assert corpus.classes == ("calm", "tense")
    assert list(corpus.labels[:3]) == ["calm", None, "tense"]
    values = hardy.Corpus.from_arrays(arrays(), labels=[0.5, float("nan")] * 6)
    assert np.isnan(values.labels[1]) and values.labels[0] == 0.5


def test_what_does_not_fit_is_refused():
    with pytest.raises(hardy.ShapeError, match="acoustic"):
        hardy.Corpus.from_arrays(arrays(11), labels=[0, 1] * 6)
    with pytest.raises(hardy.ShapeError, match="speakers"):
        hardy.Corpus.from_arrays(arrays(), labels=[0, 1] * 6, speakers=["a"])
    with pytest.raises(hardy.DataError, match="split"):
        hardy.Corpus.from_arrays(arrays(), labels=[0, 1] * 6, split=["exam"] * 12)
    with pytest.raises(hardy.DataError):
        hardy.Corpus.from_arrays(arrays(), labels=[0.5, float("inf")] * 6)
    x = arrays()
    x["acoustic"][3, 1] = np.inf
    with pytest.raises(hardy.DataError):
        hardy.Corpus.from_arrays(x, labels=[0, 1] * 6)


def test_check_names_record_and_remedy(tmp_path):
    (tmp_path / "utterances.csv").write_text("id,label\na,0\nb,\n")
    np.save(tmp_path / "acoustic.npy", np.ones((2, 3), np.float32))
    findings = hardy.Corpus.check_path(tmp_path)
    assert any(f.severity == "error" for f in findings)
    assert all(f.remedy and f.kind and f.where for f in findings)


def test_settings_are_typed_and_know_the_nearest_name():
    settings = hardy.settings.Settings(preset="quick")
    settings.run.seeds = range(1, 4)
    assert "run.seeds=[1, 2, 3]" in settings.assignments()
    assert "preset=quick" in settings.assignments()
    assert isinstance(settings.protocol.folds, int)
    with pytest.raises(hardy.ConfigError, match="folds"):
        settings.protocol.fold = 3
    assert "folds" in type(settings.protocol).help("folds")
    assert "run" in dir(settings)
