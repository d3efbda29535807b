"""`key_command`: it runs without a shell and with a timeout, and its output is never shown."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.secrets import command
from swebench_tui.settings.secrets.command import read_key
from tests.app.leaks import shown

CANARY = "sk-canary-9c1f44d0e7"
PRINTED = "'sk-canary-' + '9c1f44d0e7'"
"""The key as it is in a command's code, which a traceback may show."""


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def error_of(line: str, *, timeout: float = 10.0) -> KeyStoreError:
    with pytest.raises(KeyStoreError) as raised:
        read_key(line, "openai", timeout=timeout)
    assert CANARY not in shown(raised.value)
    assert raised.value.hint
    return raised.value


@pytest.mark.parametrize("printed", ["'k\\n'", "'k'", "' k \\r\\nnotes: more\\n'", "'k\\n' * 100_000"])
def test_the_key_is_the_first_line(printed: str) -> None:
    assert read_key(python(f"print({printed}, end='')"), "openai") == Secret("k")


def test_the_command_runs_without_a_shell(tmp_path: Path) -> None:
    there = tmp_path / "there"
    assert read_key(f"echo k; touch {there}", "openai") == Secret(f"k; touch {there}")
    assert not there.exists()


def test_the_command_has_no_input_and_no_terminal() -> None:
    code = "import sys\ntry: open('/dev/tty')\nexcept OSError: print(repr(sys.stdin.read()))"
    assert read_key(python(code), "openai") == Secret("''")


def test_a_failure_reports_the_exit_status_but_no_output() -> None:
    error = error_of(python(f"import sys; print({PRINTED}); print({PRINTED}, file=sys.stderr); sys.exit(3)"))
    assert "exited with status 3" in str(error)
    assert "openai" in str(error)


def test_a_killed_command_is_reported_with_its_signal() -> None:
    assert "signal 9" in str(error_of(python("import os; os.kill(os.getpid(), 9)")))


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"echo sk-can''ary-9c1f44d0e7; sleep 600 & echo $! > {pids}; wait"
    error = error_of(shlex.join(["sh", "-c", script]), timeout=2.0)
    assert "did not exit within 2 s" in str(error)
    child = int(pids.read_text())
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_endless_output_is_cut_off_at_the_timeout() -> None:
    assert "did not exit" in str(error_of("yes", timeout=0.3))


def test_a_child_that_holds_the_output_is_not_waited_for() -> None:
    code = "import subprocess,sys; print('k', flush=True); print(subprocess.Popen(['sleep', '3']).pid)"
    assert read_key(python(code), "openai", timeout=60.0) == Secret("k")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "is empty"),
        ("'open", "cannot be parsed"),
        ("/nowhere/program x", "cannot be run"),
        ("true", "empty first line"),
        (f"/nowhere/program {CANARY}", "cannot be run"),
    ],
)
def test_an_invalid_command_is_reported(line: str, message: str) -> None:
    with pytest.raises(KeyStoreError, match=message) as raised:
        read_key(line, "openai")
    assert CANARY not in f"{raised.value}{raised.value.hint}"


def test_the_default_timeout_is_ten_seconds() -> None:
    assert command.TIMEOUT == 10.0
    assert os.name == "posix"
