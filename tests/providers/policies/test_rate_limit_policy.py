"""First in, first out; demands are settled with the usage; limits follow the server's headers."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import msgspec
import pytest

from swebench_providers import ErrorKind, ProviderError, TokenUsage, UsageUpdate
from swebench_providers.http.rate_limit_headers import parse_rate_limits
from swebench_providers.http.retry_after import retry_after
from swebench_providers.policies.concurrency import ConcurrencySettings
from swebench_providers.policies.limiter import Permit, TokenBucketLimiter, estimate_demand
from swebench_providers.policies.rate_limit_coordinator import RateLimitCoordinator
from swebench_providers.policies.rate_limit_policy import RateLimitPolicy, usage_demand
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.types.events import Attempt, Waiting
from swebench_providers.types.limits import ServerLimit
from tests.providers.policies.fake_streamer import REQUEST, FakeStreamer, collect, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def limiter(
    clock: VirtualClock,
    *,
    concurrency: int = 100,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
) -> TokenBucketLimiter:
    limits = RateLimits(
        concurrency=ConcurrencySettings(start=concurrency, least=concurrency, most=concurrency),
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
    )
    return TokenBucketLimiter(limits, clock=clock)


async def test_a_large_demand_is_not_overtaken_by_small_ones() -> None:
    clock, order, permits = VirtualClock(), list[int](), list[Permit]()
    line = limiter(clock, tokens_per_minute=600)  # ten a second, bursts of a hundred

    async def take(number: int, tokens: float) -> None:
        permits.append(await line.acquire(estimate_demand(tokens, 0)))
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number, tokens in enumerate([100, 80, 1, 1, 1]):
            group.create_task(take(number, tokens))
        await clock.run_until(lambda: len(order) == 5)
    assert order == [0, 1, 2, 3, 4]
    assert clock.now() == pytest.approx(8.3, abs=0.2)


async def test_releasing_a_permit_wakes_the_next_despite_cancellations() -> None:
    clock = VirtualClock()
    line = limiter(clock, concurrency=1)
    first = await line.acquire(estimate_demand(1, 1))
    waiting = [asyncio.create_task(line.acquire(estimate_demand(1, 1))) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # the head of the queue
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    first.release()
    first.release()  # a second release does nothing
    second = await waiting[1]
    assert (line.headroom().in_flight, line.headroom().waiting) == (1, 1)
    second.release()
    (await waiting[2]).release()
    assert (line.headroom().in_flight, line.headroom().waiting) == (0, 0)


async def test_cancelled_waiters_leave_nothing_taken() -> None:
    clock, draw = VirtualClock(), random.Random(5)
    line = limiter(clock, concurrency=3, requests_per_minute=6_000)
    held: list[Permit] = []

    async def take() -> None:
        held.append(await line.acquire(estimate_demand(1, 1)))

    tasks = [asyncio.create_task(take()) for _ in range(200)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        draw.choice(tasks).cancel()
        if held and draw.random() < 0.5:
            held.pop().release()
    await asyncio.gather(*tasks, return_exceptions=True)
    for permit in held:
        permit.release()
    headroom = line.headroom()
    assert (headroom.in_flight, headroom.waiting) == (0, 0)


async def test_the_unused_part_of_a_demand_is_refunded() -> None:
    clock = VirtualClock()
    line = limiter(clock, tokens_per_minute=6_000)  # bursts of a thousand
    usage = TokenUsage(prompt_tokens=50, completion_tokens=10)
    provider = FakeStreamer(clock, [text(), UsageUpdate(usage, 0.0), done()])
    limited = RateLimitPolicy(provider, line, demand=lambda _: estimate_demand(100, 800), provider="acme", clock=clock)
    await collect(limited)
    assert line.headroom().limits["tokens"].available == 940


@pytest.mark.parametrize(
    ("failure", "left"),
    [
        (error(ErrorKind.TRANSIENT, status=None, reason="unreachable"), 1_000),
        (error(ErrorKind.OVERLOADED, status=529), 1_000),
        (error(ErrorKind.INCOMPLETE, status=None), 100),
    ],
    ids=["never arrived", "rejected", "broke off"],
)
async def test_a_failure_keeps_what_the_server_may_have_counted(failure: ProviderError, left: float) -> None:
    clock = VirtualClock()
    line = limiter(clock, tokens_per_minute=6_000)
    provider = FakeStreamer(clock, [failure])
    limited = RateLimitPolicy(provider, line, demand=lambda _: estimate_demand(100, 800), provider="acme", clock=clock)
    with pytest.raises(ProviderError):
        await collect(limited)
    assert line.headroom().limits["tokens"].available == left
    assert (line.headroom().in_flight, provider.open) == (0, 0)


async def test_a_429_starts_the_cooldown_that_it_names() -> None:
    clock = VirtualClock()
    line = limiter(clock)
    provider = FakeStreamer(clock, [error(ErrorKind.RATE_LIMITED, after=7.0, status=429)], [text(), done()])
    limited = RateLimitPolicy(provider, line, demand=lambda _: estimate_demand(1, 1), provider="acme", clock=clock)
    with pytest.raises(ProviderError):
        await collect(limited)
    assert line.headroom().cooldown == 7.0
    again = asyncio.create_task(collect(limited))
    await clock.run_until(again.done)
    waiting, attempt, *_ = await again
    assert isinstance(waiting, Waiting)
    assert (waiting.reason, waiting.seconds) == ("rate limit", 7.0)
    assert isinstance(attempt, Attempt)
    assert provider.began_at[1] == attempt.time == 7.0  # the time of the model counts from here


async def test_requests_beyond_the_slots_of_a_server_are_queued() -> None:
    clock, gate = VirtualClock(), asyncio.Event()
    line = TokenBucketLimiter(RateLimits(slots=1), clock=clock)
    provider = FakeStreamer(clock, [gate, text(), done()])
    limited = RateLimitPolicy(provider, line, demand=lambda _: estimate_demand(1, 1), provider="ollama", clock=clock)
    running = [asyncio.create_task(collect(limited)) for _ in range(2)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert (len(provider.requests), line.headroom().waiting) == (1, 1)
    gate.set()
    first, second = await asyncio.gather(*running)
    assert not any(isinstance(event, Waiting) for event in first)
    assert isinstance(second[0], Waiting)
    assert second[0].reason == "queue"


async def test_more_slots_release_queued_requests() -> None:
    line = TokenBucketLimiter(RateLimits(slots=1), clock=VirtualClock())
    await line.acquire(estimate_demand(1, 1))
    waiting = asyncio.create_task(line.acquire(estimate_demand(1, 1)))
    await asyncio.sleep(0)
    line.set_concurrency(2)
    await waiting
    assert (line.headroom().in_flight, line.headroom().concurrency) == (2, 2)


async def test_the_wait_reason_distinguishes_slots_from_rate_limits() -> None:
    clock = VirtualClock()
    line = TokenBucketLimiter(RateLimits(slots=1, requests_per_minute=6), clock=clock)
    provider = FakeStreamer(clock, [text(), done()])
    limited = RateLimitPolicy(provider, line, demand=lambda _: estimate_demand(1, 1), provider="ollama", clock=clock)
    await collect(limited)
    running = asyncio.create_task(collect(limited))
    await clock.run_until(running.done)
    waiting, *_ = await running
    assert isinstance(waiting, Waiting)
    assert (waiting.reason, waiting.seconds) == ("rate limit", 10)


async def test_limits_follow_headers_up_to_the_users_own() -> None:
    line = limiter(VirtualClock(), requests_per_minute=60)
    line.learn(
        [ServerLimit(dimension="requests", limit=600), ServerLimit(dimension="tokens", limit=1_200, remaining=5)]
    )
    limits = line.headroom().limits
    assert (limits["requests"].per_minute, limits["tokens"].per_minute, limits["tokens"].available) == (60, 1_200, 5)


def test_limiters_are_per_key_and_model_unless_shared_as() -> None:
    own = RateLimitCoordinator()
    assert own.limiter("a", model="m", key="1") is own.limiter("a", model="m", key="1")
    assert own.limiter("a", model="m", key="1") is not own.limiter("a", model="m", key="2")
    assert own.limiter("a", model="m") is not own.limiter("a", model="n")
    shared = RateLimitCoordinator(lambda _: RateLimits(shared_as="our organisation"))
    assert shared.limiter("a", model="m", key="1") is shared.limiter("b", model="n", key="2")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "499",
                "x-ratelimit-reset-requests": "120ms",
            },
            [ServerLimit(dimension="requests", limit=500, remaining=499, reset_after=0.12)],
        ),
        (
            {
                "anthropic-ratelimit-input-tokens-limit": "80000",
                "anthropic-ratelimit-input-tokens-remaining": "12000",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-22T00:00:30Z",
            },
            [ServerLimit(dimension="input_tokens", limit=80_000, remaining=12_000, reset_after=30)],
        ),
        (
            {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "3", "x-ratelimit-reset": "1795392000000"},
            [ServerLimit(dimension="requests", limit=None, remaining=3, reset_after=86_400)],
        ),
        (
            {
                "x-ratelimit-limit-tokens": "30000",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            [ServerLimit(dimension="tokens", limit=None, remaining=0, reset_after=360)],
        ),
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1",
            },
            [ServerLimit(dimension="requests", limit=60, remaining=59, reset_after=1)],
        ),
        (
            {
                f"anthropic-ratelimit-{kind}-{part}": value
                for kind in ("requests", "tokens", "output-tokens")
                for part, value in {"limit": "4000", "remaining": "3000", "reset": "2026-11-22T00:00:15Z"}.items()
            },
            [
                ServerLimit(dimension="requests", limit=4_000, remaining=3_000, reset_after=15),
                ServerLimit(dimension="tokens", limit=4_000, remaining=3_000, reset_after=15),
                ServerLimit(dimension="output_tokens", limit=4_000, remaining=3_000, reset_after=15),
            ],
        ),
        ({"x-ratelimit-limit-tokens": "0", "x-ratelimit-remaining-tokens": "0"}, []),
        ({"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "-1"}, []),
        ({"x-ratelimit-limit-tokens": "many"}, []),
        ({"content-type": "text/event-stream"}, []),
    ],
    ids=[
        "OpenAI",
        "Anthropic",
        "a day's limit",
        "six minutes",
        "Azure",
        "all of Anthropic's",
        "Azure's zero",
        "unknown",
        "nonsense",
        "none",
    ],
)
def test_the_headers_of_every_dialect_are_read(headers: dict[str, str], expected: list[ServerLimit]) -> None:
    assert list(parse_rate_limits(headers, now=NOW)) == expected


async def test_a_request_stopped_before_it_is_sent_takes_nothing() -> None:
    clock = VirtualClock()
    line = limiter(clock, tokens_per_minute=6_000)
    provider = FakeStreamer(clock, [text(), done()])
    limited = RateLimitPolicy(provider, line, demand=lambda _: estimate_demand(100, 800), provider="acme", clock=clock)
    events = limited.stream_unified(REQUEST)
    assert isinstance(await anext(events), Attempt)
    await events.aclose()
    assert (line.headroom().limits["tokens"].available, provider.requests) == (1_000, [])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Sun, 22 Nov 2026 00:01:00 GMT"}, 60),
        ({"retry-after": "soon", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0.00", "x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795305630000"}, 30),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s"}, None),
        (
            {
                "anthropic-ratelimit-output-tokens-remaining": "0",
                "anthropic-ratelimit-output-tokens-reset": "2026-11-22T00:00:42Z",
            },
            42,
        ),
        ({"retry-after": "-1"}, None),
    ],
    ids=[
        "ms first",
        "fraction",
        "date",
        "no time, but a reset",
        "OpenAI",
        "OpenRouter",
        "not used up",
        "Anthropic",
        "-1",
    ],
)
def test_the_reset_time_is_read_in_every_dialect(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == seconds


def test_reported_usage_never_refunds_more_than_was_taken() -> None:
    odd = usage_demand(TokenUsage(prompt_tokens=5, cached_tokens=900, completion_tokens=1))
    assert odd["input_tokens"] == 0
    negative = usage_demand(TokenUsage(prompt_tokens=-5_000, cached_tokens=-9_000, completion_tokens=-100))
    assert negative == {"requests": 1, "tokens": 0, "input_tokens": 0, "output_tokens": 0}


def test_no_answer_delays_the_next_request_beyond_a_minute() -> None:
    """A limit per minute ignores what was longer ago, and an impossible count does not stop a run for good."""
    clock = VirtualClock()
    limiter = TokenBucketLimiter(RateLimits(tokens_per_minute=60_000), clock=clock)
    permit = limiter.acquire_now(estimate_demand(1_000, 1_000))
    assert permit is not None
    permit.release(usage_demand(TokenUsage(prompt_tokens=10**15, completion_tokens=1)))
    assert 0 < limiter.expected_wait(estimate_demand(5_000, 5_000)) <= 60
    clock.advance(60)
    assert limiter.acquire_now(estimate_demand(5_000, 5_000)) is not None


@pytest.mark.parametrize("reported", ["1e-300", "0.5", "0", "-1", "NaN", "inf", "1e999", "", "many"])
def test_an_impossible_limit_is_ignored(reported: str) -> None:
    limits = parse_rate_limits(
        {"x-ratelimit-limit-requests": reported, "x-ratelimit-reset-requests": reported}, now=NOW
    )
    assert limits == ()


@pytest.mark.parametrize("field", ["requests_per_minute", "tokens_per_minute", "input_tokens_per_minute", "slots"])
def test_a_limit_that_lets_nothing_through_is_refused(field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="lets nothing through"):
        msgspec.convert({field: 0}, RateLimits)
