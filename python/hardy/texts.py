"""Texts and paths on their way to C++, which holds UTF-8 and ends a path at its first zero byte."""

from __future__ import annotations

import os

from .errors import ConfigError, DataError


def checked(text: str, what: str) -> str:
    """The text, or DataError where it is no UTF-8 (a lone surrogate, as os.fsdecode makes them)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{what}: {ascii(text)} is not valid UTF-8") from None
    return text


def encoded(path: str | bytes | os.PathLike[str]) -> bytes:
    """The bytes of a path, whatever its encoding. Raises ConfigError for a zero byte."""
    try:
        found = os.fsencode(path)
    except UnicodeEncodeError:
        raise ConfigError(f"{ascii(path)} is no path") from None
    if b"\0" in found:
        raise ConfigError(f"{ascii(path)} is no path: it contains a zero byte")
    return found
