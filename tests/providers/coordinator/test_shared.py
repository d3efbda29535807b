"""Coordinators that share their state: one limit, one breaker, one list of disabled keys for all of them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from decimal import Decimal

import pytest

from swebench_providers import (
    BreakerSettings,
    BreakerState,
    Budget,
    Candidate,
    ConcurrencySettings,
    ErrorKind,
    Policies,
    ProviderCoordinator,
    ProviderError,
    RateLimits,
    RetrySettings,
    SharedState,
    Transition,
    UnifiedRequest,
)
from swebench_providers.policies.limiter import TokenBucketLimiter, estimate_demand
from swebench_providers.policies.rate_limits import strictest
from tests.providers.policies.fake_streamer import done, error, text
from tests.providers.policies.virtual_time import VirtualClock
from tests.providers.scripted import Scripted, Step

REQUEST = UnifiedRequest(prompt="Why?", max_tokens=100)
FAILURE = error(ErrorKind.TRANSIENT)
ONE_TRY = RetrySettings(attempts=1)
EAGER = BreakerSettings(minimum_calls=2, window_calls=2, open_for=30.0)
GOOD: list[Step] = [text("whole"), done()]


Limited = tuple[Scripted, ProviderCoordinator]


def limited(shared: SharedState | None, clock: VirtualClock, limits: RateLimits) -> Limited:
    provider = Scripted("acme", clock, [60.0, *GOOD])
    policies = Policies(limits={"acme": limits})
    return provider, ProviderCoordinator(
        [Candidate(provider, "m")], policies, shared=shared, clock=None if shared else clock
    )


async def sent_in_a_burst(*coordinators: Limited, requests: int = 24) -> int:
    """How many of so many requests at once, given to the coordinators in turn, go out before any time passes."""
    calls = [
        asyncio.create_task(coordinators[number % len(coordinators)][1].generate_with_fallback(REQUEST))
        for number in range(requests)
    ]
    for _ in range(200):
        await asyncio.sleep(0)
    sent = sum(len(provider.requests) for provider, _ in coordinators)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    return sent


@pytest.mark.parametrize(("share", "sent"), [(True, 10), (False, 20)], ids=["shared", "apart"])
async def test_coordinators_with_shared_state_share_one_rate_limit(*, share: bool, sent: int) -> None:
    clock, limits = VirtualClock(), RateLimits(requests_per_minute=60)
    shared = SharedState(clock=clock) if share else None
    assert await sent_in_a_burst(*(limited(shared, clock, limits) for _ in range(2))) == sent


@pytest.mark.parametrize("order", [(60.0, 120.0), (120.0, 60.0)])
async def test_the_stricter_of_two_rate_limits_applies_in_either_order(order: tuple[float, float]) -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)
    coordinators = [limited(shared, clock, RateLimits(requests_per_minute=rate)) for rate in order]
    assert await sent_in_a_burst(*coordinators) == 10
    assert shared.headroom("acme")["m"].limits["requests"].per_minute == 60


async def test_a_stricter_limit_applies_to_a_limiter_in_use() -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)
    first = limited(shared, clock, RateLimits(requests_per_minute=120, tokens_per_minute=1_000_000))
    assert await sent_in_a_burst(first, requests=15) == 15
    second = limited(shared, clock, RateLimits(requests_per_minute=60))
    assert await sent_in_a_burst(second) == 0
    clock.advance(10.0)
    assert await sent_in_a_burst(second) == 5
    assert shared.headroom("acme")["m"].limits["tokens"].per_minute == 1_000_000


def test_the_strictest_of_two_is_the_lower_of_each_limit() -> None:
    one = RateLimits(requests_per_minute=60, slots=4, concurrency=ConcurrencySettings(start=9, least=2, most=50))
    other = RateLimits(
        requests_per_minute=90,
        tokens_per_minute=1_000,
        concurrency=ConcurrencySettings(start=5, least=3, most=70),
        shared_as="org",
        longest_pause=10.0,
    )
    lower = RateLimits(
        requests_per_minute=60,
        tokens_per_minute=1_000,
        slots=4,
        concurrency=ConcurrencySettings(start=5, least=2, most=50),
        shared_as="org",
        longest_pause=10.0,
    )
    assert strictest(one, other) == strictest(other, one) == lower
    assert strictest(lower, lower) == lower


async def test_tightening_a_limiter_lowers_its_slots_and_never_raises_anything() -> None:
    limiter = TokenBucketLimiter(RateLimits(requests_per_minute=600), clock=VirtualClock())
    limiter.tighten(RateLimits(requests_per_minute=6_000))
    assert limiter.headroom().limits["requests"].per_minute == 600
    for slots in (3, 2, 5):
        limiter.tighten(RateLimits(slots=slots))
    assert limiter.headroom().concurrency == 2
    limiter.set_concurrency(8)
    assert limiter.headroom().concurrency == 2
    permits = [limiter.acquire_now(estimate_demand(1, 1)) for _ in range(3)]
    assert [permit is not None for permit in permits] == [True, True, False]


async def test_a_changed_shared_as_is_refused_and_changes_nothing() -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)
    limited(shared, clock, RateLimits(shared_as="org"))
    with pytest.raises(ValueError, match="shared_as='org', which cannot become 'other'"):
        limited(shared, clock, RateLimits(shared_as="other", requests_per_minute=60))
    provider, coordinator = limited(shared, clock, RateLimits(requests_per_minute=120))
    assert await sent_in_a_burst((provider, coordinator)) == 20
    used = ProviderCoordinator([Scripted("used", clock, GOOD)], shared=shared)
    await used.generate_with_fallback(REQUEST)
    with pytest.raises(ValueError, match="no shared_as, which cannot become 'org'"):
        ProviderCoordinator([], Policies(limits={"used": RateLimits(shared_as="org")}), shared=shared)


async def test_a_circuit_opened_by_one_coordinator_is_open_for_all() -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)
    policies = Policies(retry=ONE_TRY, breaker=EAGER, max_breaker_wait=0.0)
    failing, good = Scripted("acme", clock, [FAILURE]), Scripted("acme", clock, GOOD)
    received: list[tuple[str, Transition]] = []
    first, second = (
        ProviderCoordinator(
            [Candidate(provider, "m")],
            policies,
            shared=shared,
            on_transition=lambda transition, name=name: received.append((name, transition)),  # type: ignore[misc]
        )
        for name, provider in (("first", failing), ("second", good))
    )
    await second.generate_with_fallback(REQUEST)
    for _ in range(2):
        with pytest.raises(ProviderError):
            await first.generate_with_fallback(REQUEST)
    with pytest.raises(ProviderError) as caught:
        await second.generate_with_fallback(REQUEST)
    assert (caught.value.reason, len(good.requests)) == ("circuit_open", 1)
    assert {name for name, transition in received if transition.after is BreakerState.OPEN} == {"first", "second"}


async def test_a_breaker_keeps_the_settings_of_its_first_coordinator() -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)
    provider = Scripted("acme", clock, [FAILURE])
    patient = Policies(retry=ONE_TRY, max_breaker_wait=0.0)
    eager = Policies(retry=ONE_TRY, breaker=EAGER, max_breaker_wait=0.0)
    first, second = (
        ProviderCoordinator([Candidate(provider, "m")], policies, shared=shared) for policies in (patient, eager)
    )
    for coordinator in (first, second, second, second):
        with pytest.raises(ProviderError):
            await coordinator.generate_with_fallback(REQUEST)
    assert shared.health()["acme"].breakers["m"].state is BreakerState.CLOSED


def listening(shared: SharedState, clock: VirtualClock, listen: Callable[[Transition], None]) -> ProviderCoordinator:
    policies = Policies(retry=ONE_TRY, breaker=EAGER, max_breaker_wait=0.0)
    provider = Scripted("acme", clock, [FAILURE])
    return ProviderCoordinator([Candidate(provider, "m")], policies, shared=shared, on_transition=listen)


async def test_a_listener_is_dropped_with_its_coordinator() -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)
    gone_received, received = list[Transition](), list[Transition]()
    gone, stays = listening(shared, clock, gone_received.append), listening(shared, clock, received.append)
    for coordinator in (gone, stays):
        with pytest.raises(ProviderError):
            await coordinator.generate_with_fallback(REQUEST)
    del gone, coordinator
    gc.collect()
    clock.advance(30.0)
    assert stays.health()["acme"].breakers["m"].state is BreakerState.HALF_OPEN
    assert (len(gone_received), len(received)) == (1, 2)


async def test_a_listener_that_raises_harms_neither_call_nor_other_listeners(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, received = VirtualClock(), list[Transition]()
    shared = SharedState(clock=clock)

    def fail(transition: Transition) -> None:
        raise LookupError(transition.name)

    for coordinator in (listening(shared, clock, fail), listening(shared, clock, received.append)):
        with pytest.raises(ProviderError, match="it was transient"):
            await coordinator.generate_with_fallback(REQUEST)
    assert [transition.after for transition in received] == [BreakerState.OPEN]
    assert "a listener of the circuit breaker acme:m failed" in caplog.messages


async def test_a_key_refused_for_one_coordinator_is_disabled_for_all() -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)

    def coordinator() -> tuple[Scripted, ProviderCoordinator]:
        bad, good = Scripted("acme", clock, [error(ErrorKind.AUTH, status=401)]), Scripted("acme", clock, GOOD)
        candidate = Candidate(bad, "m", label="bad", more_keys={"good": good})
        return bad, ProviderCoordinator([candidate], shared=shared)

    (tried, first), (untried, second) = coordinator(), coordinator()
    await first.generate_with_fallback(REQUEST)
    await second.generate_with_fallback(REQUEST)
    assert (len(tried.requests), len(untried.requests)) == (1, 0)
    assert list(second.disabled_keys("acme")) == ["bad"]
    second.enable_key("acme", "bad")
    assert first.disabled_keys("acme") == {}


async def test_statistics_and_lookups_are_shared_budgets_and_settings_are_not() -> None:
    clock = VirtualClock()
    shared = SharedState(clock=clock)
    provider = Scripted("acme", clock, GOOD)
    budgets = [Budget(name, Decimal(1)) for name in ("one", "two")]
    first, second = (ProviderCoordinator([provider], budgets=[budget], shared=shared) for budget in budgets)
    await first.generate_with_fallback(REQUEST)
    await first.generate_with_fallback(REQUEST)
    await second.generate_with_fallback(REQUEST)
    assert first.health() == second.health() == shared.health()
    assert shared.health()["acme"].succeeded == 3
    assert (provider.default_lookups, provider.price_lookups) == (1, 1)
    assert budgets[0].spent == 2 * budgets[1].spent > 0


def test_another_clock_than_that_of_the_shared_state_is_refused() -> None:
    shared = SharedState(clock=VirtualClock())
    ProviderCoordinator([], shared=shared, clock=shared.clock)
    with pytest.raises(ValueError, match="clock has to be that of the shared state"):
        ProviderCoordinator([], shared=shared, clock=VirtualClock())
