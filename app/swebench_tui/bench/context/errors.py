"""Why a context cannot be built."""

from __future__ import annotations

from collections.abc import Callable

Stop = Callable[[], bool]
"""Asked often by what takes long; True ends it with `ContextStoppedError`."""


class ContextError(Exception):
    """A context that cannot be built. `str(error)` says what happened, `hint` what to do about it."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class ContextStoppedError(Exception):
    """The caller stopped the work. Nothing half-made is left."""


def never() -> bool:
    """Do not stop."""
    return False


def check(should_stop: Stop) -> None:
    """Raise `ContextStoppedError` when the caller wants to stop."""
    if should_stop():
        raise ContextStoppedError("stopped")
