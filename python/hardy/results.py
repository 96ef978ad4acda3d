"""What predictions and explanations look like in Python."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterator, Sequence, Union

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def _bar(share: float) -> str:
    width = max(0.0, min(1.0, float(share))) * 100
    return (
        f'<div style="background:#4c78a8;height:.8em;width:{width:.0f}px;'
        f'display:inline-block" title="{share:.3f}"></div>'
    )


Label = Union[str, float, "tuple[str, ...]", "dict[str, float]"]
"""Name of the most probable class; a value; of several labels the names of those that are more
probable than not; of several values each by its name."""


def label_of(task: str, outputs: np.ndarray, names: Sequence[str]) -> Label:
    """The label of a model that predicts no class. `outputs` [T] and their `names`."""
    if task == "labels":
        return tuple(name for name, share in zip(names, outputs) if share > 0.5)
    if task == "values":
        return {name: float(value) for name, value in zip(names, outputs)}
    return float(outputs[0])


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one utterance."""

    label: Label
    """Name of the most probable class, or the value; see `Label` for several."""
    confidence: float
    """Calibrated probability of that class in (0, 1]; for a value its expected error, 0 = unknown."""
    probabilities: np.ndarray
    """[C] calibrated class probabilities that sum to 1; [T] the probability of each of several
    labels; for one value [1] or several [T], the values."""
    raw_probabilities: np.ndarray
    """[C] softmax(logits), before calibration; without classes the same as `probabilities`."""
    logits: np.ndarray
    """[C] outputs of the network before calibration."""
    calibrated: bool
    """Whether a calibration of this set of modalities was fitted."""
    used: tuple[str, ...]
    """The modalities that were there and were used."""
    classes: tuple[str, ...] = ()
    """[C] names of the classes; empty without classes."""
    targets: tuple[str, ...] = ()
    """[T] names of several labels or values, else empty."""
    set: tuple[str, ...] | None = None
    """With a coverage: the classes that hold the truth of that share of utterances, the most
    probable first; every class where nothing can be promised."""
    interval: tuple[float, float] | None = None
    """Likewise the lowest and the highest value; infinite where nothing can be promised."""
    promised: bool | None = None
    """With a coverage: whether it is promised for these modalities."""
    suspected: tuple[str, ...] | None = None
    """With a rate of `set_aside`: the modalities that look damaged. They were not used, unless
    nothing else was left."""

    def __getitem__(self, name: str) -> float:
        """Probability of a class or label by name; of several values the value."""
        names = self.classes or self.targets
        try:
            return float(self.probabilities[names.index(name)])
        except ValueError:
            raise KeyError(f"{name!r} is no output of this model; it has {list(names)}") from None

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{value:.3f}</td><td>{_bar(value)}</td></tr>"
            for name, value in zip(self.classes or self.targets, self.probabilities)
        )
        label = self.label
        title = html.escape(
            ", ".join(label) or "none" if isinstance(label, tuple) else str(label))
        used = html.escape(", ".join(self.used))
        sure = f"confidence {self.confidence:.3f}; " if self.classes else ""
        return f"<b>{title}</b> ({sure}from {used})<table>{rows}</table>"


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers for n utterances, as arrays."""

    labels: np.ndarray
    """[n] names of the most probable classes, or values (float32); [n, T] whether each of several
    labels is more probable than not (bool), or several values (float32)."""
    confidence: np.ndarray
    """[n] float32, as Prediction.confidence."""
    probabilities: np.ndarray
    """[n, C] float32, calibrated; [n, T] of several labels; for values [n, 1] or [n, T]."""
    raw_probabilities: np.ndarray
    """[n, C] float32, before calibration."""
    logits: np.ndarray
    """[n, C] float32, before calibration."""
    calibrated: np.ndarray
    """[n] bool."""
    used: np.ndarray
    """[n, M] bool, columns in the order of `modalities`."""
    limited: np.ndarray
    """[n, M] features outside of the range that training saw, which were cut to it."""
    classes: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    index: Any = None
    """Index of the DataFrame that was predicted; None for other input."""
    targets: tuple[str, ...] = ()
    """[T] names of several labels or values, else empty."""
    task: str = "class"
    """"class", "value", "labels" or "values"."""
    sets: np.ndarray | None = None
    """[n, C] bool, with a coverage: whether the class belongs to the set, as Prediction.set."""
    intervals: np.ndarray | None = None
    """[n, 2] float64, as Prediction.interval."""
    promised: np.ndarray | None = None
    """[n] bool, as Prediction.promised."""
    suspected: np.ndarray | None = None
    """[n, M] bool, as Prediction.suspected, columns in the order of `modalities`."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Prediction:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        label = (str(self.labels[index]) if self.classes
                 else label_of(self.task, self.probabilities[index], self.targets))
        return Prediction(
            label=label,
            confidence=float(self.confidence[index]),
            probabilities=self.probabilities[index],
            raw_probabilities=self.raw_probabilities[index],
            logits=self.logits[index],
            calibrated=bool(self.calibrated[index]),
            used=self._names(self.used[index]),
            classes=self.classes,
            targets=self.targets,
            set=self._set(index),
            interval=self._interval(index),
            promised=None if self.promised is None else bool(self.promised[index]),
            suspected=None if self.suspected is None else self._names(self.suspected[index]),
        )

    def _names(self, there: np.ndarray) -> tuple[str, ...]:
        return tuple(m for m, is_there in zip(self.modalities, there) if is_there)

    def _interval(self, index: int) -> tuple[float, float] | None:
        if self.intervals is None:
            return None
        low, high = self.intervals[index]
        return float(low), float(high)

    def _set(self, index: int) -> tuple[str, ...] | None:
        if self.sets is None:
            return None
        order = np.argsort(-self.raw_probabilities[index], kind="stable")
        return tuple(self.classes[c] for c in order if self.sets[index, c])

    def __iter__(self) -> Iterator[Prediction]:
        return (self[i] for i in range(len(self)))

    def to_pandas(self, index: Sequence[Any] | None = None) -> "pd.DataFrame":
        """One row per utterance: label, confidence, calibrated, p.<class>, used.<modality>; of
        several labels label:<name> and p.<name> instead, of several values label:<name>. With a
        coverage also promised, and set.<class> or low and high; with a rate of set_aside also
        suspected.<modality>."""
        import pandas as pd

        columns: dict[str, Any] = {}
        if self.targets:
            columns.update({f"label:{t}": self.labels[:, i] for i, t in enumerate(self.targets)})
        else:
            columns = {"label": self.labels, "confidence": self.confidence}
        columns["calibrated"] = self.calibrated
        for c, name in enumerate(self.targets if self.task == "labels" else self.classes):
            columns[f"p.{name}"] = self.probabilities[:, c]
        for m, name in enumerate(self.modalities):
            columns[f"used.{name}"] = self.used[:, m]
        if self.suspected is not None:
            for m, name in enumerate(self.modalities):
                columns[f"suspected.{name}"] = self.suspected[:, m]
        if self.promised is not None:
            columns["promised"] = self.promised
        if self.sets is not None:
            columns.update({f"set.{c}": self.sets[:, i] for i, c in enumerate(self.classes)})
        if self.intervals is not None:
            columns.update(low=self.intervals[:, 0], high=self.intervals[:, 1])
        return pd.DataFrame(columns, index=self.index if index is None else index)

    def _repr_html_(self) -> str:
        return self.to_pandas().head(20)._repr_html_() + f"<p>{len(self)} utterances</p>"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model says with some of the utterance's modalities, the rest of its dialogue unchanged."""

    available: tuple[str, ...]
    outputs: np.ndarray
    """[C] calibrated probabilities, or [1] the value."""
    raw_outputs: np.ndarray
    """[C] probabilities before calibration, or [1] the value."""
    label: Label
    confidence: float
    calibrated: bool


