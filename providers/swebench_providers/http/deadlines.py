"""Deadlines of a streamed response: until its first token, between two tokens, and in total.

Only text and reasoning count as progress; pings and comments merely show that the connection is open. Only the time
spent waiting for the server counts: neither the time the reader spends on an event, nor a time in which this process
was suspended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from swebench_providers.config import TimeLimits
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event, Finished, ReasoningDelta, TextDelta

_GRACE_SECONDS: Final = 1.0
"""How long to wait before checking again while nobody waits, and how late a check may be before the process must have
been suspended."""

_PROGRESS: Final = (TextDelta, ReasoningDelta)


class Deadline:
    """The deadlines of one response, from its construction to the end of its `with` block.

    One timer for all of it: a timeout around each batch of events would cost more than decoding it.
    """

    def __init__(self, limits: TimeLimits, provider: str) -> None:
        """`provider` is its title, for the error."""
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._provider = provider
        started = self._loop.time()
        self._got_token = False
        self._restart_due = False  # whether the limit counts anew from the next wait
        self._due = started + limits.until_first_token
        self._total_due = started + limits.total
        self._waiting: asyncio.Task[object] | None = None
        self._expired = False
        self._check_due = min(self._due, self._total_due)
        self._timer = self._loop.call_at(self._check_due, self._check)

    def __enter__(self) -> Deadline:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    async def next(self, batches: AsyncGenerator[list[Event], None]) -> list[Event] | None:
        """The next batch of events, None after the last one. Raises `ProviderError` (timeout)."""
        if self._restart_due:
            self._restart()
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task else 0
        self._waiting = task
        try:
            events = await anext(batches, None)
        except asyncio.CancelledError:
            if self._expired and task is not None and task.uncancel() <= cancelled_before:
                raise self._error() from None
            raise
        finally:
            self._waiting = None
        if events:
            self._record(events)
        return events

    def _record(self, events: list[Event]) -> None:
        """Restart the limit if part of the answer has arrived; end it with the answer."""
        for event in events:
            if isinstance(event, _PROGRESS):
                self._got_token = self._restart_due = True
                break
        if isinstance(events[-1], Finished):
            self._timer.cancel()  # the answer is complete, however long its connection takes to close

    def _check(self) -> None:
        now = self._loop.time()
        if now > self._check_due + _GRACE_SECONDS:  # suspended: what arrived in the meantime is read after this
            self._restart()
        if self._waiting is None:
            self._restart_due = True
            self._check_at(max(now + _GRACE_SECONDS, min(self._due, self._total_due)))
        elif now < (due := min(self._due, self._total_due)):
            self._check_at(due)
        else:
            self._expired = True
            self._waiting.cancel()

    def _check_at(self, when: float) -> None:
        self._check_due = when
        self._timer = self._loop.call_at(when, self._check)

    def _restart(self) -> None:
        self._restart_due = False
        self._due = self._loop.time() + (self._limits.idle if self._got_token else self._limits.until_first_token)

    def _error(self) -> ProviderError:
        if self._total_due <= self._due:
            return total_timeout(self._provider, self._limits)
        if not self._got_token:
            return _timeout(
                f"{self._provider} sent no token within {self._limits.until_first_token:g} s", "first_token"
            )
        return _timeout(f"{self._provider} stopped sending for {self._limits.idle:g} s", "idle")


def total_timeout(provider: str, limits: TimeLimits) -> ProviderError:
    """The error for a response that takes longer than the total limit."""
    return _timeout(f"{provider} took longer than {limits.total:g} s to respond", "total")


def _timeout(message: str, limit: str) -> ProviderError:
    return ProviderError(
        ErrorKind.TIMEOUT,
        message,
        hint=f"Try again, or raise the time limit `{limit}` for slow models.",
        reason=limit,
    )
