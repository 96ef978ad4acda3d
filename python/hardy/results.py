"""What predictions and explanations look like in Python."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterator, Sequence

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def _bar(share: float) -> str:
    width = max(0.0, min(1.0, float(share))) * 100
    return (
        f'<div style="background:#4c78a8;height:.8em;width:{width:.0f}px;'
        f'display:inline-block" title="{share:.3f}"></div>'
    )


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one utterance."""

    label: str | float
    """Name of the most probable class, or the value."""
    confidence: float
    """Calibrated probability of that class in (0, 1]; for a value its expected error, 0 = unknown."""
    probabilities: np.ndarray
    """[C] calibrated class probabilities that sum to 1; for a value [1], the value."""
    raw_probabilities: np.ndarray
    """[C] softmax(logits), before calibration; for a value [1], the value."""
    logits: np.ndarray
    """[C] outputs of the network before calibration."""
    calibrated: bool
    """Whether a calibration of this set of modalities was fitted."""
    used: tuple[str, ...]
    """The modalities that were there and were used."""
    classes: tuple[str, ...] = ()
    """[C] names of the classes; empty for a value."""

    def __getitem__(self, name: str) -> float:
        """Probability of a class by name."""
        try:
            return float(self.probabilities[self.classes.index(name)])
        except ValueError:
            raise KeyError(f"{name!r} is no class of this model; it has {list(self.classes)}") from None

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{value:.3f}</td><td>{_bar(value)}</td></tr>"
            for name, value in zip(self.classes, self.probabilities)
        )
        title = html.escape(str(self.label))
        used = html.escape(", ".join(self.used))
        return f"<b>{title}</b> (confidence {self.confidence:.3f}; from {used})<table>{rows}</table>"


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers for n utterances, as arrays."""

    labels: np.ndarray
    """[n] names of the most probable classes, or values (float32)."""
    confidence: np.ndarray
    """[n] float32, as Prediction.confidence."""
    probabilities: np.ndarray
    """[n, C] float32, calibrated; for values [n, 1]."""
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

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Prediction:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        label = self.labels[index]
        return Prediction(
            label=str(label) if self.classes else float(label),
            confidence=float(self.confidence[index]),
            probabilities=self.probabilities[index],
            raw_probabilities=self.raw_probabilities[index],
            logits=self.logits[index],
            calibrated=bool(self.calibrated[index]),
            used=tuple(m for m, there in zip(self.modalities, self.used[index]) if there),
            classes=self.classes,
        )

    def __iter__(self) -> Iterator[Prediction]:
        return (self[i] for i in range(len(self)))

    def to_pandas(self, index: Sequence[Any] | None = None) -> "pd.DataFrame":
        """One row per utterance: label, confidence, calibrated, p.<class>, used.<modality>."""
        import pandas as pd

        columns: dict[str, Any] = {
            "label": self.labels,
            "confidence": self.confidence,
            "calibrated": self.calibrated,
        }
        for c, name in enumerate(self.classes):
            columns[f"p.{name}"] = self.probabilities[:, c]
        for m, name in enumerate(self.modalities):
            columns[f"used.{name}"] = self.used[:, m]
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
    label: str | float
    confidence: float
    calibrated: bool


@dataclass(frozen=True, slots=True)
class Similar:
    """A similar training utterance."""

    id: str
    dialogue: str
    transcript: str
    label: str | float
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
