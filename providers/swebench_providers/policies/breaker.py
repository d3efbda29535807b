"""A circuit breaker: an endpoint that fails most of the time gets no requests for a while, then a few as probes.

    closed -> open        the window has too many failures, or too many slow first tokens
    open -> half-open     the open time has passed; a few requests are admitted as probes
    half-open -> closed   enough probes succeeded
    half-open -> open     a probe failed, or one was silent for too long; the open time is longer than before

The time limit of the half-open state applies to a probe that has brought nothing yet: neither a lack of requests nor a
long answer reopens it. Slow means a late first token: how long an answer takes depends on the question. A 429, a bad
request, a bad key, a cancellation and a refusal by our own policies are no evidence about the health of an endpoint.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from math import ceil
from typing import Final

import msgspec

from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.util.clock import Clock, SystemClock

CIRCUIT_OPEN: Final = "circuit_open"
"""The `reason` of the error of a request that an open breaker refused."""

FAILURES: Final = frozenset({ErrorKind.TRANSIENT, ErrorKind.OVERLOADED, ErrorKind.TIMEOUT, ErrorKind.INCOMPLETE})
"""Kinds of errors that count as failures of the endpoint."""

_LOG: Final = logging.getLogger(__name__)
_WHILE_PROBING: Final = 1.0  # seconds after which a request that finds all probes taken should check again


class BreakerState(StrEnum):
    """The states of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a breaker opens, and for how long. Times are seconds, rates shares of the window.

    The window holds the last `window_calls` calls of the last `window_seconds`; below `minimum_calls` it decides
    nothing. Each reopening multiplies the open time by `growth`, up to `longest_open`. A streamed probe may be silent
    for `longest_half_open`. Raises `ValueError` for a number of calls or probes below 1.
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
                raise ValueError(f"{name} must be at least 1")


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a breaker's state; `time` is monotonic seconds."""

    name: str
    before: BreakerState
    after: BreakerState
    reason: str
    time: float


class BreakerStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a breaker. `retry_in` is the rest of the open time in seconds, 0 unless it is open."""

    state: BreakerState
    calls: int
    failures: int
    slow: int
    probes_done: int
    probes: int
    retry_in: float
    openings: int
    refused: int
    reason: str


class _Call(msgspec.Struct, frozen=True, gc=False):
    """An entry of the window."""

    ended_at: float
    failed: bool
    slow: bool


class Admission:
    """A request that was admitted. The first of the methods that end it counts, further ones do nothing."""

    __slots__ = ("_breaker", "_generation")

    def __init__(self, breaker: CircuitBreaker, generation: int) -> None:
        self._breaker: CircuitBreaker | None = breaker
        self._generation = generation

    def responded(self) -> None:
        """The first piece of the answer has arrived: however it ends, the endpoint does not hang."""
        if self._breaker is not None:
            self._breaker.responded(self)

    def succeeded(self, first_token: float | None) -> None:
        """The answer is complete; `first_token` is seconds to the first piece, None if it was not streamed."""
        self._end(failed=False, first_token=first_token)

    def failed(self, error: ProviderError) -> None:
        """It failed, in a way that may or may not be the endpoint's fault."""
        self._end(failed=True if error.kind in FAILURES else None, first_token=None)

    def abandoned(self) -> None:
        """It ended without evidence about the endpoint."""
        self._end(failed=None, first_token=None)

    def _end(self, *, failed: bool | None, first_token: float | None) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.ended(self, self._generation, failed=failed, first_token=first_token)


