"""A short cooldown is waited out; during a long one calls fail at once and say until when."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ProviderError
from swebench_providers.policies.cooldown import PAUSED, Cooldown
from swebench_providers.policies.interface import Streamer
from swebench_providers.policies.keys import KeyChoice, KeyRoute
from swebench_providers.policies.limiter import TokenBucketLimiter, estimate_demand
from swebench_providers.policies.rate_limit_policy import RateLimitPolicy
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import Retry
from swebench_providers.types.events import Attempt
from tests.providers.policies.fake_streamer import REQUEST, FakeStreamer, collect, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

DAY = 86_400.0
ONE = estimate_demand(1, 1)


def in_cooldown(clock: VirtualClock, seconds: float = DAY) -> TokenBucketLimiter:
    limiter = TokenBucketLimiter(RateLimits(), name="acme", clock=clock)
    limiter.start_cooldown(seconds)
    return limiter


def limited(clock: VirtualClock, limiter: TokenBucketLimiter, inner: Streamer, key: str = "") -> RateLimitPolicy:
    return RateLimitPolicy(inner, limiter, demand=lambda _: ONE, provider="acme", key=key, clock=clock)


@pytest.mark.parametrize("seconds", [DAY, 1e300], ids=["a day", "for ever"])
async def test_a_day_long_cooldown_fails_calls_at_once(seconds: float) -> None:
    clock = VirtualClock()
    limiter, provider = in_cooldown(clock, seconds), FakeStreamer(clock, [text(), done()])
    with pytest.raises(ProviderError, match=r"acme accepts no requests until \d{4}-\d\d-\d\d \d\d:\d\d, in") as e:
        await collect(limited(clock, limiter, provider))
    assert (e.value.kind, e.value.reason, clock.now(), provider.requests) == (ErrorKind.RATE_LIMITED, PAUSED, 0.0, [])
    assert e.value.retry_after == limiter.headroom().cooldown >= DAY
    assert (limiter.headroom().in_flight, limiter.headroom().waiting) == (0, 0)


async def test_a_long_cooldown_fails_queued_requests_too() -> None:
    clock = VirtualClock()
    limiter = TokenBucketLimiter(RateLimits(slots=1), name="acme", clock=clock)
    permit = await limiter.acquire(ONE)
    waiting = [asyncio.create_task(limiter.acquire(ONE)) for _ in range(3)]
    await asyncio.sleep(0)
    limiter.start_cooldown(DAY)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(error, ProviderError) and error.reason for error in outcomes] == [PAUSED] * 3
    permit.release()
    assert (limiter.headroom().in_flight, limiter.headroom().waiting) == (0, 0)


@pytest.mark.parametrize("longest", [0.0, 1.0, 30.0])
async def test_a_long_cooldown_is_probed_at_most_once_a_minute(longest: float) -> None:
    """Probes are at least a minute apart, however short a cooldown is waited out."""
    clock, sent = VirtualClock(), 0
    limiter = TokenBucketLimiter(RateLimits(longest_pause=longest), name="acme", clock=clock)
    limiter.start_cooldown(600.0)
    while clock.now() < 550:
        with suppress(ProviderError):
            permit = limiter.acquire_now(ONE)
            assert permit is not None
            sent += 1
            permit.release()
        clock.advance(0.5)
    assert 8 <= sent <= 10


async def test_the_last_minutes_of_a_long_cooldown_are_waited_out() -> None:
    clock = VirtualClock()
    limiter = in_cooldown(clock)
    clock.advance(DAY - 100)
    waiting = asyncio.create_task(limiter.acquire(ONE))
    await clock.run_until(waiting.done)
    assert clock.now() == DAY


async def test_the_result_of_one_probe_applies_to_all() -> None:
    clock, gate = VirtualClock(), asyncio.Event()
    limiter = in_cooldown(clock)
    clock.advance(120)
    still = FakeStreamer(clock, [error(ErrorKind.RATE_LIMITED, after=DAY, status=429)])
    with pytest.raises(ProviderError, match="it was rate_limited"):
        await collect(limited(clock, limiter, still))
    with pytest.raises(ProviderError, match="accepts no requests until"):
        await collect(limited(clock, limiter, still))
    assert limiter.headroom().cooldown == DAY

    clock.advance(120)
    provider = FakeStreamer(clock, [gate, text(), gate, done()])
    probing = asyncio.create_task(collect(limited(clock, limiter, provider)))
    await provider.waits.wait()
    with pytest.raises(ProviderError, match="accepts no requests until"):
        await collect(limited(clock, limiter, provider))
    gate.set()
    await probing
    assert limiter.headroom().cooldown == 0
    await asyncio.gather(*(collect(limited(clock, limiter, provider)) for _ in range(5)))
    assert (len(still.requests), len(provider.requests)) == (1, 6)


@pytest.mark.parametrize("end", ["cancelled", "500"])
async def test_a_probe_without_a_result_is_followed_by_another(end: str) -> None:
    clock = VirtualClock()
    limiter = in_cooldown(clock)
    clock.advance(120)
    provider = FakeStreamer(clock, [asyncio.Event() if end == "cancelled" else error(ErrorKind.TRANSIENT)])
    probing = asyncio.create_task(collect(limited(clock, limiter, provider)))
    if end == "cancelled":
        await provider.waits.wait()
        probing.cancel()
    await asyncio.gather(probing, return_exceptions=True)
    with pytest.raises(ProviderError, match="accepts no requests until"):
        await limiter.acquire(ONE)
    clock.advance(120)
    await collect(limited(clock, limiter, FakeStreamer(clock, [text(), done()])))
    assert limiter.headroom().cooldown == 0


async def test_a_success_from_before_a_cooldown_does_not_clear_it() -> None:
    clock, gate = VirtualClock(), asyncio.Event()
    limiter = TokenBucketLimiter(RateLimits(), name="acme", clock=clock)
    provider = FakeStreamer(clock, [gate, text(), done()])
    running = asyncio.create_task(collect(limited(clock, limiter, provider)))
    await provider.waits.wait()
    limiter.start_cooldown(DAY)
    gate.set()
    await running
    assert limiter.headroom().cooldown == DAY


async def test_calls_use_another_key_during_a_cooldown() -> None:
    clock = VirtualClock()
    refusing = FakeStreamer(clock, [error(ErrorKind.RATE_LIMITED, after=DAY, status=429)])
    well = FakeStreamer(clock, [text(), done()])
    routes = []
    for key, provider in (("first", refusing), ("second", well)):
        limiter = TokenBucketLimiter(RateLimits(), name="acme", clock=clock)
        routes.append(KeyRoute(key, limited(clock, limiter, provider, key), limiter))
    call = Retry(KeyChoice(routes, demand=lambda _: ONE, clock=clock), provider="acme", clock=clock, draw=lambda: 0.0)
    for _ in range(3):
        running = asyncio.create_task(collect(call))
        await clock.run_until(running.done)
        attempts = [event.key for event in await running if isinstance(event, Attempt)]
        assert [key for key in attempts if key][-1] == "second"
    assert (len(refusing.requests), len(well.requests)) == (1, 3)
    assert clock.now() < 5


async def test_without_another_key_retry_fails_at_once() -> None:
    clock = VirtualClock()
    limiter = in_cooldown(clock)
    call = Retry(limited(clock, limiter, FakeStreamer(clock, [text(), done()])), provider="acme", clock=clock)
    with pytest.raises(ProviderError, match="accepts no requests until"):
        await collect(call, REQUEST)
    assert clock.now() == 0


@given(
    named=st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
    looks=st.lists(st.floats(0, 500), max_size=20),
    longest=st.floats(1, 300),
)
def test_no_wait_exceeds_the_maximum_and_probes_never_overlap(
    named: list[float], looks: list[float], longest: float
) -> None:
    cooldown, now, probed_at = Cooldown(longest), 0.0, list[float]()
    for seconds in named:
        cooldown.start(seconds, now)
    for seconds in looks:
        now += seconds
        if cooldown.blocks(now):
            assert cooldown.remaining(now) > longest
        elif cooldown.wait(now) == 0 and cooldown.begin_probe(now):
            assert not cooldown.begin_probe(now)
            probed_at.append(now)
            cooldown.end_probe()
        else:
            assert cooldown.wait(now) == cooldown.remaining(now) <= longest
    assert all(later - earlier >= longest * (1 - 1e-9) for earlier, later in pairwise(probed_at))
