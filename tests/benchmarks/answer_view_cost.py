"""CPU milliseconds to show one more line of a patch in `AnswerView`, beside Textual's `Log`, by lines already there.

    python -m tests.benchmarks.answer_view_cost [--lines 50,200,800,2000] [--width 60] [--height 40] [--json]

Headless. 20 lines are added one at a time, and each is painted. `idle` is what a step costs in which nothing happens;
the other figures include it. `in 10 pieces` adds each line as a stream would and paints every piece. `wrap` wraps and
paints all lines at another width. Exit status 1 means that a line was not painted, or cost nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Log

from swebench_tui.tui.answer import AnswerView
from tests.app.tui.pilot import shown
from tests.benchmarks.not_measured import NotMeasuredError

_STEPS: Final = 20
_PIECE: Final = 7  # characters; a line of the patch has 70


class Stage(App[None]):
    """One widget that fills the screen."""

    CSS = "Stage > * { width: 100%; height: 100%; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        """Show it."""
        yield self.widget


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """CPU milliseconds of a step in a view that already shows so many `lines`."""

    lines: int
    log: float
    view: float
    idle: float
    pieces: float
    wrap: float

    def check(self) -> None:
        """Raise `NotMeasuredError` for a cost that cannot be."""
        if not 0 < self.idle < min(self.log, self.view, self.pieces, self.wrap):
            raise NotMeasuredError(f"a step costs no more than doing nothing: {self}")

    @property
    def row(self) -> str:
        """One line of the table."""
        return (
            f"{self.lines:>6}{self.log:>9.1f}{self.view:>9.1f}{self.view / self.log:>10.2f}"
            f"{self.idle:>9.1f}{self.pieces:>14.1f}{self.wrap:>9.1f}"
        )


HEADING: Final = f"{'lines':>6}{'Log':>9}{'view':>9}{'view/Log':>10}{'idle':>9}{'in 10 pieces':>14}{'wrap':>9}   ms"


def line(number: int) -> str:
    """A line of a patch."""
    return f"+        self._headers = normalise(value, encoding)  # line {number:>9}\n"


def patch(lines: int) -> str:
    """A fenced patch that goes on."""
    return "```diff\n" + "".join(map(line, range(lines)))


async def cpu_ms(pilot: Pilot[None], step: Callable[[int], object]) -> float:
    """Mean CPU milliseconds of a step and of painting it."""
    await pilot.pause()
    await pilot.pause()
    start = time.process_time()
    for number in range(_STEPS):
        step(number)
        await pilot.pause()
    return 1000 * (time.process_time() - start) / _STEPS


def _require(widget: Widget, text: str) -> None:
    if text not in shown(widget):
        raise NotMeasuredError(f"{type(widget).__name__} does not show {text!r}")


async def log_cost(lines: int, size: tuple[int, int]) -> float:
    """One more line in a `Log`."""
    log = Log()
    async with Stage(log).run_test(size=size) as pilot:
        log.write(patch(lines))
        cost = await cpu_ms(pilot, lambda number: log.write_line(line(number).rstrip("\n")))
        _require(log, line(_STEPS - 1)[:40])
        return cost


async def measure(lines: int, size: tuple[int, int], view: AnswerView | None = None) -> Measurement:
    """The costs at so many lines. Raises `NotMeasuredError` if a line is not painted in the end."""
    view = view or AnswerView()
    async with Stage(view).run_test(size=size) as pilot:
        view.append(patch(lines))
        idle = await cpu_ms(pilot, lambda _: None)
        one_more = await cpu_ms(pilot, lambda number: view.append(line(number)))
        _require(view, line(_STEPS - 1)[:40])
        pieces = [line(0)[start : start + _PIECE] for start in range(0, len(line(0)), _PIECE)]
        piece = await cpu_ms(pilot, lambda number: view.append(pieces[number % len(pieces)]))
        start = time.process_time()
        await pilot.resize_terminal(size[0] // 2, size[1])
        await pilot.pause()
        wrap = 1000 * (time.process_time() - start)
        if view.virtual_size.width >= size[0] // 2 or view.virtual_size.height <= lines + _STEPS:
            raise NotMeasuredError(f"the view is {view.virtual_size}: not wrapped anew")
    result = Measurement(
        lines=lines, log=await log_cost(lines, size), view=one_more, idle=idle, pieces=len(pieces) * piece, wrap=wrap
    )
    result.check()
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row for each number of lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", default="50,200,800,2000")
    parser.add_argument("--width", type=int, default=60)
    parser.add_argument("--height", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="print one JSON object for each number of lines")
    options = parser.parse_args(arguments)
    if not options.json:
        print(HEADING)
    try:
        for count in map(int, options.lines.split(",")):
            result = asyncio.run(measure(count, (options.width, options.height)))
            print(msgspec.json.encode(result).decode() if options.json else result.row)
    except NotMeasuredError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
