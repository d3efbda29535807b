"""Where in a TOML file a value stands: the standard library's parser does not say."""

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
"""The same into arrays: `("providers", "openai", "keys", 0, "label")`."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")

_LONGEST: Final = 200
"""Lines of one statement; a longer one is not looked into, since each line of it is read again with the next."""

_DEEPEST: Final = 8
"""Names of a path within one statement; a setting has five."""


def dotted(path: TomlPath) -> str:
    """A path as TOML writes it: `providers.openai.keys[0].label`."""
    text = ""
    for name in path:
        if isinstance(name, int):
            text += f"[{name}]"
        else:
            text += ("." if text else "") + (name if _BARE.fullmatch(name) else _quoted(name))
    return text


def _quoted(name: str) -> str:
    return msgspec.json.encode(name.encode("utf-8", "replace").decode()).decode()


class Statement(NamedTuple):
    """A header, or a key with its value. `first` and `last` count from 0; `paths` are all that it names."""

    first: int
    last: int
    header: bool
    paths: tuple[TomlPath, ...]


def statements(text: str) -> Iterator[Statement]:
    """The statements of a text that is TOML, with whole paths; stops where one is too long to be looked into."""
    lines = text.split("\n")
    table: TomlPath = ()
    counts: dict[TomlPath, int] = {}
    at = 0
    while at < len(lines):
        read = _statement(lines, at)
        if read is None:
            return
        last, value = read
        if value:
            header = lines[at].lstrip().startswith("[")
            if header:
                table = _table(value, counts)
                yield Statement(at, last, header, (table,))
            else:
                yield Statement(at, last, header, tuple((*table, *path) for path in _paths(value)))
        at = last + 1


class Lines:
    """Which line names what in a text; it is looked through when the first one is asked for, and once."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, path: TomlPath) -> int | None:
        """The line, counted from 1, that names `path` or, where none does, the nearest table around it."""
        around = (path[:length] for length in range(len(path), 0, -1))
        return next((self._named[each] for each in around if each in self._named), None)

    @cached_property
    def _named(self) -> dict[TomlPath, int]:
        """Every path with the first line that names it."""
        named: dict[TomlPath, int] = {}
        for statement in statements(self._text):
            for path in statement.paths:
                named.setdefault(path, statement.first + 1)
        return named


def _statement(lines: list[str], at: int) -> tuple[int, dict[str, object]] | None:
    """The last line of the statement that begins at a line, and the statement alone; empty for a blank or a comment."""
    for last in range(at, min(len(lines), at + _LONGEST)):
        try:
            return last, tomllib.loads("\n".join(lines[at : last + 1]) + "\n")
        except (ValueError, RecursionError):  # it goes on in the next line
            continue
    return None


def _table(value: object, counts: dict[TomlPath, int]) -> TomlPath:
    """The path of a header; an element of an array of tables has its number in it."""
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


def _paths(value: object, depth: int = _DEEPEST) -> Iterator[TomlPath]:
    """Every path below a value, each after those above it."""
    inside: Iterator[tuple[str | int, object]]
    if isinstance(value, dict):
        inside = iter(value.items())
    elif isinstance(value, list):
        inside = iter(enumerate(value))
    else:
        return
    for name, inner in inside:
        yield (name,)
        if depth > 1:
            yield from ((name, *path) for path in _paths(inner, depth - 1))
