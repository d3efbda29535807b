"""One layer repeats, as often as it may, never sooner than it was asked to, and never in silence."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, Event, Finished, Notice, ProviderError, TextDelta, UnifiedRequest
from swebench_providers.events import Attempt, AttemptFailed, Waiting
from swebench_providers.policies.parameters import RefusedParameters
from swebench_providers.policies.retry import Retry, RetrySettings
from swebench_providers.policies.retry_budget import RetryBudget
from tests.providers.policies.played import ASKED, Played, Script, collect, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

GOOD: Script = [text("whole"), done()]


async def play(retry: Retry, clock: VirtualClock, request: UnifiedRequest = ASKED) -> list[Event]:
    task = asyncio.create_task(collect(retry, request))
    await clock.run_until(task.done)
    return await task


def retrying(clock: VirtualClock, provider: Played, settings: RetrySettings | None = None, **fields: object) -> Retry:
    return Retry(provider, settings, clock=clock, draw=lambda: 1.0, **fields)  # type: ignore[arg-type]


async def test_11_the_time_a_server_names_is_kept_to_with_jitter_on_top() -> None:
    clock = VirtualClock()
    provider = Played(clock, [error(ErrorKind.RATE_LIMITED, after=7.0, status=429)], GOOD)
    events = await play(retrying(clock, provider), clock)
    assert clock.slept == [8.0]  # never less than 7
    assert [type(event) for event in events] == [Attempt, AttemptFailed, Notice, Waiting, Attempt, TextDelta, Finished]


async def test_11_an_absurd_time_fails_at_once_instead_of_being_slept() -> None:
    clock = VirtualClock()
    provider = Played(clock, [error(ErrorKind.RATE_LIMITED, after=86_400.0, status=429)])
    with pytest.raises(ProviderError, match="rate_limited"):
        await play(retrying(clock, provider), clock)
    assert (len(provider.requests), clock.slept) == (1, [])


async def test_10_a_call_becomes_so_many_requests_and_no_more() -> None:
    clock = VirtualClock()
    provider = Played(clock, [error(ErrorKind.TRANSIENT)])
    with pytest.raises(ProviderError, match="transient"):
        await play(retrying(clock, provider, RetrySettings(attempts=4)), clock)
    assert (len(provider.requests), provider.open) == (4, 0)
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if not kind.retryable], ids=str)
async def test_what_cannot_succeed_is_not_repeated(kind: ErrorKind) -> None:
    clock = VirtualClock()
    provider = Played(clock, [error(kind)])
    with pytest.raises(ProviderError):
        await play(retrying(clock, provider), clock)
    assert len(provider.requests) == 1


async def test_after_text_was_shown_nothing_is_repeated_unless_the_whole_answer_may_start_again() -> None:
    clock = VirtualClock()
    broken: Script = [text("half an"), error(ErrorKind.INCOMPLETE, status=None)]
    with pytest.raises(ProviderError, match="incomplete"):
        await play(retrying(clock, Played(clock, broken, GOOD)), clock)
    events = await play(retrying(clock, Played(clock, broken, GOOD), RetrySettings(restart=True)), clock)
    told = next(event for event in events if isinstance(event, Notice))
    assert "broke off and starts again" in told.message
    failed = next(index for index, event in enumerate(events) if isinstance(event, AttemptFailed))
    assert [event.text for event in events[failed:] if isinstance(event, TextDelta)] == ["whole"]


async def test_no_attempt_begins_after_the_deadline() -> None:
    clock = VirtualClock()
    provider = Played(clock, [error(ErrorKind.OVERLOADED, after=30.0)])
    with pytest.raises(ProviderError):
        await play(retrying(clock, provider, RetrySettings(attempts=50, deadline=100.0)), clock)
    assert max(provider.began_at) <= 100.0


async def test_11_an_outage_makes_fewer_requests_not_more() -> None:
    clock, budget = VirtualClock(), RetryBudget()
    provider = Played(clock, [error(ErrorKind.TRANSIENT)])
    for _ in range(400):
        with pytest.raises(ProviderError):
            await play(retrying(clock, provider, budget=budget), clock)
    # 500 in the bucket pay for a hundred retries, whoever asks; each call is still made once.
    assert len(provider.requests) == 400 + 100
    assert budget.left == 0


async def test_a_parameter_that_is_refused_is_left_out_and_remembered() -> None:
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
    provider = Played(clock, [complaint], GOOD)
    events = await play(retrying(clock, provider, refused=refused), clock, hot)
    assert [request.temperature for request in provider.requests] == [0.5, None]
    assert [event.message for event in events if isinstance(event, Notice)] == [
        "m does not take temperature: it was left out."
    ]
    events = await play(retrying(clock, provider, refused=refused), clock, hot)
    assert provider.requests[-1].temperature is None
    assert len(provider.requests) == 3
    assert isinstance(events[0], Notice)


@given(
    failures=st.lists(
        st.tuples(st.sampled_from(list(ErrorKind)), st.one_of(st.none(), st.floats(0, 300))), max_size=12
    ),
    attempts=st.integers(1, 8),
)
async def test_whatever_fails_how_often_the_bounds_hold(
    failures: list[tuple[ErrorKind, float | None]], attempts: int
) -> None:
    clock, budget = VirtualClock(), RetryBudget()
    settings = RetrySettings(attempts=attempts, deadline=200.0)
    provider = Played(clock, *[[error(kind, after=after)] for kind, after in failures], GOOD)
    try:
        events = await play(retrying(clock, provider, settings, budget=budget), clock)
    except ProviderError:
        events = []
    assert 1 <= len(provider.requests) <= attempts
    assert (provider.open, max(provider.began_at) <= 200.0) == (0, True)
    assert 0 <= budget.left <= budget.capacity
    asked_for = [after for _, after in failures[: len(clock.slept)]]
    assert all(slept >= (wanted or 0) for slept, wanted in zip(clock.slept, asked_for, strict=True))
    assert sum(isinstance(event, AttemptFailed) for event in events) == (len(provider.requests) - 1 if events else 0)
