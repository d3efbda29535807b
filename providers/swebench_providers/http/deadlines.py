"""How long an answer may keep silent: until its first token, between two pieces of it, and in all.

What counts is text or thinking that arrives; pings and comments only show that the line is up. Silence is what is
waited for: not the time in which whoever reads the answer is busy with it, nor one in which this process stood still.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from swebench_providers.config import TimeLimits
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event, Finished, ReasoningDelta, TextDelta

_LOOK_AGAIN: Final = 1.0  # seconds
_OUTPUT: Final = (TextDelta, ReasoningDelta)


async def enforce_limits(
    limits: TimeLimits, batches: AsyncGenerator[list[Event], None], provider: str
) -> AsyncGenerator[list[Event], None]:
    """`batches` of events for as long as they keep to `limits`. Raises `ProviderError` (timeout).

    The caller closes `batches`. `provider` is its title, for the error.
    """
    timer = _Timer(limits, provider)
    try:
        while (events := await timer.next(batches)) is not None:
            if any(isinstance(event, _OUTPUT) for event in events):
                timer.restart()
            if events and isinstance(events[-1], Finished):
                timer.stop()  # the answer is complete, however long its connection takes to close
            yield events
    finally:
        timer.stop()


class _Timer:
    """One timer for the whole answer: a timeout around each piece would cost more than the piece itself."""

    def __init__(self, limits: TimeLimits, who: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._who = who
        began = self._loop.time()
        self._started = False
        self._anew = False  # whether the silence is counted from when the next piece is asked for
        self._due = began + limits.until_first_token
        self._end = began + limits.total
        self._waiting: asyncio.Task[object] | None = None
        self._over = False
        self._looks_at = min(self._due, self._end)
        self._timer = self._loop.call_at(self._looks_at, self._look)

    def restart(self) -> None:
        """A piece of the answer has arrived."""
        self._started = self._anew = True

    async def next(self, batches: AsyncGenerator[list[Event], None]) -> list[Event] | None:
        if self._anew:
            self._count_anew()
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task else 0
        self._waiting = task
        try:
            return await anext(batches, None)
        except asyncio.CancelledError:
            if self._over and task is not None and task.uncancel() <= cancelled_before:
                raise self._too_long() from None
            raise
        finally:
            self._waiting = None

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if now > self._looks_at + _LOOK_AGAIN:  # we stood still: what has arrived meanwhile is read after this
            self._count_anew()
        if self._waiting is None:
            self._anew = True
            self._look_at(max(now + _LOOK_AGAIN, min(self._due, self._end)))
        elif now < (due := min(self._due, self._end)):
            self._look_at(due)
        else:
            self._over = True
            self._waiting.cancel()

    def _look_at(self, when: float) -> None:
        self._looks_at = when
        self._timer = self._loop.call_at(when, self._look)

    def _count_anew(self) -> None:
        self._anew = False
        self._due = self._loop.time() + (self._limits.idle if self._started else self._limits.until_first_token)

    def _too_long(self) -> ProviderError:
        if self._end <= self._due:
            return total_timeout(self._who, self._limits)
        if not self._started:
            limit = self._limits.until_first_token
            return _error(f"{self._who} sent no first token within {limit:g} s", "first_token")
        return _error(f"{self._who} sent no more of its answer for {self._limits.idle:g} s", "idle")


def total_timeout(who: str, limits: TimeLimits) -> ProviderError:
    """An answer that is not there in the time it may take in all."""
    return _error(f"{who} took longer than {limits.total:g} s for its answer", "total")


def _error(what: str, reason: str) -> ProviderError:
    return ProviderError(
        ErrorKind.TIMEOUT,
        what,
        hint=f"Try again, or raise the time limit `{reason}` for slow models.",
        reason=reason,
    )
