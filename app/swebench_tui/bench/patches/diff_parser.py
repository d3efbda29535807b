r"""Parse unified diffs as models write them.

    diff  := (junk | file)*
    file  := header hunk*                      the header is `diff_header`'s
    hunk  := start body
    start := "@@ -" range " +" range " @@" heading | "@@" anything
    body  := (" " text | "-" text | "+" text | "\ No newline at end of file" | "")*

A body is first read by the counts of its start, as git does, so that a removed line that looks like `--- a/file` stays
a line. Where the counts are wrong, it extends to the next line that cannot be part of a body. Inside a fence that is a
header or the end, and anything else is an error; in bare text prose ends it too. There a run of lines like `- text` up
to the end of the body may be a list behind the diff; where the counts do not tell, the diff is read both ways.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.diff_header import GIT_LINE, malformed, read_header, starts_file, starts_names
from swebench_tui.bench.patches.scopes import names_definition
from swebench_tui.bench.patches.unified_diff import FileChange, Hunk, new_start_of
from swebench_tui.bench.patches.verdict import MOST_EDITS, MOST_LINES, Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERED = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))?(?: ?@@(.*))?$", re.DOTALL)
_STARTS = frozenset(["dif", "---", "+++", "@@ "])
_COLUMNS = frozenset(" +-\\")
_CHANGES = frozenset("+-")
_BULLET = re.compile(r"[-+] \S")
_RULE = re.compile(r"--\s*$|[-+]{3,}\s*$")


class ParsedDiff(msgspec.Struct, frozen=True):
    """The files of a diff, paths as written; the repairs of reading it; the index behind the last hunk.

    `other` are its files when lines that may be a list behind it are lines of it.
    """

    changes: tuple[FileChange, ...]
    repairs: tuple[Repair, ...] = ()
    end: int = 0
    other: tuple[FileChange, ...] = ()

    @property
    def numbered(self) -> bool:
        """Whether every hunk states its lines."""
        return all(hunk.old_start is not None for change in self.changes for hunk in change.hunks)


def looks_like_diff(lines: Sequence[str]) -> bool:
    """Whether any line starts a diff: a git line, the names of a file, or a numbered hunk."""
    return any(
        line[:3] in _STARTS and (starts_file(lines, index) or _NUMBERED.match(line) is not None)
        for index, line in enumerate(lines)
    )


def parse_diff(lines: Sequence[str], *, fenced: bool = True, name: str | None = None) -> ParsedDiff:
    """The diff in `lines`, which have no line ends.

    `name` is the file of hunks without any header. Raises `PatchError` where the parser would have to guess.
    """
    if fenced:
        return _Parser(lines, fenced=True, name=name).diff()
    parser = _Parser(lines, fenced=False, name=name, bullets=True)
    try:
        parsed = parser.diff()
    except PatchError:
        if not parser.doubtful:
            raise
        return _Parser(lines, fenced=False, name=name).diff()
    if not parser.doubtful:
        return parsed
    try:
        other = _Parser(lines, fenced=False, name=name).diff()
    except PatchError:
        return parsed
    return parsed if other.changes == parsed.changes else msgspec.structs.replace(parsed, other=other.changes)


class _Parser:
    """`bullets`: runs of lines like `- text` are a list. `doubtful`: one was met that may be lines of the diff."""

    def __init__(self, lines: Sequence[str], *, fenced: bool, name: str | None, bullets: bool = False) -> None:
        self._lines, self._index = lines, 0
        self._fenced, self._name = fenced, name
        self._edits_read = 0
        self._lists = _lists(lines) if bullets else frozenset[int]()
        self.doubtful = False
        self._repairs: dict[Repair, None] = {}

    def diff(self) -> ParsedDiff:
        """`(junk | file)*`."""
        changes: list[FileChange] = []
        end = 0
        while (line := self._line()) is not None:
            if starts_file(self._lines, self._index):
                changes.append(self._file())
            elif line.startswith("@@"):
                changes.append(self._more_hunks(changes.pop()) if changes else self._unnamed_file())
            else:
                self._skip(line, behind_hunk=bool(changes))
                continue
            end = self._index
        if not changes:
            raise PatchError(Failure.MALFORMED, "the diff has neither a file header nor a hunk (`@@ -1,2 +1,3 @@`)")
        return ParsedDiff(tuple(changes), tuple(self._repairs), end)

    def _skip(self, line: str, *, behind_hunk: bool) -> None:
        """`junk`. A line that adds or removes something is not junk: skipping it would change the diff."""
        prose = _signature(line) if self._fenced else self._index in self._lists or _RULE.match(line)
        if behind_hunk and line[:1] in _CHANGES and not prose:
            raise malformed(self._lines, self._index, "belongs to no hunk")
        self._index += 1

    def _file(self) -> FileChange:
        """`header hunk*`."""
        start = self._index
        header = read_header(self._lines, start)
        self._index = header.end
        self._count_edit()
        hunks = self._hunks(new_file=header.old is None, startless=header.named)
        if header.mended or (hunks and not header.named):
            self._repairs[Repair.FILE_HEADER] = None
        if not (hunks or header.changes_file):
            raise malformed(self._lines, start, "starts a file without a hunk")
        return FileChange(
            old=header.old,
            new=header.new,
            hunks=hunks,
            git_line=header.git_line,
            modes=header.modes,
            similarity=header.similarity,
            index=header.index,
        )

    def _more_hunks(self, change: FileChange) -> FileChange:
        """Hunks behind junk belong to the previous file."""
        return msgspec.structs.replace(change, hunks=change.hunks + self._hunks(new_file=change.old is None))

    def _unnamed_file(self) -> FileChange:
        """Hunks without any header belong to the file named outside of the diff."""
        if self._name is None:
            what = f"line {self._index + 1} of the diff starts a hunk, but no line names its file"
            raise PatchError(Failure.NO_FILE_NAME, what)
        self._repairs[Repair.FILE_HEADER] = None
        hunks = self._hunks(new_file=False)
        return FileChange(old="a/" + self._name, new="b/" + self._name, hunks=hunks, git_line=False)

    def _hunks(self, *, new_file: bool, startless: bool = False) -> tuple[Hunk, ...]:
        """`hunk*`. With `startless`, the first one may be a body only."""
        hunks: list[Hunk] = []
        shift = 0
        while (line := self._line()) is not None:
            mere_body = startless and not hunks and line[:1] in _COLUMNS and not starts_names(self._lines, self._index)
            if not (line.startswith("@@") or mere_body):
                break
            self._count_edit()
            hunks.append(self._hunk(line, shift, new_file=new_file))
            shift += hunks[-1].count("+") - hunks[-1].count("-")
        return tuple(hunks)

    def _hunk(self, line: str, shift: int, *, new_file: bool) -> Hunk:
        """`start body`."""
        start = self._index
        self._index += line.startswith("@@")
        numbers = _NUMBERED.match(line)
        hunk = self._numbered_hunk(numbers, shift) if numbers else self._unnumbered_hunk(line, new_file=new_file)
        if not hunk.lines:
            raise malformed(self._lines, start, "starts a hunk without lines")
        if new_file and not numbers:
            self._repairs[Repair.NUMBERED] = None
        return hunk

    def _numbered_hunk(self, numbers: re.Match[str], shift: int) -> Hunk:
        old_start, old, new_start, new = (int(numbers[group] or 1) for group in range(1, 5))
        hunk = Hunk(self._counted_body(old, new) or self._loose_body(), old_start, numbers[5] or "")
        counts = hunk.count(" -"), hunk.count(" +")
        if counts != (old, new) or new_start != new_start_of(old_start, *counts, shift):
            self._repairs[Repair.RECOUNTED] = None
        other = _other_start(old_start, new_start, shift)
        return hunk if other is None else msgspec.structs.replace(hunk, other_start=other)

    def _unnumbered_hunk(self, line: str, *, new_file: bool) -> Hunk:
        heading = _unnumbered_heading(line)
        return Hunk(self._loose_body(), 0) if new_file else Hunk(self._loose_body(), None, heading)

    def _counted_body(self, old: int, new: int) -> tuple[str, ...]:
        """The body that matches the counts, or nothing where the lines do not match them."""
        body: list[str] = []
        index = self._index
        while old > 0 or new > 0 or (self._line(index) or "").startswith("\\"):
            line = self._line(index)
            if line is None or not (line[:1] in _COLUMNS or _blank(line)):
                return ()
            body.append(line)
            old -= line[:1] != "+" and line[:1] != "\\"
            new -= line[:1] != "-" and line[:1] != "\\"
            index += 1
        if old or new or not body or self._goes_on(index):
            return ()
        self._index = index
        return self._with_columns(body)

    def _goes_on(self, index: int) -> bool:
        """Whether the hunk has more lines than its counts. Stopping there would drop them silently."""
        while (line := self._line(index)) is not None and not line.strip():
            index += 1
        if line is None or line[:1] not in _COLUMNS or starts_names(self._lines, index) or _signature(line):
            return False
        behind_blank = not self._line(index - 1)
        if index in self._lists:
            self.doubtful = self.doubtful or not behind_blank
            return False
        return self._fenced or not (behind_blank and _RULE.match(line))

    def _loose_body(self) -> tuple[str, ...]:
        """All lines up to the next header, the end, or (in bare text) prose; without trailing blank lines."""
        body: list[str] = []
        while (line := self._line()) is not None and not self._at_boundary(line):
            if not (line[:1] in _COLUMNS or _blank(line)):
                if self._fenced:
                    raise malformed(self._lines, self._index, "starts with none of ' ', '+' and '-'")
                break
            if body and self._index in self._lists:
                self.doubtful = True
                break
            if not self._fenced and body and _blank(body[-1]) and _RULE.match(line):
                break
            body.append(line)
            self._index += 1
        while body and _blank(body[-1]):
            body.pop()
        return self._with_columns(body)

    def _with_columns(self, body: list[str]) -> tuple[str, ...]:
        if any(map(_blank, body)):
            self._repairs[Repair.BLANK_CONTEXT] = None
        return tuple(" " + line if _blank(line) else line for line in body)

    def _at_boundary(self, line: str) -> bool:
        names_and_hunk = starts_names(self._lines, self._index) and (self._line(self._index + 2) or "").startswith("@@")
        return line.startswith(("@@", GIT_LINE)) or names_and_hunk

    def _count_edit(self) -> None:
        self._edits_read += 1
        if self._edits_read > MOST_EDITS or len(self._lines) > MOST_LINES:
            what = f"the diff has more than {MOST_EDITS} hunks and files, or {MOST_LINES} lines"
            raise PatchError(Failure.TOO_LARGE, what)

    def _line(self, index: int | None = None) -> str | None:
        index = self._index if index is None else index
        return self._lines[index] if index < len(self._lines) else None


def _other_start(old_start: int, new_start: int, shift: int) -> int | None:
    """The old line that a new start means, where it is not `old_start`. Some answers forget the shift."""
    low, high = sorted((new_start - shift, new_start))
    return None if low - 1 <= old_start <= high + 1 else max(low, min(high, old_start))


def _unnumbered_heading(line: str) -> str:
    """The function or class that the start of a hunk names: `@@ def name():`, `@@ ... @@ class Name:`."""
    heading = line.removeprefix("@@").rpartition("@@")[2] or line.strip("@ ")
    return heading if line.startswith("@@") and names_definition(heading) else ""


def _lists(lines: Sequence[str]) -> frozenset[int]:
    """Indexes of lines like `- text` behind which only such lines, and blank ones, come up to prose or the end."""
    found: list[int] = []
    ends = True
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if not line.strip():
            continue
        bullet = line[:1] in _CHANGES and _BULLET.match(line) is not None
        if bullet and ends:
            found.append(index)
        ends = (bullet and ends) or line[:1] not in _COLUMNS
    return frozenset(found)


def _blank(line: str) -> bool:
    """A context line that may have lost its leading space."""
    return line in {"", "\r"}


def _signature(line: str) -> bool:
    """The signature line `-- ` of `git format-patch`."""
    return line.rstrip() == "--"
