"""Corpora: features by modality, labels, dialogues, speakers and the official split."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from . import _data
from .errors import DataError, ShapeError
from .results import Modality
from .texts import checked, encoded

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of a corpus."""

    severity: str
    """"error" (refused when loading), "warning" or "note"."""
    kind: str
    """Stable short name of the kind of problem."""
    where: str
    """File, modality, dialogue or utterance."""
    what: str
    """What is wrong, with the value."""
    remedy: str
    """What to do."""

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.what}; {self.remedy}"


def _texts(values: Sequence[Any] | np.ndarray | None, rows: int, name: str) -> list[str]:
    if values is None:
        return [""] * rows
    if not hasattr(values, "__len__"):
        raise DataError(f"{name}: expected one value per label, got {type(values).__name__}")
    if len(values) != rows:
        raise ShapeError(f"{name}: {len(values)} values for {rows} labels")
    return ["" if v is None or (isinstance(v, float) and v != v) else checked(str(v), name)
            for v in values]


def _checked(options: Mapping[str, str]) -> dict[str, str]:
    return {k: checked(v, k) if isinstance(v, str) else v for k, v in options.items()}


def _labels(labels: Any, task: str) -> tuple[np.ndarray, list[str]]:
    """Labels as numbers (NaN = not labelled), and the names of the classes (empty for values)."""
    try:
        array = np.asarray(labels)
    except ValueError:
        raise DataError("labels: expected one per utterance, got lists of several lengths") from None
    if array.ndim != 1:
        raise ShapeError(f"labels: expected one per utterance, got shape {array.shape}")
    if task not in ("auto", "class", "value"):
        raise DataError(f"task {task!r} is none of auto, class, value",
                        "give several labels as a mapping of names to one number per utterance")
    if task == "auto":
        task = "value" if np.issubdtype(array.dtype, np.floating) else "class"
    if task == "value":
        try:
            return array.astype(np.float32), []
        except (TypeError, ValueError) as error:
            raise DataError(f"labels: values are expected: {error}") from None
    unknown = np.asarray([x is None or x == "" or x != x for x in array.tolist()], dtype=bool)
    try:
        names, codes = np.unique(array[~unknown], return_inverse=True)
    except TypeError as error:
        raise DataError(f"labels: names and numbers are mixed: {error}") from None
    numbers = np.full(len(array), np.nan, dtype=np.float32)
    numbers[~unknown] = codes
    return numbers, [checked(str(n), "labels") for n in names]


def _targets(labels: Any, task: str) -> dict[str, list[str]]:
    """Several labels as texts, "" = not labelled."""
    if task not in ("labels", "values", "shares"):
        raise DataError(f"several labels per utterance, and task is {task!r}",
                        "say what they are with task='labels', 'values' or 'shares' (of raters)")
    columns: dict[str, list[str]] = {}
    for name, values in labels.items():
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(f"labels of {name!r} are no numbers") from None
        if numbers.ndim != 1:
            raise ShapeError(f"labels of {name!r}: expected one per utterance, got {numbers.shape}")
        columns[checked(str(name), "labels")] = ["" if x != x else repr(x) for x in numbers.tolist()]
    if not columns or len({len(c) for c in columns.values()}) != 1:
        raise ShapeError("labels: expected the same number of values under every name")
    return columns


def _matrix(modality: str, values: Any) -> np.ndarray:
    if not isinstance(modality, str):
        raise DataError(f"{modality!r} is no name of a modality")
    checked(modality, "modality")
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"features of {modality!r} are no array of numbers") from None


