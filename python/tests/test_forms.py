"""Forms of input and output: DataFrames, corpora, dataclasses, pickles."""

import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest

import hardy


def frame_of(features):
    return pd.concat([pd.DataFrame(x, columns=[f"{m}.{i}" for i in range(x.shape[1])])
                      for m, x in features.items()], axis=1)


def test_data_frames_are_predicted_like_arrays(model, features):
    expected = model.predict(features, dialogue=list("aabbbb"), speaker=list("PQPQPQ"))
    frame = frame_of(features)
    frame["dialogue"], frame["speaker"] = list("aabbbb"), list("PQPQPQ")
    frame.index = [f"row{i}" for i in range(6)]
    shuffled = frame[np.random.default_rng(2).permutation(frame.columns)]
    for form in (frame, shuffled, frame.astype({c: np.float64 for c in frame.columns[:5]})):
        found = model.predict(form)
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)
        assert list(found.to_pandas().index) == list(frame.index)
    two = pd.concat({m: pd.DataFrame(x) for m, x in features.items()}, axis=1)
    np.testing.assert_array_equal(model.predict(two).probabilities, model.predict(features).probabilities)


def test_frames_that_do_not_fit_are_refused(model, features):
    first = model.modalities[0].name
    frame = frame_of(features)
    with pytest.raises(hardy.ConfigError, match=first):
        model.predict(frame.rename(columns=lambda c: c.replace(first, first[:-1])))
    with pytest.raises(hardy.DataError, match="gaps"):
        model.predict(frame.drop(columns=f"{first}.1"))
    with pytest.raises(hardy.ShapeError, match="width"):
        model.predict(frame.drop(columns=f"{first}.{model.modalities[0].width - 1}"))
    with pytest.raises(hardy.DataError, match="no column"):
        model.predict(pd.DataFrame({"label": [1]}))


def test_a_corpus_is_predicted_whole(model, corpus):
    found = model.predict(corpus)
    frame = corpus.to_pandas(features=True)
    np.testing.assert_array_equal(found.probabilities, model.predict(frame).probabilities)
    assert len(found) == len(corpus)
    assert (found.labels == corpus.labels).mean() > 0.4  # it was trained on most of them


def test_results_are_dataclasses(model, features):
    one = model.predict({m: x[0] for m, x in features.items()})
    assert dataclasses.is_dataclass(one)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.label = "other"
    many = model.predict(features)
    assert [p.label for p in many] == list(many.labels)
    with pytest.raises(IndexError):
        many[6]
    for shown in (one, many, model.explain(features)):
        assert "<table" in shown._repr_html_()


def test_names_are_escaped_in_html():
    one = np.ones(1, np.float32)
    shown = hardy.Prediction(label="<b>", confidence=1.0, probabilities=one, raw_probabilities=one,
                             logits=one, calibrated=True, used=("<i>",),
                             classes=("<script>",))._repr_html_()
    assert "<script>" not in shown and "<i>" not in shown


def test_a_speaker_of_a_single_utterance_counts(model, features):
    alone = {m: x[0] for m, x in features.items()}
    rows = {m: x[:1] for m, x in features.items()}
    for speaker in (None, "P"):
        np.testing.assert_array_equal(model.predict(alone, speaker=speaker).logits,
                                      model.predict(rows, speaker=speaker).logits[0])


def test_models_travel_to_other_processes(model, features):
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(features).logits, model.predict(features).logits)
    assert again.fingerprint == model.fingerprint
