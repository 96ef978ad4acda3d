"""Stored models: load, predict, stream, explain."""

from __future__ import annotations

import os
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from . import _inference
from .results import (
    Calibration,
    Explanation,
    Modality,
    Outcome,
    Prediction,
    Predictions,
    Similar,
    Label,
    label_of,
)
from .tables import codes, offsets, rows_of, table_of
from .texts import checked, encoded

Features = Mapping[str, Any]
"""Modality name -> array [n, width] (or [width] for one utterance); None or a row of NaN = absent."""


class Model:
    """A trained recogniser. Immutable; safe from any number of threads, which run in parallel."""

    def __init__(self, file: str | os.PathLike[str]) -> None:
        """Maps the file: processes share its weights. Raises ArtifactError when it is no model."""
        self.file = os.path.abspath(os.fsdecode(encoded(file)))
        """The file that was loaded."""
        self._model = _inference.Model(encoded(self.file))
        self._classes = tuple(self._model.classes)
        self._targets = tuple(self._model.targets)
        self._task = self._model.task
        self._modalities = tuple(Modality(n, w) for n, w in self._model.modalities)
        self._names = tuple(m.name for m in self._modalities)
        self._explainer: _inference.Explainer | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """[C] names in the order of the outputs; empty for a model of several labels or values."""
        return self._classes

    @property
    def targets(self) -> tuple[str, ...]:
        """[T] names of several labels or values in the order of the outputs, else empty."""
        return self._targets

    @property
    def task(self) -> str:
        """What it predicts: "class", "value", "labels" (several) or "values" (several)."""
        return self._task

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """[M] names and widths."""
        return self._modalities

    @property
    def calibration(self) -> tuple[Calibration, ...]:
        """One entry per set of modalities for which a calibration was fitted."""
        return tuple(
            Calibration(tuple(c["available"]), c["utterances"], c["temperature"], c["expected_error"])
            for c in self._model.calibration
        )

    @property
    def scores(self) -> list[dict[str, Any]]:
        """Scores stored with the model: part, available modalities, utterances, metrics by name."""
        return list(self._model.scores)

    @property
    def method(self) -> str:
        """The method that trained it."""
        return self._model.method

    @property
    def track(self) -> str:
        """"unified" (any set of modalities) or "specialist" (one set)."""
        return self._model.track

    @property
    def data_name(self) -> str:
        """The corpus that it was trained on."""
        return self._model.data_name

    @property
    def is_synthetic(self) -> bool:
        """Whether that corpus was drawn by a generator."""
        return self._model.is_synthetic

    @property
    def config_toml(self) -> str:
        """All settings of the run that trained it; empty for converted models."""
        return self._model.config_toml

    @property
    def fingerprint(self) -> str:
        """SHA-256 that stands for this model in logs."""
        return self._model.fingerprint

    def predict(
        self,
        features: Any,
        dialogue: Sequence[Any] | np.ndarray | str | None = None,
        speaker: Sequence[Any] | np.ndarray | str | None = None,
        available: Iterable[str] | str | None = None,
        coverage: float | None = None,
        set_aside: float = 0.0,
    ) -> Any:
        """Recognises one utterance (arrays [width]: a Prediction) or n (arrays [n, width]: Predictions).

        `features` maps modalities to arrays; or it is a DataFrame with columns `acoustic.0`,
        `acoustic.1`, ... (or two levels), whose columns `dialogue` and `speaker` are used; or a
        Corpus. Arrays of float32 in C order are read in place; others are converted. `dialogue`
        gives one name per row, and equal neighbouring names are one dialogue, whose utterances see
        each other; without it every row stands alone. `speaker` gives one name per row.
        `available` uses only these modalities of what is there. `coverage` (0.9) also gives the set
        of classes, or the interval, that holds the truth of this share of utterances
        (docs/confidence.md). `set_aside` (0.01) leaves out modalities that look damaged; at most
        this share of good ones is suspected, 0 judges none (docs/damaged_data.md).

        Raises ConfigError for an unknown modality (with the nearest name) or a coverage or rate that
        cannot be promised, ArtifactError for a coverage or rate of a model that holds no scores for
        it, ShapeError for a wrong width, DataError for an utterance without any modality or a value
        that is not finite.
        """
        index = None
        if type(features) is not dict:
            table = table_of(features, self._names)
            features, index = table.features, table.index
            dialogue = table.dialogue if dialogue is None else dialogue
            speaker = table.speaker if speaker is None else speaker
        if available is not None:
            available = _named(available)
        rows = rows_of(features)
        if rows is None:
            known = None if speaker is None else codes([speaker])
            return self._one(
                self._model.predict(features, _ONE, known, available, set_aside), coverage)
        speakers = [speaker] * rows if isinstance(speaker, str) else speaker
        result = self._model.predict(
            features, offsets(dialogue, rows), codes(speakers), available, set_aside
        )
        return self._many(result, index, coverage)

    def _one(self, result: tuple[np.ndarray, ...], coverage: float | None = None) -> Prediction:
        if coverage is not None:
            return self._many(result, None, coverage)[0]
        labels, probabilities, raw, logits, confidence, calibrated, used, _, suspected = result
        return Prediction(
            label=self._classes[labels[0]] if self._classes else self._label(probabilities[0]),
            confidence=float(confidence[0]),
            probabilities=probabilities[0],
            raw_probabilities=raw[0],
            logits=logits[0],
            calibrated=bool(calibrated[0]),
            used=tuple(m for m, there in zip(self._names, used[0]) if there),
            classes=self._classes,
            targets=self._targets,
            suspected=None if suspected is None else tuple(
                m for m, there in zip(self._names, suspected[0]) if there),
        )

    def _label(self, outputs: np.ndarray) -> Label:
        return label_of(self._task, outputs, self._targets)

    def _sets(self, result: tuple[np.ndarray, ...], coverage: float | None) -> dict[str, np.ndarray]:
        """Sets or intervals of each row; nothing without a coverage."""
        if coverage is None:
            return {}
        labels, probabilities, raw, _, _, _, used, _, _ = result
        largest = self._model.thresholds(coverage)[used @ (1 << np.arange(used.shape[1]))]
        promised = np.isfinite(largest)
        if not self._classes:
            value = probabilities[:, 0].astype(np.float64)
            return {"intervals": np.stack([value - largest, value + largest], 1), "promised": promised}
        sets = 1 - raw.astype(np.float64) <= largest[:, None]
        sets[np.arange(len(labels)), labels] = True
        return {"sets": sets, "promised": promised}

    def _many(
        self, result: tuple[np.ndarray, ...], index: Any = None, coverage: float | None = None
    ) -> Predictions:
        labels, probabilities, raw, logits, confidence, calibrated, used, limited, suspected = result
        if self._classes:
            found = np.asarray(self._classes)[labels]
        elif self._task == "labels":
            found = probabilities > 0.5
        else:
            found = probabilities if self._targets else probabilities[:, 0]
        return Predictions(
            labels=found,
            confidence=confidence,
            probabilities=probabilities,
            raw_probabilities=raw,
            logits=logits,
            calibrated=calibrated,
            used=used,
            limited=limited,
            classes=self._classes,
            modalities=self._names,
            index=index,
            targets=self._targets,
            task=self._task,
            suspected=suspected,
            **self._sets(result, coverage),
        )

    def stream(self) -> "Stream":
        """A dialogue that grows turn by turn."""
        return Stream(self)

    def explain(
        self,
        features: Features,
        utterance: int = 0,
        speaker: Sequence[Any] | None = None,
        similar: int = 5,
    ) -> Explanation:
        """Explains one utterance of a dialogue given whole, with `similar` training utterances."""
        if self._explainer is None:
            self._explainer = _inference.Explainer(self._model)
        rows = table_of(features, self._names).features
        found = self._explainer.explain(rows, utterance, codes(speaker), similar)
        return Explanation(
            utterance=found["utterance"],
            used=tuple(found["used"]),
            outcome=self._outcome(found["outcome"]),
            outcomes=tuple(self._outcome(o) for o in found["patterns"]),
            contributions=dict(found["contributions"]),
            baseline=found["baseline"],
            similar=tuple(
                Similar(s["id"], s["dialogue"], s["transcript"], self._name(s["label"]), s["distance"])
                for s in found["similar"]
            ),
            attention={a["modality"]: dict(zip(a["turns"], a["weights"])) for a in found["attention"]},
        )

    def _name(self, label: float) -> str | float | None:
        if self._targets or label != label:
            return None
        return self._classes[int(label)] if self._classes else float(label)

    def _outcome(self, found: dict[str, Any]) -> Outcome:
        outputs = np.asarray(found["outputs"], dtype=np.float32)
        return Outcome(
            available=tuple(found["available"]),
            outputs=outputs,
            raw_outputs=np.asarray(found["raw_outputs"], dtype=np.float32),
            label=self._classes[found["label"]] if self._classes else self._label(outputs),
            confidence=found["confidence"],
            calibrated=found["calibrated"],
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as the path of its file: worker processes map it again."""
        return (Model, (self.file,))

    def __repr__(self) -> str:
        if not hasattr(self, "_names"):
            return "<hardy.Model that was not loaded>"
        parts = ", ".join(f"{m.name} {m.width}" for m in self._modalities)
        what = {"class": f"classes {list(self._classes)}", "value": "a value"}.get(
            self._task, f"{self._task} {list(self._targets)}")
        return f"<hardy.Model of {self.method} ({self.track}), reads {parts}; predicts {what}>"


_ONE = np.asarray([0, 1], dtype=np.int64)


class Stream:
    """A dialogue that grows turn by turn: each turn is recognised from the turns so far."""

    def __init__(self, model: Model) -> None:
        self._owner = model
        self._stream = _inference.Stream(model._model)
        self._speakers: dict[Any, int] = {}

    def add(
        self,
        features: Features,
        speaker: str | None = None,
        available: Iterable[str] | str | None = None,
        set_aside: float = 0.0,
    ) -> Prediction:
        """Appends a turn and recognises it; arguments as for Model.predict. When it raises, nothing
        was appended. A coverage holds for whole dialogues only and is not offered here."""
        known = codes([speaker])  # None, NaN and "" are unknown
        number = -1
        if known is not None and known[0] >= 0:
            number = self._speakers.get(speaker, len(self._speakers))
        if available is not None:
            available = _named(available)
        turn = table_of(features, self._owner._names).features
        result = self._stream.add(turn, number, available, set_aside)
        if number >= 0:
            self._speakers[speaker] = number
        return self._owner._one(result)

    def __len__(self) -> int:
        return len(self._stream)

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _named(available: Iterable[str] | str) -> list[str]:
    names = [available] if isinstance(available, str) else list(available)
    return [checked(n, "available") if isinstance(n, str) else n for n in names]


def load(file: str | os.PathLike[str]) -> Model:
    """Loads a model file (`mosi/models/unified-fold0-seed1.safetensors`), or of a run folder the
    model that `hardy predict` takes: its only one, else the unified one (or the specialist of all
    modalities) of the first fold and the smallest seed."""
    path = os.fsdecode(encoded(file))
    if os.path.isdir(path):
        from .runs import Run

        return Run(path).model()
    return Model(path)
