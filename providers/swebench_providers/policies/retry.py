"""Repeats what may succeed later. The one layer that repeats a request; nothing below it does."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import msgspec

from swebench_providers.clock import Clock, SystemClock
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.events import Attempt, AttemptFailed, Event, Notice, ReasoningDelta, TextDelta, Waiting
from swebench_providers.models import UnifiedRequest
from swebench_providers.policies.parameters import RefusedParameters
from swebench_providers.policies.retry_budget import RetryBudget
from swebench_providers.policies.stack import Streams

_THROTTLED: Final = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED})
KEY_SET_ASIDE: Final = "key_set_aside"
CIRCUIT_OPEN: Final = "circuit_open"


class RetrySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, and a number of requests.

    The n-th wait is drawn from 0 to `base * 2**n`, at most `longest_backoff`; `throttled_base` holds after a refusal
    for want of room. A time the server names is kept to, unless it is longer than `longest_retry_after`: then the call
    fails at once. No attempt begins later than `deadline` after the first. `restart` allows a repeat after text has
    been shown: the whole answer starts again.
    """

    attempts: int = 5
    base: float = 0.5
    throttled_base: float = 1.0
    longest_backoff: float = 20.0
    longest_retry_after: float = 120.0
    deadline: float = 600.0
    restart: bool = False


class _Next(msgspec.Struct, frozen=True):
    """What follows a failure: another request, after a wait in seconds, and what the user is told about it."""

    request: UnifiedRequest
    wait: float
    told: str


class Retry:
    """One call in as many requests as it takes."""

    def __init__(
        self,
        inner: Streams,
        settings: RetrySettings | None = None,
        *,
        budget: RetryBudget | None = None,
        refused: RefusedParameters | None = None,
        provider: str = "",
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._settings = settings or RetrySettings()
        self._budget = budget or RetryBudget()
        self._refused = refused or RefusedParameters()
        self._provider = provider
        self._clock = clock or SystemClock()
        self._draw = draw

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        request, left_out = self._refused.without(request)
        for message in left_out:
            yield Notice(message, self._clock.now())
        call = _Call(self._clock.now() + self._settings.deadline)
        while True:
            attempt, shown = Attempt(provider=self._provider, model=request.model, at=self._clock.now()), False
            try:
                async with aclosing(self._inner.stream_unified(request)) as events:
                    async for event in events:
                        if isinstance(event, TextDelta | ReasoningDelta):
                            shown = True
                        elif isinstance(event, Attempt):
                            attempt = event
                        yield event
            except ProviderError as error:
                failure = error
                following = self._next(request, error, call, shown=shown)
                if following is None:
                    raise
            else:
                self._budget.succeeded(call.last_cost)
                return
            at = self._clock.now()
            yield AttemptFailed(provider=attempt.provider, model=attempt.model, key=attempt.key, error=failure, at=at)
            yield Notice(following.told, at)
            if following.wait > 0:
                yield Waiting(reason="retry", message=following.told, seconds=following.wait, at=at)
                await self._clock.sleep(following.wait)
            request = following.request

    def _next(self, request: UnifiedRequest, error: ProviderError, call: _Call, *, shown: bool) -> _Next | None:
        """What to do after `error`; None: give up."""
        if error.reason == CIRCUIT_OPEN or (shown and not self._settings.restart):
            return None
        if error.reason == KEY_SET_ASIDE:
            return _Next(request, 0.0, f"{error}; another key is tried")
        dropped = self._refused.after(error, request)
        if dropped is not None:
            return _Next(*dropped)
        call.failures += 1
        wait = self._wait(error, call.failures)
        late = self._clock.now() + wait > call.give_up_at
        if not error.retryable or late or call.failures >= self._settings.attempts:
            return None
        if (cost := self._budget.take(error.kind)) is None:
            error.hint = f"{error.hint} It was not repeated: too many requests to this provider fail at the moment."
            return None
        call.last_cost = cost
        again = "The answer broke off and starts again" if shown else "It is asked again"
        return _Next(request, wait, f"{error}. {again} in {wait:.1f} s.")

    def _wait(self, error: ProviderError, failures: int) -> float:
        """Seconds; never less than the server asks for, infinite where it asks for too many."""
        settings = self._settings
        base = settings.throttled_base if error.kind in _THROTTLED else settings.base
        backoff = self._draw() * min(base * 2.0 ** (failures - 1), settings.longest_backoff)
        if error.retry_after is None:
            return backoff
        if error.retry_after > settings.longest_retry_after:
            return float("inf")
        return error.retry_after + min(backoff, base)


class _Call:
    """What one call has been through."""

    def __init__(self, give_up_at: float) -> None:
        self.give_up_at = give_up_at
        self.failures = 0
        self.last_cost = 0
