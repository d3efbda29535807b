"""The queue of a limiter: strictly first in, first out, and nothing is left taken, whatever happens in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swebench_providers import Event, UnifiedRequest
from swebench_providers.policies.concurrency import ConcurrencySettings
from swebench_providers.policies.limiter import TokenBucketLimiter, estimate_demand
from swebench_providers.policies.rate_limit_policy import RateLimitPolicy
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.types.events import Attempt, Waiting
from swebench_providers.types.limits import ServerLimit
from tests.providers.policies.fake_streamer import done
from tests.providers.policies.virtual_time import VirtualClock

AT_ONCE = 2
CHANGES = ["time passes", "headers", "new limit"]


class Held:
    """A streamer whose requests run until they are released."""

    def __init__(self) -> None:
        self.running: dict[int, asyncio.Event] = {}
        self.most = 0

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        number, let_go = int(request.prompt), asyncio.Event()
        self.running[number] = let_go
        self.most = max(self.most, len(self.running))
        try:
            await let_go.wait()
            yield done()
        finally:
            del self.running[number]


class Course:
    """Requests with increasing numbers that arrive, are cancelled and end in any order."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.limiter = TokenBucketLimiter(
            RateLimits(
                concurrency=ConcurrencySettings(start=AT_ONCE, least=AT_ONCE, most=AT_ONCE), tokens_per_minute=3_000
            ),
            clock=self.clock,
        )
        self.held = Held()
        self.granted: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def call(self, number: int, tokens: float) -> None:
        limited = RateLimitPolicy(
            self.held, self.limiter, demand=lambda _: estimate_demand(tokens, 0), provider="acme", clock=self.clock
        )
        async with aclosing(limited.stream_unified(UnifiedRequest(model="m", prompt=str(number)))) as events:
            async for event in events:
                if isinstance(event, Attempt):
                    self.granted.append(number)

    async def happen(self, what: str, amount: int) -> None:
        match what:
            case "arrive":
                self.tasks.append(asyncio.create_task(self.call(len(self.tasks), amount)))
            case "give up" if self.tasks:
                self.tasks[amount % len(self.tasks)].cancel()
            case "end" if self.held.running:
                list(self.held.running.values())[amount % len(self.held.running)].set()
            case "arrive while all end":
                for let_go in self.held.running.values():
                    let_go.set()
                await self.happen("turns", amount)
                await self.happen("arrive", amount)
            case "turn":
                await asyncio.sleep(0)
            case "turns":
                for _ in range(amount % 5):
                    await asyncio.sleep(0)
            case _:
                self.change(what, amount)
        assert self.limiter.headroom().in_flight <= AT_ONCE

    def change(self, what: str, amount: int) -> None:
        match what:
            case "headers":
                self.limiter.learn([ServerLimit(dimension="tokens", limit=60 + 30 * amount, remaining=amount)])
            case "new limit":
                self.limiter.learn([ServerLimit(dimension="requests", limit=60 + 60 * amount)])
            case "time passes":
                self.clock.wake_next()

    async def end(self) -> None:
        while not all(task.done() for task in self.tasks):
            for let_go in self.held.running.values():
                let_go.set()
            for _ in range(10):
                await asyncio.sleep(0)
            self.clock.wake_next()
        await asyncio.gather(*self.tasks, return_exceptions=True)


happenings = st.lists(
    st.tuples(
        st.sampled_from(
            [*["arrive"] * 3, *["turn"] * 3, "turns", *["end"] * 4, "give up", "arrive while all end", *CHANGES]
        ),
        st.integers(0, 150),
    ),
    max_size=80,
)


@given(happenings)
@settings(max_examples=300)
def test_permits_are_granted_in_order_and_fully_returned(course: list[tuple[str, int]]) -> None:
    async def run() -> None:
        calls = Course()
        for what, amount in course:
            await calls.happen(what, amount)
        await calls.end()
        assert calls.granted == sorted(calls.granted)
        assert calls.held.most <= AT_ONCE
        calls.clock.advance(1e6)
        headroom = calls.limiter.headroom()
        assert (headroom.in_flight, headroom.waiting) == (0, 0)
        for room in headroom.limits.values():
            assert room.available == max(1.0, room.per_minute / 6)

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(5))
async def test_a_new_request_does_not_overtake_queued_ones(turns: int) -> None:
    """In whichever iteration of the loop it arrives while two slots become free for two in the queue."""
    calls = Course()
    for _ in range(AT_ONCE + 2):
        await calls.happen("arrive", 1)
    await calls.happen("turns", 4)
    assert calls.granted == [0, 1]
    await calls.happen("end", 0)
    await calls.happen("end", 1)
    await calls.happen("turns", turns)
    await calls.happen("arrive", 1)
    await calls.end()
    assert calls.granted == [0, 1, 2, 3, 4]


async def test_a_request_is_queued_before_its_wait_is_reported() -> None:
    clock = VirtualClock()
    limiter = TokenBucketLimiter(RateLimits(tokens_per_minute=60), clock=clock)
    (await limiter.acquire(estimate_demand(10, 0))).release()
    limited = RateLimitPolicy(Held(), limiter, demand=lambda _: estimate_demand(10, 0), provider="acme", clock=clock)
    async with aclosing(limited.stream_unified(UnifiedRequest(model="m", prompt="1"))) as events:
        assert isinstance(await anext(events), Waiting)
        clock.advance(10)
        assert limiter.acquire_now(estimate_demand(10, 0)) is None
        assert isinstance(await anext(events), Attempt)
    assert (limiter.headroom().waiting, limiter.headroom().in_flight) == (0, 0)


async def test_the_expected_wait_includes_queued_requests() -> None:
    clock = VirtualClock()
    limiter = TokenBucketLimiter(RateLimits(tokens_per_minute=600), clock=clock)  # ten a second, bursts of a hundred
    (await limiter.acquire(estimate_demand(100, 0))).release()
    waiting = [asyncio.create_task(limiter.acquire(estimate_demand(50, 0))) for _ in range(3)]
    await asyncio.sleep(0)
    assert limiter.expected_wait(estimate_demand(20, 0)) == 17
    fourth = asyncio.create_task(limiter.acquire(estimate_demand(20, 0)))
    await clock.run_until(fourth.done)
    assert clock.now() == 17
    assert all(task.done() for task in waiting)


async def test_a_request_refunds_only_buckets_it_took_from() -> None:
    clock = VirtualClock()
    limiter = TokenBucketLimiter(RateLimits(tokens_per_minute=6_000), clock=clock)
    permit = await limiter.acquire(estimate_demand(500, 0))
    limiter.learn([ServerLimit(dimension="input_tokens", limit=6_000, remaining=300)])
    permit.release(estimate_demand(0, 0))
    limits = limiter.headroom().limits
    assert (limits["tokens"].available, limits["input_tokens"].available) == (1_000, 300)
