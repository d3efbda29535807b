"""Eight columns of fast streams on a real terminal: CPU of the app, time from a key to its repaint, text that is lost.

    python -m tests.benchmarks.eight_columns [--columns 8] [--rate 60] [--seconds 12] [--size 320x50] [--json]

The app runs in a child process under a pty; the streams come from a fault server in a process of its own. A key is
pressed every 250 ms that writes a new number to the screen; the time until that number leaves the app is the latency.
Exit status 1 means that the measurement is worth nothing: a key was never answered, or text did not arrive.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Final

import msgspec

from tests.benchmarks.not_measured import NotMeasuredError
from tests.fault_server import FaultServerProcess, Script

_PATCH: Final = [
    "--- a/core/cache.py\n+++ b/core/cache.py\n@@ -1,4 +1,4 @@\n",
    " def get(self, key):\n",
    "-    return self._store.get(key)\n",
    "+    return self._store.get(key, None)  # a **missing** key is `None`\n",
]
_START_LIMIT: Final = 20.0
"""Seconds the app has to show its first task."""

MARK: Final = b"K%05d"
KEY_LIMIT: Final = 3.0
"""Seconds a key has to be answered."""

_PERIOD: Final = 0.25
"""Seconds between an answered key and the next one."""


class Counts(msgspec.Struct):
    """Characters of all answers: received by the engine, and held by the widgets."""

    arrived: int
    shown: int


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """`latencies` are seconds from key to repaint; `cpu` is the share of one core, `gap` seconds without a write."""

    columns: int
    rate: float
    size: str
    latencies: list[float]
    cpu: float
    gap: float
    offered: int
    arrived: int
    shown: int

    def check(self) -> None:
        """Raise `NotMeasuredError` if a figure stands for nothing."""
        if len(self.latencies) < 2:
            raise NotMeasuredError(f"{len(self.latencies)} keys were pressed; a longer run is needed")
        if not self.cpu:
            raise NotMeasuredError("the app used no CPU time")
        if not self.offered == self.arrived == self.shown:
            raise NotMeasuredError(f"characters: {self.offered} offered, {self.arrived} arrived, {self.shown} shown")

    def __str__(self) -> str:
        latencies = [seconds * 1e3 for seconds in self.latencies]
        p95 = statistics.quantiles(latencies, n=20)[18]
        return (
            f"{self.columns} columns x {self.rate:g} tokens/s, {self.size}, load {os.getloadavg()[0]:.1f}\n"
            f"key to repaint, ms: p50 {statistics.median(latencies):.0f}  p95 {p95:.0f}  max {max(latencies):.0f}"
            f"  ({len(latencies)} keys)\n"
            f"CPU {self.cpu:.0%} of one core; longest gap between writes {self.gap:.2f} s\n"
            f"characters offered {self.offered:,}, arrived {self.arrived:,}, in the widgets {self.shown:,}"
        )


def child(columns: int, base_url: str) -> None:
    """Run the app with three keys more: `g` sends the prompt, `k` writes a mark, `q` reports and ends."""
    from textual import work
    from textual.binding import Binding
    from textual.widgets import Static

    from swebench_providers import ProviderRegistry
    from swebench_tui.bench.task import custom_prompt
    from swebench_tui.runs.target import Target
    from swebench_tui.tui.answer import AnswerView
    from swebench_tui.tui.app import SwebenchApp, rest_the_collector
    from swebench_tui.tui.screens.compare.screen import CompareScreen

    class Bench(SwebenchApp):
        CSS = "#mark { dock: bottom; height: 1; }"
        BINDINGS: ClassVar = [
            Binding("k", "mark", priority=True),
            Binding("g", "go", priority=True),
            Binding("q", "report"),
        ]
        marks = 0

        async def action_go(self) -> None:
            assert isinstance(self.screen, CompareScreen)
            await self.screen.mount(Static(id="mark"))
            self.screen._set_task(custom_prompt("Go."))
            self.screen.action_run()

        def action_mark(self) -> None:
            self.marks += 1
            self.screen.query_one("#mark", Static).update((MARK % self.marks).decode(), layout=False)

        @work
        async def action_report(self) -> None:
            assert isinstance(self.screen, CompareScreen)
            while not all(view.settled for view in self.screen.columns):  # noqa: ASYNC110 - a view has no event for it
                await asyncio.sleep(0.05)
            arrived = sum(len(view.column.text) for view in self.screen.columns if view.column)
            shown = sum(len(view.text) for view in self.screen.query(AnswerView))
            self.exit(message=msgspec.json.encode(Counts(arrived, shown)).decode())

    targets = [Target(provider="compatible", model=f"m{i}") for i in range(columns)]
    rest_the_collector()
    Bench(ProviderRegistry({"COMPATIBLE_BASE_URL": base_url}), lineup=targets).run()


class Terminal:
    """The terminal of a child process, seen from the other side."""

    def __init__(self, command: list[str], columns: int, rows: int) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(  # noqa: S606
                command[0], command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            )
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.writes: list[float] = []
        self._tail = b""

    def press(self, key: str) -> None:
        """Type a key. What the child wrote before no longer counts."""
        self._tail = b""
        os.write(self._fd, key.encode())

    def read(self, seconds: float) -> bool:
        """Read what the child writes within `seconds`; False if it wrote nothing."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError as error:  # Linux says so when the other end is closed
            raise NotMeasuredError("the app ended") from error
        self.writes.append(time.perf_counter())
        self._tail = self._tail[-256:] + data
        return True

    def drain(self, seconds: float) -> None:
        """Read for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def wait_for(self, pattern: bytes, within: float) -> tuple[float, re.Match[bytes]]:
        """Seconds until the child has written `pattern`, and its match. Raises `NotMeasuredError`."""
        began = time.perf_counter()
        while not (match := re.search(pattern, self._tail)):
            left = began + within - time.perf_counter()
            if left <= 0:
                raise NotMeasuredError(f"{pattern!r} was not written within {within:g} s")
            self.read(left)
        return self.writes[-1] - began, match

    def cpu(self) -> float:
        """CPU seconds that the child has used."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End the child."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


