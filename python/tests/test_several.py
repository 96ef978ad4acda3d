"""Several labels or values per utterance, shares of raters, and utterances that are not labelled."""

import numpy as np
import pytest

import hardy

QUICK = {"preset": "quick", "protocol.tracks": "unified"}
NAMES = ("joy", "anger")


def drawn(n=120):
    """Features that tell two independent labels; dialogues of three utterances."""
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 2, size=(n, 2)).astype(np.float32)
    x = truth @ rng.normal(size=(2, 6)) * 3 + rng.normal(size=(n, 6)) * 0.3
    features = {"acoustic": x[:, :3].astype(np.float32), "textual": x[:, 3:].astype(np.float32)}
    return features, truth, [f"d{i // 3:02}" for i in range(n)]


def corpus_of(task, numbers, features, dialogues, names=NAMES):
    return hardy.Corpus.from_arrays(features, labels={n: numbers[:, i] for i, n in enumerate(names)},
                                    dialogues=dialogues, groups=[d[1] for d in dialogues], task=task)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    features, truth, dialogues = drawn()
    corpus = corpus_of("labels", truth, features, dialogues)
    run = hardy.run(corpus, method="early_linear", config=QUICK,
                    out=tmp_path_factory.mktemp("several") / "run")
    return corpus, truth, run.model()


def test_a_corpus_of_several_labels_keeps_them(labelled, tmp_path):
    corpus, truth, _ = labelled
    assert (corpus.task, corpus.targets, corpus.classes) == ("labels", NAMES, ())
    np.testing.assert_array_equal(corpus.labels, truth)
    frame = corpus.to_pandas()
    assert "label" not in frame and list(frame["label:anger"]) == list(truth[:, 1])
    corpus.save(tmp_path / "c")
    again = hardy.Corpus.load(tmp_path / "c")
    assert again.checksum == corpus.checksum
    np.testing.assert_array_equal(again.labels, truth)


def test_a_model_of_several_labels_names_them(labelled):
    corpus, truth, model = labelled
    assert (model.task, model.targets, model.classes) == ("labels", NAMES, ())
    found = model.predict(corpus)
    assert found.labels.dtype == bool and found.labels.shape == truth.shape
    assert (found.labels == truth).mean() > 0.9
    for i in (0, 1, 2):
        expected = tuple(n for n, there in zip(NAMES, found.labels[i]) if there)
        assert found[i].label == expected
        assert found[i]["anger"] == pytest.approx(float(found.probabilities[i, 1]))
    one = model.predict({m.name: corpus.features(m.name)[0] for m in corpus.modalities})
    assert one.targets == NAMES and isinstance(one.label, tuple)
    with pytest.raises(KeyError, match="fear"):
        one["fear"]
    frame = found.to_pandas()
    assert {"label:joy", "p.joy"} <= set(frame.columns) and "confidence" not in frame
    assert "anger" in found[0]._repr_html_() and "labels" in repr(model)


def test_a_model_of_several_values_gives_each():
    features, truth, dialogues = drawn()
    corpus = corpus_of("values", truth * 2 - 0.5, features, dialogues, ("valence", "arousal"))
    model = hardy.run(corpus, method="early_linear", config=QUICK).model()
    found = model.predict(corpus)
    assert model.task == corpus.task == "values"
    assert found.labels.dtype == np.float32 and found.labels.shape == truth.shape
    assert set(found[0].label) == {"valence", "arousal"}
    assert found[0].label["arousal"] == pytest.approx(float(found.labels[0, 1]))
    assert {"label:valence", "label:arousal"} <= set(found.to_pandas().columns)
    assert np.corrcoef(found.labels[:, 0], truth[:, 0])[0, 1] > 0.8


def test_shares_of_raters():
    features, truth, dialogues = drawn(12)
    votes = np.stack([truth[:, 0] * 3 + 1, truth[:, 1] + 1], axis=1)
    votes[4] = np.nan
    corpus = corpus_of("shares", votes, features, dialogues, ("calm", "tense"))
    assert corpus.task == "class" and corpus.classes == ("calm", "tense")
    assert corpus.labels[4] is None
    assert np.isnan(corpus.shares[4]).all()
    np.testing.assert_allclose(corpus.shares[0], votes[0] / votes[0].sum(), rtol=1e-6)
    assert corpus.to_pandas()["share:calm"].isna().sum() == 1
    assert hardy.Corpus.from_arrays(features, labels=[0, 1] * 6).shares is None


def test_labels_that_do_not_fit_are_refused():
    features, truth, dialogues = drawn(12)
    with pytest.raises(hardy.DataError, match="task"):  # 0 and 1 could be either
        corpus_of("auto", truth, features, dialogues)
    half = truth.copy()
    half[3, 0] = np.nan
    with pytest.raises(hardy.DataError, match="row 3.*1 of 2"):
        corpus_of("labels", half, features, dialogues)
    with pytest.raises(hardy.DataError, match="row 5"):
        corpus_of("labels", truth - (np.arange(12) == 5)[:, None], features, dialogues)
    with pytest.raises(hardy.ShapeError, match="same number"):
        hardy.Corpus.from_arrays(features, labels={"a": [1] * 12, "b": [1]}, task="labels")
    with pytest.raises(hardy.DataError, match="no numbers"):
        hardy.Corpus.from_arrays(features, labels={"a": ["x"] * 12}, task="labels")


class Recorder(hardy.Method):
    """Remembers what it was given; predicts the mean."""

    name = "recorder"
    seen: list = []

    def fit(self, train, validation, conditions, outputs, seed):
        self.seen.append(train)
        return train.only_labelled().labels.reshape(-1, outputs).mean(axis=0)

    def predict(self, model, batch):
        assert batch.labels is None
        return np.tile(model, (len(batch), 1))


def test_a_python_method_is_given_every_label(labelled, tmp_path):
    corpus, _, _ = labelled
    Recorder.seen.clear()
    hardy.run(corpus, method=Recorder(), config=QUICK, out=tmp_path / "r", jobs=1)
    for batch in Recorder.seen:
        rows = [int(i[1:]) for i in batch.ids]
        np.testing.assert_array_equal(batch.labels, corpus.labels[rows])
        with pytest.raises(hardy.DataError, match="no classes"):
            batch.class_labels


class Guess(Recorder):
    name = "guess"

    def fit(self, train, validation, conditions, outputs, seed):
        self.seen.append(train)
        return np.full(outputs, 1 / outputs)


def test_unlabelled_utterances_are_no_class(tmp_path):
    features, truth, dialogues = drawn()
    labels = ["yes" if t else "no" for t in truth[:, 0]]
    labels[7] = labels[50] = None
    corpus = hardy.Corpus.from_arrays(features, labels=labels, dialogues=dialogues,
                                      groups=[d[1] for d in dialogues])
    Guess.seen.clear()
    hardy.run(corpus, method=Guess(), config=QUICK, out=tmp_path / "r", jobs=1)
    partly = [b for b in Guess.seen if not b.labelled.all()]
    assert partly
    for batch in partly:
        with pytest.raises(hardy.DataError, match="only_labelled"):
            batch.class_labels
        whole = batch.only_labelled()
        assert set(whole.class_labels) == {0, 1} and not {"u7", "u50"} & set(whole.ids)
        assert all(len(x) == len(whole) for x in whole.features.values())
