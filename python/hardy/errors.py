"""Exceptions of hardy. A message says what happened, with which value, where, and what to do."""

from __future__ import annotations

import re

# "corpus/labels.csv:12: what", "run/models/a.safetensors: what", "labels.csv, row 3: what"
_PLACE = re.compile(r"^(?P<file>[^\s:]*[./][^\s:,]*)(?::(?P<line>\d+)|, (?P<record>[^:;]+))?: ")


class Error(Exception):
    """Base of everything that a caller or a file can cause."""

    remedy: str = ""
    """What to do about it; empty where the message says it in one with what happened."""
    context: tuple[str, ...] = ()
    """What was being done or read, outermost first, e.g. ("fold 2, seed 1: unified",)."""

    def __init__(self, message: str = "", remedy: str = "") -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        if remedy:
            self.remedy = remedy
        elif "; " in message:
            self.remedy = message.rsplit("; ", 1)[1]

    @property
    def message(self) -> str:
        """The whole message."""
        return str(self.args[0]) if self.args else ""

    @property
    def file(self) -> str:
        """The file that the message is about; empty when it names none."""
        found = _PLACE.match(self.message)
        return found["file"] if found else ""

    @property
    def record(self) -> str:
        """Line or record of that file; empty when the message names none."""
        found = _PLACE.match(self.message)
        return (found["line"] or found["record"] or "") if found else ""


class ConfigError(Error, ValueError):
    """An option, a setting or a name is unknown, out of range or contradictory."""


class DataError(Error, ValueError):
    """Data is missing, malformed or inconsistent; the message names file, record and remedy."""


class ShapeError(DataError):
    """Sizes disagree; the message names both."""


class ArtifactError(Error):
    """A model, run folder or cache entry is truncated, damaged or of an unsupported version."""


class DivergenceError(Error, ArithmeticError):
    """Training produced NaN or infinity; the message names stage, fold and epoch."""


class IoError(Error, OSError):
    """The operating system refused to read or write."""


class TrainingUnavailable(Error, ImportError):
    """This installation has no training components (they link libtorch)."""


class InternalError(RuntimeError):
    """An invariant of hardy is broken: please report it."""


__all__ = [
    "ArtifactError",
    "ConfigError",
    "DataError",
    "DivergenceError",
    "Error",
    "InternalError",
    "IoError",
    "ShapeError",
    "TrainingUnavailable",
]
