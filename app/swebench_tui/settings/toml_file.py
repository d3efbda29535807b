"""Settings files as text: parsed strictly, and edited without changing anything else in them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath, Statement, dotted, statements

_TABLE: Final = re.compile(r"\('.*'\)")  # the parser's messages show tables as Python tuples
_BY_HAND: Final = "Edit the file by hand: swebench-tui settings edit"


def parse(path: Path, text: str) -> dict[str, Any]:
    """Parse the text of the file at `path`. Raises `SettingsError` with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, position = str(error).partition(" (at ")
        line = _line(position, text)
    except (ValueError, RecursionError):  # an invalid date, an endless number, tables nested too deep
        what, line = "not valid TOML", None
    where = f"{path}, line {line}" if line else str(path)
    what = f"{where}: {_TABLE.sub(_as_header, what[:1].lower() + what[1:])}"
    raise SettingsError(what, hint="The whole file is ignored until this is fixed.", line=line)


def put(path: Path, text: str, key: SettingPath, value: object) -> str:
    """Return the text with a value set. Raises `SettingsError` if other content would be lost."""
    wanted = parse(path, text)
    table: Any = wanted
    for depth, name in enumerate(key[:-1], 1):
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {dotted(key[:depth])} is not a table", hint=_BY_HAND)
    table[key[-1]] = value
    return _edit(path, text, wanted, key, lambda document: _put(document, key, value))


def take(path: Path, text: str, key: SettingPath) -> str:
    """Return the text without a value; comments on their own lines stay.

    Raises `SettingsError` if other content would be lost.
    """
    wanted = parse(path, text)
    if not _take(wanted, key):
        return text
    shorter = _without_lines(text, key)
    if _equals(shorter, wanted):
        return shorter
    return _edit(path, text, wanted, key, lambda document: _take(document, key))


def keep_line_ends(text: str, before: str) -> str:
    """Return `text` with the line ends of Windows if all of `before` has them."""
    if "\r\n" not in before or before.count("\n") != before.count("\r\n"):
        return text
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _as_header(table: re.Match[str]) -> str:
    try:
        return f"[{dotted(ast.literal_eval(table.group()))}]"
    except (ValueError, SyntaxError):
        return table.group()


def _edit(
    path: Path,
    text: str,
    wanted: dict[str, Any],
    key: SettingPath,
    change: Callable[[MutableMapping[str, Any]], object],
) -> str:
    """Apply `change` with tomlkit. The result is accepted only if the strict parser reads `wanted` from it."""
    import tomlkit  # noqa: PLC0415 - only writing needs it
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        document = tomlkit.parse(text)
        change(document)
        edited = _with_blank_lines(document.as_string(), text)
    except (TOMLKitError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        edited = None  # its own bugs raise these for unusual documents
    if edited is None or not _equals(edited, wanted):
        raise SettingsError(f"{path}: {dotted(key)} cannot be changed without losing other content", hint=_BY_HAND)
    return edited


def _put(document: MutableMapping[str, Any], key: SettingPath, value: object) -> None:
    table = document
    for depth, name in enumerate(key[:-1], 1):
        if name not in table:
            table[name] = _new_table(table, bare=depth == len(key) - 1 and not isinstance(value, dict))
        table = table[name]
    _set(table, key[-1], value)


def _set(table: MutableMapping[str, Any], name: str, value: object) -> None:
    """Set a value; in a table only what differs, so that its comments stay."""
    if not isinstance(value, dict):
        if name in table and isinstance(table[name], list) and not hasattr(table[name], "multiline"):
            del table[name]  # an array of tables with headers of their own
        table[name] = _item(value)
        return
    if name not in table or not isinstance(table[name], MutableMapping):
        table[name] = _new_table(table, bare=True)
    inner = table[name]
    for other in [other for other in inner if other not in value]:
        del inner[other]
    for key, item in value.items():
        if key not in inner or inner[key] != item:
            _set(inner, key, item)


def _new_table(parent: object, *, bare: bool) -> MutableMapping[str, Any]:
    """An empty table; one that is not `bare` gets no header, since it will hold only tables."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.items import InlineTable  # noqa: PLC0415

    return tomlkit.inline_table() if isinstance(parent, InlineTable) else tomlkit.table(is_super_table=not bare)


def _item(value: object) -> object:
    """A value as a tomlkit item; an array of tables in brackets, so that keys may follow it."""
    import tomlkit  # noqa: PLC0415

    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return tomlkit.item(value)
    array = tomlkit.array().multiline(multiline=True)
    for each in value:
        table = tomlkit.inline_table()
        table.update(each)
        array.append(table)
    return array


def _with_blank_lines(text: str, before: str) -> str:
    """Insert a blank line above each header, except those that had none in `before`."""
    crowded_before = {header.paths for header in _crowded_headers(before)}
    lines = text.split("\n")
    for header in reversed([header for header in _crowded_headers(text) if header.paths not in crowded_before]):
        lines.insert(header.first, "")
    return "\n".join(lines)


def _crowded_headers(text: str) -> list[Statement]:
    """The headers right below a line that is not blank."""
    lines = text.split("\n")
    return [each for each in statements(text) if each.header and each.first and lines[each.first - 1].strip()]


def _take(document: MutableMapping[str, Any], key: SettingPath) -> bool:
    """Delete a value. Returns whether it was there."""
    table: Any = document
    for name in key[:-1]:
        if not isinstance(table, MutableMapping) or name not in table:
            return False
        table = table[name]
    if not isinstance(table, MutableMapping) or key[-1] not in table:
        return False
    del table[key[-1]]
    return True


def _without_lines(text: str, key: SettingPath) -> str:
    """The text without the lines of the statements that define `key` or anything below it."""
    removed: set[int] = set()
    for statement in statements(text):
        if statement.paths[0][: len(key)] == key:
            removed.update(range(statement.first, statement.last + 1))
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in removed)


def _equals(text: str, wanted: dict[str, Any]) -> bool:
    """Whether a text parses to `wanted`. They are compared by `repr`, in which NaN equals itself."""
    try:
        return repr(_sorted(tomllib.loads(text))) == repr(_sorted(wanted))
    except (ValueError, RecursionError):
        return False


def _sorted(value: object) -> object:
    """Tables sorted by key, an order that TOML ignores, and without empty ones.

    An empty table disappears with the last header inside it.
    """
    if isinstance(value, Mapping):
        inner = {name: _sorted(value[name]) for name in sorted(value)}
        return {name: each for name, each in inner.items() if each != {}}
    return [_sorted(each) for each in value] if isinstance(value, list | tuple) else value


def _line(position: str, text: str) -> int | None:
    """The line in the parser's position, `line 3, column 5)` or `end of document)`."""
    number = position.removeprefix("line ").partition(",")[0]
    return int(number) if number.isdigit() else text.rstrip("\n").count("\n") + 1 if position else None
