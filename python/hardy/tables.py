"""Features in the forms that callers have: mappings, DataFrames, corpora."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from .errors import ConfigError, DataError, ShapeError

# Columns of Corpus.to_pandas() that are no features.
_DESCRIBING = ("id", "dialogue", "position", "speaker", "group", "split", "transcript", "label")


@dataclass(frozen=True, slots=True)
class Table:
    """Features by modality, with what a DataFrame or a corpus says of its rows."""

    features: dict[str, Any]
    dialogue: Sequence[Any] | None = None
    speaker: Sequence[Any] | None = None
    index: Any = None


def codes(values: Sequence[Any] | np.ndarray | None) -> np.ndarray | None:
    """Equal values get equal numbers; None, NaN and an empty text are unknown, -1."""
    if values is None:
        return None
    known: dict[Any, int] = {}
    try:
        listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
        unknown = [v is None or (isinstance(v, str) and not v)
                   or (not isinstance(v, np.ndarray) and v != v) for v in listed]
        numbers = [-1 if u else known.setdefault(v, len(known)) for u, v in zip(unknown, listed)]
    except (TypeError, ValueError):
        raise DataError("speaker: expected one name or number per utterance") from None
    return np.asarray(numbers, dtype=np.int64)


def offsets(dialogues: Sequence[Any] | np.ndarray | None, rows: int) -> np.ndarray:
    """First row of each run of equal dialogue names, and the number of rows at the end."""
    if dialogues is None:  # every utterance stands alone
        return np.arange(rows + 1, dtype=np.int64)
    if isinstance(dialogues, str):
        return np.asarray([0, rows], dtype=np.int64)
    try:
        names = dialogues.tolist() if isinstance(dialogues, np.ndarray) else list(dialogues)
        starts = [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]
        distinct = len({names[i] for i in starts})
    except (TypeError, ValueError):
        raise DataError("dialogue: expected one name or number per utterance") from None
    if len(names) != rows:
        raise ShapeError(f"dialogue: {len(names)} names for {rows} utterances")
    if distinct != len(starts):
        seen: set[Any] = set()
        for i in starts:
            if names[i] in seen:
                raise DataError(f"dialogue {names[i]!r} is interrupted: row {i} begins it again",
                                "sort the rows so that a dialogue's utterances follow each other")
            seen.add(names[i])
    return np.asarray([*starts, rows], dtype=np.int64)


def rows_of(features: Mapping[str, Any]) -> int | None:
    """Number of utterances, or None for arrays of one dimension: a single utterance."""
    for name, value in features.items():
        if value is None:
            continue
        try:
            shape = value.shape if isinstance(value, np.ndarray) else np.shape(value)
        except ValueError:
            raise DataError(f"features of {name!r} are no array of numbers") from None
        return int(shape[0]) if len(shape) > 1 else None
    return None


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "iloc")


def _block(frame: Any, modality: str, columns: list[str]) -> np.ndarray:
    """[n, width] of one modality. Numbered columns are read in the order of their numbers."""
    endings = [str(c)[len(modality) + 1:] for c in columns]
    if all(e.isdecimal() for e in endings):
        numbers = sorted(int(e) for e in endings)
        if numbers not in (list(range(len(numbers))), list(range(1, len(numbers) + 1))):
            raise DataError(f"the columns of {modality!r} are numbered with gaps",
                            f"give all of {modality}.0, {modality}.1, ...")
        columns = [c for _, c in sorted(zip(map(int, endings), columns))]
    try:
        return frame[columns].to_numpy(dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"features of {modality!r} are no numbers: {error}") from None


def _of_frame(frame: Any, modalities: Sequence[str]) -> Table:
    if getattr(frame.columns, "nlevels", 1) > 1:
        first = list(dict.fromkeys(frame.columns.get_level_values(0)))
        features = {m: frame[m].to_numpy(dtype=np.float32) for m in first if m not in _DESCRIBING}
        describing = {d: frame[d].iloc[:, 0].tolist() for d in first if d in _DESCRIBING}
    else:
        blocks: dict[str, list[str]] = {}
        for column in frame.columns:
            head, dot, _ = str(column).rpartition(".")
            if dot:
                blocks.setdefault(head, []).append(column)
        for head in blocks:
            if head not in modalities:
                near = difflib.get_close_matches(head, modalities, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(modalities)}"
                raise ConfigError(f"columns {head + '.*'!r} belong to no modality of the model", hint)
        features = {m: _block(frame, m, c) for m, c in blocks.items()}
        describing = {d: frame[d].tolist() for d in _DESCRIBING if d in frame.columns}
    if not features:
        raise DataError("the DataFrame has no column of features",
                        f"name them {modalities[0]}.0, {modalities[0]}.1, ... or use two levels")
    return Table(features, describing.get("dialogue"), describing.get("speaker"), frame.index)


def _of_corpus(corpus: Any) -> Table:
    features = {}
    for modality in corpus.modalities:
        values, present = corpus.features(modality.name), corpus.present(modality.name)
        if not present.all():
            values = np.where(present[:, None], values, np.float32("nan"))
        features[modality.name] = values
    columns = corpus._corpus.columns()
    return Table(features, columns["dialogue"], columns["speaker"])


def table_of(features: Any, modalities: Sequence[str]) -> Table:
    """Any accepted form as a Table. Raises DataError for anything else."""
    if _is_frame(features):
        return _of_frame(features, modalities)
    if hasattr(features, "_corpus"):
        return _of_corpus(features)
    try:
        return Table(dict(features))
    except (TypeError, ValueError):
        raise DataError(
            f"features are of type {type(features).__name__}",
            "pass a mapping (modality -> array), a DataFrame or a hardy.Corpus") from None
