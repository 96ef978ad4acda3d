"""Every layout that hardy reads, by Corpus.load. What the numbers must be is tested in tests/corpus."""

from pathlib import Path

import numpy as np
import pytest

import hardy

CORPORA = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "corpora"

# name, utterances, widths, classes (none: values)
LAYOUTS = [
    ("conv_iemocap.pkl", 3, {"acoustic": 3, "textual": 2, "visual": 1},
     ("happy", "sad", "neutral", "angry", "excited", "frustrated")),
    ("conv_meld.pkl", 4, {"acoustic": 3, "textual": 2},
     ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")),
    ("csd", 3, {"acoustic": 2, "visual": 1}, ()),
    ("json", 3, {"acoustic": 1, "textual": 2}, ("glad", "sad")),
    ("meld", 6, {"acoustic": 2, "textual": 2}, ("anger", "joy", "neutral")),
    ("merbench", 4, {"acoustic": 2, "visual": 2}, ("happy", "sad")),
    ("merged.hdf5", 3, {"acoustic": 1, "visual": 2}, ()),
    ("mmin", 5, {"acoustic": 3, "textual": 2, "visual": 2}, ("0", "1", "2", "3")),
    ("mmsa", 7, {"acoustic": 2, "textual": 2, "visual": 1}, ()),
    ("multibench.pkl", 6, {"acoustic": 1, "textual": 3, "visual": 2}, ()),
    ("sims.pkl", 7, {"acoustic": 2, "textual": 2, "visual": 1}, ()),
]


def test_every_layout_is_listed():
    assert sorted(f.name for f in CORPORA.iterdir()) == sorted(name for name, *_ in LAYOUTS)


@pytest.mark.parametrize(("name", "utterances", "widths", "classes"), LAYOUTS)
def test_a_layout_is_read_and_kept(name, utterances, widths, classes, tmp_path):
    corpus = hardy.Corpus.load(CORPORA / name)
    assert len(corpus) == utterances
    assert {m.name: m.width for m in corpus.modalities} == widths
    assert corpus.classes == classes
    # They are too small to be divided for training.
    errors = {f.kind for f in hardy.Corpus.check_path(CORPORA / name) if f.severity == "error"}
    assert errors <= {"class-not-trained", "constant-column", "empty-part", "no-folds"}
    corpus.save(tmp_path / "plain")
    again = hardy.Corpus.load(tmp_path / "plain")
    for modality in widths:
        np.testing.assert_array_equal(again.features(modality), corpus.features(modality))
        np.testing.assert_array_equal(again.present(modality), corpus.present(modality))
    frame = corpus.to_pandas()
    assert again.to_pandas()[["id", "dialogue", "label"]].equals(frame[["id", "dialogue", "label"]])


@pytest.mark.parametrize(("name", "utterances"), [("", 1218), ("crema-d", 7442)])
def test_what_is_inside_the_program_is_read(name, utterances):
    assert len(hardy.Corpus.load(name)) == utterances
