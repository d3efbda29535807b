"""Unified diffs: their data model and how one is emitted. `diff_parser` reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.verdict import Failure, PatchError

if TYPE_CHECKING:
    from collections.abc import Iterable

DEV_NULL = "/dev/null"
_LONGEST_QUOTED = 20_000  # characters
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_NAMES_OF_ESCAPES = {code: name for name, code in _ESCAPES.items()}
_ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')


class Hunk(msgspec.Struct, frozen=True):
    """One hunk. Lines keep their first column: " ", "-", "+", or "\\" for the no-newline marker.

    `old_start` counts from 1 (0 for a new file) and is None where the answer gave no numbers. `heading` is the text
    behind the second `@@`. `other_start` is set where the new start means another old line than `old_start`: that line.
    """

    lines: tuple[str, ...]
    old_start: int | None = None
    heading: str = ""
    other_start: int | None = None

    @property
    def old(self) -> list[str]:
        """The lines the hunk expects in the file."""
        return [line[1:] for line in self.lines if line[0] in " -"]

    @property
    def new(self) -> list[str]:
        """The lines the hunk leaves in the file."""
        return [line[1:] for line in self.lines if line[0] in " +"]

    def count(self, columns: str) -> int:
        """The number of lines whose first column is among `columns`."""
        return sum(line[0] in columns for line in self.lines)


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of a diff to one file. `old` is None for a new file, `new` for a deleted one.

    The parser returns paths as written, with prefixes; `emit_diff` needs them relative and bare. `modes`, `similarity`
    and `index` are header lines as written; `git_line`: the header has a `diff --git` line.
    """

    old: str | None
    new: str | None
    hunks: tuple[Hunk, ...] = ()
    git_line: bool = True
    modes: tuple[str, ...] = ()
    similarity: str = ""
    index: str = ""

    @property
    def renamed(self) -> bool:
        """Whether the file is renamed."""
        return self.old is not None and self.new is not None and self.old != self.new

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths it touches: one, or two for a rename."""
        return tuple(dict.fromkeys(path for path in (self.old, self.new) if path is not None))


def emit_diff(changes: Iterable[FileChange]) -> str:
    """The diff as git writes it, with computed counts and new starts.

    Raises `PatchError` for a hunk without a start.
    """
    return "".join(line + "\n" for change in changes for line in _lines_of(change))


def _lines_of(change: FileChange) -> list[str]:
    old, new = change.old or change.new or "", change.new or change.old or ""
    lines = [f"diff --git {quote('a/' + old)} {quote('b/' + new)}"] if change.git_line else []
    lines += change.modes
    if change.renamed:
        lines += [change.similarity] if change.similarity else []
        lines += [f"rename from {quote(old)}", f"rename to {quote(new)}"]
    lines += [change.index] if change.index else []
    if change.hunks:
        lines += [f"--- {_name('a/', change.old)}", f"+++ {_name('b/', change.new)}"]
    shift = 0
    for hunk in change.hunks:
        lines += [_header(hunk, shift), *hunk.lines]
        shift += hunk.count("+") - hunk.count("-")
    return lines


def _header(hunk: Hunk, shift: int) -> str:
    if hunk.old_start is None:
        raise PatchError(Failure.NEEDS_CHECKOUT, "a hunk without line numbers can be located only in a checkout")
    old, new = hunk.count(" -"), hunk.count(" +")
    new_start = new_start_of(hunk.old_start, old, new, shift)
    return f"@@ -{_range(hunk.old_start, old)} +{_range(new_start, new)} @@{hunk.heading}"


def new_start_of(old_start: int, old: int, new: int, shift: int) -> int:
    """The new start of a hunk when earlier hunks made the file `shift` lines longer.

    An empty side names the line before it, hence the corrections.
    """
    return old_start + shift + (old == 0) - (new == 0)


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"


def _name(prefix: str, path: str | None) -> str:
    if path is None:
        return DEV_NULL
    name = quote(prefix + path)
    return name + "\t" if " " in name and not name.startswith('"') else name


def quote(path: str) -> str:
    """`path` as git prints it: in double quotes with octal escapes unless it is plain ASCII."""
    if path.isascii() and path.isprintable() and not set(path) & {'"', "\\"}:
        return path
    return '"' + "".join(_escaped(byte) for byte in path.encode("utf-8", "replace")) + '"'


def _escaped(byte: int) -> str:
    if byte in _NAMES_OF_ESCAPES:
        return "\\" + _NAMES_OF_ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def unquote(name: str) -> str:
    """The path without git's quoting; a name without quotes is returned unchanged, as one that no system takes."""
    if not 2 <= len(name) <= _LONGEST_QUOTED or not (name[0] == name[-1] == '"'):
        return name

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1].decode("ascii")
        return bytes([_ESCAPES[code] if code in _ESCAPES else int(code, 8)])

    return _ESCAPE.sub(byte, name[1:-1].encode("utf-8", "replace")).decode("utf-8", "replace")
