"""A circuit breaker: an endpoint that fails most of the time is left alone for a while, then asked carefully again.

    closed -> open        the window shows too many failures, or too many slow first tokens
    open -> half-open     its time is over; a few requests are let through as probes
    half-open -> closed   enough probes went well
    half-open -> open     a probe failed, or one gave no sign of life in time; it stays open longer than before

The time of the half-open state counts while a probe is out that has brought nothing yet: neither for want of requests
nor for a long answer does it open again. Slow is a late first token: how long an answer takes is up to the question. A
refusal for being too many, a bad request, a bad key, a cancellation and what our own policies refuse say nothing about
the health of an endpoint.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from enum import StrEnum
from math import ceil
from typing import Final

import msgspec

from swebench_providers.policies.interface import Streamer
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Attempt, Event, Finished, ReasoningDelta, TextDelta
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.util.clock import Clock, SystemClock

FAILURES: Final = frozenset({ErrorKind.TRANSIENT, ErrorKind.OVERLOADED, ErrorKind.TIMEOUT, ErrorKind.INCOMPLETE})
"""What counts as a failure of the endpoint."""

_log = logging.getLogger(__name__)
_WHILE_PROBING: Final = 1.0  # seconds after which those who wait for the probes look again


class BreakerState(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When it opens, and for how long. Times are seconds, rates shares of the window.

    The window holds the last `window_calls` calls of the last `window_seconds`; with fewer than `minimum_calls` of them
    it says nothing. Each reopening multiplies the time by `growth`, up to `longest_open`. A streamed probe may be
    without a sign of life for `longest_half_open`. `ValueError` for a number of calls or probes below 1.
    """

    window_calls: int = 20
    window_seconds: float = 60.0
    minimum_calls: int = 6
    failure_rate: float = 0.5
    slow_rate: float = 0.8
    slow_first_token: float = 120.0
    open_for: float = 15.0
    growth: float = 2.0
    longest_open: float = 300.0
    probes: int = 3
    longest_half_open: float = 180.0

    def __post_init__(self) -> None:
        for name in ("window_calls", "minimum_calls", "probes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} has to be at least 1")


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker went from one state to another; `at` is monotonic seconds."""

    name: str
    before: BreakerState
    after: BreakerState
    reason: str
    at: float


class BreakerStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a screen shows of a breaker. `opens_in` is the rest of its time while it is open, in seconds."""

    state: BreakerState
    calls: int
    failures: int
    slow: int
    probes_done: int
    probes: int
    opens_in: float
    openings: int
    refused: int
    reason: str


class _Call(msgspec.Struct, frozen=True, gc=False):
    at: float
    failed: bool
    slow: bool


class Admission:
    """A request that was let through. Ends by one of its methods, once; what follows is ignored."""

    __slots__ = ("_breaker", "_round")

    def __init__(self, breaker: CircuitBreaker, round_: int) -> None:
        self._breaker: CircuitBreaker | None = breaker
        self._round = round_

    def heard(self) -> None:
        """The first piece of its answer has come: whatever becomes of it, it does not hang."""
        if self._breaker is not None:
            self._breaker.heard(self)

    def succeeded(self, first_token: float | None) -> None:
        """It was answered; `first_token` is the seconds until the first piece, None when it was not streamed."""
        self._end(failed=False, first_token=first_token)

    def failed(self, error: ProviderError) -> None:
        """It failed, in a way that may or may not be the endpoint's fault."""
        self._end(failed=True if error.kind in FAILURES else None, first_token=None)

    def abandoned(self) -> None:
        """It ended without saying anything about the endpoint."""
        self._end(failed=None, first_token=None)

    def _end(self, *, failed: bool | None, first_token: float | None) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.ended(self, self._round, failed=failed, first_token=first_token)


