"""Values of settings: parsed from the command line, and checked against the definitions.

Each wrong value of a file is a problem of its own, and the rest holds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from msgspec import inspect

from swebench_providers.redaction import is_secret_setting
from swebench_tui.settings import redact, schema
from swebench_tui.settings.definitions import USER_ONLY
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.schema import NAME, bare, in_words, is_open, kind_at
from swebench_tui.settings.toml_positions import SettingPath, TomlPath, dotted

NO_KEY: Final = "No key belongs in this file."
_WRONG: Final = object()
_NOT_HERE: Final = (
    "It is ignored: whoever wrote the project could run commands or see what is sent. "
    "Put it into your own settings file (`swebench-tui settings path`)."
)
_QUOTED: Final = 'Write it as providers.openai.model; a name with a dot in it as headers."X.Y".'


class Checked(NamedTuple):
    """What holds of a file, and what does not, in the order of the file."""

    values: dict[str, object]
    problems: tuple[SettingsError, ...]


def check(
    values: Mapping[str, object],
    *,
    source: str,
    line_of: Callable[[TomlPath], int | None] = lambda _: None,
    project: bool = False,
) -> Checked:
    """`source` names the file, "" where it is none; a `project`'s must not set what only the user may."""
    checking = _Checking(source, line_of, project=project)
    found = checking.struct(schema.root(), (), values)
    return Checked(found, tuple(checking.problems))


class _Checking:
    def __init__(self, source: str, line_of: Callable[[TomlPath], int | None], *, project: bool) -> None:
        self._source, self._line_of, self._project = source, line_of, project
        self.problems: list[SettingsError] = []

    def struct(self, kind: inspect.StructType, at: TomlPath, found: Mapping[str, object]) -> dict[str, object]:
        known = {field.encode_name: field for field in kind.fields}
        right: dict[str, object] = {}
        for name, value in found.items():
            path = (*at, name)
            if name not in known:
                self._tell(path, "is no setting", _did_you_mean(name, list(known), value))
            elif self._project and name in USER_ONLY:
                self._tell(path, "must not stand in a project's file", _NOT_HERE)
            elif (taken := self._value(bare(known[name].type), path, value)) is not _WRONG:
                right[name] = taken
        return right

    def _value(self, kind: inspect.Type, at: TomlPath, found: object) -> object:
        """The value as it holds, or `_WRONG`, which has been told."""
        match kind:
            case inspect.StructType() if isinstance(found, dict):
                return self._whole(kind, at, found)
            case inspect.DictType() if isinstance(found, dict):
                inner = bare(kind.value_type)
                each = {name: self._value(inner, (*at, name), value) for name, value in found.items()}
                return {name: value for name, value in each.items() if value is not _WRONG}
            case inspect.VarTupleType() if isinstance(found, list | tuple):
                if kind.max_length is None or len(found) <= kind.max_length:
                    inner = bare(kind.item_type)
                    items = [self._value(inner, (*at, number), value) for number, value in enumerate(found)]
                    return [item for item in items if item is not _WRONG]
                what = f"has {len(found)} entries"
            case inspect.IntType() if isinstance(found, float) and found.is_integer() and _fits(kind, int(found)):
                return int(found)
            case _ if _fits(kind, found):
                return found
            case _:
                what = f"is {redact.wrong(at, found)}"
        self._tell(at, what, f"It is {in_words(kind)}." + _dotted_name(at, found))
        return _WRONG

    def _whole(self, kind: inspect.StructType, at: TomlPath, found: dict[str, object]) -> object:
        """A table, which is wrong as a whole where a value it needs is missing or wrong."""
        needed = [field.encode_name for field in kind.fields if field.required]
        missing = [name for name in needed if name not in found]
        right = self.struct(kind, at, found)
        if missing:
            self._tell(at, f"has no {' and no '.join(missing)}", f"It needs {', '.join(needed)}.")
        return right if all(name in right for name in needed) else _WRONG

    def _tell(self, at: TomlPath, what: str, hint: str) -> None:
        line = self._line_of(at)
        where = f"{self._source}, line {line}: " if line else f"{self._source}: " if self._source else ""
        self.problems.append(SettingsError(f"{where}{dotted(at)} {what}", hint=hint, line=line))


def _fits(kind: inspect.Type, found: object) -> bool:
    match kind:
        case inspect.StrType():
            return isinstance(found, str) and (kind.pattern is None or re.search(kind.pattern, found) is not None)
        case inspect.LiteralType():
            return isinstance(found, str) and found in kind.values
        case inspect.IntType() if isinstance(found, int) and not isinstance(found, bool):
            return _within(kind, found)
        case inspect.FloatType() if isinstance(found, int | float) and not isinstance(found, bool):
            return _within(kind, found)
        case _:
            return False


def _within(kind: inspect.IntType | inspect.FloatType, found: float) -> bool:
    """Written so that NaN is out of all bounds."""
    return (
        (kind.gt is None or found > kind.gt)
        and (kind.ge is None or found >= kind.ge)
        and (kind.le is None or found <= kind.le)
    )


def _did_you_mean(name: str, known: list[str], value: object) -> str:
    near = get_close_matches(name, known, n=1)
    if is_secret_setting(name) and not (isinstance(value, list | dict) and near):
        return f"{NO_KEY} Take it out, and run: swebench-tui provider init NAME"
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."


def _dotted_name(at: TomlPath, found: object) -> str:
    """What to say where a name with dots was read as tables in one another."""
    open_table = isinstance(found, dict) and schema.is_open(schema.kind_at(tuple(map(str, at[:-1]))) or schema.root())
    return " A name with a dot in it has to be quoted." if open_table else ""


def parse_key(key: str, *, known: bool = True) -> SettingPath:
    """The path of a key with dots. Raises `SettingsError`; where only a `known` one will do, for any other too.

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
        raise SettingsError("the key cannot be read", hint=_QUOTED)
    for depth in range(1, len(path)):
        kind = kind_at(path[:depth])
        if kind is not None and is_open(kind):
            path = (*path[:depth], ".".join(path[depth:]))
            break
    if known and kind_at(path) is None:
        raise SettingsError(f"{dotted(path)} is no setting", hint=_near(path))
    return path


def parse_value(path: SettingPath, text: str) -> object:
    """What was typed as a value of the kind that stands there. Raises `SettingsError` for what cannot be one."""
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
        f"{dotted(path)} cannot be what was typed", hint=f"It is {in_words(kind or schema.root())}, as in TOML."
    )


def _near(path: SettingPath) -> str:
    """The settings a path may have been meant for."""
    if is_secret_setting(path[-1]):
        return f"{NO_KEY} Run: swebench-tui provider init NAME"
    name = path[1] if len(path) > 1 and path[0] == "providers" else NAME
    there = [dotted(tuple(name if part == NAME else part for part in leaf.path)) for leaf in schema.leaves()]
    near = get_close_matches(dotted(path), there, n=1)
    return f"Did you mean {near[0]}?" if near else "`swebench-tui settings edit` explains every setting."
