"""CPU milliseconds to show one more line of a patch, in `AnswerView` and in Textual's `Log`, by what is already there.

    python tests/benchmarks/answer_view_cost.py [--lines 50,200,800,2000] [--width 60] [--height 40]

Headless, run by hand, never asserted. After the patch so far is shown, 20 lines are added one at a time and each is
painted. `idle` is what the driver itself costs for each step; it is part of the other figures. `in 10 pieces` adds each
line as a stream would, painting every piece. `wrap` is wrapping and painting all lines again at another width.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Log

from swebench_tui.tui.answer import AnswerView

_STEPS = 20


class Bed(App[None]):
    """One widget that fills the screen."""

    CSS = "Bed > * { width: 100%; height: 100%; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        """Show it."""
        yield self.widget


def line(number: int) -> str:
    """A line of a patch."""
    return f"+        self._headers = normalise(value, encoding)  # line {number}\n"


def patch(lines: int) -> str:
    """A fenced patch that goes on."""
    return "```diff\n" + "".join(map(line, range(lines)))


async def cpu_ms(pilot: Pilot[None], step: Callable[[int], object], steps: int = _STEPS) -> float:
    """Mean CPU milliseconds of a step and the painting after it."""
    await pilot.pause()
    await pilot.pause()
    start = time.process_time()
    for number in range(steps):
        step(number)
        await pilot.pause()
    return 1000 * (time.process_time() - start) / steps


async def log_cost(lines: int, size: tuple[int, int]) -> float:
    """One more line in a `Log`."""
    log = Log()
    async with Bed(log).run_test(size=size) as pilot:
        log.write(patch(lines))
        return await cpu_ms(pilot, lambda number: log.write_line(line(number).rstrip("\n")))


async def view_costs(lines: int, size: tuple[int, int]) -> dict[str, float]:
    """Doing nothing, one more line, a line in ten pieces, and wrapping all again, in an `AnswerView`."""
    view = AnswerView()
    async with Bed(view).run_test(size=size) as pilot:
        view.append(patch(lines))
        costs = {"idle": await cpu_ms(pilot, lambda _: None)}
        costs["view"] = await cpu_ms(pilot, lambda number: view.append(line(number)))
        pieces = [line(0)[at : at + 7] for at in range(0, 70, 7)]
        costs["in 10 pieces"] = 10 * await cpu_ms(pilot, lambda number: view.append(pieces[number % 10]))
        start = time.process_time()
        await pilot.resize_terminal(size[0] // 2, size[1])
        await pilot.pause()
        costs["wrap"] = 1000 * (time.process_time() - start)
    return costs


async def main(lines: list[int], size: tuple[int, int]) -> None:
    """Print one row for each length."""
    sys.stdout.write(
        f"{'lines':>6}{'Log':>9}{'view':>9}{'view/Log':>10}{'idle':>9}{'in 10 pieces':>14}{'wrap':>9}   ms\n"
    )
    for count in lines:
        log, view = await log_cost(count, size), await view_costs(count, size)
        sys.stdout.write(f"{count:>6}{log:>9.1f}{view['view']:>9.1f}{view['view'] / log:>10.2f}")
        sys.stdout.write(f"{view['idle']:>9.1f}{view['in 10 pieces']:>14.1f}{view['wrap']:>9.1f}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", default="50,200,800,2000")
    parser.add_argument("--width", type=int, default=60)
    parser.add_argument("--height", type=int, default=40)
    options = parser.parse_args()
    asyncio.run(main([int(count) for count in options.lines.split(",")], (options.width, options.height)))
