"""One policy retries: within its bounds, never before the named time, and never without a notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, Event, Finished, Notice, ProviderError, TextDelta, UnifiedRequest
from swebench_providers.policies.breaker import CIRCUIT_OPEN
from swebench_providers.policies.refused_parameters import RefusedParameters
from swebench_providers.policies.retry import Retry, RetrySettings
from swebench_providers.policies.retry_budget import RetryBudget
from swebench_providers.types.events import Attempt, AttemptFailed, Waiting
from tests.providers.policies.fake_streamer import (
    REQUEST,
    FakeStreamer,
    Script,
    collect,
    collect_with_error,
    done,
    error,
    text,
)
from tests.providers.policies.virtual_time import VirtualClock

GOOD: Script = [text("whole"), done()]


async def play(retry: Retry, clock: VirtualClock, request: UnifiedRequest = REQUEST) -> list[Event]:
    task = asyncio.create_task(collect(retry, request))
    await clock.run_until(task.done)
    return await task


def retrying(
    clock: VirtualClock, provider: FakeStreamer, settings: RetrySettings | None = None, **fields: object
) -> Retry:
    return Retry(provider, settings, clock=clock, **{"draw": lambda: 1.0, **fields})  # type: ignore[arg-type]


async def test_11_a_named_time_is_waited_for_plus_jitter() -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(ErrorKind.RATE_LIMITED, after=7.0, status=429)], GOOD)
    events = await play(retrying(clock, provider), clock)
    assert clock.slept == [8.0]  # never less than 7
    assert [type(event) for event in events] == [Attempt, AttemptFailed, Notice, Waiting, Attempt, TextDelta, Finished]


async def test_11_an_absurd_time_fails_at_once() -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(ErrorKind.RATE_LIMITED, after=86_400.0, status=429)])
    with pytest.raises(ProviderError, match="rate_limited"):
        await play(retrying(clock, provider), clock)
    assert (len(provider.requests), clock.slept) == (1, [])


async def test_10_a_call_makes_a_bounded_number_of_requests() -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)])
    with pytest.raises(ProviderError, match="transient"):
        await play(retrying(clock, provider, RetrySettings(attempts=4)), clock)
    assert (len(provider.requests), provider.open) == (4, 0)
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if not kind.retryable], ids=str)
async def test_a_failure_that_cannot_succeed_is_not_retried(kind: ErrorKind) -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(kind)])
    with pytest.raises(ProviderError):
        await play(retrying(clock, provider), clock)
    assert len(provider.requests) == 1


async def test_after_text_only_restart_allows_a_retry() -> None:
    clock = VirtualClock()
    broken: Script = [text("half an"), error(ErrorKind.INCOMPLETE, status=None)]
    with pytest.raises(ProviderError, match="incomplete"):
        await play(retrying(clock, FakeStreamer(clock, broken, GOOD)), clock)
    events = await play(retrying(clock, FakeStreamer(clock, broken, GOOD), RetrySettings(restart=True)), clock)
    notice = next(event for event in events if isinstance(event, Notice))
    assert "The partial answer is discarded" in notice.message
    failed = next(index for index, event in enumerate(events) if isinstance(event, AttemptFailed))
    assert [event.text for event in events[failed:] if isinstance(event, TextDelta)] == ["whole"]


async def test_no_attempt_begins_after_the_deadline() -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(ErrorKind.OVERLOADED, after=30.0)])
    with pytest.raises(ProviderError):
        await play(retrying(clock, provider, RetrySettings(attempts=50, deadline=100.0)), clock)
    assert max(provider.began_at) <= 100.0


async def test_11_an_outage_makes_fewer_requests_not_more() -> None:
    clock, budget = VirtualClock(), RetryBudget()
    provider = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)])
    for _ in range(400):
        with pytest.raises(ProviderError):
            await play(retrying(clock, provider, budget=budget), clock)
    # 500 in the bucket pay for a hundred retries of all calls; each call is still made once.
    assert len(provider.requests) == 400 + 100
    assert budget.left == 0


async def test_a_refused_parameter_is_left_out_and_remembered() -> None:
    clock, refused = VirtualClock(), RefusedParameters()
    hot = UnifiedRequest(model="m", prompt="Why?", temperature=0.5)
    complaint = ProviderError(
        ErrorKind.INVALID_REQUEST,
        "no temperature",
        hint="",
        reason="bad_parameter",
        status=400,
        parameter="temperature",
    )
    provider = FakeStreamer(clock, [complaint], GOOD)
    events = await play(retrying(clock, provider, refused=refused), clock, hot)
    assert [request.temperature for request in provider.requests] == [0.5, None]
    assert [event.message for event in events if isinstance(event, Notice)] == [
        "m does not support temperature: sent without it."
    ]
    events = await play(retrying(clock, provider, refused=refused), clock, hot)
    assert provider.requests[-1].temperature is None
    assert len(provider.requests) == 3
    assert isinstance(events[0], Notice)


async def test_jitter_after_a_named_time_does_not_grow() -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(ErrorKind.RATE_LIMITED, after=7.0, status=429)])
    with pytest.raises(ProviderError):
        await play(retrying(clock, provider, draw=lambda: 0.6), clock)
    assert clock.slept == [7.6] * 4


async def test_waits_are_random_up_to_a_doubling_bound() -> None:
    clock, draws = VirtualClock(), iter([0.0, 1.0, 0.5, 1.0, 1.0])
    provider = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)])
    settings = RetrySettings(attempts=6, base=1.0, longest_backoff=6.0)
    with pytest.raises(ProviderError):
        await play(retrying(clock, provider, settings, draw=lambda: next(draws)), clock)
    assert clock.slept == [2.0, 2.0, 6.0, 6.0]  # the first wait is 0


async def test_a_too_long_retry_after_is_reported_with_its_end() -> None:
    clock = VirtualClock()
    for after, until in ((3_600.0, "until 13:00"), (86_400.0, "until 2026-11-23 12:00")):
        provider = FakeStreamer(clock, [error(ErrorKind.OVERLOADED, after=after, status=503)])
        with pytest.raises(ProviderError) as raised:
            await play(
                retrying(clock, provider, wall=lambda: datetime(2026, 11, 22, 12, 0, tzinfo=UTC)),
                clock,
            )
        assert until in raised.value.hint


async def test_the_deadline_counts_from_the_first_request() -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)], GOOD)
    line = Delayed(clock, provider, [700.0, 0.0])
    await play(Retry(line, RetrySettings(deadline=100.0), clock=clock, draw=lambda: 1.0), clock)
    assert provider.began_at == [700.0, 700.5]


async def test_a_retry_queued_past_the_deadline_is_not_sent() -> None:
    clock = VirtualClock()
    provider = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)], GOOD)
    line = Delayed(clock, provider, [0.0, 700.0])
    with pytest.raises(ProviderError, match="no capacity for a retry") as raised:
        await play(Retry(line, RetrySettings(deadline=100.0), clock=clock, draw=lambda: 1.0), clock)
    assert (raised.value.kind, raised.value.retryable, provider.open) == (ErrorKind.TIMEOUT, False, 0)


class Delayed:
    """A queue before `inner`, in which so many seconds pass each time."""

    def __init__(self, clock: VirtualClock, inner: FakeStreamer, waits: list[float]) -> None:
        self._clock, self._inner, self._waits = clock, inner, waits

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        await self._clock.sleep(self._waits.pop(0))
        async with aclosing(self._inner.stream_unified(request)) as events:
            async for event in events:
                yield event


async def test_an_error_after_a_complete_answer_causes_no_retry() -> None:
    for restart in (False, True):
        clock = VirtualClock()
        provider = FakeStreamer(clock, [text("whole"), done(), error(ErrorKind.TIMEOUT, status=None)], GOOD)
        events = await play(retrying(clock, provider, RetrySettings(restart=restart)), clock)
        assert [type(event) for event in events] == [Attempt, TextDelta, Finished]
        assert len(provider.requests) == 1


async def test_retries_without_a_refused_parameter_are_bounded_too() -> None:
    clock = VirtualClock()
    names = ("temperature", "top_p", "seed")
    complaints: list[Script] = [
        [ProviderError(ErrorKind.INVALID_REQUEST, f"no {name}", hint="", status=400, parameter=name)] for name in names
    ]
    hot = UnifiedRequest(model="m", prompt="Why?", temperature=0.5, top_p=0.5, seed=1)
    events = await play(retrying(clock, FakeStreamer(clock, *complaints, GOOD), RetrySettings(attempts=1)), clock, hot)
    assert [str(event.error) for event in events if isinstance(event, AttemptFailed)] == [
        f"no {name}" for name in names
    ]
    provider = FakeStreamer(clock, *complaints, GOOD)
    with pytest.raises(ProviderError, match="no top_p") as raised:
        await play(retrying(clock, provider, RetrySettings(requests=2)), clock, hot)
    assert len(provider.requests) == 2
    assert raised.value.hint == "Not retried: this call has made 2 requests."


async def test_a_call_cancelled_while_waiting_refunds_its_retry() -> None:
    clock, budget = VirtualClock(), RetryBudget()
    task = asyncio.create_task(
        collect(retrying(clock, FakeStreamer(clock, [error(ErrorKind.TRANSIENT)]), budget=budget))
    )
    await until(lambda: bool(clock.slept))
    assert budget.left < budget.capacity
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert budget.left == budget.capacity


@pytest.mark.parametrize("last_seen", [AttemptFailed, Notice, Waiting])
async def test_a_call_closed_before_its_retry_refunds_it(last_seen: type[Event]) -> None:
    """Otherwise callers that stop at the first failure would use up the retries of all others."""
    clock, budget = VirtualClock(), RetryBudget()
    retry = retrying(clock, FakeStreamer(clock, [error(ErrorKind.TRANSIENT)]), budget=budget)
    async with aclosing(retry.stream_unified(REQUEST)) as events:
        async for event in events:
            if isinstance(event, last_seen):
                break
    assert budget.left == budget.capacity


async def test_a_retry_refused_by_a_breaker_is_refunded() -> None:
    clock, budget = VirtualClock(), RetryBudget()
    shut = error(ErrorKind.OVERLOADED, after=9.0, status=None, reason=CIRCUIT_OPEN)
    stopped = FakeStreamer(clock, [shut], announces=False)
    provider = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)])

    class Opening:
        def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
            return (stopped if provider.requests else provider).stream_unified(request)

    with pytest.raises(ProviderError, match="overloaded"):
        await play(Retry(Opening(), budget=budget, clock=clock), clock)
    assert (len(provider.requests), len(stopped.requests), budget.left) == (1, 1, budget.capacity)


async def until(holds: Callable[[], bool]) -> None:
    """Let other tasks run without letting time pass."""
    for _ in range(100):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


@given(
    failures=st.lists(
        st.tuples(st.sampled_from(list(ErrorKind)), st.one_of(st.none(), st.floats(0, 300)), st.booleans()),
        max_size=12,
    ),
    attempts=st.integers(1, 8),
    drawn=st.floats(0, 1),
    restart=st.booleans(),
)
async def test_the_bounds_hold_for_any_sequence_of_failures(
    *, failures: list[tuple[ErrorKind, float | None, bool]], attempts: int, drawn: float, restart: bool
) -> None:
    clock, budget = VirtualClock(), RetryBudget()
    settings = RetrySettings(attempts=attempts, deadline=200.0, restart=restart)
    scripts: list[Script] = [
        [*([text("half")] if shown else []), error(kind, after=after)] for kind, after, shown in failures
    ]
    provider = FakeStreamer(clock, *scripts, GOOD)
    task = asyncio.create_task(
        collect_with_error(retrying(clock, provider, settings, budget=budget, draw=lambda: drawn))
    )
    await clock.run_until(task.done)
    events, failed = task.result()
    sent = len(provider.requests)
    assert 1 <= sent <= attempts
    assert (provider.open, max(provider.began_at) <= 200.0) == (0, True)
    assert sum(clock.slept) <= 200.0
    assert 0 <= budget.left <= budget.capacity
    # No retry is sent before the time the server named, or if that is longer than a call waits.
    gaps = [later - sooner for sooner, later in pairwise(provider.began_at)]
    for gap, (_, after, shown) in zip(gaps, failures, strict=False):
        assert (after or 0) <= gap + 1e-9
        assert (after or 0) <= settings.longest_retry_after
        assert restart or not shown
    reported = [event for event in events if isinstance(event, AttemptFailed | Notice)]
    assert [type(event) for event in reported] == [AttemptFailed, Notice] * (sent - 1)
    assert isinstance(events[-1], Finished) is (failed is None)
    assert failed is None or failed.kind is failures[sent - 1][0]
