"""Blocking calls with a timeout: the thread of a call that does not return is abandoned."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class CallTimeoutError(Exception):
    """The call did not return in time. It may still be running."""


class TimeoutRunner(Generic[T]):
    """Runs calls one at a time, each in a daemon thread, which does not keep the program from exiting.

    `timeout` is in seconds. While an abandoned call still runs, no other call starts: a keyring that waits to be
    unlocked would show a prompt for each. A call must not raise: its exception would carry frames that hold secrets.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None

    def run(self, call: Callable[[], T]) -> T:
        """Return the result of `call`. Raises `CallTimeoutError` after `timeout`, also with several callers at once."""
        if not self._lock.acquire(timeout=self.timeout):
            raise CallTimeoutError
        try:
            return self._run(call)
        finally:
            self._lock.release()

    def _run(self, call: Callable[[], T]) -> T:
        if self._running is not None and self._running.is_alive():
            raise CallTimeoutError
        results: queue.SimpleQueue[T] = queue.SimpleQueue()
        thread = threading.Thread(target=lambda: results.put(call()), name="keyring", daemon=True)
        self._running = thread
        thread.start()
        try:
            result = results.get(timeout=self.timeout)
        except queue.Empty:
            raise CallTimeoutError from None
        self._running = None
        return result
