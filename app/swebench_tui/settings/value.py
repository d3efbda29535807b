"""Values of settings: parsed from text, validated against the definitions, and redacted for display."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from msgspec import inspect

from swebench_providers.redaction import (
    MASK,
    contains_secret_word,
    is_secret_setting,
    mask_keys,
    may_be_a_key,
    without_credentials,
)
from swebench_tui.settings.definitions import USER_ONLY
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.schema import NAME, bare, describe_type, is_open, kind_at, leaves, root, with_name
from swebench_tui.settings.toml_positions import SettingPath, TomlPath, dotted

_INVALID: Final = object()
_NO_KEYS_HERE: Final = "Keys do not belong in this file."
_NOT_IN_PROJECT: Final = (
    "It is ignored, because whoever wrote the project could run commands or see what is sent. "
    "Set it in your own settings file (`swebench-tui settings path`)."
)
_KEY_SYNTAX: Final = 'Write it as providers.openai.model; quote a name that contains a dot, as in headers."X.Y".'
_ELLIPSIS: Final = "…"
_MAX_SHOWN: Final = 60  # characters
_ADDRESSES: Final = frozenset({"proxy", "base_url", "host"})
_NOT_SECRET: Final = frozenset({"keymap", "key_command", "auth", "keys", "label", "place", "host"})
"""Names of settings that look like names of secrets."""


class Checked(NamedTuple):
    """The valid values of a file, and the problems in the order of the file."""

    values: dict[str, object]
    problems: tuple[SettingsError, ...]


def check(
    values: Mapping[str, object],
    *,
    source: str,
    line_of: Callable[[TomlPath], int | None] = lambda _: None,
    project: bool = False,
) -> Checked:
    """Validate the values of a file: each invalid one is a problem of its own, and the others stay.

    `source` names the file, "" if there is none. A `project` file must not set what is `USER_ONLY`.
    """
    checker = _Checker(source, line_of, project=project)
    valid = checker.fields(root(), (), values)
    return Checked(valid, tuple(checker.problems))


def parse_key(key: str, *, known: bool = True) -> SettingPath:
    """Parse a dotted key. Raises `SettingsError` for invalid syntax and, if `known`, for an unknown setting.

    In a table whose keys the user chooses the rest is one name: `keymap.compare.run`.
    """
    path: SettingPath = ()
    try:
        value: object = tomllib.loads(f"{key} = 0") if "\n" not in key else None
        while isinstance(value, dict):
            ((name, value),) = value.items()
            path = (*path, name)
    except (ValueError, RecursionError):
        path = ()
    if not path:
        raise SettingsError("invalid setting name", hint=_KEY_SYNTAX)
    for depth in range(1, len(path)):
        kind = kind_at(path[:depth])
        if kind is not None and is_open(kind):
            path = (*path[:depth], ".".join(path[depth:]))
            break
    if known and kind_at(path) is None:
        raise SettingsError(f"unknown setting '{dotted(path)}'", hint=_similar_setting(path))
    return path


def parse_value(path: SettingPath, text: str) -> object:
    """Parse text as the type of the setting at `path`. Raises `SettingsError`; does not check bounds."""
    kind = kind_at(path)
    if isinstance(kind, inspect.StrType | inspect.LiteralType):
        return text
    try:
        return tomllib.loads(f"it = {text}")["it"]
    except (ValueError, RecursionError):
        pass
    if isinstance(kind, inspect.VarTupleType) and isinstance(kind.item_type, inspect.StrType):
        return [each.strip() for each in text.split(",") if each.strip()]
    raise SettingsError(
        f"invalid value for {dotted(path)}", hint=f"Expected {describe_type(kind or root())}, in TOML syntax."
    )


def redact(path: TomlPath, value: object) -> object:
    """The value of a setting for display: without headers, credentials in addresses, and misplaced keys."""
    if "headers" in path:
        return dict.fromkeys(value, MASK) if isinstance(value, dict) else MASK
    if path and path[-1] in _ADDRESSES and isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, dict):
        return {name: redact((*path, name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(path, inner) for inner in value]
    return mask_keys(value) if isinstance(value, str) else value


def describe_invalid(path: TomlPath, value: object) -> str:
    """An invalid value in a few words. It may be a misplaced key, so a suspicious one is not shown."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else _short(str(value))
    if "keys" in path or "headers" in path or _has_secret_name(path) or may_be_a_key(value):
        return "an invalid string"
    return f'"{_short(without_credentials(value))}"'


