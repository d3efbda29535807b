"""Ends a process: when it takes too long, or when another thread asks for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from swebench_tui.bench.git.errors import GitCancelledError

if TYPE_CHECKING:
    from collections.abc import Iterator


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill `process` and its children. Does nothing to one that has been waited for."""
    if process.returncode is not None:
        return
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


class Cancellation:
    """Ends the git processes of another thread; see `cancellable`."""

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()

    def cancel(self) -> None:
        """Kill the processes that run, and those that are started later."""
        with self._lock:
            self.cancelled = True
            for process in self._processes:
                kill(process)

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._processes.add(process)
            if self.cancelled:
                kill(process)

    def unwatch(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._processes.discard(process)


_cancellation: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


@contextmanager
def cancellable(cancellation: Cancellation) -> Iterator[None]:
    """Run git for this thread so that `cancellation` ends it, with a `GitCancelledError`."""
    token = _cancellation.set(cancellation)
    try:
        yield
    finally:
        _cancellation.reset(token)


def current_cancellation() -> Cancellation:
    """This thread's, or one that nobody cancels."""
    return _cancellation.get() or Cancellation()


def check_cancelled() -> None:
    """Raise `GitCancelledError` if this thread's cancellation has been cancelled."""
    if current_cancellation().cancelled:
        raise GitCancelledError


class Watchdog:
    """Kills a process that takes longer than `seconds`, counted from the start or the last restart."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.expired = False
        self._process = process
        self._seconds = seconds
        self._timer: threading.Timer | None = None

    def restart(self) -> None:
        self.stop()
        self._timer = threading.Timer(self._seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self.expired = True
        kill(self._process)


@contextmanager
def time_bound(process: subprocess.Popen[bytes], seconds: float) -> Iterator[Watchdog]:
    """Kill `process` when the block lasts longer than `seconds`."""
    watchdog = Watchdog(process, seconds)
    watchdog.restart()
    try:
        yield watchdog
    finally:
        watchdog.stop()
