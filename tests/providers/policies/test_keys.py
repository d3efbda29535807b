"""Several keys of one provider: which one is used next, which ones are disabled, and how calls go on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, Event, Finished, Notice, ProviderError
from swebench_providers.policies.keys import KeyChoice, KeyHealth, KeyRoute
from swebench_providers.policies.limiter import TokenBucketLimiter, estimate_demand
from swebench_providers.policies.rate_limit_policy import RateLimitPolicy
from swebench_providers.policies.retry import Retry, RetrySettings
from swebench_providers.types.events import AttemptFailed
from swebench_providers.types.limits import ServerLimit
from tests.providers.policies.fake_streamer import FakeStreamer, Script, collect, collect_with_error, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

GOOD: Script = [text("whole"), done()]
BAD = error(ErrorKind.AUTH, status=401)
BARRED = error(ErrorKind.AUTH, status=403)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Keys:
    """A provider with several keys, each with its own scripts and its own limiter."""

    def __init__(self, clock: VirtualClock, *scripts: list[Script], settings: RetrySettings | None = None) -> None:
        self.clock = clock
        self.health = KeyHealth(clock=clock)
        self.limiters = [TokenBucketLimiter(clock=clock) for _ in scripts]
        self.played = [FakeStreamer(clock, *each, announces=False) for each in scripts]
        routes = [
            KeyRoute(
                f"key {n}",
                RateLimitPolicy(
                    played,
                    limiter,
                    demand=lambda _: estimate_demand(1, 1),
                    provider="acme",
                    key=f"key {n}",
                    clock=clock,
                ),
                limiter,
            )
            for n, (played, limiter) in enumerate(zip(self.played, self.limiters, strict=True))
        ]
        self.choice = KeyChoice(routes, demand=lambda _: estimate_demand(1, 1), health=self.health, clock=clock)
        self.retry = Retry(self.choice, settings, provider="acme", clock=clock, draw=lambda: 1.0, wall=lambda: NOON)

    @property
    def requests(self) -> list[int]:
        return [len(played.requests) for played in self.played]

    @property
    def well(self) -> list[bool]:
        return [self.health.disabled_reason(f"key {n}", "m") is None for n in range(len(self.played))]

    async def call(self) -> list[Event]:
        task = asyncio.create_task(collect(self.retry))
        await self.clock.run_until(task.done)
        return await task


async def test_a_bad_key_is_disabled_and_the_others_go_on() -> None:
    clock = VirtualClock()
    keys = Keys(clock, [[BAD]], [GOOD])
    events = await keys.call()
    failed = [event for event in events if isinstance(event, AttemptFailed)]
    assert [(event.key, event.error.kind, event.error.reason) for event in failed] == [
        ("key 0", ErrorKind.AUTH, "auth")
    ]
    assert [event.message for event in events if isinstance(event, Notice)] == [
        "it was auth. Key disabled, trying another one."
    ]
    for _ in range(2):
        await keys.call()
    assert (keys.requests, clock.slept) == ([1, 3], [])
    aside = keys.health.disabled_reason("key 0")
    assert aside is not None
    assert aside.reason == "it was auth"
    keys.health.enable("key 0")
    assert keys.health.all_enabled


async def test_the_last_key_is_never_disabled() -> None:
    keys = Keys(VirtualClock(), [[BAD]], [[BAD]], [[BAD]])
    for attempt in (1, 2):
        with pytest.raises(ProviderError, match="it was auth") as raised:
            await keys.call()
        assert (raised.value.reason, raised.value.retryable) == ("auth", False)
        assert sum(keys.requests) == 2 + attempt
    assert keys.well.count(True) == 1


async def test_if_all_keys_are_disabled_each_is_tried_once() -> None:
    """As when one was refused for all models, the other for this one."""
    keys = Keys(VirtualClock(), [[BAD]], [[BARRED]])
    keys.health.disable("key 0", "other", BAD)
    keys.health.disable("key 1", "m", BARRED)
    assert keys.well == [False, False]
    with pytest.raises(ProviderError, match="it was auth"):
        await keys.call()
    assert keys.requests == [1, 1]
    assert keys.well.count(True) == 1  # the next call uses that one alone
    with pytest.raises(ProviderError, match="it was auth"):
        await keys.call()
    assert sum(keys.requests) == 3


async def test_a_disabled_key_that_works_is_enabled() -> None:
    keys = Keys(VirtualClock(), [[BAD]], [GOOD])
    for label in ("key 0", "key 1"):
        keys.health.disable(label, "m", BAD)
    await keys.call()
    assert (keys.requests, keys.well) == ([1, 1], [False, True])


async def test_a_key_is_disabled_for_a_time_or_one_model() -> None:
    clock = VirtualClock()
    health = KeyHealth(clock=clock)
    health.disable("a", "m", error(ErrorKind.QUOTA_EXHAUSTED))
    health.disable("b", "m", BARRED)
    health.disable("c", "m", error(ErrorKind.QUOTA_EXHAUSTED, after=5_000.0))
    assert [health.disabled_reason(label, "m") is None for label in "abc"] == [False, False, False]
    assert health.disabled_reason("b", "n") is None
    clock.advance(1_000)
    assert [health.disabled_reason(label, "m") is None for label in "abc"] == [True, False, False]
    health.enable("b")
    clock.advance(5_000)
    assert [health.disabled_reason(label, "m") is None for label in "abc"] == [True, True, True]
    assert health.all_enabled


def test_the_memory_of_disabled_keys_is_bounded() -> None:
    health = KeyHealth(clock=VirtualClock())
    for number in range(3_000):
        health.disable("a", f"m{number}", BARRED)
    assert sum(health.disabled_reason("a", f"m{number}") is not None for number in range(3_000)) == 1_024
    assert health.disabled_reason("a", "m2999") is not None


@pytest.mark.parametrize("retry_after", [1e9, 1e300])
async def test_a_key_without_credit_is_tried_again_within_a_day(retry_after: float) -> None:
    clock = VirtualClock()
    health = KeyHealth(clock=clock)
    health.disable("a", "m", error(ErrorKind.QUOTA_EXHAUSTED, after=retry_after))
    clock.advance(86_399)
    assert health.disabled_reason("a", "m") is not None
    clock.advance(2)
    assert health.disabled_reason("a", "m") is None


async def test_after_a_429_the_key_with_capacity_is_used_next() -> None:
    clock = VirtualClock()
    keys = Keys(clock, [[error(ErrorKind.RATE_LIMITED, after=60.0, status=429)]], [GOOD])
    events = await keys.call()
    assert (keys.requests, clock.slept) == ([1, 1], [1.0])  # no more than the jitter
    failed = next(event for event in events if isinstance(event, AttemptFailed))
    assert failed.error.retry_after == 60.0  # the server's own value is kept


async def test_with_all_keys_in_cooldown_the_earliest_end_is_used() -> None:
    clock = VirtualClock()
    keys = Keys(clock, [[error(ErrorKind.RATE_LIMITED, after=20.0, status=429)], GOOD], [GOOD])
    keys.limiters[1].start_cooldown(90.0)
    await keys.call()
    assert (keys.requests, clock.now()) == ([2, 0], 21.0)


async def test_without_a_named_time_waits_grow_and_keys_alternate() -> None:
    clock = VirtualClock()
    refused: Script = [error(ErrorKind.RATE_LIMITED, status=429)]
    keys = Keys(clock, [refused], [refused])
    with pytest.raises(ProviderError, match="rate_limited"):
        await keys.call()
    assert (keys.requests, clock.slept) == ([3, 2], [1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize("number", [1, 2])
async def test_with_all_keys_in_long_cooldowns_calls_fail_at_once(
    number: int,
) -> None:
    clock = VirtualClock()
    keys = Keys(clock, *[[GOOD] for _ in range(number)])
    for limiter in keys.limiters:
        limiter.start_cooldown(3_600.0)
    with pytest.raises(ProviderError, match="accepts no requests until") as raised:
        await keys.call()
    assert (raised.value.kind, raised.value.reason, raised.value.retry_after, raised.value.provider) == (
        ErrorKind.RATE_LIMITED,
        "paused",
        3_600.0,
        "acme",
    )
    assert "until" not in raised.value.hint  # the error names the time
    assert (sum(keys.requests), clock.slept) == (0, [])


async def test_a_busy_key_is_preferred_to_one_in_long_cooldown() -> None:
    clock = VirtualClock()
    gate = asyncio.Event()
    keys = Keys(clock, [[gate, *GOOD]], [GOOD])
    keys.limiters[1].start_cooldown(3_600.0)
    calls = [asyncio.create_task(collect(keys.retry)) for _ in range(40)]  # more than the slots
    await keys.played[0].waits.wait()
    gate.set()
    await asyncio.gather(*calls)
    assert keys.requests == [40, 0]


async def test_queued_requests_count_so_that_calls_spread_over_keys() -> None:
    clock = VirtualClock()
    keys = Keys(clock, [GOOD], [GOOD])
    for used, limiter in zip((10, 11), keys.limiters, strict=True):
        limiter.learn([ServerLimit(dimension="requests", limit=60, remaining=0)])
        limiter.start_cooldown(used / 10)
    calls = [asyncio.create_task(collect(keys.retry)) for _ in range(20)]
    await clock.run_until(lambda: all(call.done() for call in calls))
    assert min(keys.requests) >= 8


async def test_a_bad_key_is_disabled_even_if_the_call_fails() -> None:
    keys = Keys(VirtualClock(), [[text("half"), BAD]], [GOOD])
    with pytest.raises(ProviderError, match="it was auth") as raised:
        await keys.call()
    assert (keys.requests, keys.well, raised.value.reason) == ([1, 0], [False, True], "auth")


async def test_many_bad_keys_do_not_exceed_the_request_limit() -> None:
    bad: list[Script] = [[BAD]]
    keys = Keys(VirtualClock(), *[bad for _ in range(9)], settings=RetrySettings(requests=4))
    with pytest.raises(ProviderError, match="it was auth") as raised:
        await keys.call()
    assert sum(keys.requests) == 4
    assert "this call has made 4 requests" in raised.value.hint


kinds = st.sampled_from([ErrorKind.AUTH, ErrorKind.QUOTA_EXHAUSTED, ErrorKind.RATE_LIMITED, ErrorKind.TRANSIENT])
scripts = st.one_of(
    st.just(GOOD),
    st.builds(
        lambda kind, after, status: [error(kind, after=after, status=status)],
        kinds,
        st.none() | st.floats(0, 200),
        st.sampled_from([401, 403]),
    ),
)


@given(
    played=st.lists(st.lists(scripts, min_size=1, max_size=4), min_size=1, max_size=4),
    aside=st.sets(st.tuples(st.integers(0, 3), st.sampled_from(["m", "n"]), st.sampled_from([401, 403]))),
    paused=st.lists(st.floats(0, 200), max_size=4),
    calls=st.integers(1, 4),
)
async def test_each_bad_key_is_tried_once_and_one_stays_enabled(
    played: list[list[Script]], aside: set[tuple[int, str, int]], paused: list[float], calls: int
) -> None:
    clock = VirtualClock()
    settings = RetrySettings(attempts=3)
    keys = Keys(clock, *played, settings=settings)
    for number, model, status in aside:
        keys.health.disable(f"key {number}", model, error(ErrorKind.AUTH, status=status))
    for limiter, seconds in zip(keys.limiters, paused, strict=False):
        limiter.start_cooldown(seconds)
    for _ in range(calls):
        before = keys.requests
        task = asyncio.create_task(collect_with_error(keys.retry))
        await clock.run_until(task.done)
        events, failed = task.result()
        sent = sum(keys.requests) - sum(before)
        assert sent <= settings.attempts + len(played) - 1
        assert failed is None or failed.reason in {failed.kind.value, "paused"}
        refused = [
            event.key
            for event in events
            if isinstance(event, AttemptFailed) and event.error.kind in {ErrorKind.AUTH, ErrorKind.QUOTA_EXHAUSTED}
        ]
        assert len(refused) == len(set(refused))
        assert failed is not None or isinstance(events[-1], Finished)
        if failed is not None and failed.kind is ErrorKind.AUTH:
            assert any(keys.well)
        assert all(limiter.headroom().in_flight == 0 for limiter in keys.limiters)


def test_disabled_keys_are_listed_while_they_are_disabled() -> None:
    clock = VirtualClock()
    health = KeyHealth(clock=clock)
    health.disable("work", "m", error(ErrorKind.QUOTA_EXHAUSTED, status=403, after=5.0))
    health.disable("work", "n", BARRED)
    health.disable("home", "m", BAD)
    assert sorted(health.disabled_keys()) == ["home", "work"]
    clock.advance(10.0)
    assert health.disabled_keys()["work"].until == float("inf")
    health.enable("work")
    health.enable("home")
    assert health.disabled_keys() == {}
