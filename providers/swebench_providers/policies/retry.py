"""Repeats what may succeed later. The one layer that repeats a request; nothing below it does.

What follows a failure is decided here, in this order: another key where the key was refused, the same request without
a parameter that was refused, the same request after a wait, or the error as it is.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from swebench_providers.policies.cooldown import PAUSED
from swebench_providers.policies.interface import CallPath, CallPaths, SinglePath, Streamer
from swebench_providers.policies.parameters import RefusedParameters
from swebench_providers.policies.retry_budget import RetryBudget
from swebench_providers.types.errors import ErrorKind, ProviderError, incomplete
from swebench_providers.types.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    Notice,
    ReasoningDelta,
    TextDelta,
    Waiting,
)
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.util.clock import Clock, SystemClock

_THROTTLED: Final = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED})
CIRCUIT_OPEN: Final = "circuit_open"


class RetrySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, and numbers of requests.

    The n-th wait is drawn from 0 to `base * 2**n`, at most `longest_backoff`; `throttled_base` holds after a refusal
    for want of room. A time the server names is kept to, with up to one base on top, unless it is longer than
    `longest_retry_after`: then the call fails at once. No attempt begins later than `deadline` after the first.
    `restart` allows a repeat after text has been shown: the whole answer starts again. A changed key or a parameter
    left out is none of the `attempts`, but one of the `requests`: a call makes no more than that, whatever the reasons.
    """

    attempts: int = 5
    requests: int = 20
    base: float = 0.5
    throttled_base: float = 1.0
    longest_backoff: float = 20.0
    longest_retry_after: float = 120.0
    deadline: float = 600.0
    restart: bool = False


class _Next(msgspec.Struct, frozen=True):
    """What follows a failure: another request, after a wait in seconds, and what the user is told about it."""

    request: UnifiedRequest
    told: str
    wait: float = 0.0


class Retry:
    """One call in as many requests as it takes. `wall` is the time of day that a user is told."""

    def __init__(
        self,
        inner: Streamer | CallPaths,
        settings: RetrySettings | None = None,
        *,
        budget: RetryBudget | None = None,
        refused: RefusedParameters | None = None,
        provider: str = "",
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
    ) -> None:
        self._ways: CallPaths = inner if isinstance(inner, CallPaths) else SinglePath(inner)
        self._settings = settings or RetrySettings()
        self._budget = budget or RetryBudget()
        self._refused = refused or RefusedParameters()
        self._provider = provider
        self._clock = clock or SystemClock()
        self._draw = draw
        self._wall = wall

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        request, left_out = self._refused.without(request)
        for message in left_out:
            yield Notice(message, self._clock.now())
        call = _Call(self._ways.new_call(), self._settings)
        try:
            while True:
                call.begin()
                failure, following = None, None
                try:
                    async with aclosing(call.way.stream_unified(request)) as events:
                        async for event in events:
                            if isinstance(event, TextDelta | ReasoningDelta):
                                call.shown = True
                            else:
                                call.hear(event)
                            yield event
                    call.check_its_end()
                except ProviderError as error:
                    # What goes wrong after a whole answer takes nothing from it.
                    if not call.finished:
                        failure, following = error, self._next(request, error, call)
                        if following is None:
                            raise
                if failure is None or following is None:
                    call.way.on_success(request)
                    self._budget.succeeded(call.last_cost)
                    return
                yield self._failed(failure, call.attempt, request)
                yield Notice(following.told, self._clock.now())
                if following.wait > 0:
                    yield self._waiting(following)
                    await self._clock.sleep(following.wait)
                request = following.request
        finally:
            self._give_back(call)

    def _next(self, request: UnifiedRequest, error: ProviderError, call: _Call) -> _Next | None:
        """What to do after `error`; None: give up. What it says of key and parameters is remembered in any case."""
        error.provider, error.model = error.provider or self._provider, error.model or request.model
        another = call.way.try_alternative(error, request)
        dropped = None if another else self._refused.after(error, request)
        if error.reason == CIRCUIT_OPEN or (call.shown and not self._settings.restart):
            return None
        again = "The answer broke off and starts again" if call.shown else "It is asked again"
        if another or dropped is not None:
            if why_not := call.over(self._clock.now()):
                error.hint = f"{error.hint} {why_not}".lstrip()
                return None
            if dropped is None:
                return _Next(request, f"{error}. The key is set aside. {again} with another one.")
            return _Next(dropped[0], f"{dropped[1]} {again}." if call.shown else dropped[1])
        return self._repeated(request, error, call, again)

    def _repeated(self, request: UnifiedRequest, error: ProviderError, call: _Call, again: str) -> _Next | None:
        """The same request once more; None where that is no use, or no longer allowed."""
        call.failures += 1
        self._give_back(call)
        if not error.retryable:
            return None
        asked_for = call.way.retry_after(error, request)
        why_not = self._too_long(asked_for)
        if why_not and error.reason == PAUSED:  # its own words say until when
            return None
        if call.failures >= self._settings.attempts and not why_not:
            return None
        wait = self._wait(error.kind, asked_for, call.failures)
        why_not = why_not or call.over(self._clock.now() + wait)
        cost = None if why_not else self._budget.take(error.kind)
        if cost is None:
            why_not = why_not or "It was not repeated: too many requests to this provider fail at the moment."
            error.hint = f"{error.hint} {why_not}".lstrip()
            return None
        call.taken = cost
        return _Next(request, f"{error}. {again} in {wait:.1f} s.", wait)

    def _wait(self, kind: ErrorKind, asked_for: float | None, failures: int) -> float:
        """Seconds; never less than the server asks for."""
        settings = self._settings
        base = settings.throttled_base if kind in _THROTTLED else settings.base
        if asked_for is not None:
            return asked_for + self._draw() * base
        return self._draw() * min(base * 2.0 ** (failures - 1), settings.longest_backoff)

    def _too_long(self, asked_for: float | None) -> str:
        """Until when the server wants to be left alone, where that is longer than a call waits; else nothing."""
        longest = self._settings.longest_retry_after
        if asked_for is None or asked_for <= longest:
            return ""
        return f"It is to be left alone until {_moment(self._wall(), asked_for)}: longer than a call waits."

    def _failed(self, error: ProviderError, attempt: Attempt | None, request: UnifiedRequest) -> AttemptFailed:
        provider, model, key = (
            (attempt.provider, attempt.model, attempt.key) if attempt else (self._provider, request.model, "")
        )
        return AttemptFailed(provider=provider, model=model, key=key, error=error, at=self._clock.now())

    def _waiting(self, following: _Next) -> Waiting:
        return Waiting(reason="retry", message=following.told, seconds=following.wait, at=self._clock.now())

    def _give_back(self, call: _Call) -> None:
        """What was taken for a repeat that did not go out: the call ended before, or a circuit breaker held it back."""
        if call.taken:
            self._budget.give_back(call.taken)
            call.taken = 0


