"""The entry point: help, version, the imports of a command, and the app on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from typing import Self

import pytest
from click.testing import CliRunner

from swebench_tui import __version__
from swebench_tui.cli.main import COMMANDS, main

COMMAND_LINES = [
    (),
    *((name,) for name in COMMANDS),
    ("provider", "list"),
    ("provider", "init"),
    ("provider", "remove"),
    ("embedded", "install"),
    *(("dataset", each) for each in ("list", "show", "fetch", "stats")),
    *(("settings", each) for each in ("show", "set", "unset", "path", "schema", "edit")),
]
HEAVY = {"textual", "rich", "httpx", "aiohttp", "httpx_aiohttp", "genai_prices", "xllamacpp", "pydantic", "truststore"}
HEAVY |= {"huggingface_hub", "httpx2", "pyarrow", "yaml"}
HEAVY |= {"keyring", "tomlkit"}
LOADED = """
import atexit, sys
atexit.register(lambda: sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules}))))
from swebench_tui.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("command", COMMAND_LINES, ids=lambda command: " ".join(command) or "swebench-tui")
def test_every_help_has_an_example_that_names_the_command(command: Sequence[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    _, _, example = result.stdout.partition("Example")
    assert " ".join(["swebench-tui", *command]) in example


def test_help_lists_every_command() -> None:
    text = " ".join(CliRunner().invoke(main, ["--help"]).stdout.split())
    for name, (_, what) in COMMANDS.items():
        assert f" {name} {what}" in text


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"swebench-tui, version {__version__}\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["comparre"])
    assert result.exit_code == 2
    assert "No such command 'comparre'" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("--version",),
        ("compare", "--help"),
        ("dataset", "list"),
        ("dataset", "show", "starter"),
        ("provider", "list", "--json"),
        ("provider", "list"),
    ],
    ids=" ".join,
)
def test_a_command_without_requests_imports_nothing_heavy(command: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, *command], capture_output=True, text=True, check=True)
    assert done.stdout
    assert set(done.stderr.split()) & HEAVY == set()


def test_a_comparison_imports_no_screen() -> None:
    arguments = "compare", "-t", "ollama:x", "--prompt", "Why?", "--base-url", "http://127.0.0.1:9"
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert set(done.stderr.split()) & {"textual", "genai_prices", "xllamacpp"} == set()


class Terminal:
    """The program on a pseudo-terminal of 80x24, as a context manager."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self.output = b""
        self._pressed_at = 0
        self._arguments = arguments
        self._environ = environ

    def __enter__(self) -> Self:
        self._screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "swebench_tui", *self._arguments],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm-256color", **self._environ},
            start_new_session=True,  # or a password prompt would appear on the real terminal
        )
        os.close(terminal)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def press(self, key: bytes) -> None:
        self._pressed_at = len(self.output)
        os.write(self._screen, key)

    def read_until(self, wanted: bytes, *, within: float = 30.0, again: bool = False) -> None:
        """Read output until it contains `wanted`; fails with the last output when it does not.

        `again`: count only output since the last key.
        """
        end = time.monotonic() + within
        while wanted not in self.output[self._pressed_at if again else 0 :]:
            ready, _, _ = select.select([self._screen], [], [], max(0.0, end - time.monotonic()))
            read = self._read() if ready else b""
            assert read, f"no {wanted!r}; the last output was {self.output[-500:]!r}"
            self.output += read

    def read_to_the_end(self) -> None:
        """Read output until the program closes the terminal."""
        while read := self._read():
            self.output += read

    def _read(self) -> bytes:
        try:
            return os.read(self._screen, 1 << 16)
        except OSError:  # Linux reports a closed other side this way
            return b""


def test_the_app_opens_and_ctrl_c_twice_restores_the_terminal() -> None:
    with Terminal() as terminal:
        terminal.read_until(b"embedded")
        terminal.read_until(b"starter__")
        terminal.press(b"\x03")
        terminal.read_until(b"again to quit")
        terminal.press(b"\x03")
        terminal.read_to_the_end()
        assert terminal.process.wait(timeout=10) == 0
    assert b"Traceback" not in terminal.output
    assert b"\x1b[?1049l" in terminal.output  # back from the alternate screen