@dataclass(frozen=True, slots=True)
class Similar:
    """A similar training utterance."""

    id: str
    dialogue: str
    transcript: str
    label: str | float | None
    """Its class or value; None where it has several or is not labelled."""
    distance: float
    """Mean Euclidean distance over shared modalities, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the model gives this label."""

    utterance: int
    used: tuple[str, ...]
    outcome: Outcome
    outcomes: tuple[Outcome, ...]
    """Under every non-empty subset of `used`."""
    contributions: dict[str, float]
    """Shapley value of each modality for the probability of the predicted class (or the value)."""
    baseline: float
    """The same output when nothing of the utterance is available."""
    similar: tuple[Similar, ...] = ()
    attention: dict[str, dict[int, float]] = field(default_factory=dict)
    """By modality: weight of each turn of the dialogue that has it; the weights sum to 1."""

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{value:+.3f}</td><td>{_bar(abs(value))}</td></tr>"
            for name, value in self.contributions.items()
        )
        return f"<b>{html.escape(str(self.outcome.label))}</b><table>{rows}</table>"


@dataclass(frozen=True, slots=True)
class Calibration:
    """How outputs become confidence under one set of modalities; fitted on validation utterances."""

    available: tuple[str, ...]
    utterances: int
    temperature: float
    expected_error: float
    """Classes: expected calibration error in [0, 1]; values: root of the mean squared error."""


@dataclass(frozen=True, slots=True)
class Modality:
    """One modality that a model reads."""

    name: str
    width: int
