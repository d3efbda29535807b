"""Asking what may never answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class NoAnswerError(Exception):
    """It did not answer in time, and may still be at it."""


class Impatient(Generic[T]):
    """Asks in a thread that is left behind where it does not come back, and that does not keep the program from ending.

    While such a question hangs no other is put: what waits for the user to unlock something would ask once for each.
    `limit` is in seconds. A question must not raise: an exception would bring its frames, and what they hold, along.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._turn = threading.Lock()
        self._hanging: threading.Thread | None = None

    def ask(self, question: Callable[[], T]) -> T:
        """The answer. Raises `NoAnswerError` when there is none within the limit, however many ask at a time."""
        if not self._turn.acquire(timeout=self.limit):
            raise NoAnswerError
        try:
            return self._answer(question)
        finally:
            self._turn.release()

    def _answer(self, question: Callable[[], T]) -> T:
        if self._hanging is not None and self._hanging.is_alive():
            raise NoAnswerError
        answers: queue.SimpleQueue[T] = queue.SimpleQueue()
        thread = threading.Thread(target=lambda: answers.put(question()), name="keyring", daemon=True)
        self._hanging = thread
        thread.start()
        try:
            answer = answers.get(timeout=self.limit)
        except queue.Empty:
            raise NoAnswerError from None
        self._hanging = None
        return answer