class CircuitBreaker:
    """The breaker of one endpoint and model. `on_transition` is called for each transition, in the loop that caused it.

    An exception of `on_transition` is logged and changes nothing. Not thread-safe: it belongs to one event loop.
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
        self._generation = 0  # of the state: what was admitted in an earlier one counts for nothing
        self._probing = 0
        self._probed = 0
        self._silent: dict[Admission, float] = {}  # probes that have brought nothing yet, and since when
        self._openings = 0
        self._open_for = self._settings.open_for  # seconds, of this opening or the next
        self._refused = 0
        self._reason = ""

    @property
    def state(self) -> BreakerState:
        """The state now; reading it applies what has become due."""
        self._advance()
        return self._state

    def retry_in(self) -> float:
        """Seconds until a request is worth trying; 0 if one may be admitted now."""
        self._advance()
        if self._state is BreakerState.OPEN:
            return self._open_for - (self._now() - self._since)  # computed as `_advance` does: above 0 while open
        full = self._state is BreakerState.HALF_OPEN and self._probing + self._probed >= self._settings.probes
        return _WHILE_PROBING if full else 0.0

    def check(self) -> None:
        """Raise `ProviderError` (overloaded, reason `circuit_open`) with the time to wait if nothing is admitted."""
        if self._state is BreakerState.CLOSED:
            return
        wait = self.retry_in()
        if wait > 0:
            self._refused += 1
            raise self._error(wait)

    def admit(self, *, streamed: bool = True) -> Admission:
        """Admit a request, as a probe if half-open, or raise as `check` does.

        One that is not `streamed` brings nothing before its end: its own time limits apply instead.
        """
        self.check()
        admission = Admission(self, self._generation)
        if self._state is BreakerState.HALF_OPEN:
            self._probing += 1
            if streamed:
                self._silent[admission] = self._now()
        return admission

    def statistics(self) -> BreakerStatistics:
        """A snapshot."""
        wait = self.retry_in()
        self._expire(self._now())
        return BreakerStatistics(
            state=self._state,
            calls=len(self._window),
            failures=self._failures,
            slow=self._slow,
            probes_done=self._probed,
            probes=self._settings.probes,
            retry_in=wait if self._state is BreakerState.OPEN else 0.0,
            openings=self._openings,
            refused=self._refused,
            reason=self._reason,
        )

    def responded(self, admission: Admission) -> None:
        """A request has begun to bring its answer."""
        if self._state is not BreakerState.CLOSED:
            self._advance()
            self._silent.pop(admission, None)

    def ended(self, admission: Admission, generation: int, *, failed: bool | None, first_token: float | None) -> None:
        """A request admitted in `generation` has ended; `failed` None is no evidence about the endpoint."""
        self._advance()
        if generation != self._generation:
            return
        slow = first_token is not None and first_token > self._settings.slow_first_token
        if self._state is BreakerState.HALF_OPEN:
            self._silent.pop(admission, None)
            self._probe_ended(failed=failed, slow=slow)
        elif failed is not None:
            now = self._now()
            self._record(_Call(now, failed, slow))
            self._expire(now)
            self._evaluate()

    def _probe_ended(self, *, failed: bool | None, slow: bool) -> None:
        self._probing -= 1
        if failed is None:
            return
        self._probed += 1
        if failed or slow:
            self._reopen("a probe failed" if failed else "a probe was slow to start")
        elif self._probed >= self._settings.probes:
            self._open_for = self._settings.open_for
            self._change_to(BreakerState.CLOSED, f"{self._probed} probes succeeded")

    def _evaluate(self) -> None:
        """Open it if the window says so."""
        calls, failures, slow = len(self._window), self._failures, self._slow
        if calls < self._settings.minimum_calls:
            return
        if failures / calls >= self._settings.failure_rate:
            self._change_to(BreakerState.OPEN, f"{failures} of {calls} calls failed")
        elif slow / calls >= self._settings.slow_rate:
            self._change_to(BreakerState.OPEN, f"{slow} of {calls} calls were slow to start")

    def _record(self, call: _Call) -> None:
        self._window.append(call)
        self._failures += call.failed
        self._slow += call.slow
        if len(self._window) > self._settings.window_calls:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        call = self._window.popleft()
        self._failures -= call.failed
        self._slow -= call.slow

    def _expire(self, now: float) -> None:
        oldest = now - self._settings.window_seconds
        while self._window and self._window[0].ended_at < oldest:
            self._drop_oldest()

    def _advance(self) -> None:
        """Apply the transitions that time alone causes."""
        if self._state is BreakerState.CLOSED:
            return
        now = self._now()
        if self._state is BreakerState.OPEN:
            self._since = min(self._since, now)  # a clock that went back must not prolong it
            if now - self._since >= self._open_for:
                self._change_to(BreakerState.HALF_OPEN, "the open time has passed")
        elif self._silent and now - min(self._silent.values()) >= self._settings.longest_half_open:
            self._reopen("a probe was silent for too long")

    def _reopen(self, reason: str) -> None:
        self._open_for = min(self._open_for * self._settings.growth, self._settings.longest_open)
        self._change_to(BreakerState.OPEN, reason)

    def _change_to(self, state: BreakerState, reason: str) -> None:
        before, self._state = self._state, state
        self._since, self._reason = self._now(), reason
        self._generation += 1
        self._probing = self._probed = 0
        self._silent.clear()
        self._window.clear()
        self._failures = self._slow = 0
        self._openings += state is BreakerState.OPEN
        if self._on_transition is None:
            return
        try:
            self._on_transition(Transition(name=self.name, before=before, after=state, reason=reason, time=self._since))
        except Exception:  # noqa: BLE001 - the listener is the caller's, and no call may fail for it
            _LOG.exception("a listener of the circuit breaker %s failed", self.name)

    def _error(self, wait: float) -> ProviderError:
        return ProviderError(
            ErrorKind.OVERLOADED,
            f"no requests to {self.name} for {ceil(wait)} s: {self._reason}",
            hint="It is tried again automatically. Use another model to go on now.",
            reason=CIRCUIT_OPEN,
            retry_after=wait,
        )
