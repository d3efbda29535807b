"""The time limit of a verdict. Long loops call `check_time`."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from swebench_tui.bench.git import git_time_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_time_left: ContextVar[Callable[[], float] | None] = ContextVar("time_left", default=None)


class TimeLimitError(Exception):
    """The time for a verdict is over. Says nothing about the patch."""


@contextmanager
def time_limit(seconds: float, clock: Callable[[], float]) -> Iterator[None]:
    """Let `check_time` raise, and git end, `seconds` from now on `clock`, in this thread."""
    end = clock() + seconds

    def left() -> float:
        return end - clock()

    token = _time_left.set(left)
    try:
        with git_time_limit(left):
            yield
    finally:
        _time_left.reset(token)


def check_time() -> None:
    """Raise `TimeLimitError` where the time is over."""
    left = _time_left.get()
    if left is not None and left() <= 0:
        raise TimeLimitError
