"""A settings file as a text: read strictly, changed in place. What is not changed stays as it was written."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath, Statement, dotted, statements

_TABLE: Final = re.compile(r"\('.*'\)")  # the parser names tables as Python writes tuples
_BY_HAND: Final = "Change it in an editor: swebench-tui settings edit"


def parse(path: Path, text: str) -> dict[str, Any]:
    """The values of the text of a file. Raises `SettingsError` with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).partition(" (at ")
        line = _line(place, text)
    except (ValueError, RecursionError):  # a date that is none, a number without end, tables without end
        what, line = "it cannot be read as TOML", None
    where = f"{path}, line {line}" if line else str(path)
    what = f"{where}: {_TABLE.sub(_as_header, what[:1].lower() + what[1:])}"
    raise SettingsError(what, hint="Nothing in the file holds until it is mended.", line=line)


def _as_header(table: re.Match[str]) -> str:
    try:
        return f"[{dotted(ast.literal_eval(table.group()))}]"
    except (ValueError, SyntaxError):
        return table.group()


def put(path: Path, text: str, at: SettingPath, value: object) -> str:
    """The text of the file with a value at a place. Raises `SettingsError` where that cannot be done without loss."""
    wanted = parse(path, text)
    table: Any = wanted
    for depth, name in enumerate(at[:-1], 1):
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {dotted(at[:depth])} is no table", hint=_BY_HAND)
    table[at[-1]] = value
    return _made(path, text, wanted, at, lambda document: _put(document, at, value))


def take(path: Path, text: str, at: SettingPath) -> str:
    """The text of the file without what stands at a place; comments on lines of their own stay.

    Raises `SettingsError` where that cannot be done without loss.
    """
    wanted = parse(path, text)
    if not _take(wanted, at):
        return text
    shorter = _without(text, at)
    if _holds(shorter, wanted):
        return shorter
    return _made(path, text, wanted, at, lambda document: _take(document, at))


def _made(
    path: Path, text: str, wanted: dict[str, Any], at: SettingPath, change: Callable[[MutableMapping[str, Any]], object]
) -> str:
    """The changed text, which is believed only when the strict parser reads in it what it should."""
    import tomlkit  # noqa: PLC0415 - only what writes needs it
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        document = tomlkit.parse(text)
        change(document)
        changed = _aired(document.as_string(), text)
    except (TOMLKitError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        changed = None  # what its own bugs raise at documents that are written in unusual ways
    if changed is None or not _holds(changed, wanted):
        raise SettingsError(f"{path}: {dotted(at)} cannot be changed as the file is written", hint=_BY_HAND)
    return changed


def _put(document: MutableMapping[str, Any], at: SettingPath, value: object) -> None:
    table = document
    for depth, name in enumerate(at[:-1], 1):
        if name not in table:
            table[name] = _new_table(table, bare=depth == len(at) - 1 and not isinstance(value, dict))
        table = table[name]
    _set(table, at[-1], value)


def _set(table: MutableMapping[str, Any], name: str, value: object) -> None:
    """Of a table only what differs is set, so that comments in it stay."""
    if not isinstance(value, dict):
        if name in table and isinstance(table[name], list) and not hasattr(table[name], "multiline"):
            del table[name]  # an array of tables below headers of their own
        table[name] = _item(value)
        return
    if name not in table or not isinstance(table[name], MutableMapping):
        table[name] = _new_table(table, bare=True)
    inside = table[name]
    for other in [other for other in inside if other not in value]:
        del inside[other]
    for inner, each in value.items():
        if inner not in inside or inside[inner] != each:
            _set(inside, inner, each)


def _new_table(around: object, *, bare: bool) -> MutableMapping[str, Any]:
    """An empty table; one that is not `bare` gets no header, since all that it will hold are tables."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.items import InlineTable  # noqa: PLC0415

    return tomlkit.inline_table() if isinstance(around, InlineTable) else tomlkit.table(is_super_table=not bare)


def _item(value: object) -> object:
    """A value for a file; an array of tables as lines in brackets, so that keys may follow it."""
    import tomlkit  # noqa: PLC0415

    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return tomlkit.item(value)
    array = tomlkit.array().multiline(multiline=True)
    for each in value:
        table = tomlkit.inline_table()
        table.update(each)
        array.append(table)
    return array


def _aired(text: str, before: str) -> str:
    """With a blank line above each header, but where the user wrote none."""
    as_it_was = {header.paths for header in _crowded(before)}
    lines = text.split("\n")
    for header in reversed([header for header in _crowded(text) if header.paths not in as_it_was]):
        lines.insert(header.first, "")
    return "\n".join(lines)


def _crowded(text: str) -> list[Statement]:
    """The headers that follow a line with something on it."""
    lines = text.split("\n")
    return [each for each in statements(text) if each.header and each.first and lines[each.first - 1].strip()]


def _take(document: MutableMapping[str, Any], at: SettingPath) -> bool:
    """Whether it was there."""
    table: Any = document
    for name in at[:-1]:
        if not isinstance(table, MutableMapping) or name not in table:
            return False
        table = table[name]
    if not isinstance(table, MutableMapping) or at[-1] not in table:
        return False
    del table[at[-1]]
    return True


def _without(text: str, at: SettingPath) -> str:
    """The lines that neither are, nor are in, what is taken out."""
    gone: set[int] = set()
    for statement in statements(text):
        if statement.paths[0][: len(at)] == at:
            gone.update(range(statement.first, statement.last + 1))
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in gone)


def _holds(text: str, wanted: dict[str, Any]) -> bool:
    """Whether a text says the same as the values; they are compared as text, in which NaN equals itself."""
    try:
        return repr(_sorted(tomllib.loads(text))) == repr(_sorted(wanted))
    except (ValueError, RecursionError):
        return False


def _sorted(value: object) -> object:
    """Tables in the order of their keys, which says nothing in TOML, and without those that hold nothing.

    Those go with the last header in them that named them.
    """
    if isinstance(value, Mapping):
        inside = {name: _sorted(value[name]) for name in sorted(value)}
        return {name: each for name, each in inside.items() if each != {}}
    return [_sorted(each) for each in value] if isinstance(value, list | tuple) else value


def _line(place: str, text: str) -> int | None:
    """The line in the parser's words, `line 3, column 5)` or `end of document)`."""
    number = place.removeprefix("line ").partition(",")[0]
    return int(number) if number.isdigit() else text.rstrip("\n").count("\n") + 1 if place else None
