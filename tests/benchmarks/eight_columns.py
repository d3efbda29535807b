"""Eight columns of fast streams on a real terminal: are all tokens shown, and are keys still answered?

    python -m tests.benchmarks.eight_columns [--columns 8] [--rate 100] [--seconds 12] [--size 320x50]

The app runs in a child process under a pty; the streams come from a fault server in a process of its own. Every 250 ms
a key is pressed that puts a new number on the screen; the time until that number leaves the app is the answer time.
"""

from __future__ import annotations

import argparse
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
from itertools import pairwise
from typing import ClassVar

import msgspec

from tests.fault_server import FaultServerProcess, Script

_PATCH = [
    "--- a/core/cache.py\n+++ b/core/cache.py\n@@ -1,4 +1,4 @@\n",
    " def get(self, key):\n",
    "-    return self._store.get(key)\n",
    "+    return self._store.get(key, None)  # a **missing** key is `None`\n",
]
_MARK = re.compile(rb"K(\d{5})")


class Counts(msgspec.Struct):
    """What the app saw of its streams."""

    arrived: int
    shown: int


def child(columns: int, base_url: str) -> None:
    """The app, with one key more than it has."""
    from textual.binding import Binding
    from textual.widgets import Static

    from swebench_providers import ProviderRegistry
    from swebench_tui.bench.task import free_question
    from swebench_tui.runs.target import Target
    from swebench_tui.tui.answer.answer_view import AnswerView
    from swebench_tui.tui.app import SwebenchApp, rest_the_collector
    from swebench_tui.tui.screens.compare.screen import CompareScreen

    class Bench(SwebenchApp):
        BINDINGS: ClassVar = [
            Binding("k", "mark", priority=True),
            Binding("g", "go", priority=True),
            Binding("q", "report"),
        ]

        def action_go(self) -> None:
            assert isinstance(self.screen, CompareScreen)
            self.screen._set_question(free_question("Go."))
            self.screen.action_run()

        def action_mark(self) -> None:
            self.marks = getattr(self, "marks", 0) + 1
            self.screen.query_one("#modes", Static).update(f"K{self.marks:05d}", layout=False)

        def action_report(self) -> None:
            assert isinstance(self.screen, CompareScreen)
            arrived = sum(len(view.column.text) for view in self.screen.columns if view.column)
            shown = sum(len(view.text) for view in self.screen.query(AnswerView))
            self.exit(message=msgspec.json.encode(Counts(arrived, shown)).decode())

    targets = [Target(provider="compatible", model=f"m{i}") for i in range(columns)]
    rest_the_collector()
    Bench(ProviderRegistry({"COMPATIBLE_BASE_URL": base_url}), lineup=targets).run()


class Terminal:
    """The child's terminal, seen from the other side."""

    def __init__(self, command: list[str], columns: int, rows: int) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(  # noqa: S606
                command[0], command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            )
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.paints: list[float] = []
        self.output = b""
        self._seen: dict[bytes, float] = {}
        self._awaited = b""

    def press(self, key: str) -> None:
        os.write(self._fd, key.encode())

    def read(self, seconds: float) -> None:
        """Take in what the app writes for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            ready, _, _ = select.select([self._fd], [], [], left)
            if not ready:
                return
            try:
                data = os.read(self._fd, 1 << 16)
            except OSError:
                return
            now = time.perf_counter()
            self.paints.append(now)
            self.output = self.output[-256:] + data
            if self._awaited in self.output:
                self._seen.setdefault(self._awaited, now)

    def wait_for(self, what: bytes, within: float) -> float:
        """Seconds until `what` has been written; `within` when it was not."""
        began = time.perf_counter()
        self._awaited = what
        self._seen.pop(what, None)
        while what not in self._seen and time.perf_counter() - began < within:
            self.read(0.005)
        return self._seen.get(what, time.perf_counter()) - began

    def cpu(self) -> float:
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--size", default="320x50")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.columns, options.child)
        return
    tokens = tuple(token for i in range(int(options.rate * options.seconds)) for token in _tokens(i))[
        : int(options.rate * options.seconds)
    ]
    with FaultServerProcess(Script(tokens, tokens_per_second=options.rate)) as server:
        measure(options, server.base_url, tokens)


def _tokens(line: int) -> list[str]:
    text = _PATCH[0] if line == 0 else _PATCH[1 + line % 3]
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def measure(options: argparse.Namespace, base_url: str, tokens: tuple[str, ...]) -> None:
    width, height = map(int, options.size.split("x"))
    command = [sys.executable, "-m", "tests.benchmarks.eight_columns", "--columns", str(options.columns)]
    terminal = Terminal([*command, "--child", base_url], width, height)
    try:
        terminal.wait_for(b"starter__", 20)
        terminal.press("g")
        terminal.read(1.5)
        terminal.paints.clear()
        cpu, began = terminal.cpu(), time.perf_counter()
        answers: list[float] = []
        while time.perf_counter() - began < options.seconds - 3:
            terminal.press("k")
            answers.append(terminal.wait_for(b"K%05d" % (len(answers) + 1), 3.0))
            terminal.read(0.25)
        took = time.perf_counter() - began
        used = terminal.cpu() - cpu
        gaps = [later - earlier for earlier, later in pairwise(terminal.paints)]
        terminal.read(5)
        terminal.output = b""
        terminal.press("q")
        terminal.wait_for(b'"shown"', 5)
        counts = re.search(rb'\{"arrived":(\d+),"shown":(\d+)\}', terminal.output)
        offered = sum(len(token) for token in tokens) * options.columns
        quantiles = statistics.quantiles(answers, n=20)
        print(f"{options.columns} columns x {options.rate:g} tokens/s, {options.size}, load {os.getloadavg()[0]:.1f}")
        p50, p95, worst = (seconds * 1e3 for seconds in (statistics.median(answers), quantiles[18], max(answers)))
        print(f"key to screen, ms: p50 {p50:.0f}  p95 {p95:.0f}  max {worst:.0f}  ({len(answers)} keys)")
        print(f"CPU {used / took:.0%} of one core; longest gap between writes {max(gaps):.2f} s")
        if counts:
            print(f"characters offered {offered:,}, arrived {int(counts[1]):,}, in the widgets {int(counts[2]):,}")
    finally:
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)


if __name__ == "__main__":
    main()
