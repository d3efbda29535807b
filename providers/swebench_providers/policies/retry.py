"""Repeats requests that may succeed later. The only policy that repeats a request; nothing below it does.

After a failure it decides, in this order: another key if the key was refused, the same request without a parameter that
was refused, the same request after a wait, or the error.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from swebench_providers.policies.breaker import CIRCUIT_OPEN
from swebench_providers.policies.cooldown import PAUSED
from swebench_providers.policies.interface import CallPath, CallPaths, SinglePath, Streamer, sentence
from swebench_providers.policies.refused_parameters import RefusedParameters
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


class RetrySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds.

    The n-th wait is random between 0 and `base * 2**n`, at most `longest_backoff`; `throttled_base` replaces `base`
    after a 429 or an overload. A time that the server names is waited for, plus a random part of one base, unless it
    is longer than `longest_retry_after`: then the call fails at once. No attempt begins later than `deadline` after the
    first. `restart` allows a retry after text has been shown: the answer starts from the beginning. A request with
    another key, or without a refused parameter, is none of the `attempts`, but counts toward `requests`, the most that
    a call makes for whatever reasons.
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
    """The next request, the message for the user, and the seconds to wait before."""

    request: UnifiedRequest
    message: str
    wait: float = 0.0


class Retry:
    """Makes a call in as many requests as it takes. `wall` is the time of day, for messages."""

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
        self._paths: CallPaths = inner if isinstance(inner, CallPaths) else SinglePath(inner)
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
        call = _Call(self._paths.new_call(), self._settings)
        try:
            while True:
                call.begin()
                failure, following = None, None
                try:
                    events = call.path.stream_unified(request)
                    try:
                        async for event in events:
                            if type(event) is TextDelta or type(event) is ReasoningDelta:
                                call.shown = True
                            else:
                                call.inspect(event)
                            yield event
                    finally:
                        await events.aclose()
                    call.check_finished()
                except ProviderError as error:
                    # An error after a complete answer does not make it incomplete.
                    if not call.finished:
                        failure, following = error, self._next(request, error, call)
                        if following is None:
                            raise
                if failure is None or following is None:
                    call.path.on_success(request)
                    self._budget.succeeded(call.last_cost)
                    return
                yield self._failed(failure, call.attempt, request)
                yield Notice(following.message, self._clock.now())
                if following.wait > 0:
                    yield self._waiting(following)
                    await self._clock.sleep(following.wait)
                request = following.request
        finally:
            self._refund(call)

    def _next(self, request: UnifiedRequest, error: ProviderError, call: _Call) -> _Next | None:
        """What to do after `error`; None: fail. A refused key or parameter is remembered in any case."""
        error.provider, error.model = error.provider or self._provider, error.model or request.model
        alternative = call.path.try_alternative(error, request)
        dropped = None if alternative else self._refused.after(error, request)
        if error.reason == CIRCUIT_OPEN or (call.shown and not self._settings.restart):
            return None
        discarded = " The partial answer is discarded." if call.shown else ""
        if alternative or dropped is not None:
            if why_not := call.limit_reached(self._clock.now()):
                error.hint = f"{error.hint} {why_not}".lstrip()
                return None
            if dropped is None:
                return _Next(request, f"{sentence(error)} Key disabled, trying another one.{discarded}")
            return _Next(dropped[0], f"{dropped[1]}{discarded}")
        return self._repeated(request, error, call, discarded)

    def _repeated(self, request: UnifiedRequest, error: ProviderError, call: _Call, discarded: str) -> _Next | None:
        """The same request once more; None if that is of no use, or no longer allowed."""
        call.failures += 1
        self._refund(call)
        if not error.retryable:
            return None
        retry_after = call.path.retry_after(error, request)
        why_not = self._too_long(retry_after)
        if why_not and error.reason == PAUSED:  # its message names the time
            return None
        if call.failures >= self._settings.attempts and not why_not:
            return None
        wait = self._wait(error.kind, retry_after, call.failures)
        why_not = why_not or call.limit_reached(self._clock.now() + wait)
        cost = None if why_not else self._budget.take(error.kind)
        if cost is None:
            why_not = why_not or "Not retried: too many requests to this provider are failing."
            error.hint = f"{error.hint} {why_not}".lstrip()
            return None
        call.taken = cost
        return _Next(request, f"{sentence(error)} Retrying in {wait:.1f} s.{discarded}", wait)

    def _wait(self, kind: ErrorKind, retry_after: float | None, failures: int) -> float:
        """Seconds; never less than the server asks for."""
        settings = self._settings
        base = settings.throttled_base if kind in _THROTTLED else settings.base
        if retry_after is not None:
            return retry_after + self._draw() * base
        return self._draw() * min(base * 2.0 ** (failures - 1), settings.longest_backoff)

    def _too_long(self, retry_after: float | None) -> str:
        """Why a time that the server names is too long to wait for; empty if it is not."""
        longest = self._settings.longest_retry_after
        if retry_after is None or retry_after <= longest:
            return ""
        until = _time_of_day(self._wall(), retry_after)
        return f"Not retried: the server accepts no requests until {until}, longer than a call waits."

    def _failed(self, error: ProviderError, attempt: Attempt | None, request: UnifiedRequest) -> AttemptFailed:
        provider, model, key = (
            (attempt.provider, attempt.model, attempt.key) if attempt else (self._provider, request.model, "")
        )
        return AttemptFailed(provider=provider, model=model, key=key, error=error, time=self._clock.now())

    def _waiting(self, following: _Next) -> Waiting:
        return Waiting(reason="retry", message=following.message, seconds=following.wait, time=self._clock.now())

    def _refund(self, call: _Call) -> None:
        """Return what a retry took that was not sent: the call ended before, or a circuit breaker refused it."""
        if call.taken:
            self._budget.refund(call.taken)
            call.taken = 0


class _Call:
    """The state of one call."""

    __slots__ = (
        "_give_up_at",
        "_requests",
        "_settings",
        "attempt",
        "failures",
        "finished",
        "last_cost",
        "path",
        "shown",
        "taken",
    )

    def __init__(self, path: CallPath, settings: RetrySettings) -> None:
        self.path = path
        self.failures = 0
        self.taken = 0  # from the retry budget, for a retry that has not been sent
        self.last_cost = 0
        self._settings = settings
        self._requests = 0
        self._give_up_at = float("inf")

    def begin(self) -> None:
        """Start another request."""
        self.attempt: Attempt | None = None
        self.shown = self.finished = False

    def inspect(self, event: Event) -> None:
        """Raises `ProviderError` for a retry that is about to go out and was queued past the deadline."""
        if type(event) is Finished:
            self.finished = True
        elif type(event) is Attempt:
            self.attempt = event
            self._requests += 1
            if self._requests == 1:
                self._give_up_at = event.time + self._settings.deadline
            elif event.time > self._give_up_at:
                raise self._too_late()
            self.last_cost, self.taken = self.taken or self.last_cost, 0

    def check_finished(self) -> None:
        """Raise `ProviderError` (incomplete) if the last request ended without `Finished`."""
        if not self.finished:
            raise incomplete("the provider's stream ended without its end marker")

    def limit_reached(self, time: float) -> str:
        """Why no request may follow at `time`, in monotonic seconds; empty if one may."""
        if self._requests >= self._settings.requests:
            return f"Not retried: this call has made {self._requests} requests."
        if time > self._give_up_at:
            return f"Not retried: it would start more than {self._settings.deadline:.0f} s after the first attempt."
        return ""

    def _too_late(self) -> ProviderError:
        return ProviderError(
            ErrorKind.TIMEOUT,
            f"no capacity for a retry within {self._settings.deadline:.0f} s",
            hint="Try again later, or with fewer parallel requests.",
            reason="deadline",
            retryable=False,
        )


def _time_of_day(now: datetime, seconds: float) -> str:
    """The time `seconds` from now, with the date if it is another day."""
    then = now + timedelta(seconds=min(seconds, 1e9))
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"