class Corpus:
    """A corpus in memory. Immutable."""

    def __init__(self, corpus: Any) -> None:
        self._corpus = corpus

    @classmethod
    def load(cls, path: str | os.PathLike[str] = "", **options: str) -> "Corpus":
        """Reads any layout that hardy reads (docs: formats); "" is the demonstration corpus.

        Options are those of the settings' [data] section: format, labels, modalities, task.
        Raises DataError naming file, record and remedy.
        """
        return cls(_data.load(encoded(path), _checked(options)))

    @staticmethod
    def check_path(path: str | os.PathLike[str], **options: str) -> list[Finding]:
        """Every problem of a corpus on disk, errors first; also of one that cannot be loaded."""
        return [Finding(*f) for f in _data.check_path(encoded(path), _checked(options))]

    @classmethod
    def from_arrays(
        cls,
        features: Mapping[str, Any],
        labels: Any,
        dialogues: Sequence[Any] | None = None,
        speakers: Sequence[Any] | None = None,
        split: Sequence[str] | None = None,
        groups: Sequence[Any] | None = None,
        ids: Sequence[Any] | None = None,
        transcripts: Sequence[str] | None = None,
        task: str = "auto",
        name: str = "arrays",
    ) -> "Corpus":
        """Makes a corpus of arrays.

        `features`: modality -> [n, width]; a row of NaN is a modality that is really missing.
        `labels`: [n] class names or whole numbers (classes) or floats (values); `task` "class" or
        "value" decides otherwise. None, "" and NaN are not labelled: such utterances give context
        and are predicted, but neither trained on nor scored. Several labels of each utterance: a
        mapping or DataFrame of names to [n] numbers, with `task` "labels" (0 or 1), "values" or
        "shares" (how many raters chose each class). `dialogues`: [n] names; rows keep their order
        within a dialogue, which may be given in pieces; without it every utterance stands alone.
        `split`: [n] "train", "validation", "test" or "". `groups`: [n], e.g. sessions, for
        leave-one-group-out.
        """
        targets: dict[str, list[str]] = {}
        class_names: list[str] = []
        if isinstance(labels, Mapping) or hasattr(labels, "columns"):
            targets = _targets(labels, task)
            numbers = np.zeros(len(next(iter(targets.values()))), dtype=np.float32)
        else:
            numbers, class_names = _labels(labels, task)
        n = len(numbers)
        names = _texts(dialogues, n, "dialogues") if dialogues is not None else [f"d{i}" for i in range(n)]
        first: dict[str, int] = {}
        for name_of_row in names:
            first.setdefault(name_of_row, len(first))
        order = np.asarray(sorted(range(n), key=lambda i: first[names[i]]), dtype=np.int64)
        columns = {
            "id": _texts(ids, n, "ids") if ids is not None else [f"u{i}" for i in range(n)],
            "dialogue": names,
            "speaker": _texts(speakers, n, "speakers"),
            "group": _texts(groups, n, "groups"),
            "split": _texts(split, n, "split"),
            "transcript": _texts(transcripts, n, "transcripts"),
        }
        if not isinstance(features, Mapping):
            raise DataError(f"features are of type {type(features).__name__}",
                            "pass a mapping of modalities to arrays [n, width]")
        arrays = {m: _matrix(m, x) for m, x in features.items()}
        for m, x in arrays.items():
            if x.ndim != 2 or len(x) != n:
                raise ShapeError(f"features of {m!r}: shape {x.shape}; expected [{n}, width]")
        is_sorted = bool(np.all(order == np.arange(n)))
        rows = {k: v if is_sorted else [v[i] for i in order] for k, v in columns.items()}
        if not is_sorted:
            arrays = {m: x[order] for m, x in arrays.items()}
            numbers = numbers[order]
            targets = {t: [v[i] for i in order] for t, v in targets.items()}
        rows["label"] = numbers.tolist()
        return cls(_data.from_arrays(name, arrays, rows, class_names, targets, task))

    @property
    def name(self) -> str:
        """Its name in tables and reports."""
        return self._corpus.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty where labels are values."""
        return tuple(self._corpus.class_names)

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of several labels or values, else empty."""
        return tuple(self._corpus.target_names)

    @property
    def task(self) -> str:
        """What its labels are: "class", "value", "labels" (several) or "values" (several)."""
        return self._corpus.task

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Names and widths."""
        return tuple(Modality(n, w) for n, w in self._corpus.modalities)

    @property
    def is_synthetic(self) -> bool:
        """Whether it was drawn by a generator."""
        return self._corpus.is_synthetic

    @property
    def checksum(self) -> str:
        """SHA-256 of everything that influences results."""
        return self._corpus.checksum

    def __len__(self) -> int:
        return len(self._corpus)

    def features(self, modality: str) -> np.ndarray:
        """[n, width] float32, not copied, read-only; rows of missing modalities are zeros."""
        return self._corpus.features(modality)

    def present(self, modality: str) -> np.ndarray:
        """[n] bool: whether the utterance has the modality."""
        return self._corpus.present(modality)

    @property
    def labels(self) -> np.ndarray:
        """[n] class names (None = not labelled), or values (NaN = not labelled); [n, T] of several
        labels (0 or 1) or values, in the order of `targets`."""
        if self.targets:
            return self._corpus.targets()
        numbers = np.asarray(self._corpus.columns()["label"], dtype=np.float32)
        if not self.classes:
            return numbers
        names = [None if x != x else self.classes[int(x)] for x in numbers.tolist()]
        return np.asarray(names, dtype=object if None in names else None)

    @property
    def shares(self) -> np.ndarray | None:
        """[n, C] share of the raters that chose each class (NaN = not labelled); None without."""
        return self._corpus.shares()

    def check(self) -> list[Finding]:
        """Unusual but usable contents: constant features, rare classes, speakers on both sides, ..."""
        return [Finding(*f) for f in self._corpus.check()]

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the plain form: a table, one array per modality. The folder must be new or empty."""
        self._corpus.save(encoded(folder))

    def to_pandas(self, features: bool = False) -> "pd.DataFrame":
        """One row per utterance: id, dialogue, position, speaker, group, split, transcript, label
        (several: label:<name>; raters: share:<class>; the value behind a binary label: value); with
        `features` also acoustic.0, acoustic.1, ... (NaN where a modality is missing)."""
        import pandas as pd

        frame = pd.DataFrame(self._corpus.columns())
        if self.targets:
            frame = frame.drop(columns="label")
            for t, name in enumerate(self.targets):
                frame[f"label:{name}"] = self.labels[:, t]
        else:
            frame["label"] = self.labels
        if self.shares is not None:
            for c, name in enumerate(self.classes):
                frame[f"share:{name}"] = self.shares[:, c]
        if self._corpus.values() is not None:
            frame["value"] = self._corpus.values()
        if not features:
            return frame
        blocks = [frame]
        for modality in self.modalities:
            values = pd.DataFrame(self.features(modality.name).copy(), columns=[
                f"{modality.name}.{i}" for i in range(modality.width)])
            values[~self.present(modality.name)] = float("nan")
            blocks.append(values)
        return pd.concat(blocks, axis=1)

    def __repr__(self) -> str:
        parts = ", ".join(f"{m.name} {m.width}" for m in self.modalities)
        made = ", synthetic" if self.is_synthetic else ""
        return f"<hardy.Corpus {self.name}: {len(self)} utterances; {parts}{made}>"