class CircuitBreaker:
    """The state of one endpoint and model. `on_transition` is called for each change, in the loop that caused it.

    What the listener raises is logged and changes nothing.
    """

    def __init__(
        self,
        name: str,
        settings: BreakerSettings | None = None,
        *,
        clock: Clock | None = None,
        on_transition: Callable[[Transition], None] | None = None,
    ) -> None:
        self.name = name
        self._settings = settings or BreakerSettings()
        self._now = (clock or SystemClock()).now
        self._on_transition = on_transition
        self._state = BreakerState.CLOSED
        self._window: deque[_Call] = deque()
        self._failures = 0
        self._slow = 0
        self._since = self._now()
        self._round = 0  # of what was admitted before a change of state nothing is counted after it
        self._probing = 0
        self._probed = 0
        self._silent: dict[Admission, float] = {}  # probes that have brought nothing yet, and since when
        self._openings = 0
        self._open_for = self._settings.open_for  # seconds, the next time or this one
        self._refused = 0
        self._reason = ""

    @property
    def state(self) -> BreakerState:
        """Where it stands now: looking at it lets its time pass."""
        self._age()
        return self._state

    def opens_in(self) -> float:
        """Seconds until it is worth asking again; 0 while a request may be let through."""
        self._age()
        if self._state is BreakerState.OPEN:
            return self._open_for - (self._now() - self._since)  # as `_age` reckons: above 0 while it is open
        full = self._state is BreakerState.HALF_OPEN and self._probing + self._probed >= self._settings.probes
        return _WHILE_PROBING if full else 0.0

    def check(self) -> None:
        """Raise `ProviderError` (overloaded, reason `circuit_open`), with the time to wait, if nothing may pass."""
        if self._state is BreakerState.CLOSED:
            return
        wait = self.opens_in()
        if wait > 0:
            self._refused += 1
            raise self._open(wait)

    def admit(self, *, streamed: bool = True) -> Admission:
        """Let a request through, as a probe where it is half-open, or raise as `check` does.

        One that is not `streamed` shows no life before its end: its own time limits watch over it.
        """
        self.check()
        admission = Admission(self, self._round)
        if self._state is BreakerState.HALF_OPEN:
            self._probing += 1
            if streamed:
                self._silent[admission] = self._now()
        return admission

    def statistics(self) -> BreakerStatistics:
        """A snapshot."""
        wait = self.opens_in()
        self._forget()
        return BreakerStatistics(
            state=self._state,
            calls=len(self._window),
            failures=self._failures,
            slow=self._slow,
            probes_done=self._probed,
            probes=self._settings.probes,
            opens_in=wait if self._state is BreakerState.OPEN else 0.0,
            openings=self._openings,
            refused=self._refused,
            reason=self._reason,
        )

    def heard(self, admission: Admission) -> None:
        """A request brings an answer."""
        self._age()
        self._silent.pop(admission, None)

    def ended(self, admission: Admission, round_: int, *, failed: bool | None, first_token: float | None) -> None:
        """A request admitted in `round_` has ended; `failed` None says nothing about the endpoint."""
        self._age()
        if round_ != self._round:
            return
        self._silent.pop(admission, None)
        slow = first_token is not None and first_token > self._settings.slow_first_token
        if self._state is BreakerState.HALF_OPEN:
            self._probe_ended(failed=failed, slow=slow)
        elif failed is not None:
            self._remember(_Call(self._now(), failed, slow))
            self._judge()

    def _probe_ended(self, *, failed: bool | None, slow: bool) -> None:
        self._probing -= 1
        if failed is None:
            return
        self._probed += 1
        if failed or slow:
            self._reopen("a probe failed" if failed else "a probe was slow to start")
        elif self._probed >= self._settings.probes:
            self._open_for = self._settings.open_for
            self._go(BreakerState.CLOSED, f"{self._probed} probes went well")

    def _judge(self) -> None:
        self._forget()
        calls = len(self._window)
        if calls < self._settings.minimum_calls:
            return
        failures, slow = self._failures, self._slow
        if failures / calls >= self._settings.failure_rate:
            self._go(BreakerState.OPEN, f"{failures} of {calls} calls failed")
        elif slow / calls >= self._settings.slow_rate:
            self._go(BreakerState.OPEN, f"{slow} of {calls} calls were slow to start")

    def _remember(self, call: _Call) -> None:
        self._window.append(call)
        self._failures += call.failed
        self._slow += call.slow
        if len(self._window) > self._settings.window_calls:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        call = self._window.popleft()
        self._failures -= call.failed
        self._slow -= call.slow

    def _forget(self) -> None:
        oldest = self._now() - self._settings.window_seconds
        while self._window and self._window[0].at < oldest:
            self._drop_oldest()

    def _age(self) -> None:
        """What time alone changes."""
        if self._state is BreakerState.CLOSED:
            return
        now = self._now()
        if self._state is BreakerState.OPEN:
            self._since = min(self._since, now)  # a clock that went back must not prolong it
            if now - self._since >= self._open_for:
                self._go(BreakerState.HALF_OPEN, "its time is over")
        elif self._silent and now - min(self._silent.values()) >= self._settings.longest_half_open:
            self._reopen("a probe gave no sign of life in time")

    def _reopen(self, reason: str) -> None:
        self._open_for = min(self._open_for * self._settings.growth, self._settings.longest_open)
        self._go(BreakerState.OPEN, reason)

    def _go(self, state: BreakerState, reason: str) -> None:
        before, self._state = self._state, state
        self._since, self._reason = self._now(), reason
        self._round += 1
        self._probing = self._probed = 0
        self._silent.clear()
        self._window.clear()
        self._failures = self._slow = 0
        self._openings += state is BreakerState.OPEN
        if self._on_transition is None:
            return
        try:
            self._on_transition(Transition(name=self.name, before=before, after=state, reason=reason, at=self._since))
        except Exception:  # noqa: BLE001 - whoever listens is not ours, and no call may fail for it
            _log.exception("a listener of the circuit breaker %s failed", self.name)

    def _open(self, wait: float) -> ProviderError:
        return ProviderError(
            ErrorKind.OVERLOADED,
            f"{self.name} is left alone for {ceil(wait)} s: {self._reason}",
            hint="It is asked again by itself. Choose another model to go on at once.",
            reason="circuit_open",
            retry_after=wait,
        )


class CircuitBreakerPolicy:
    """Asks the breaker, and tells it how each request ended.

    It is asked twice: at once, so that an open breaker costs nobody a place in the limiter's line, and again when the
    request is about to go out, since the breaker may have opened while it waited there.
    """

    def __init__(self, inner: Streamer, breaker: CircuitBreaker) -> None:
        self._inner = inner
        self._breaker = breaker

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        self._breaker.check()
        admission: Admission | None = None
        began: float | None = None
        first: float | None = None
        try:
            async with aclosing(self._inner.stream_unified(request)) as events:
                async for event in events:
                    match event:
                        case TextDelta() | ReasoningDelta():
                            if first is None:
                                first = event.at
                                if admission is not None:
                                    admission.heard()
                        case Attempt() if admission is None:
                            admission, began = self._breaker.admit(streamed=request.stream), event.at
                        case Finished() if admission is not None:
                            admission.succeeded(_between(began, first) if request.stream else None)
                    yield event
        except ProviderError as error:
            if admission is not None:
                admission.failed(error)
            raise
        finally:
            if admission is not None:
                admission.abandoned()


def _between(began: float | None, first: float | None) -> float | None:
    return None if began is None or first is None else first - began
