"""Choosing what fits into a token budget.

What is chosen is counted as it will stand in the prompt, markers included. While choosing, each block and marker is
counted once; the text of all that was chosen is counted in the end, and what was chosen last goes again until that
count is within the budget. So the budget holds for any counter, whatever it makes of texts joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.context import ContextFile, Window
from swebench_tui.bench.context.blocks import Block, Source, whole
from swebench_tui.bench.context.errors import Stop, check
from swebench_tui.bench.context.markup import number_lines, render_file, render_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_TEXT: Final = 4_000_000
"""Characters in a prompt where the budget has no limit."""

MOST_REPORTED: Final = 50
LONGEST_TOKEN: Final = 12
"""Characters a token on average, at most: a longer text than this is over its budget without a count."""

_GIVE_UP: Final = 100
"""Blocks in a row that do not fit."""


class Filled(msgspec.Struct, frozen=True):
    """What fits: the files in the order of their sources, the tokens of all, and the numbers of sources not shown.

    `complete`: every block is in it.
    """

    files: tuple[ContextFile, ...]
    tokens: int
    missing: tuple[int, ...]
    complete: bool


class TokenCounts:
    """Counts each text once."""

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._counts: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if text not in self._counts:
            self._counts[text] = self._count(text) if text else 0
        return self._counts[text]


class Filler:
    """Fills a budget of tokens with blocks of sources."""

    def __init__(
        self, sources: Sequence[Source], budget: int | None, count: TokenCounts, *, numbered: bool, should_stop: Stop
    ) -> None:
        self._sources, self._budget, self._count = sources, budget, count
        self._numbered, self._should_stop = numbered, should_stop

    def fill(self, blocks: Iterable[Block]) -> Filled:
        """Take the blocks in their order; one that does not fit is passed over."""
        chosen = _Chosen()
        missed = total = 0
        for total, block in enumerate(blocks, start=1):  # noqa: B007 - their number
            check(self._should_stop)
            cost = self._cost(chosen, block)
            if cost is not None:
                chosen.add(block, cost)
                missed = 0
            elif (missed := missed + 1) >= _GIVE_UP:
                break
        return self._exact(chosen, total)

    def tokens(self, number: int) -> int:
        """The tokens of a whole source, with its markers."""
        return self._count(self._render([whole(number, self._sources[number])]))

    def _cost(self, chosen: _Chosen, block: Block) -> int | None:
        """What the block adds to the prompt; None where that is over the budget."""
        if self._budget is None:
            cost = len(self._text(block))
            return cost if chosen.cost + cost <= MAX_TEXT else None
        left = self._budget - chosen.cost
        text = self._text(block)
        if left <= 0 or len(text) > left * LONGEST_TOKEN:
            return None
        source = self._sources[block.source]
        complete = block == whole(block.source, source)
        markers = 1 if complete else 1 - chosen.neighbours(block)  # windows that touch become one
        shape = ContextFile(source.path, len(source.lines), (Window(block.first, ""),), whole=complete)
        cost = self._count(text) + markers * self._count(render_file(shape) + "\n\n")
        return cost if cost <= left else None

    def _exact(self, chosen: _Chosen, total: int) -> Filled:
        while True:
            check(self._should_stop)
            files = self._files(chosen.blocks)
            tokens = self._count(render_files(files, numbered=self._numbered)) if files else 0
            if self._budget is None or tokens <= self._budget or not files:
                shown = {block.source for block in chosen.blocks}
                missing = tuple(number for number in range(len(self._sources)) if number not in shown)
                return Filled(files, tokens, missing, complete=len(chosen.blocks) == total)
            chosen.drop(tokens - self._budget)

    def _files(self, blocks: Iterable[Block]) -> tuple[ContextFile, ...]:
        by_source: dict[int, list[Block]] = {}
        for block in sorted(blocks, key=lambda block: (block.source, block.first)):
            by_source.setdefault(block.source, []).append(block)
        return tuple(self._file(parts) for parts in by_source.values())

    def _file(self, blocks: Sequence[Block]) -> ContextFile:
        """A file with the blocks, in line order, as windows: those that touch become one."""
        source = self._sources[blocks[0].source]
        spans: list[tuple[int, int]] = []
        for block in blocks:
            if spans and spans[-1][1] + 1 == block.first:
                spans[-1] = (spans[-1][0], block.last)
            else:
                spans.append((block.first, block.last))
        windows = tuple(Window(first, _joined(source.lines[first - 1 : last])) for first, last in spans)
        return ContextFile(source.path, len(source.lines), windows, whole=spans == [(1, len(source.lines))])

    def _render(self, blocks: Iterable[Block]) -> str:
        return render_files(self._files(blocks), numbered=self._numbered)

    def _text(self, block: Block) -> str:
        text = _joined(self._sources[block.source].lines[block.first - 1 : block.last])
        return number_lines(text, block.first) + "\n" if self._numbered and text else text


class _Chosen:
    """The blocks chosen so far, in the order of choosing, and what each costs."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.cost = 0
        self._costs: list[int] = []
        self._starts: set[tuple[int, int]] = set()
        self._ends: set[tuple[int, int]] = set()

    def add(self, block: Block, cost: int) -> None:
        self.blocks.append(block)
        self._costs.append(cost)
        self.cost += cost
        self._starts.add((block.source, block.first))
        self._ends.add((block.source, block.last))

    def neighbours(self, block: Block) -> int:
        """How many chosen blocks touch it."""
        return ((block.source, block.first - 1) in self._ends) + ((block.source, block.last + 1) in self._starts)

    def drop(self, excess: int) -> None:
        """Drop what was chosen last: at least one block, and so many that their cost makes up for the excess."""
        while self.blocks:
            self.blocks.pop()
            excess -= self._costs.pop()
            if excess <= 0:
                return


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