class _Call:
    """What one call has been through."""

    def __init__(self, way: CallPath, settings: RetrySettings) -> None:
        self.way = way
        self.failures = 0
        self.taken = 0  # of the retry budget, for a repeat that has not gone out
        self.last_cost = 0
        self.begin()
        self._settings = settings
        self._requests = 0
        self._give_up_at = float("inf")

    def begin(self) -> None:
        """Another request, of which nothing has been heard yet."""
        self.attempt: Attempt | None = None
        self.shown = self.finished = False

    def hear(self, event: Event) -> None:
        """Raises `ProviderError` where a request is about to go out that has waited in line past the deadline."""
        if isinstance(event, Finished):
            self.finished = True
        elif isinstance(event, Attempt):
            self.attempt = event
            self._requests += 1
            if self._requests == 1:
                self._give_up_at = event.at + self._settings.deadline
            elif event.at > self._give_up_at:
                raise self._too_late()
            self.last_cost, self.taken = self.taken or self.last_cost, 0

    def check_its_end(self) -> None:
        """Raises `ProviderError` (incomplete) where the last request ended without saying that this was all."""
        if not self.finished:
            raise incomplete("the provider ended its answer without saying that this was all")

    def over(self, at: float) -> str:
        """Why no request may follow `at`, in monotonic seconds; nothing where one may."""
        if self._requests >= self._settings.requests:
            return f"It was not repeated: this call has made {self._requests} requests."
        if at > self._give_up_at:
            return f"It was not repeated: that would be more than {self._settings.deadline:.0f} s after the first time."
        return ""

    def _too_late(self) -> ProviderError:
        return ProviderError(
            ErrorKind.TIMEOUT,
            f"there was no room to repeat the request within {self._settings.deadline:.0f} s",
            hint="Run it again later, or with fewer requests at once.",
            reason="deadline",
            retryable=False,
        )


def _moment(now: datetime, seconds: float) -> str:
    """The time of day, and the day where it is another one."""
    then = now + timedelta(seconds=min(seconds, 1e9))
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"
