"""Remove a model's thoughts from its answer, so that a draft in them is no candidate.

    thought := "<think>" text "</think>"      also <thinking>, <thought>, <reasoning>, [THINK], and others of `_TAGS`
             | text "</think>"                the start is missing: everything in front of it
             | "<think>" text                 the end is missing: everything behind it
             | "<|channel|>analysis<|message|>" text "<|end|>"          OpenAI's harmony, with or without its tokens

A start counts at the start of a line of prose. An end without a start does not count between two words of a sentence.
In a fence, a block or a diff that is whole, both are text of a file.
Removed lines become blank ones, so that the others keep their numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = r"(?:antml:|seed:)?(?:think|thinking|thoughts?|reasoning|analysis|reflection|scratchpad)"
_TAGS = rf"<{_NAMES}>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
_UNCLOSED = re.compile(r"[ \t]*<(?:antml:|seed:)?think(?:ing)?>|\[THINK\]|◁think▷", re.IGNORECASE)
_OPEN = re.compile(rf"[ \t]*(?:{_TAGS})", re.IGNORECASE)
_START = re.compile(_TAGS, re.IGNORECASE)
_CLOSE = re.compile(rf"</{_NAMES}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>", re.IGNORECASE)
_HARMONY = re.compile(
    r"(?:<\|start\|>assistant\s*)?<\|channel\|>\s*(\w+)[^<\n]*<\|message\|>|<\|(?:end|return|call)\|>"
)
_HARMONY_START = re.compile(r"^(?:<\|start\|>assistant\s*)?<\|channel\|>", re.MULTILINE)
_BARE_HARMONY = re.compile(r"\s*analysis(?=[A-Z\s]).*?assistantfinal", re.DOTALL)
_FENCE = re.compile(r"(`{3,}|~{3,})\s*([^`]*)$")
_DIFF_COLUMNS = ("+", "-", " ", "\t", "\\")
_EDIT = ("```", "~~~", "@@", "<<<<<", "diff --git ", "--- ", "*** ", "<patch>", "<diff>")


class Thoughts(msgspec.Struct, frozen=True):
    """An answer without its thoughts; `spans` are first and last line of each, from 1. `edits`: one has code."""

    answer: str
    spans: tuple[tuple[int, int], ...] = ()
    edits: bool = False


def remove_thoughts(answer: str) -> Thoughts:
    """The answer with blank lines in place of thoughts."""
    lines = answer.split("\n")
    kept = _without_tags(_without_harmony(answer, lines))
    if kept == lines:
        return Thoughts(answer)
    removed = [index for index, line in enumerate(lines) if kept[index] != line]
    edits = any(lines[index].lstrip().startswith(_EDIT) for index in removed)
    return Thoughts("\n".join(kept), _spans(removed), edits)


def _spans(indexes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    spans: list[tuple[int, int]] = []
    for index in indexes:
        if spans and spans[-1][1] == index:
            spans[-1] = (spans[-1][0], index + 1)
        else:
            spans.append((index + 1, index + 1))
    return tuple(spans)


def _without_harmony(answer: str, lines: list[str]) -> list[str]:
    if _HARMONY_START.search(answer):
        return _without_analysis(lines)
    if "assistantfinal" in answer and (bare := _BARE_HARMONY.match(answer)):
        return [""] * answer.count("\n", 0, bare.end()) + answer[bare.end() :].split("\n")
    return lines


def _without_analysis(lines: Sequence[str]) -> list[str]:
    """The lines of all channels but analysis, without the tokens around them."""
    kept: list[str] = []
    analysis = False
    for line in lines:
        parts, position = [], 0
        for token in () if line.startswith(_DIFF_COLUMNS) or "<|" not in line else _HARMONY.finditer(line):
            parts += [] if analysis else [line[position : token.start()]]
            analysis, position = token[1] == "analysis", token.end()
        kept.append("".join(parts if analysis else [*parts, line[position:]]))
    return kept


def _without_tags(lines: list[str]) -> list[str]:
    ends = [index for index, line in enumerate(lines) if _end_of_thought(line) is not None]
    starts = any(_OPEN.match(line) for line in lines)
    return _Reader(lines, ends).read() if ends or starts else lines


class _Reader:
    """Walks through the lines once; `_fence` is the mark of the fence around the line, if any."""

    def __init__(self, lines: Sequence[str], ends: Sequence[int]) -> None:
        self._lines = list(lines)
        self._ends = ends
        self._marks = [index for index, line in enumerate(lines) if _FENCE.match(line.lstrip())]
        self._block_ends = [index for index, line in enumerate(lines) if line.startswith((">>>>", "<<<<"))]
        self._first = next((index for index, line in enumerate(lines) if line.strip()), 0)
        self._fence = ""
        self._seen = False

    def read(self) -> list[str]:
        index = 0
        while index < len(self._lines):
            index = self._in_fence(index) if self._fence else self._in_prose(index)
        return self._lines

    def _in_prose(self, index: int) -> int:
        """Deals with one line and returns the index to go on at: the same one where the line has become another."""
        line = self._lines[index]
        if opening := _OPEN.match(line):
            end = self._end_of(index, line, opening.end())
            if end is not None:
                return self._remove(index, end)
        elif not self._seen and (behind := _end_of_thought(line)) is not None and not _is_mention(line, behind):
            self._lines[:index] = [""] * index
            return self._keep(index, line[behind:])
        elif mark := _FENCE.match(line.lstrip()):
            self._fence = mark[1]
        elif line.startswith("<<<<<"):
            behind_block = _next(self._block_ends, index + 1)
            if behind_block is not None and self._lines[behind_block].startswith(">"):
                return behind_block
        return index + 1

    def _in_fence(self, index: int) -> int:
        line = self._lines[index]
        if mark := _FENCE.match(line.lstrip()):
            closed = not mark[2] and mark[1].startswith(self._fence)
            self._fence = "" if closed else mark[1] if mark[2] else self._fence
        elif not self._seen and line[:1] in "<[◁" and _end_of_thought(line) is not None:
            after = _next(self._marks, index + 1)
            info = _FENCE.match(self._lines[after].lstrip()) if after is not None else None
            if info is None or info[2]:  # no mark closes the fence, so the thought ended inside it
                self._fence = ""
                self._lines[:index] = [""] * index
                return self._keep(index, line[_end_of_thought(line) :])
        return index + 1

    def _end_of(self, index: int, line: str, behind: int) -> tuple[int, int] | None:
        """Line and column behind the thought that starts at `index`; None where it is no thought."""
        column = 0
        while (opening := _OPEN.match(line, column)) and (same := _CLOSE.search(line, opening.end())):
            column = same.end()
        if column:
            return index, column
        last = _next(self._ends, index + 1)
        if last is not None:
            return last, _end_of_thought(self._lines[last]) or 0
        if _UNCLOSED.match(line) and (index <= self._first or not line[behind:].strip()):
            return len(self._lines), 0
        return None

    def _remove(self, index: int, end: tuple[int, int]) -> int:
        stop, column = end
        self._lines[index:stop] = [""] * (stop - index)
        return self._keep(stop, self._lines[stop][column:]) if stop < len(self._lines) else stop

    def _keep(self, index: int, rest: str) -> int:
        self._seen = True
        self._lines[index] = rest.lstrip()
        return index


def _next(indexes: Sequence[int], index: int) -> int | None:
    """The first of the sorted `indexes` that is not below `index`."""
    place = bisect_left(indexes, index)
    return indexes[place] if place < len(indexes) else None


def _end_of_thought(line: str) -> int | None:
    """The column behind an end tag; None for a line without one, or with one that is text of a file."""
    tag = _CLOSE.search(line) if ("</" in line or "/T" in line or "/t" in line or "end_of" in line) else None
    if tag is None:
        return None
    before = line[: tag.start()]
    quoted = before[-1:] in {'"', "'", "`"}
    in_diff = before[:1] in _DIFF_COLUMNS and not before[1:].strip()
    return None if quoted or (before and in_diff) else tag.end()


def _is_mention(line: str, behind: int) -> bool:
    """Whether an end tag, up to `behind`, is spoken of: it closes a start in mid-line, or stands between two words."""
    tag = _CLOSE.search(line)
    before, after = line[: tag.start() if tag else 0], line[behind:]
    in_sentence = before[-1:].isspace() and after[:1].isspace() and bool(before.strip() and after.strip())
    return in_sentence or _START.search(before) is not None
