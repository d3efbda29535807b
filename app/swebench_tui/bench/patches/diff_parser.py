r"""Reading unified diffs as models write them.

    diff     := (junk | file)*
    file     := git_line? extended* names? hunk*
    git_line := "diff --git " path " " path
    extended := "index" | "old mode" | "new mode" | "new file mode" | "deleted file mode" | "similarity index" | "rename from" | ...
    names    := "--- " path LF "+++ " path          one of the two may be missing
    hunk     := header body
    header   := "@@ -" range " +" range " @@" heading | "@@" anything
    body     := (" " text | "-" text | "+" text | "\ No newline at end of file" | "")*

A body is first read by the counts of its header, as git does, so that a removed line that looks like `--- a/file` stays a
line. Where the counts are wrong it goes on to the next thing that cannot be a body line. Inside a fence that is a header or
the end, and anything else is an error; in bare text prose ends it too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.unified_diff import DEV_NULL, FileChange, Hunk, new_start_of, unquote
from swebench_tui.bench.patches.verdict import MOST_EDITS, MOST_LINES, Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERED = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))?(?: ?@@(.*))?$", re.DOTALL)
_GIT_LINE = "diff --git "
_EXTENDED = (
    "index ",
    "old mode ",
    "new mode ",
    "new file mode ",
    "deleted file mode ",
    "similarity index ",
    "dissimilarity index ",
)
_MOVES = ("rename from ", "rename to ", "copy from ", "copy to ")
_BINARY = ("GIT binary patch", "Binary files ")
_FILE_MODES = {"100644", "100755"}
_BULLET = re.compile(r"[-+] \S")


class ParsedDiff(msgspec.Struct, frozen=True):
    """The files of a diff, paths as written; what had to be mended to read them; and the line behind the last hunk, from 0."""

    changes: tuple[FileChange, ...]
    repairs: tuple[Repair, ...] = ()
    end: int = 0


def looks_like_diff(lines: Sequence[str]) -> bool:
    """Whether a line could start a diff: a git line, a pair of names, or a numbered hunk header."""
    return any(
        line.startswith(_GIT_LINE)
        or (line.startswith("@@ -") and _NUMBERED.match(line) is not None)
        or (line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "))
        for at, line in enumerate(lines)
    )


def parse_diff(lines: Sequence[str], *, fenced: bool = True, name: str | None = None) -> ParsedDiff:
    """The diff in `lines`, which have no line ends.

    `name` is the file that hunks without any header belong to. Raises `PatchError` where reading on would be guessing.
    """
    return _Parser(lines, fenced=fenced, name=name).diff()


class _Names(msgspec.Struct):
    """What the lines before the first hunk of a file say."""

    old: str | None = None
    new: str | None = None
    git: tuple[str, str] | None = None
    git_line: bool = False
    modes: list[str] = msgspec.field(default_factory=list)
    similarity: str = ""
    index: str = ""
    move: dict[str, str] = msgspec.field(default_factory=dict)
    bare: bool = True  # neither `---` nor `+++`


class _Parser:
    def __init__(self, lines: Sequence[str], *, fenced: bool, name: str | None) -> None:
        self._lines, self._at = lines, 0
        self._fenced, self._name = fenced, name
        self._edits_read = 0
        self._repairs: dict[Repair, None] = {}

    def diff(self) -> ParsedDiff:
        """`(junk | file)*`."""
        changes: list[FileChange] = []
        end = 0
        while (line := self._line()) is not None:
            if line.startswith(_GIT_LINE) or self._at_names():
                changes.append(self._file())
            elif line.startswith("@@"):
                changes.append(self._unnamed(changes.pop() if changes else None))
            elif self._fenced and changes and line[:1] in {"+", "-"} and not _signature(line):
                raise self._malformed("belongs to no hunk")
            else:
                self._at += 1
                continue
            end = self._at
        if not changes:
            raise PatchError(
                Failure.MALFORMED, "the diff has neither a file header nor a hunk header (`@@ -1,2 +1,3 @@`)"
            )
        return ParsedDiff(tuple(changes), tuple(self._repairs), end)

    def _file(self) -> FileChange:
        """`git_line? extended* names? hunk*`."""
        start, names = self._at, _Names()
        self._count_edit()
        self._git_line(names)
        self._names(names)
        old, new = self._sides(names, start)
        hunks = self._hunks(new_file=old is None)
        if hunks and names.bare:
            self._repairs[Repair.FILE_HEADER] = None
        changes_name = old is None or new is None or _bare(old) != _bare(new)
        if not (hunks or names.modes or changes_name):
            raise self._malformed("starts a file without any hunk", start)
        return FileChange(
            old=old,
            new=new,
            hunks=hunks,
            git_line=names.git_line,
            modes=tuple(names.modes),
            similarity=names.similarity,
            index=names.index,
        )

    def _unnamed(self, before: FileChange | None) -> FileChange:
        """Hunks behind prose belong to the file before it, hunks without any header to the file named outside of the diff."""
        if before is not None:
            return msgspec.structs.replace(before, hunks=before.hunks + self._hunks(new_file=before.old is None))
        if self._name is None:
            raise PatchError(
                Failure.NO_FILE_NAME, f"line {self._at + 1} of the diff starts a hunk, but no line names its file"
            )
        self._repairs[Repair.FILE_HEADER] = None
        return FileChange(
            old="a/" + self._name, new="b/" + self._name, hunks=self._hunks(new_file=False), git_line=False
        )

    def _git_line(self, names: _Names) -> None:
        """`git_line extended*`."""
        line = self._line() or ""
        if not line.startswith(_GIT_LINE):
            return
        names.git_line, names.git = True, _both_names(line[len(_GIT_LINE) :].rstrip())
        self._at += 1
        while (line := (self._line() or "").rstrip()).startswith(_EXTENDED + _MOVES + _BINARY):
            self._extended(names, line)
            self._at += 1

    def _extended(self, names: _Names, line: str) -> None:
        if line.startswith(_BINARY):
            raise PatchError(Failure.BINARY, "the answer holds a binary patch, which cannot be checked as text")
        if line.startswith(_MOVES):
            names.move[line[: line.index(" ", 7)]] = unquote(line.split(" ", 2)[2])
        elif line.startswith("index "):
            names.index = line
        elif "similarity" in line:
            names.similarity = line
        elif line.rsplit(" ", 1)[1] in _FILE_MODES:
            names.modes.append(line)
        else:
            raise PatchError(Failure.UNSAFE_PATH, f"`{line}` makes something that is not a regular file")

    def _names(self, names: _Names) -> None:
        """`"--- " path LF "+++ " path`; one of them can be missing, then it says what the other says."""
        if not self._at_names():
            return
        names.bare = False
        written = {"---": "", "+++": ""}
        for mark in written:
            line = self._line() or ""
            if line.startswith(mark + " "):
                written[mark] = unquote(line[4:].split("\t", 1)[0].rstrip())
                self._at += 1
        if not all(written.values()):
            self._repairs[Repair.FILE_HEADER] = None
        old, new = written["---"], written["+++"]
        names.old, names.new = old or _other_side(new), new or _other_side(old)

    def _sides(self, names: _Names, start: int) -> tuple[str | None, str | None]:
        """Old and new path as written, None for the side that does not exist."""
        if any(key.startswith("copy") for key in names.move):
            raise self._malformed("copies a file; only changes, new files, deletions and renames are understood", start)
        if names.move:
            return self._renamed(names, start)
        old, new = (names.git or (None, None)) if names.bare else (names.old, names.new)
        if old is None or new is None:
            raise PatchError(
                Failure.NO_FILE_NAME, f"line {start + 1} of the diff starts a file, but its name cannot be read"
            )
        created = old == DEV_NULL or any(mode.startswith("new file") for mode in names.modes)
        deleted = new == DEV_NULL or any(mode.startswith("deleted file") for mode in names.modes)
        if created and deleted:
            raise self._malformed("starts a file that is both new and deleted", start)
        if not names.bare and (created, deleted) != (old == DEV_NULL, new == DEV_NULL):
            self._repairs[Repair.FILE_HEADER] = None
        if not (created or deleted) and _bare(old) != _bare(new):
            raise self._malformed(
                f"names two files, {_bare(old)!r} and {_bare(new)!r}, without saying `rename from`", start
            )
        return None if created else old, None if deleted else new

    def _renamed(self, names: _Names, start: int) -> tuple[str, str]:
        if set(names.move) != {"rename from", "rename to"}:
            raise self._malformed("renames a file but says only one of the two names", start)
        return "a/" + names.move["rename from"], "b/" + names.move["rename to"]

    def _hunks(self, *, new_file: bool) -> tuple[Hunk, ...]:
        """`hunk*`. The first one may lack its header."""
        hunks: list[Hunk] = []
        shift = 0
        while (line := self._line()) is not None:
            header = _NUMBERED.match(line)
            if (
                header is None
                and not line.startswith("@@")
                and (hunks or line[:1] not in {" ", "+", "-"} or self._at_names())
            ):
                break
            start = self._at
            self._count_edit()
            hunk = self._numbered_hunk(header, shift) if header else self._bare_hunk(line, new_file=new_file)
            if not hunk.lines:
                raise self._malformed("starts a hunk without any line", start)
            shift += hunk.count("+") - hunk.count("-")
            hunks.append(hunk)
        return tuple(hunks)

    def _numbered_hunk(self, header: re.Match[str], shift: int) -> Hunk:
        old_start, old, new_start, new = (int(header[group] or 1) for group in range(1, 5))
        self._at += 1
        body = self._counted_body(old, new) or self._loose_body()
        hunk = Hunk(tuple(body), old_start, header[5] or "")
        counts = hunk.count(" -"), hunk.count(" +")
        if counts != (old, new) or new_start != new_start_of(old_start, *counts, shift):
            self._repairs[Repair.RECOUNTED] = None
        return hunk

    def _bare_hunk(self, line: str, *, new_file: bool) -> Hunk:
        self._at += line.startswith("@@")
        if new_file:
            self._repairs[Repair.NUMBERED] = None
        return Hunk(tuple(self._loose_body()), 0 if new_file else None)

    def _counted_body(self, old: int, new: int) -> list[str] | None:
        """The body the header promises, or None where the lines do not keep the promise."""
        body: list[str] = []
        at, blanks = self._at, False
        while old > 0 or new > 0 or (self._line(at) or "").startswith("\\"):
            line = self._line(at)
            if line is None or (line[:1] not in {" ", "+", "-", "\\"} and not _blank(line)):
                return None
            blanks = blanks or _blank(line)
            body.append(" " + line if _blank(line) else line)
            old -= body[-1][0] in " -"
            new -= body[-1][0] in " +"
            at += 1
        if old or new or not body or self._goes_on(at):
            return None
        if blanks:
            self._repairs[Repair.BLANK_CONTEXT] = None
        self._at = at
        return body

    def _goes_on(self, at: int) -> bool:
        """Whether the hunk has more lines than its header says. To stop there would drop them in silence."""
        while (line := self._line(at)) is not None and not line.strip():
            at += 1
        if line is None or line[:1] not in {" ", "+", "-"} or self._at_names(at) or _signature(line):
            return False
        return self._fenced or not _BULLET.match(line) or bool(self._line(at - 1))

    def _loose_body(self) -> list[str]:
        """All lines up to the next header, the end, or (in bare text) prose."""
        body: list[str] = []
        while (line := self._line()) is not None and not self._at_boundary(line):
            if line[:1] not in {" ", "+", "-", "\\"} and not _blank(line):
                if self._fenced:
                    raise self._malformed("starts with none of ' ', '+' and '-'")
                break
            if not self._fenced and body and _blank(body[-1]) and _BULLET.match(line):
                break
            body.append(line)
            self._at += 1
        while body and _blank(body[-1]):
            body.pop()
        if any(_blank(line) for line in body):
            self._repairs[Repair.BLANK_CONTEXT] = None
        return [" " + line if _blank(line) else line for line in body]

    def _at_boundary(self, line: str) -> bool:
        return line.startswith(("@@", _GIT_LINE)) or (
            self._at_names() and (self._line(self._at + 2) or "").startswith("@@")
        )

    def _at_names(self, at: int | None = None) -> bool:
        """Whether file names start here: `---` with `+++` behind it, or one of them with a hunk behind it."""
        at = self._at if at is None else at
        first, second = self._line(at) or "", self._line(at + 1) or ""
        if first.startswith("--- ") and first[4:].strip():
            return second.startswith(("+++ ", "@@ "))
        return first.startswith("+++ ") and bool(first[4:].strip()) and second.startswith("@@ ")

    def _count_edit(self) -> None:
        self._edits_read += 1
        if self._edits_read > MOST_EDITS or len(self._lines) > MOST_LINES:
            raise PatchError(Failure.TOO_LARGE, f"the diff has more than {MOST_EDITS} hunks and files or {MOST_LINES} lines")

    def _line(self, at: int | None = None) -> str | None:
        at = self._at if at is None else at
        return self._lines[at] if at < len(self._lines) else None

    def _malformed(self, what: str, at: int | None = None) -> PatchError:
        at = self._at if at is None else at
        return PatchError(Failure.MALFORMED, f"line {at + 1} of the diff {what}: {(self._line(at) or '')[:80]!r}")


def _blank(line: str) -> bool:
    """A line whose leading space was lost, if it ever was a context line."""
    return line in {"", "\r"}


def _signature(line: str) -> bool:
    """The line `-- ` that ends a mail made by `git format-patch`."""
    return line.rstrip() == "--"


def _bare(path: str) -> str:
    """`path` without git's prefix."""
    return path[2:] if path.startswith(("a/", "b/")) else path


def _other_side(path: str) -> str:
    swap = {"a/": "b/", "b/": "a/"}
    return swap.get(path[:2], path[:2]) + path[2:]


def _both_names(rest: str) -> tuple[str, str] | None:
    """Old and new name of a git line, None where it can be cut in several ways."""
    half = len(rest) // 2
    old, new = rest[:half], rest[half + 1 :]
    if len(rest) % 2 and rest[half] == " " and _bare(unquote(old)) == _bare(unquote(new)):
        return unquote(old), unquote(new)
    pieces = rest.split(" ")
    return (unquote(pieces[0]), unquote(pieces[1])) if len(pieces) == 2 and all(pieces) else None
