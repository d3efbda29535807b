"""Parts of files that a prompt can show alone, and how likely each needs a change.

Files are cut where classes, functions and methods begin. A block has about 10 to 84 lines; a small file is one block.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.context.errors import Stop, check
from swebench_tui.bench.context.index import weighted_bm25
from swebench_tui.bench.context.languages import language_of
from swebench_tui.bench.context.ranking import normalized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from swebench_tui.bench.context.ranking import Question

SHORTEST: Final = 10
LONGEST: Final = 84
STEP: Final = 60
"""Lines: shorter blocks join the next, longer ones are split every so many."""

_FILE_WEIGHT: Final = 2.0
_NAME_BONUS: Final = 0.5
_IN_CODE: Final = 0.3


class Source(msgspec.Struct, frozen=True):
    """A file to show: its lines, its place in the ranking and its score, of which the best file's is 1."""

    path: str
    lines: Sequence[str]
    score: float = 1.0


class Block(msgspec.Struct, frozen=True):
    """Lines `first` to `last` (from 1, inclusive) of the source with this number."""

    source: int
    first: int
    last: int


def whole(number: int, source: Source) -> Block:
    """All of a source as one block."""
    return Block(number, 1, len(source.lines))


def wholes(sources: Sequence[Source]) -> list[Block]:
    """Each source as one block."""
    return [whole(number, source) for number, source in enumerate(sources)]


def cut(number: int, source: Source) -> list[Block]:
    """A source as blocks in line order, which cover every line once."""
    starts = [1, *(line for line, _ in _definitions(source) if line > 1), len(source.lines) + 1]
    blocks: list[Block] = []
    first = 1
    for start in starts[1:]:
        if start - first < SHORTEST and start <= len(source.lines):
            continue
        if start > first:
            blocks += _split(number, first, start - 1)
        first = start
    return blocks


def _split(number: int, first: int, last: int) -> list[Block]:
    if last - first + 1 <= LONGEST:
        return [Block(number, first, last)]
    return [Block(number, start, min(start + STEP - 1, last)) for start in range(first, last + 1, STEP)]


def _definitions(source: Source) -> list[tuple[int, str]]:
    """Lines where a definition begins, with comments and decorators directly above it, and the name it defines."""
    language = language_of(source.path)
    if language is None:
        return []
    text = "\n".join(source.lines)
    offsets = [0]
    for line in source.lines:
        offsets.append(offsets[-1] + len(line) + 1)
    found: list[tuple[int, str]] = []
    least = 0
    for offset, name in language.starts(text):
        top = bottom = bisect_right(offsets, offset) - 1  # from 0
        while top > least and source.lines[top - 1].lstrip().startswith(language.above):
            top -= 1
        least = bottom + 1
        found.append((top + 1, name))
    return found


def order(sources: Sequence[Source], blocks: Sequence[Block], question: Question, *, should_stop: Stop) -> list[Block]:
    """The blocks, the most likely first: by their file's score, their own BM25, and the names they define."""
    matches = _bm25(sources, blocks, question, should_stop)
    bonus = _bonus(sources, blocks, question)
    scores = {
        block: round(_FILE_WEIGHT * sources[block.source].score + matches.get(number, 0.0) + bonus.get(number, 0.0), 6)
        for number, block in enumerate(blocks)
    }
    return sorted(blocks, key=lambda block: (-scores[block], block.source, block.first))


def _bm25(
    sources: Sequence[Source], blocks: Sequence[Block], question: Question, should_stop: Stop
) -> Mapping[int, float]:
    import sqlite3  # noqa: PLC0415 - not needed by most commands

    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE VIRTUAL TABLE block USING fts5 (text, content='', tokenize='unicode61')")
        connection.execute("BEGIN")
        for number, block in enumerate(blocks):
            check(should_stop)
            text = "\n".join(sources[block.source].lines[block.first - 1 : block.last])
            connection.execute("INSERT INTO block (rowid, text) VALUES (?, ?)", (number, text))
        return normalized(weighted_bm25(connection, "block", "1.0", question.query))


def _bonus(sources: Sequence[Source], blocks: Sequence[Block], question: Question) -> Mapping[int, float]:
    """For each block what the weightiest name that it defines and the issue names adds to its score."""
    weights = {
        name: _IN_CODE if name in question.query.in_code else weight
        for name, weight in question.query.identifiers.items()
    } | dict.fromkeys(question.functions, 1.0)
    by_source: dict[int, list[tuple[int, int]]] = {}
    for number, block in enumerate(blocks):
        by_source.setdefault(block.source, []).append((block.first, number))
    bonus: dict[int, float] = {}
    for source, starts in by_source.items():
        for line, name in _definitions(sources[source]):
            if weight := weights.get(name):
                number = starts[max(bisect_right(starts, (line, len(blocks))) - 1, 0)][1]
                bonus[number] = max(bonus.get(number, 0.0), _NAME_BONUS * weight)
    return bonus
