"""A breaker makes allowed transitions only, and admits no more probes than set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise
from typing import ClassVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from swebench_providers import ErrorKind, Event, ProviderError, UnifiedRequest
from swebench_providers.policies.breaker import (
    FAILURES,
    Admission,
    BreakerSettings,
    BreakerState,
    CircuitBreaker,
    Transition,
)
from swebench_providers.policies.breaker_policy import CircuitBreakerPolicy
from tests.providers.policies.fake_streamer import REQUEST, FakeStreamer, collect, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
EDGES = {(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED), (HALF_OPEN, OPEN)}
SMALL = BreakerSettings(
    window_calls=6, minimum_calls=4, open_for=10, longest_open=35, probes=2, longest_half_open=30, slow_first_token=5
)
FAULT = error(ErrorKind.TRANSIENT)


def opened(clock: VirtualClock, seen: list[Transition] | None = None) -> CircuitBreaker:
    breaker = CircuitBreaker("acme:m", SMALL, clock=clock, on_transition=None if seen is None else seen.append)
    for _ in range(4):
        breaker.admit().failed(FAULT)
    assert breaker.state is OPEN
    return breaker


def test_it_opens_on_the_failure_rate_and_says_why() -> None:
    seen: list[Transition] = []
    breaker = opened(VirtualClock(3.0), seen)
    (transition,) = seen
    assert (transition.before, transition.after, transition.time) == (CLOSED, OPEN, 3.0)
    assert transition.reason == "4 of 4 calls failed"
    with pytest.raises(ProviderError, match="no requests to acme:m for 10 s: 4 of 4 calls failed") as caught:
        breaker.admit()
    assert (caught.value.kind, caught.value.reason, caught.value.retry_after) == (
        ErrorKind.OVERLOADED,
        "circuit_open",
        10,
    )
    assert breaker.statistics().refused == 1


def test_slow_first_tokens_open_it_and_long_answers_do_not() -> None:
    breaker = CircuitBreaker("acme:m", SMALL, clock=VirtualClock())
    for first_token in (4.9, None, 4.0, 1.0):
        breaker.admit().succeeded(first_token)
    assert breaker.state is CLOSED
    for _ in range(6):
        if breaker.state is CLOSED:
            breaker.admit().succeeded(5.1)
    assert (breaker.state, breaker.statistics().reason) == (OPEN, "5 of 6 calls were slow to start")


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind not in FAILURES], ids=str)
def test_18_refusals_bad_requests_and_cancellations_do_not_count(kind: ErrorKind) -> None:
    breaker = CircuitBreaker("acme:m", SMALL, clock=VirtualClock())
    for _ in range(50):
        breaker.admit().failed(error(kind))
        breaker.admit().abandoned()
    assert (breaker.state, breaker.statistics().calls) == (CLOSED, 0)


def test_old_failures_leave_the_window() -> None:
    clock = VirtualClock()
    breaker = CircuitBreaker("acme:m", SMALL, clock=clock)
    for _ in range(10):
        breaker.admit().failed(FAULT)
        clock.advance(SMALL.window_seconds / 2)
    assert breaker.state is CLOSED


def test_each_reopening_lasts_longer_until_it_closes() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    for expected in (10, 20, 35, 35):
        assert breaker.statistics().retry_in == expected
        clock.advance(expected)
        assert breaker.state is HALF_OPEN
        breaker.admit().failed(FAULT)
        assert breaker.state is OPEN
    clock.advance(35)
    for _ in range(SMALL.probes):
        breaker.admit().succeeded(1.0)
    assert breaker.state is CLOSED
    for _ in range(4):
        breaker.admit().failed(FAULT)
    assert breaker.statistics().retry_in == 10


def test_probes_that_never_end_do_not_block_it_for_ever() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    clock.advance(10)
    stuck = [breaker.admit() for _ in range(SMALL.probes)]
    with pytest.raises(ProviderError, match="no requests to"):
        breaker.admit()
    clock.advance(SMALL.longest_half_open)
    assert breaker.state is OPEN
    for admission in stuck:
        admission.succeeded(1.0)  # too late: a probe of an earlier state does not count
    assert breaker.state is OPEN


async def test_a_request_queued_while_it_opened_is_not_sent() -> None:
    clock = VirtualClock()
    breaker = CircuitBreaker("acme:m", SMALL, clock=clock)
    provider = FakeStreamer(clock, [text(), done()])
    events = CircuitBreakerPolicy(Opens(provider, breaker), breaker).stream_unified(REQUEST)
    with pytest.raises(ProviderError, match="no requests to"):
        await anext(events)
    assert provider.open == 0


class Opens:
    """A streamer during whose wait in the queue the breaker opens."""

    def __init__(self, provider: FakeStreamer, breaker: CircuitBreaker) -> None:
        self._breaker = breaker
        self.provider = provider

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        for _ in range(4):
            self._breaker.admit().failed(FAULT)
        return self.provider.stream_unified(request)


async def test_an_answer_closes_the_circuit_and_a_failure_counts() -> None:
    clock = VirtualClock()
    breaker = CircuitBreaker("acme:m", SMALL, clock=clock)
    breaking = CircuitBreakerPolicy(FakeStreamer(clock, [text(), done()], [FAULT]), breaker)
    await collect(breaking)
    with pytest.raises(ProviderError, match="transient"):
        await collect(breaking)
    assert (breaker.statistics().calls, breaker.statistics().failures) == (2, 1)


async def test_a_listener_that_fails_changes_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def listen(transition: Transition) -> None:
        raise ZeroDivisionError(transition.reason)

    clock = VirtualClock()
    breaker = CircuitBreaker("acme:m", SMALL, clock=clock, on_transition=listen)
    breaking = CircuitBreakerPolicy(FakeStreamer(clock, [FAULT]), breaker)
    for _ in range(4):
        with pytest.raises(ProviderError, match="transient"):
            await collect(breaking)
    assert breaker.state is OPEN
    assert "a listener of the circuit breaker acme:m failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("opened_at", [0.3, 27_833.881940719086, 1e6 + 0.1])
def test_when_the_open_time_ends_one_request_is_a_probe(opened_at: float) -> None:
    """A caller comes back exactly when the error said, and rounding must not refuse it again."""
    clock = VirtualClock(opened_at)
    breaker = CircuitBreaker("acme:m", BreakerSettings(minimum_calls=1, open_for=0.1, probes=1), clock=clock)
    breaker.admit().failed(FAULT)
    clock.advance(0.1)
    while breaker.state is OPEN:
        with pytest.raises(ProviderError, match="no requests to"):
            breaker.admit()
        clock.advance(1e-9)
    breaker.admit()
    with pytest.raises(ProviderError, match="no requests to"):
        breaker.admit()


@pytest.mark.parametrize("field", ["window_calls", "minimum_calls", "probes"])
def test_settings_below_one_call_or_probe_are_refused(field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f"{field} must be at least 1"):
        msgspec.convert({field: 0}, BreakerSettings)


def test_reading_an_idle_half_open_breaker_never_opens_it() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    clock.advance(10)
    for _ in range(5):
        assert (breaker.state, breaker.statistics().state, breaker.retry_in()) == (HALF_OPEN, HALF_OPEN, 0.0)
        clock.advance(SMALL.longest_half_open)
    breaker.admit().abandoned()  # a probe that has ended is no longer silent
    clock.advance(10 * SMALL.longest_half_open)
    assert (breaker.state, breaker.statistics().openings) == (HALF_OPEN, 1)


def test_a_long_answer_does_not_count_as_a_hanging_probe() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    clock.advance(10)
    long, short = breaker.admit(), breaker.admit()
    long.responded()
    short.succeeded(1.0)
    clock.advance(5 * SMALL.longest_half_open)
    assert breaker.state is HALF_OPEN
    long.succeeded(1.0)
    assert breaker.state is CLOSED


async def test_the_first_piece_of_an_answer_ends_the_silence() -> None:
    clock, gate = VirtualClock(), asyncio.Event()
    breaker = opened(clock)
    clock.advance(10)
    provider = FakeStreamer(clock, [text(), gate, done()])
    running = asyncio.create_task(collect(CircuitBreakerPolicy(provider, breaker)))
    await provider.waits.wait()
    clock.advance(5 * SMALL.longest_half_open)
    assert breaker.state is HALF_OPEN
    gate.set()
    await running
    assert breaker.statistics().probes_done == 1


async def test_an_unstreamed_answer_is_not_a_hanging_probe() -> None:
    """It shows nothing before its end, however healthy its server: its own time limits end it if it hangs."""
    clock, gate = VirtualClock(), asyncio.Event()
    breaker = opened(clock)
    clock.advance(10)
    provider = FakeStreamer(clock, [gate, text(), done()])
    whole = UnifiedRequest(model="m", prompt="Why?", stream=False)
    running = asyncio.create_task(collect(CircuitBreakerPolicy(provider, breaker), whole))
    await provider.waits.wait()
    clock.advance(5 * SMALL.longest_half_open)
    assert breaker.state is HALF_OPEN
    gate.set()
    await running
    assert breaker.statistics().probes_done == 1


async def test_probes_without_evidence_leave_their_slots_to_others() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    clock.advance(10)
    refused = CircuitBreakerPolicy(FakeStreamer(clock, [error(ErrorKind.RATE_LIMITED, status=429)]), breaker)
    for _ in range(5):
        with pytest.raises(ProviderError, match="rate_limited"):
            await collect(refused)
    stuck = FakeStreamer(clock, [asyncio.Event()])
    for _ in range(5):
        running = asyncio.create_task(collect(CircuitBreakerPolicy(stuck, breaker)))
        await stuck.waits.wait()
        stuck.waits.clear()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (breaker.state, breaker.statistics().probes_done, stuck.open) == (HALF_OPEN, 0, 0)
    well = CircuitBreakerPolicy(FakeStreamer(clock, [text(), done()]), breaker)
    for _ in range(SMALL.probes):
        await collect(well)
    assert breaker.state is CLOSED


async def test_each_refused_request_is_counted_once() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    provider = FakeStreamer(clock, [text(), done()])
    for _ in range(3):
        with pytest.raises(ProviderError, match="no requests to"):
            await collect(CircuitBreakerPolicy(provider, breaker))
    clock.advance(10)
    probes = [breaker.admit() for _ in range(SMALL.probes)]
    with pytest.raises(ProviderError, match="no requests to"):
        await collect(CircuitBreakerPolicy(provider, breaker))
    assert (breaker.statistics().refused, provider.requests, len(probes)) == (4, [], SMALL.probes)


def test_a_clock_going_back_does_not_prolong_the_opening() -> None:
    clock = VirtualClock(1_000.0)
    breaker = opened(clock)
    clock.advance(-900)
    assert breaker.retry_in() == SMALL.open_for
    clock.advance(SMALL.open_for)
    assert breaker.state is HALF_OPEN
    probe = breaker.admit()
    clock.advance(-50)
    assert breaker.state is HALF_OPEN
    probe.succeeded(1.0)
    breaker.admit().succeeded(1.0)
    assert breaker.state is CLOSED


def test_requests_from_before_a_transition_do_not_count() -> None:
    clock = VirtualClock()
    breaker = CircuitBreaker("acme:m", SMALL, clock=clock)
    late = [breaker.admit() for _ in range(8)]
    for _ in range(4):
        late.pop().failed(FAULT)
    clock.advance(10)
    assert breaker.state is HALF_OPEN
    late.pop().failed(FAULT)
    late.pop().succeeded(1.0)
    late.pop().responded()
    assert (breaker.state, breaker.statistics().probes_done) == (HALF_OPEN, 0)
    assert [breaker.admit() for _ in range(SMALL.probes)]
    late.pop().abandoned()  # must not free a probe's slot
    with pytest.raises(ProviderError, match="no requests to"):
        breaker.admit()


def test_an_endpoint_may_be_down_for_years() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    for _ in range(2_000):
        clock.advance(SMALL.longest_open)
        breaker.admit().failed(FAULT)
    assert breaker.retry_in() == SMALL.longest_open


class AnyCourse(RuleBasedStateMachine):
    """Requests that begin and end in any order while time passes."""

    kinds: ClassVar = st.sampled_from(list(ErrorKind))

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.transitions: list[Transition] = []
        self.breaker = CircuitBreaker("x", SMALL, clock=self.clock, on_transition=self.transitions.append)
        self.running: list[tuple[int, Admission]] = []

    @rule()
    def begin(self) -> None:
        try:
            admission = self.breaker.admit()
        except ProviderError:
            assert self.breaker.state is not CLOSED
        else:
            assert self.breaker.state is not OPEN
            self.running.append((len(self.transitions), admission))

    @rule(index=st.integers(0, 50), kind=kinds)
    def fail(self, index: int, kind: ErrorKind) -> None:
        if self.running:
            self.running.pop(index % len(self.running))[1].failed(error(kind))

    @rule(index=st.integers(0, 50), first_token=st.one_of(st.none(), st.floats(0, 10)))
    def succeed(self, index: int, first_token: float | None) -> None:
        if self.running:
            self.running.pop(index % len(self.running))[1].succeeded(first_token)

    @rule(index=st.integers(0, 50))
    def abandon(self, index: int) -> None:
        if self.running:
            self.running.pop(index % len(self.running))[1].abandoned()

    @rule(index=st.integers(0, 50))
    def bring_something(self, index: int) -> None:
        if self.running:
            self.running[index % len(self.running)][1].responded()

    @rule(seconds=st.floats(-20, 50))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.floats(0, 100))
    def look_while_nobody_probes(self, seconds: float) -> None:
        if self.breaker.state is HALF_OPEN and not self.probes():
            self.clock.advance(seconds)
            assert (self.breaker.statistics().state, self.breaker.retry_in()) == (HALF_OPEN, 0)

    def probes(self) -> int:
        return sum(since == len(self.transitions) for since, _ in self.running)

    @invariant()
    def open_never_longer_than_its_time(self) -> None:
        assert 0 <= self.breaker.retry_in() <= SMALL.longest_open

    @invariant()
    def only_allowed_edges(self) -> None:
        edges = [(transition.before, transition.after) for transition in self.transitions]
        assert set(edges) <= EDGES
        assert all(after == before for (_, after), (before, _) in pairwise(edges))

    @invariant()
    def no_more_probes_than_allowed(self) -> None:
        if self.breaker.state is HALF_OPEN:
            assert self.probes() <= SMALL.probes


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
