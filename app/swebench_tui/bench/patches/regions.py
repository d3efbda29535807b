"""Split an answer into the contents of its fences and tags and the prose between them, in one pass.

    region := fence | tag | prose
    fence  := indent sign info LF line* indent sign LF          sign: three or more of ` or of ~, not fewer at the end
    tag    := "<patch>" line* "</patch>" | "<diff>" line* "</diff>"

A fence closes at the indentation of its start only: in a diff, a fence of the file's own text is one column further in.
Text behind a fence that opened inside another one is prose, whatever the outer one was.
"""

from __future__ import annotations

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
_TAGS = {"<patch>": "</patch>", "<diff>": "</diff>"}


class Region(msgspec.Struct, frozen=True):
    """A part of an answer. `start` is the index of its first line, `after` the line behind its end.

    `end` is how it ended: closed by its own mark, interrupted by a fence that opened inside it, or with the answer.
    """

    kind: Literal["fence", "tag", "prose"]
    info: str
    lines: tuple[str, ...]
    start: int
    end: Literal["closed", "interrupted", "answer"]
    after: str = ""

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
        self._flat: list[str] = []
        self._regions: list[Region] = []
        self._open: list[_Opening] = []
        self._inside: _Opening | None = None  # None: prose, perhaps within an outer fence
        self._region: list[str] = []
        self._start = 0
        self._in_hunk = False  # among the lines of a diff, where a blank in front of a mark is the diff's

    def read(self) -> Answer:
        for index, line in enumerate(self._lines):
            first = line[:1]
            indented = first in _BLANKS and not (self._in_hunk and first == " ")
            if (first in _SIGNS or (indented and line.lstrip()[:1] in _SIGNS)) and self._is_mark(line, index):
                self._flat.append(line)
                continue
            self._in_hunk = first in _BODY if self._in_hunk else first == "@" and line.startswith("@@")
            text = line.removeprefix(self._inside.indent) if self._inside else line
            self._flat.append(text)
            self._region.append(text)
        self._end("answer", len(self._lines))
        return Answer(tuple(self._regions), tuple(self._flat))

    def _is_mark(self, line: str, index: int) -> bool:
        """Whether `line` ends a region and starts the next one."""
        outer = self._open[-1] if self._open else None
        if outer and outer.is_closed_by(line):
            self._end("closed", index)
            self._open.pop()
        elif opening := _opening(line, outer):
            self._end("interrupted", index)
            self._open.append(opening)
            self._inside = opening
            self._region = [opening.rest] if opening.rest else []
        else:
            return False
        return True

    def _end(self, how: Literal["closed", "interrupted", "answer"], index: int) -> None:
        inside = self._inside
        if inside or any(line.strip() for line in self._region):
            kind: Literal["fence", "tag", "prose"] = "prose" if inside is None else "tag" if inside.is_tag else "fence"
            after = self._lines[index + 1] if index + 1 < len(self._lines) else ""
            if len(self._regions) >= MOST_REGIONS:
                raise PatchError(Failure.TOO_LARGE, f"the answer has more than {MOST_REGIONS} fences")
            self._regions.append(
                Region(kind, inside.info if inside else "", tuple(self._region), self._start, how, after)
            )
        self._inside, self._region, self._start = None, [], index + 1


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