def measure(*, columns: int = 8, rate: float = 60.0, seconds: float = 12.0, size: str = "320x50") -> Measurement:
    """Stream for `seconds` and press keys meanwhile. Raises `NotMeasuredError` if there is nothing to report."""
    tokens = _tokens(int(rate * seconds))
    width, height = map(int, size.split("x"))
    command = [sys.executable, "-m", "tests.benchmarks.eight_columns", "--columns", str(columns), "--child"]
    with FaultServerProcess(Script(tokens, tokens_per_second=rate)) as server:
        terminal = Terminal([*command, server.base_url], width, height)
        try:
            terminal.wait_for(rb"starter__", _START_LIMIT)
            terminal.press("g")
            terminal.drain(min(1.5, seconds / 4))
            terminal.writes.clear()
            cpu, began = terminal.cpu(), time.perf_counter()
            latencies: list[float] = []
            while time.perf_counter() - began < seconds * 0.75:
                terminal.press("k")
                latencies.append(terminal.wait_for(MARK % (len(latencies) + 1), KEY_LIMIT)[0])
                terminal.drain(_PERIOD)
            used, took = terminal.cpu() - cpu, time.perf_counter() - began
            gap = max(later - earlier for earlier, later in pairwise(terminal.writes))
            terminal.press("q")
            _, counts = terminal.wait_for(rb'\{"arrived":(\d+),"shown":(\d+)\}', seconds + _START_LIMIT)
        finally:
            terminal.end()
    result = Measurement(
        columns=columns,
        rate=rate,
        size=size,
        latencies=latencies,
        cpu=used / took,
        gap=gap,
        offered=sum(map(len, tokens)) * columns,
        arrived=int(counts[1]),
        shown=int(counts[2]),
    )
    result.check()
    return result


def _tokens(count: int) -> tuple[str, ...]:
    """A patch in pieces of four characters."""
    lines = [_PATCH[0], *(_PATCH[1 + line % 3] for line in range(1, count))]
    pieces = [text[i : i + 4] for text in lines for i in range(0, len(text), 4)]
    return tuple(pieces[:count])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--size", default="320x50")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        child(options.columns, options.child)
        return 0
    try:
        result = measure(columns=options.columns, rate=options.rate, seconds=options.seconds, size=options.size)
    except NotMeasuredError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(result).decode() if options.json else result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
