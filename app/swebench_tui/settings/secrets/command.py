"""Keys from a user's `key_command`, such as `pass show openai`.

Its output is never shown, not even when it fails: it may be the key.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError

TIMEOUT: Final = 10.0
"""Seconds. A password manager that has to be unlocked waits for the user in a window of its own."""

_MAX_OUTPUT: Final = 65_536  # bytes; the rest is discarded
_CHUNK: Final = 65_536  # bytes
_POLL: Final = 0.1  # seconds between checks whether the command has exited while its output is still open


def read_key(command: str, provider: str, *, timeout: float = TIMEOUT) -> Secret:
    """Return the first line that `command` prints. It runs without a shell and without standard input.

    Blocks for at most `timeout` seconds; then the command and all its child processes are killed. Raises
    `KeyStoreError`.
    """
    arguments = _split(command, provider)
    process = _start(arguments, provider)
    try:
        key = _first_line(process, time.monotonic() + timeout)
    finally:
        _kill(process)
    if key is None:
        raise _error(provider, arguments, f"did not exit within {timeout:g} s", "Run it by hand: it may show a prompt.")
    if process.returncode:
        outcome = f"exited with status {process.returncode}"
        if process.returncode < 0:
            outcome = f"was killed by signal {-process.returncode}"
        raise _error(provider, arguments, outcome, "Run it by hand to see its output, which is never shown here.")
    if not key:
        raise _error(provider, arguments, "printed an empty first line", "The first line must be the key.")
    return key


def _split(command: str, provider: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise KeyStoreError(
            f"the key_command of {provider} cannot be parsed: {str(error).lower()}", hint="Close every quote in it."
        ) from None
    if not arguments:
        raise KeyStoreError(f"the key_command of {provider} is empty", hint='Set one, such as "pass show openai".')
    return arguments


def _start(arguments: list[str], provider: str) -> subprocess.Popen[bytes]:
    """Start it in a new session: its child processes end with it, and it cannot prompt on this terminal."""
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
    raise _error(provider, arguments, f"cannot be run: {reason}", "Check its name; it is run without a shell.")


def _first_line(process: subprocess.Popen[bytes], deadline: float) -> Secret | None:
    """Return an empty secret if it printed none; None if it did not exit in time."""
    assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (remaining := deadline - time.monotonic()) > 0:
            if not selector.select(min(remaining, _POLL)):
                if process.poll() is not None:  # a process it left behind holds the output open
                    break
                continue
            chunk = os.read(process.stdout.fileno(), _CHUNK)
            if not chunk:
                break
            output += chunk[: _MAX_OUTPUT - len(output)]
            del chunk
    if not _exited(process, deadline - time.monotonic()):
        return None
    return Secret(bytes(output).partition(b"\n")[0].decode("utf-8", "replace").strip())


def _exited(process: subprocess.Popen[bytes], remaining: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, remaining))
    return process.returncode is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _error(provider: str, arguments: list[str], what: str, hint: str) -> KeyStoreError:
    """Names the program alone: an argument may be a secret too."""
    return KeyStoreError(f"the key_command of {provider}, {Path(arguments[0]).name}, {what}", hint=hint)
