"""Every setting as typed classes, made from the same declaration as the program's.

    config = hardy.settings.Settings(preset="quick")
    config.hardymer.retrieval.k = 3
    config.assignments()         # ["hardymer.retrieval.k=3"]
"""

from __future__ import annotations

import difflib
import functools
import json
import numbers
import operator
import os
from typing import Any, Iterable, Mapping

import numpy as np

from . import _data
from .errors import ConfigError
from .texts import checked


def _parse(text: str, kind: str) -> Any:
    if kind == "text":
        return text.strip('"')
    if kind == "boolean":
        return text == "true"
    if kind == "integers":
        return [int(x) for x in text.strip("[]").split(",") if x.strip()]
    return int(text) if kind == "integer" else float(text)


def integers(values: Iterable[Any] | Any, name: str) -> list[int]:
    """Whole numbers of one number or several. Raises ConfigError for anything else, also for 1.5."""
    try:
        return [operator.index(values)]
    except TypeError:
        pass
    try:
        return [operator.index(v) for v in values]
    except TypeError:
        raise ConfigError(f"{name}: whole numbers are expected, not {values!r}") from None


def _whole(text: str, key: str) -> str:
    if "\0" in text:
        raise ConfigError(f"{key}: {text!r} contains a zero byte")
    return checked(text, key)


def _text(key: str, value: Any, kind: str) -> str:
    """A value as `--set` takes it. Raises ConfigError for one of another type."""
    if isinstance(value, str):
        return _whole(value, key)
    if kind == "boolean" and isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if kind == "integers":
        return json.dumps(integers(value, key))
    if kind == "text" and isinstance(value, os.PathLike):
        return _whole(os.fspath(value), key)
    is_number = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if kind == "integer" and is_number:
        return str(integers(value, key)[0])
    if kind == "number" and is_number:
        return repr(float(value))
    raise ConfigError(f"{key}: {value!r} is not of type {kind}")


@functools.lru_cache(maxsize=None)
def _preset_values(preset: str) -> dict[str, str]:
    return _data.preset_values(preset)


class Section:
    """Settings of one section. An unknown name raises ConfigError with the nearest one, a value of
    another type or out of range at once, too. What is not set reads as the preset has it."""

    _fields: dict[str, dict[str, Any]] = {}
    _sections: dict[str, type["Section"]] = {}
    _prefix = ""

    def __init__(self, **values: Any) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_inner", {n: s() for n, s in self._sections.items()})
        self._have_root(self)
        for name, value in values.items():
            setattr(self, name, value)

    def _have_root(self, root: "Section") -> None:
        """`root` is the section that knows the preset."""
        object.__setattr__(self, "_root", root)
        for section in self._inner.values():
            section._have_root(root)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._inner:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{self._prefix}{name} is a section; set its fields or give a mapping")
            for key, item in value.items():
                setattr(self._inner[name], key, item)
            return
        if name not in self._fields:
            self._unknown(name)
        text = _text(self._prefix + name, value, self._fields[name]["type"])
        if self._prefix + name == "preset":
            _preset_values(text)
        else:
            _data.check_setting(f"{self._prefix}{name}={text}")
        self._values[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._inner:
            return self._inner[name]
        if name not in self._fields:
            self._unknown(name)
        if name in self._values:
            return self._values[name]
        preset = self._root._values.get("preset", "default")
        return _parse(_preset_values(preset)[self._prefix + name], self._fields[name]["type"])

    def __dir__(self) -> list[str]:
        return sorted([*object.__dir__(self), *self._fields, *self._sections])

    def _unknown(self, name: str) -> None:
        known = [*self._fields, *self._sections]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {self._prefix}{near[0]}?" if near else f"; known: {', '.join(sorted(known))}"
        raise ConfigError(f"unknown setting {self._prefix}{name}{hint}")

    def assignments(self) -> list[str]:
        """What differs from the preset, as `hardy run --set` takes it."""
        own = [f"{self._prefix}{n}={_text(self._prefix + n, v, self._fields[n]['type'])}"
               for n, v in self._values.items()]
        return own + [a for s in self._inner.values() for a in s.assignments()]

    @classmethod
    def help(cls, name: str = "") -> str:
        """Meaning, range, default and effect of one setting, or of all of this section."""
        if name and name not in cls._fields:
            cls()._unknown(name)
        rows = [cls._fields[name]] if name else list(cls._fields.values())
        return "\n".join(
            f"{r['key']} ({r['type']}, {r['range']}; default {r['default']}): {r['meaning']} {r['effect']}"
            for r in rows
        )

    def __repr__(self) -> str:
        return f"<settings {self._prefix or 'of a run'}: {', '.join(self.assignments()) or 'as the preset'}>"


def _make_class(prefix: str, fields: Iterable[dict[str, Any]]) -> type[Section]:
    own: dict[str, dict[str, Any]] = {}
    deeper: dict[str, list[dict[str, Any]]] = {}
    for field in fields:
        head, _, rest = field["key"][len(prefix):].partition(".")
        if rest:
            deeper.setdefault(head, []).append(field)
        else:
            own[head] = field
    sections = {n: _make_class(f"{prefix}{n}.", f) for n, f in deeper.items()}
    title = "".join(p.title() for p in prefix.replace(".", "_").split("_")) or "Settings"
    body = {
        "_fields": own,
        "_sections": sections,
        "_prefix": prefix,
        "__doc__": "\n".join(f"{n}: {f['meaning']}" for n, f in own.items()),
    }
    return type(title, (Section,), body)


Settings: type[Section] = _make_class("", _data.fields())


def assignments_of(config: Any) -> tuple[str, list[str]]:
    """(preset, assignments) of Settings, of a mapping ({"run": {"jobs": 2}} or {"run.jobs": 2})
    or of None. Raises ConfigError for unknown names."""
    if config is None:
        return "default", []
    if not isinstance(config, Section):
        settings = Settings()
        try:
            given = dict(config)
        except (TypeError, ValueError):
            raise ConfigError(f"config is of type {type(config).__name__}",
                              "pass hardy.settings.Settings or a mapping") from None
        for key, value in given.items():
            target: Any = settings
            *path, last = str(key).split(".")
            for part in path:
                if part not in target._inner:
                    target._unknown(part)
                target = target._inner[part]
            setattr(target, last, value)
        config = settings
    pairs = config.assignments()
    preset = "default"
    for pair in list(pairs):
        if pair.startswith("preset="):
            preset = pair.split("=", 1)[1]
            pairs.remove(pair)
    return preset, pairs
