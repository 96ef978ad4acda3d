"""Methods written in Python, which take part in `hardy.compare` under the same protocol."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from .errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Batch:
    """Some utterances, dialogue after dialogue, in order."""

    features: dict[str, np.ndarray]
    """Modality -> [n, width] float32, standardised with the training part; a row of NaN = absent."""
    labels: np.ndarray | None
    """[n] class numbers or values, NaN = not labelled; [n, T] several labels or values, a row of NaN =
    not labelled; None at prediction. Use `class_labels` for integers."""
    dialogues: np.ndarray
    """[n] number of the dialogue."""
    speakers: list[str]
    """[n] "" = unknown."""
    ids: list[str]
    shares: np.ndarray | None = None
    """[n, C] share of the raters that chose each class, where the corpus has them."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labelled(self) -> np.ndarray:
        """[n] bool: utterances that are not labelled give context, but nothing to train on."""
        if self.labels is None:
            return np.zeros(len(self), dtype=bool)
        return ~np.isnan(self.labels.reshape(len(self), -1)).any(axis=1)

    def only_labelled(self) -> "Batch":
        """Without the utterances that are not labelled."""
        rows = np.flatnonzero(self.labelled)
        return Batch(
            features={m: x[rows] for m, x in self.features.items()},
            labels=None if self.labels is None else self.labels[rows],
            dialogues=self.dialogues[rows],
            speakers=[self.speakers[i] for i in rows],
            ids=[self.ids[i] for i in rows],
            shares=None if self.shares is None else self.shares[rows],
        )

    @property
    def class_labels(self) -> np.ndarray:
        """[n] int64. Raises DataError when labels are no classes or some are missing."""
        if self.labels is None:
            raise ConfigError("labels are not given at prediction")
        missing = len(self) - int(self.labelled.sum())
        if missing:
            raise DataError(f"{missing} of {len(self)} utterances are not labelled",
                            "train on batch.only_labelled()")
        if self.labels.ndim != 1 or (self.labels != np.floor(self.labels)).any():
            raise DataError("the labels of this corpus are no classes", "use batch.labels")
        return self.labels.astype(np.int64)

    def concatenated(self) -> np.ndarray:
        """[n, sum of widths]: all modalities side by side, absent ones as zeros (their mean)."""
        return np.nan_to_num(np.concatenate(list(self.features.values()), axis=1), nan=0.0)


class Method:
    """Base class: implement `fit` and `predict`, pass an object to `hardy.compare`.

        class Mine(hardy.Method):
            name = "mine"

            def fit(self, train, validation, conditions, outputs, seed):
                return LogisticRegression().fit(train.concatenated(), train.class_labels)

            def predict(self, model, batch):
                return model.predict_proba(batch.concatenated())

    The harness gives every method the same folds, features, masks and seeds; test labels are not
    handed over.
    """

    name = ""
    """An identifier, unique among methods."""
    title = ""
    """As tables show it; the name when empty."""

    def fit(
        self,
        train: Batch,
        validation: Batch | None,
        conditions: Sequence[tuple[str, ...]],
        outputs: int,
        seed: int,
    ) -> Any:
        """Trains on complete input for use under `conditions`; returns any object.

        `outputs` is the number of classes, of several labels or values, or 1. Called once per fold, seed and model (one
        specialist per condition, or one unified model for all). Draw randomness from `seed` only.
        """
        raise NotImplementedError

    def predict(self, model: Any, batch: Batch) -> np.ndarray:
        """[n, outputs] probabilities of classes or labels, or values, of what `fit` returned."""
        raise NotImplementedError

    def _fit(self, train: dict, validation: dict | None, *rest: Any) -> Any:
        return self.fit(Batch(**train), None if validation is None else Batch(**validation), *rest)

    def _predict(self, model: Any, batch: dict) -> np.ndarray:
        return np.asarray(self.predict(model, Batch(**batch)), dtype=np.float32)

    def _code(self) -> str:
        """Checksum of the class's source, so that another version is another run."""
        try:
            text = inspect.getsource(type(self))
        except (OSError, TypeError):
            text = repr(sorted(vars(type(self))))
        return hashlib.sha256((text + repr(sorted(vars(self).items()))).encode()).hexdigest()[:16]


def register(method: Method, training: Any) -> list[str]:
    """Makes a method known to this process; returns the settings that stand for its version."""
    if not method.name.isidentifier() or method.name != method.name.lower():
        raise ConfigError(f"a method's name is a lower-case identifier, not {method.name!r}")
    training.add_method(method.name, method.title or method.name, method)
    return [f"{method.name}.code={method._code()}"]
