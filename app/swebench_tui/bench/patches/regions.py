"""Split an answer into the contents of its fences and tags and the prose between them, in one pass.

    region := fence | tag | prose
    fence  := indent sign info LF line* indent sign LF          sign: three or more of ` or of ~, not fewer at the end
    tag    := "<patch>" line* "</patch>" | "<diff>" line* "</diff>"

A fence closes at the indentation of its start: in a diff, a fence of the file's own text is one column further in.
Where nothing closes a region, the only line that could be its end does: a mark one to three columns further in, or one
glued to the last line, with no diff behind it. Text behind a fence that opened inside another one is prose, whatever
the outer one was. The indentation of a fence is cut from its lines where all of them have it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from swebench_tui.bench.patches.verdict import Failure, PatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

DIFF_INFO = frozenset({"diff", "patch", "udiff", "git"})
MOST_REGIONS = 5000

_WRAPPERS = frozenset({"", "markdown", "md", "text", "txt"})
_SIGNS = frozenset("`~<")
_BLANKS = frozenset(" \t")
_BODY = frozenset(["", " ", "+", "-", "\\", "\r", "@"])
_COLUMNS = " +-@\\"
_BULLET = re.compile(r"[-+] \S")
_FURTHER_IN = 3  # columns that a closing mark may stand further in than its opening one, as in Markdown
_TAGS = {"<patch>": "</patch>", "<diff>": "</diff>"}


Ending = Literal["closed", "misplaced", "interrupted", "answer"]


class Region(msgspec.Struct, frozen=True):
    """A part of an answer. `start` is the index of its first line, `after` the line behind its end.

    `end` is how it ended: closed by its own mark, by a misplaced one (which is `mark`, and may be a line of the
    content), interrupted by a fence that opened inside it, or with the answer.
    """

    kind: Literal["fence", "tag", "prose"]
    info: str
    lines: tuple[str, ...]
    start: int
    end: Ending
    after: str = ""
    mark: str = ""

    @property
    def span(self) -> tuple[int, int]:
        """First and last line of its content in the answer, from 1."""
        return self.start + 1, self.start + len(self.lines)

    @property
    def language(self) -> str:
        """First word of the info string, in lower case."""
        return (self.info.replace(":", " ").split() or [""])[0].lower()


class Answer(msgspec.Struct, frozen=True):
    """All regions of an answer, and its lines without the indentation of their fences."""

    regions: tuple[Region, ...]
    lines: tuple[str, ...]


class _Opening(msgspec.Struct, frozen=True):
    sign: str  # the whole run of backticks or tildes, or the closing tag
    indent: str = ""
    info: str = ""
    rest: str = ""

    @property
    def is_tag(self) -> bool:
        return self.sign.startswith("<")

    def is_closed_by(self, line: str) -> bool:
        if self.is_tag:
            return line.strip() == self.sign
        if not line.startswith(self.indent + self.sign):
            return False
        return not line[len(self.indent) :].strip().strip(self.sign[0])


def read_regions(answer: str) -> Answer:
    """Split `answer`. Every line but the marks belongs to one region. Raises `PatchError` for thousands of fences."""
    return _Reader(answer.removesuffix("\n").split("\n")).read()


class _Reader:
    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._flat = list(lines)
        self._regions: list[Region] = []
        self._open: list[_Opening] = []
        self._inside: _Opening | None = None  # None: prose, perhaps within an outer fence
        self._start = 0
        self._ends: list[int] = []  # lines of the region that end in the mark that would close it
        self._in_hunk = False  # among the lines of a diff, where a blank in front of a mark is the diff's

    def read(self) -> Answer:
        for index, line in enumerate(self._lines):
            first = line[:1]
            indented = first in _BLANKS and not (self._in_hunk and first == " ")
            if (first in _SIGNS or (indented and line.lstrip()[:1] in _SIGNS)) and self._is_mark(line, index):
                continue
            self._in_hunk = first in _BODY if self._in_hunk else first == "@" and line.startswith("@@")
            if self._inside and line.rstrip().endswith(self._inside.sign):
                self._ends.append(index)
        self._end_without_mark("answer", len(self._lines))
        return Answer(tuple(self._regions), tuple(self._flat))

    def _is_mark(self, line: str, index: int) -> bool:
        """Whether `line` ends a region and starts the next one."""
        outer = self._open[-1] if self._open else None
        if outer and outer.is_closed_by(line):
            self._end("closed", index)
            self._open.pop()
        elif opening := _opening(line, outer):
            self._end_without_mark("interrupted", index)
            self._open.append(opening)
            self._inside = opening
        else:
            return False
        return True

    def _end_without_mark(self, how: Ending, index: int) -> None:
        """End the region at its misplaced mark, if it has one, and what is behind that at `index`."""
        inside, end = self._inside, self._misplaced_end(index)
        if inside is not None and end is not None:
            line = self._lines[end].rstrip()
            glued = line.removesuffix(inside.sign)
            if glued.strip():
                self._flat[end] = glued
            self._end("misplaced", end + bool(glued.strip()), mark="" if glued.strip() else line)
            self._start = end + 1
            self._open.pop()
        self._end(how, index)

    def _misplaced_end(self, stop: int) -> int | None:
        """The one line of the region, which goes up to `stop`, that can be its end."""
        inside = self._inside
        if inside is None or len(self._ends) != 1:
            return None
        end = self._ends[0]
        line = self._lines[end].rstrip()
        before = line.removesuffix(inside.sign)
        further_in = not before.strip() and before.startswith(inside.indent)
        if further_in and len(before) - len(inside.indent) > _FURTHER_IN:
            return None
        if before.strip() and (before.endswith(inside.sign[0]) or before.lstrip().startswith(inside.sign)):
            return None
        after = next((self._lines[index] for index in range(end + 1, stop) if self._lines[index].strip()), "")
        return None if after and after[0] in _COLUMNS and not _BULLET.match(after) else end

    def _end(self, how: Ending, index: int, mark: str = "") -> None:
        inside = self._inside
        lines = self._flat[self._start : index]
        if inside and inside.indent and all(line.startswith(inside.indent) for line in lines if line.strip()):
            lines = [line.removeprefix(inside.indent) for line in lines]
            self._flat[self._start : index] = lines
        if inside and inside.rest:
            lines = [inside.rest, *lines]
        if inside or any(line.strip() for line in lines):
            kind: Literal["fence", "tag", "prose"] = "prose" if inside is None else "tag" if inside.is_tag else "fence"
            after = self._lines[index + 1] if index + 1 < len(self._lines) else ""
            if len(self._regions) >= MOST_REGIONS:
                raise PatchError(Failure.TOO_LARGE, f"the answer has more than {MOST_REGIONS} fences")
            info = inside.info if inside else ""
            self._regions.append(Region(kind, info, tuple(lines), self._start, how, after, mark))
        self._inside, self._start, self._ends = None, index + 1, []


def _opening(line: str, outer: _Opening | None) -> _Opening | None:
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    if text.startswith(("```", "~~~")):
        info = text.lstrip(text[0])
        fence = _Opening(text[: len(text) - len(info)], indent, info.strip())
        return fence if "`" not in info and _may_open(fence, outer) else None
    if text.startswith("<") and (outer is None or not indent):
        tag = next((tag for tag in _TAGS if text.startswith(tag)), "")
        return _Opening(_TAGS[tag], rest=text[len(tag) :].strip(" \t\r")) if tag else None
    return None


def _may_open(fence: _Opening, outer: _Opening | None) -> bool:
    """Inside another fence only one with an info string opens, a shorter one only as a diff in a plain wrapper."""
    if outer is None or outer.is_tag:
        return True
    if not fence.info or fence.indent != outer.indent:
        return False
    return len(fence.sign) >= len(outer.sign) or (fence.info.lower() in DIFF_INFO and outer.info.lower() in _WRAPPERS)
