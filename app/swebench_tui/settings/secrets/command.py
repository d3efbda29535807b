"""A key from a command of the user's, such as `pass show openai`.

Nothing of what it prints is ever shown, not even when it fails: it may be the key.
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

LIMIT: Final = 10.0
"""Seconds. A password manager that has to be unlocked waits for the user in a window of its own."""

_LONGEST: Final = 65_536  # bytes; what a command prints beyond is thrown away
_PIECE: Final = 65_536
_LOOK_AFTER: Final = 0.1  # seconds until it is looked whether the command has ended with its output still open


def key_from(command: str, provider: str, *, limit: float = LIMIT) -> Secret:
    """The first line that `command` prints. It is run without a shell and without anything to read.

    Blocks for `limit` seconds at most; then it is ended, with all that it started. Raises `KeyStoreError`.
    """
    arguments = _split(command, provider)
    process = _started(arguments, provider)
    try:
        key = _first_line(process, time.monotonic() + limit)
    finally:
        _end(process)
    if key is None:
        raise _failed(provider, arguments, f"did not end within {limit:g} s", "Run it once by hand: it may ask first.")
    if process.returncode:
        ended = f"ended with exit status {process.returncode}"
        if process.returncode < 0:
            ended = f"was ended by signal {-process.returncode}"
        raise _failed(provider, arguments, ended, "Run it by hand to see what it says: nothing of it is shown here.")
    if not key:
        raise _failed(provider, arguments, "printed nothing on its first line", "It has to print the key there.")
    return key


def _split(command: str, provider: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise KeyStoreError(
            f"the key_command of {provider} cannot be read: {str(error).lower()}", hint="Close every quote in it."
        ) from None
    if not arguments:
        raise KeyStoreError(f"the key_command of {provider} is empty", hint='Write one, such as "pass show openai".')
    return arguments


def _started(arguments: list[str], provider: str) -> subprocess.Popen[bytes]:
    """In a session of its own: what it starts ends with it, and it cannot ask on this terminal."""
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
    raise _failed(provider, arguments, f"cannot be run: {why}", "Check its name; it is run without a shell.")


def _first_line(process: subprocess.Popen[bytes], end_at: float) -> Secret | None:
    """Empty where it printed none; None where it did not end in time."""
    assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
    kept = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := end_at - time.monotonic()) > 0:
            if not selector.select(min(left, _LOOK_AFTER)):
                if process.poll() is not None:  # something it left behind holds the output open
                    break
                continue
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                break
            kept += piece[: _LONGEST - len(kept)]
            del piece
    if not _ended(process, end_at - time.monotonic()):
        return None
    return Secret(bytes(kept).partition(b"\n")[0].decode("utf-8", "replace").strip())


def _ended(process: subprocess.Popen[bytes], left: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, left))
    return process.returncode is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _failed(provider: str, arguments: list[str], what: str, hint: str) -> KeyStoreError:
    """Only the program's name is told: an argument may be a secret too."""
    return KeyStoreError(f"the key_command of {provider}, {Path(arguments[0]).name}, {what}", hint=hint)
