"""Wrapping a line of text on a grid of terminal cells."""

from __future__ import annotations

import re

from rich.cells import cell_len

from swebench_tui.terminal_text import sanitize

_TAB_COLUMNS = 4
_SPACES = re.compile(" +")
_JOINER, _EMOJI_SELECTOR = "\u200d", "\ufe0f"


def display_line(source: str) -> str:
    """A line of an answer as it is drawn: safe for a terminal, tabs as spaces, without the CR of its CR LF."""
    return expand_tabs(sanitize(source.removesuffix("\r")))


def expand_tabs(line: str) -> str:
    """`line` with each tab as the spaces up to the next multiple of four cells."""
    if "\t" not in line:
        return line
    first, *rest = line.split("\t")
    parts, column = [first], cell_len(first)
    for part in rest:
        gap = _TAB_COLUMNS - column % _TAB_COLUMNS
        parts += [" " * gap, part]
        column += gap + cell_len(part)
    return "".join(parts)


def wrap(line: str, width: int, *, hang: int = 0, fold: bool = False) -> list[int]:
    """The indices where the rows of `line` begin at a `width` in cells; the first is 0.

    Rows after the first have `hang` cells less. A row ends at a space or beside a wide character, inside a word only if
    the word is wider than a row, and with `fold` anywhere. Spaces at the end may stick out of a row; nothing else does,
    unless the row has less than two cells. `line` has no tabs and no control characters.
    """
    starts, room, first_break = [0], max(2, width), hang + 1
    while (end := _fit(line, starts[-1], room)) < len(line):
        start = end if fold else _word_break(line, starts[-1], end, first_break)
        if start == len(line):
            break
        starts.append(start)
        room, first_break = max(2, width - hang), start + 1
    return starts


def _fit(line: str, start: int, width: int) -> int:
    """The end of the longest piece from `start` that fits into `width` cells and splits no joined characters."""
    end = start + width
    if line[start:end].isascii() and (end >= len(line) or not _joins(line, end)):
        return min(end, len(line))
    cells, end = 0, start
    while end < len(line) and (cells := cells + _cells(line[end])) <= width:
        end += 1
    whole = end
    while start < whole < len(line) and _joins(line, whole):
        whole -= 1
    return whole if whole > start else end


def _word_break(line: str, start: int, end: int, least: int) -> int:
    """The index of the next row if `line[start:end]` fits: after a space, beside a wide character, or `end`.

    Not before `least`, nor after spaces alone: the next row would have no more room than is left after those.
    """
    if spaces := _SPACES.match(line, end):
        after = spaces.end()
        return after - 1 if after < len(line) and _joins(line, after) else after
    if line[start:end].isascii():
        index = line.rfind(" ", start, end) + 1
    else:
        index = next((index for index in range(end, start, -1) if _may_break(line, index)), start)
    return index if index >= least and line[start:index].strip(" ") else end


def _may_break(line: str, index: int) -> bool:
    before, after = line[index - 1], line[index]
    return not _joins(line, index) and (before == " " or 2 in (_cells(before), _cells(after)))


def _joins(line: str, index: int) -> bool:
    """Whether the character at `index` belongs to the one before it: combining, variation selector, joined emoji."""
    return line[index - 1] == _JOINER or cell_len(line[index]) == 0


def _cells(character: str) -> int:
    """The most cells a terminal may give to the character; an emoji selector can widen the one before it."""
    return 1 if character == _EMOJI_SELECTOR else cell_len(character)
