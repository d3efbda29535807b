"""Paths of values in a TOML file, and the lines where they are: the standard library's parser does not report them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

import msgspec

SettingPath = tuple[str, ...]
"""`("providers", "openai", "model")`."""

TomlPath = tuple[str | int, ...]
"""A path that may lead into arrays: `("providers", "openai", "keys", 0, "label")`."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

_MAX_LINES: Final = 200
"""Of one statement. The search stops at a longer one, since each of its lines is parsed again with the next."""

_MAX_DEPTH: Final = 8
"""Names of a path within one statement; a setting has five."""


def dotted(path: TomlPath) -> str:
    """A path as TOML writes it: `providers.openai.keys[0].label`."""
    text = ""
    for name in path:
        if isinstance(name, int):
            text += f"[{name}]"
        else:
            text += ("." if text else "") + (name if _BARE_KEY.fullmatch(name) else _quoted(name))
    return text


def lookup(values: object, path: SettingPath) -> object | None:
    """The value at a path of parsed TOML, None if there is none."""
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return None
        values = values[name]
    return values


class Statement(NamedTuple):
    """A header, or a key with its value. `first` and `last` are lines counted from 0; `paths` are all it defines."""

    first: int
    last: int
    header: bool
    paths: tuple[TomlPath, ...]


def statements(text: str) -> Iterator[Statement]:
    """The statements of valid TOML, with absolute paths; stops at one longer than `_MAX_LINES`."""
    lines = text.split("\n")
    table: TomlPath = ()
    counts: dict[TomlPath, int] = {}
    first = 0
    while first < len(lines):
        parsed = _parse_statement(lines, first)
        if parsed is None:
            return
        last, value = parsed
        if value:
            header = lines[first].lstrip().startswith("[")
            if header:
                table = _table(value, counts)
                yield Statement(first, last, header, (table,))
            else:
                yield Statement(first, last, header, tuple((*table, *path) for path in _paths(value)))
        first = last + 1


class LineIndex:
    """Maps paths to lines of a text, which is searched once, with the first lookup."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, path: TomlPath) -> int | None:
        """The line, counted from 1, that defines `path` or, if none does, the nearest table around it."""
        ancestors = (path[:length] for length in range(len(path), 0, -1))
        return next((self._lines[each] for each in ancestors if each in self._lines), None)

    @cached_property
    def _lines(self) -> dict[TomlPath, int]:
        """The first line that defines each path."""
        lines: dict[TomlPath, int] = {}
        for statement in statements(self._text):
            for path in statement.paths:
                lines.setdefault(path, statement.first + 1)
        return lines


def _quoted(name: str) -> str:
    return msgspec.json.encode(name.encode("utf-8", "replace").decode()).decode()


def _parse_statement(lines: list[str], first: int) -> tuple[int, dict[str, object]] | None:
    """The last line of the statement that begins at `first`, and its value, which is empty for a blank or a comment."""
    for last in range(first, min(len(lines), first + _MAX_LINES)):
        try:
            return last, tomllib.loads("\n".join(lines[first : last + 1]) + "\n")
        except (ValueError, RecursionError):  # it goes on in the next line
            continue
    return None


def _table(value: object, counts: dict[TomlPath, int]) -> TomlPath:
    """The path of a header; that of an element of an array of tables contains its index."""
    path: TomlPath = ()
    while isinstance(value, dict) and value:
        ((name, value),) = value.items()
        path = (*path, name)
        if isinstance(value, list):
            counts[path] = counts.get(path, -1) + 1
            return (*path, counts[path])
        if path in counts:
            path = (*path, counts[path])
    return path


def _paths(value: object, depth: int = _MAX_DEPTH) -> Iterator[TomlPath]:
    """Every path below a value, parents first."""
    items: Iterator[tuple[str | int, object]]
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    else:
        return
    for name, inner in items:
        yield (name,)
        if depth > 1:
            yield from ((name, *path) for path in _paths(inner, depth - 1))