class _Checker:
    def __init__(self, source: str, line_of: Callable[[TomlPath], int | None], *, project: bool) -> None:
        self._source, self._line_of, self._project = source, line_of, project
        self.problems: list[SettingsError] = []

    def fields(self, kind: inspect.StructType, parent: TomlPath, values: Mapping[str, object]) -> dict[str, object]:
        """The valid fields of a table."""
        known = {field.encode_name: field for field in kind.fields}
        valid: dict[str, object] = {}
        for name, value in values.items():
            path = (*parent, name)
            if name not in known:
                self._add(path, f"unknown setting '{dotted(path)}'", _similar_field(name, list(known), value))
            elif self._project and name in USER_ONLY:
                self._add(path, f"{dotted(path)} cannot be set in a project file", _NOT_IN_PROJECT)
            elif (checked := self._value(bare(known[name].type), path, value)) is not _INVALID:
                valid[name] = checked
        return valid

    def _value(self, kind: inspect.Type, path: TomlPath, value: object) -> object:
        """The value, or `_INVALID` after adding a problem."""
        match kind:
            case inspect.StructType() if isinstance(value, dict):
                return self._table(kind, path, value)
            case inspect.DictType() if isinstance(value, dict):
                inner = bare(kind.value_type)
                each = {name: self._value(inner, (*path, name), item) for name, item in value.items()}
                return {name: item for name, item in each.items() if item is not _INVALID}
            case inspect.VarTupleType() if isinstance(value, list | tuple):
                if kind.max_length is None or len(value) <= kind.max_length:
                    inner = bare(kind.item_type)
                    items = [self._value(inner, (*path, number), item) for number, item in enumerate(value)]
                    return [item for item in items if item is not _INVALID]
                what = f"{dotted(path)} has {len(value)} entries"
            case inspect.IntType() if isinstance(value, float) and value.is_integer() and _fits(kind, int(value)):
                return int(value)
            case _ if _fits(kind, value):
                return value
            case _:
                what = f"{dotted(path)} is {describe_invalid(path, value)}"
        self._add(path, what, f"Expected {describe_type(kind)}.{_quoting_hint(path, value)}")
        return _INVALID

    def _table(self, kind: inspect.StructType, path: TomlPath, value: dict[str, object]) -> object:
        """The table's valid fields, or `_INVALID` if a required field is missing or invalid."""
        required = [field.encode_name for field in kind.fields if field.required]
        missing = [name for name in required if name not in value]
        valid = self.fields(kind, path, value)
        if missing:
            self._add(path, f"{dotted(path)} is missing {' and '.join(missing)}", f"Required: {', '.join(required)}.")
        return valid if all(name in valid for name in required) else _INVALID

    def _add(self, path: TomlPath, what: str, hint: str) -> None:
        line = self._line_of(path)
        where = f"{self._source}, line {line}: " if line else f"{self._source}: " if self._source else ""
        self.problems.append(SettingsError(f"{where}{what}", hint=hint, line=line))


def _fits(kind: inspect.Type, value: object) -> bool:
    match kind:
        case inspect.StrType():
            return isinstance(value, str) and (kind.pattern is None or re.search(kind.pattern, value) is not None)
        case inspect.LiteralType():
            return isinstance(value, str) and value in kind.values
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType() if isinstance(value, int) and not isinstance(value, bool):
            return _within_bounds(kind, value)
        case inspect.FloatType() if isinstance(value, int | float) and not isinstance(value, bool):
            return _within_bounds(kind, value)
        case _:
            return False


def _within_bounds(kind: inspect.IntType | inspect.FloatType, value: float) -> bool:
    """The comparisons are such that NaN is out of any bounds."""
    return (
        (kind.gt is None or value > kind.gt)
        and (kind.ge is None or value >= kind.ge)
        and (kind.lt is None or value < kind.lt)
        and (kind.le is None or value <= kind.le)
    )


def _similar_field(name: str, known: list[str], value: object) -> str:
    """A hint for an unknown field of a table."""
    near = get_close_matches(name, known, n=1)
    if is_secret_setting(name) and not (isinstance(value, list | dict) and near):
        return f"{_NO_KEYS_HERE} Remove it, and run: swebench-tui provider init NAME"
    return f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."


def _similar_setting(path: SettingPath) -> str:
    """A hint for an unknown path."""
    if is_secret_setting(path[-1]):
        return f"{_NO_KEYS_HERE} Run: swebench-tui provider init NAME"
    name = path[1] if len(path) > 1 and path[0] == "providers" else NAME
    known = [dotted(with_name(leaf.path, name)) for leaf in leaves()]
    near = get_close_matches(dotted(path), known, n=1)
    return f"Did you mean {near[0]}?" if near else "`swebench-tui settings edit` lists every setting."


def _quoting_hint(path: TomlPath, value: object) -> str:
    """A hint for a name with a dot that TOML parsed as nested tables."""
    in_open_table = isinstance(value, dict) and is_open(kind_at(tuple(map(str, path[:-1]))) or root())
    return " Quote a name that contains a dot." if in_open_table else ""


def _has_secret_name(path: TomlPath) -> bool:
    return any(isinstance(name, str) and name not in _NOT_SECRET and _is_secret_name(name) for name in path)


def _is_secret_name(name: str) -> bool:
    return contains_secret_word(name) or "auth" in name.lower() or "header" in name.lower()


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}{_ELLIPSIS}"
