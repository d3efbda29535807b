"""Signals, a closed terminal and suspending, on a real terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from swebench_tui import paths

PROGRAM = "from swebench_tui.tui.launch import run; run()"
DRAWN = b"5 History"
GIVEN_BACK = b"\x1b[?1049l"


class Terminal:
    """The program in a terminal; `seen` is all it has written."""

    def __init__(self, folder: Path) -> None:
        environ = {**os.environ, "TERM": "xterm-256color", "HOME": str(folder)}
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (30, 100))
        self.seen = bytearray()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
        )
        os.close(theirs)

    def read_until(self, text: bytes) -> None:
        """Fails where the program ends before."""
        start = len(self.seen)
        while text not in self.seen[start:]:
            self.seen += os.read(self._ours, 65536)

    def read_to_the_end(self) -> None:
        try:
            while piece := os.read(self._ours, 65536):
                self.seen += piece
        except OSError:  # Linux says so when the other end is closed
            pass

    def close(self) -> None:
        os.close(self._ours)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    terminal = Terminal(tmp_path)
    terminal.read_until(DRAWN)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_is_named(terminal: Terminal, number: signal.Signals) -> None:
    terminal.process.send_signal(number)
    terminal.read_to_the_end()
    terminal.close()
    assert terminal.process.wait(timeout=60) == 128 + number
    assert GIVEN_BACK in terminal.seen
    assert list(paths.data().rglob("*.txt")) == []


def test_a_closed_terminal_ends_the_app_without_error(terminal: Terminal) -> None:
    terminal.close()
    assert terminal.process.wait(timeout=60) == 128 + signal.SIGHUP
    assert list(paths.data().rglob("*.txt")) == []


def test_everything_is_redrawn_after_suspending(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.read_until(GIVEN_BACK)
    _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.read_until(DRAWN)
    terminal.close()
