"""Exceptions of hardy. Every message says what happened, with which value, where, and what to do."""

from __future__ import annotations


class Error(Exception):
    """Base of everything that a caller or a file can cause."""

    remedy: str = ""
    """What to do about it, where the message does not end with that."""
    context: tuple[str, ...] = ()
    """What was being done or read, outermost first, e.g. ("corpus/labels.pkl",)."""

    @property
    def message(self) -> str:
        """The whole message."""
        return str(self.args[0]) if self.args else ""


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
