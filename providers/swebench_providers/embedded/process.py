"""The embedded server's process, managed by its parent: started on first use, stopped with the app."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec

from swebench_providers.embedded import weights
from swebench_providers.redaction import contains_secret_word
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.secret import Secret

INSTALL_COMMAND: Final = "swebench-tui embedded install"


class Running(NamedTuple):
    """The address and API key of a running server."""

    address: str
    key: Secret


class _Listening(msgspec.Struct):
    """The line that the child prints once it listens."""

    address: str


class EmbeddedServer:
    """The embedded server, at most one process. Its methods block and are thread-safe: call them on a thread.

    The process is killed if it does not listen after `start_seconds`, or has not ended `stop_seconds` after `stop`.
    """

    def __init__(
        self,
        *,
        command: tuple[str, ...] = (sys.executable, "-m", "swebench_providers.embedded.server"),
        start_seconds: float = 60.0,
        stop_seconds: float = 3.0,
    ) -> None:
        self._command = command
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._running: Running | None = None

    @property
    def running(self) -> Running | None:
        """The running server; None before the first start and after its process ended, for whatever reason."""
        process, running = self._process, self._running
        return running if process is not None and process.poll() is None else None

    def start(self) -> Running:
        """Start the server unless it runs, and wait until it listens, which takes about a second.

        Raises `ProviderError`: model_not_found if runtime or weights are missing, transient if it does not start.
        """
        with self._lock:
            if (running := self.running) is not None:
                return running
            self._close()
            return self._launch(_require_weights())

    def stop(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._close()

    def _launch(self, model: Path) -> Running:
        key = Secret(secrets.token_urlsafe(24))
        with tempfile.TemporaryFile() as log:
            self._process = process = self._child(model, log)
            address = self._wait_for_address(process, key)
            if address is None:
                self._close()
                raise _did_not_start(key.scrub(_last_line(log)))
        self._running = Running(address, key)
        return self._running

    def _child(self, model: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*self._command, str(model)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_without_secrets(os.environ),
                start_new_session=True,  # Ctrl-C on the terminal must reach the app alone, which stops the child itself
            )
        except OSError as error:
            raise _did_not_start(error.strerror or str(error)) from None

    def _wait_for_address(self, process: subprocess.Popen[bytes], key: Secret) -> str | None:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            return None
        watchdog = threading.Timer(self._start_seconds, process.kill)
        watchdog.start()
        try:
            stdin.write(key.reveal().encode() + b"\n")
            stdin.flush()
            return msgspec.json.decode(stdout.readline(), type=_Listening).address
        except (BrokenPipeError, msgspec.DecodeError):
            return None
        finally:
            watchdog.cancel()

    def _close(self) -> None:
        process, self._process, self._running = self._process, None, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # closing flushes, and the process may have ended before it read
                    pipe.close()
        try:
            process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def missing() -> str | None:
    """The reason why the embedded model cannot run, for people; None if it can."""
    if find_spec("xllamacpp") is None:
        return "the embedded model's runtime (xllamacpp) is not installed"
    if weights.find() is None:
        return f"the embedded model's weights ({weights.FILE_NAME}, {weights.SIZE // 1_000_000} MB) are not installed"
    return None


def _require_weights() -> Path:
    reason, model = missing(), weights.find()
    if reason is not None or model is None:
        raise ProviderError(
            ErrorKind.MODEL_NOT_FOUND,
            reason or "the embedded model's weights are not installed",
            hint=f"Run: {INSTALL_COMMAND}",
            reason="not_installed",
        )
    return model


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for the child, which needs no provider's key."""
    return {name: value for name, value in environ.items() if not contains_secret_word(name)}


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it ended without an error message"


def _did_not_start(reason: str) -> ProviderError:
    return ProviderError(
        ErrorKind.TRANSIENT,
        f"the embedded model did not start: {reason}",
        hint=f"Try again. If that fails, reinstall it: {INSTALL_COMMAND}",
        reason="unreachable",
    )
