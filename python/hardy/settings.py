"""Every setting as typed classes, made from the same declaration as the program's.

    config = hardy.settings.Settings(preset="quick")
    config.hardymer.retrieval.k = 3
    config.assignments()         # ["hardymer.retrieval.k=3"]
"""

from __future__ import annotations

import difflib
import json
from typing import Any, Iterable, Mapping

from . import _data
from .errors import ConfigError


def _parse(text: str, kind: str) -> Any:
    if kind == "text":
        return text.strip('"')
    if kind == "boolean":
        return text == "true"
    if kind == "integers":
        return [int(x) for x in text.strip("[]").split(",") if x.strip()]
    return int(text) if kind == "integer" else float(text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, range)):
        return json.dumps([int(x) for x in value])
    return str(value)


class Section:
    """Settings of one section; unknown names raise ConfigError with the nearest one."""

    _fields: dict[str, dict[str, Any]] = {}
    _sections: dict[str, type["Section"]] = {}
    _prefix = ""

    def __init__(self, **values: Any) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_inner", {n: s() for n, s in self._sections.items()})
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._inner:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{self._prefix}{name} is a section; set its fields or give a mapping")
            for key, item in value.items():
                setattr(self._inner[name], key, item)
            return
        if name not in self._fields:
            self._unknown(name)
        self._values[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._inner:
            return self._inner[name]
        if name not in self._fields:
            self._unknown(name)
        return self._values.get(name, self._fields[name]["value"])

    def __dir__(self) -> list[str]:
        return sorted([*object.__dir__(self), *self._fields, *self._sections])

    def _unknown(self, name: str) -> None:
        known = [*self._fields, *self._sections]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {self._prefix}{near[0]}?" if near else f"; known: {', '.join(sorted(known))}"
        raise ConfigError(f"unknown setting {self._prefix}{name}{hint}")

    def assignments(self) -> list[str]:
        """What differs from the preset, as `hardy run --set` takes it."""
        own = [f"{self._prefix}{n}={_text(v)}" for n, v in self._values.items()]
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
            own[head] = {**field, "value": _parse(field["default"], field["type"])}
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
        for key, value in dict(config).items():
            target: Any = settings
            *path, last = str(key).split(".")
            for part in path:
                target = getattr(target, part)
            setattr(target, last, value)
        config = settings
    pairs = config.assignments()
    preset = "default"
    for pair in list(pairs):
        if pair.startswith("preset="):
            preset = pair.split("=", 1)[1]
            pairs.remove(pair)
    return preset, pairs
