"""Several providers as one: the answer, its price, its failed attempts, and the health of each provider."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

import msgspec
import pytest

from swebench_providers import (
    ErrorKind,
    Event,
    FinishReason,
    ModelPrice,
    ProviderConfig,
    ProviderError,
    TextDelta,
    TokenUsage,
    UnifiedRequest,
    UnifiedResponse,
    UsageUpdate,
)
from swebench_providers.catalog import provider_spec
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.in_parallel import BatchResult
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.http.transport import Transport
from swebench_providers.policies.breaker import BreakerSettings, BreakerState
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.observer import Outcome
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.provider import HTTPProvider
from swebench_providers.types.events import Attempt, AttemptFailed, Finished
from swebench_providers.types.usage import Charge
from tests.providers.policies.fake_streamer import done, error, text
from tests.providers.policies.virtual_time import VirtualClock
from tests.providers.scripted import PRICE, Scripted, Step

T = TypeVar("T")

USAGE = TokenUsage(prompt_tokens=1_000, completion_tokens=100)
COST, NOTHING = Decimal("0.02"), Decimal(0)
CHEAP = ModelPrice(input=Decimal(1), output=Decimal(1))
REQUEST = UnifiedRequest(prompt="Why? " * 700, max_tokens=100)
GONE = error(ErrorKind.TRANSIENT, status=None, reason="unreachable")
CUT = error(ErrorKind.INCOMPLETE, status=None)
QUICK = Policies(retry=RetrySettings(attempts=2, base=0.0, throttled_base=0.0, restart=True), max_breaker_wait=0.0)


def good(content: str = "whole", usage: TokenUsage = USAGE) -> list[Step]:
    return [text(content), UsageUpdate(usage, 0.0), done()]


async def run(clock: VirtualClock, call: Coroutine[Any, Any, T]) -> T:
    """The result of a call, with time passing as it waits."""
    task = asyncio.create_task(call)
    await clock.run_until(task.done)
    return await task


async def answer_of(
    clock: VirtualClock, coordinator: ProviderCoordinator, request: UnifiedRequest = REQUEST
) -> UnifiedResponse:
    return await run(clock, coordinator.generate_with_fallback(request))


def coordinator_of(clock: VirtualClock, *scripts: Sequence[Step], **more: Any) -> tuple[Scripted, ProviderCoordinator]:
    """One provider that plays `scripts`, with all policies."""
    provider = Scripted("acme", clock, *scripts)
    return provider, ProviderCoordinator([provider], QUICK, clock=clock, draw=lambda: 0.0, **more)


async def test_an_answer_names_its_provider_failed_attempts_and_total_cost() -> None:
    clock = VirtualClock()
    first = Scripted("first", clock, [text("half " * 70), CUT])
    second = Scripted("second", clock, good())
    coordinator = ProviderCoordinator([first, second], QUICK, clock=clock, draw=lambda: 0.0)
    answer = await answer_of(clock, coordinator)
    assert (answer.provider, answer.model, answer.content) == ("second", "m", "whole")
    assert [(failed.provider, failed.model, failed.kind) for failed in answer.failed_attempts] == [
        ("first", "m", "incomplete")
    ] * 2
    health = coordinator.health()
    assert answer.cost == health["first"].cost + health["second"].cost
    assert health["second"].cost == COST
    assert answer.cost_estimated


async def test_a_cost_by_the_providers_count_is_no_estimate() -> None:
    clock = VirtualClock()
    provider, coordinator = coordinator_of(clock, good())
    answer = await answer_of(clock, coordinator)
    assert (answer.cost, answer.cost_estimated, len(provider.requests)) == (COST, False, 1)


async def test_an_answer_of_another_model_is_priced_with_both_names() -> None:
    clock = VirtualClock()
    dated = msgspec.structs.replace(done(), model="m-2026-11-01")
    provider, coordinator = coordinator_of(clock, [text(), UsageUpdate(USAGE, 0.0), dated])
    await answer_of(clock, coordinator)
    assert provider.priced == [("m-2026-11-01", "m")]


async def test_the_last_error_carries_the_cost_of_all_attempts() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(10))
    candidates = [Scripted(name, clock, [CUT]) for name in ("first", "second")]
    coordinator = ProviderCoordinator(candidates, QUICK, budgets=[budget], clock=clock, draw=lambda: 0.0)
    with pytest.raises(ProviderError) as caught:
        await answer_of(clock, coordinator)
    assert caught.value.cost == budget.spent > 0
    assert sum(health.cost for health in coordinator.health().values()) == budget.spent


async def test_the_error_of_a_stream_carries_the_total_cost() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(10))
    _, coordinator = coordinator_of(clock, [text("half " * 70), CUT], budgets=[budget])

    async def drained() -> None:
        async with aclosing(coordinator.stream_with_fallback(REQUEST)) as events:
            async for _ in events:
                pass

    with pytest.raises(ProviderError) as caught:
        await run(clock, drained())
    assert caught.value.cost == budget.spent > 0


async def test_a_server_that_refuses_connections_costs_nothing(transport: Transport) -> None:
    budget = Budget("run", Decimal(1))
    config = ProviderConfig(name="gone", base_url="http://127.0.0.1:1/v1", base_url_source="given", prices={"m": PRICE})
    provider = HTTPProvider(provider_spec("compatible"), config, transport)
    coordinator = ProviderCoordinator([Candidate(provider, "m")], QUICK, budgets=[budget])
    with pytest.raises(ProviderError) as caught:
        await coordinator.generate_with_fallback(REQUEST)
    assert (caught.value.reason, caught.value.cost) == ("unreachable", NOTHING)
    assert (budget.spent, budget.reserved) == (NOTHING, NOTHING)


@pytest.mark.parametrize("failing", [1, 2], ids=["one route fails", "both fail"])
async def test_provider_budgets_keep_the_cost_of_a_failed_route(failing: int) -> None:
    clock, whole = VirtualClock(), Budget("run", Decimal(10))
    own = {name: Budget(name, Decimal(10)) for name in ("first", "second")}
    scripts = [[CUT], [CUT] if failing == 2 else good()]
    candidates = [Scripted(name, clock, script) for name, script in zip(own, scripts, strict=True)]
    coordinator = ProviderCoordinator(
        candidates, QUICK, budgets=[whole], provider_budgets=own, clock=clock, draw=lambda: 0.0
    )
    try:
        cost = (await answer_of(clock, coordinator)).cost
    except ProviderError as failure:
        cost = failure.cost
    assert cost == whole.spent == own["first"].spent + own["second"].spent
    assert own["first"].spent > 0
    assert [budget.reserved for budget in (whole, *own.values())] == [0, 0, 0]


async def test_a_provider_with_a_used_up_budget_is_skipped() -> None:
    clock = VirtualClock()
    candidates = [Scripted(name, clock, good()) for name in ("first", "second")]
    coordinator = ProviderCoordinator(
        candidates, QUICK, provider_budgets={"first": Budget("first", Decimal("0.001"))}, clock=clock
    )
    answer = await answer_of(clock, coordinator)
    assert (answer.provider, answer.failed_attempts[0].kind) == ("second", "quota_exhausted")
    assert candidates[0].requests == []


async def test_the_worst_case_of_long_prompts_uses_their_price() -> None:
    clock = VirtualClock()
    long_price = ModelPrice(input=Decimal(20), output=Decimal(1_000))
    tiered = msgspec.structs.replace(PRICE, long_from=1_000, long_prompt=long_price)
    budget = Budget("run", Decimal("0.12"))
    provider = Scripted("acme", clock, good(), price=tiered)
    coordinator = ProviderCoordinator([provider], QUICK, budgets=[budget], clock=clock)
    short = UnifiedRequest(prompt="Why?", max_tokens=100)
    assert (await answer_of(clock, coordinator, short)).cost == COST
    with pytest.raises(ProviderError, match="budget"):
        await answer_of(clock, coordinator, REQUEST)  # 100 tokens at 1,000 dollars a million are 10 cents
    assert len(provider.requests) == 1


async def test_an_unknown_price_is_looked_up_again_after_a_while() -> None:
    clock = VirtualClock()
    provider = Scripted("acme", clock, good(), price=None)
    coordinator = ProviderCoordinator([provider], QUICK, budgets=[Budget("run", Decimal(1))], clock=clock)
    for _ in range(3):
        with pytest.raises(ProviderError, match="no known price for acme:m"):
            await answer_of(clock, coordinator)
    assert provider.price_lookups == 1
    provider.price = PRICE
    clock.advance(60.0)
    assert (await answer_of(clock, coordinator)).cost == COST
    clock.advance(3_600.0)
    await answer_of(clock, coordinator)
    assert provider.price_lookups == 2


async def test_a_candidate_without_a_default_model_is_skipped_until_back() -> None:
    clock = VirtualClock()
    gone, there = Scripted("gone", clock, good("back"), default=GONE), Scripted("there", clock, good())
    coordinator = ProviderCoordinator([gone, there], QUICK, budgets=[Budget("run", Decimal(1))], clock=clock)
    for _ in range(5):
        answer = await answer_of(clock, coordinator)
        assert answer.provider == "there"
        assert [(failed.provider, failed.message) for failed in answer.failed_attempts] == [
            ("gone", "it was transient")
        ]
    assert gone.default_lookups == 1
    gone.default = "m"
    clock.advance(15.0)
    assert (await answer_of(clock, coordinator)).content == "back"
    assert gone.default_lookups == 2


async def test_the_only_candidate_is_looked_up_again_each_time() -> None:
    clock = VirtualClock()
    provider = Scripted("acme", clock, good(), default=GONE)
    coordinator = ProviderCoordinator([provider], QUICK, clock=clock)
    with pytest.raises(ProviderError, match="it was transient") as caught:
        await answer_of(clock, coordinator)
    assert (caught.value.reason, caught.value.cost) == ("unreachable", Decimal(0))
    provider.default = "m"
    assert (await answer_of(clock, coordinator)).content == "whole"


async def test_a_hundred_parallel_calls_share_one_default_model_lookup() -> None:
    clock = VirtualClock()
    provider = Scripted("acme", clock, good(), default=GONE)
    coordinator = ProviderCoordinator([provider], QUICK, clock=clock)
    calls = [asyncio.create_task(coordinator.generate_with_fallback(REQUEST)) for _ in range(100)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert len({id(outcome) for outcome in outcomes if isinstance(outcome, ProviderError)}) == 100
    assert provider.default_lookups <= 2


async def test_a_stream_reports_attempts_charges_and_failures_in_order() -> None:
    clock = VirtualClock()
    candidates = [Scripted("first", clock, [error(ErrorKind.AUTH, status=401)]), Scripted("second", clock, good())]
    coordinator = ProviderCoordinator(candidates, QUICK, clock=clock)

    async def events_of_call() -> list[Event]:
        async with aclosing(coordinator.stream_with_fallback(REQUEST)) as events:
            return [event async for event in events]

    kinds = [type(event) for event in await run(clock, events_of_call())]
    wanted = [Attempt, Charge, AttemptFailed, Attempt, TextDelta, UsageUpdate, Charge, Finished]
    assert [kind for kind in kinds if kind in wanted] == wanted


async def test_a_stream_closed_early_is_charged_and_settled() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    _, coordinator = coordinator_of(clock, good(), budgets=[budget])
    async with aclosing(coordinator.stream_with_fallback(REQUEST)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    health = coordinator.health()["acme"]
    assert (health.in_flight, health.succeeded, health.failed, health.success_rate) == (0, 0, 0, None)
    assert health.cost == budget.spent > 0
    assert budget.reserved == 0


async def test_health_has_all_statistics_of_each_provider() -> None:
    clock = VirtualClock()
    slow: list[Step] = [0.5, text(), 1.5, UsageUpdate(USAGE, 0.0), done()]
    provider = Scripted("acme", clock, *[slow] * 9, [error(ErrorKind.OVERLOADED, status=529)], slow)
    limits = RateLimits(requests_per_minute=600)
    policies = msgspec.structs.replace(QUICK, limits={"acme": limits})
    coordinator = ProviderCoordinator(
        [provider, Scripted("idle", clock, good())], policies, clock=clock, draw=lambda: 0.0
    )
    before = coordinator.health()["idle"]
    assert (before.success_rate, before.latency.p50, before.cost) == (None, None, NOTHING)
    for _ in range(10):
        await answer_of(clock, coordinator)
    health = coordinator.health()["acme"]
    assert (health.succeeded, health.failed, health.retries, health.in_flight) == (10, 1, 1, 0)
    assert health.success_rate == 10 / 11
    assert [health.latency.p50, health.latency.p95, health.latency.p99] == [2_000.0] * 3
    assert [health.first_token.p50, health.first_token.p95] == [500.0] * 2
    assert health.error_kinds == {ErrorKind.OVERLOADED: 1}
    assert (health.cost, health.unpriced) == (10 * COST, 0)
    assert (health.breakers["m"].state, health.breakers["m"].failures) == (BreakerState.CLOSED, 1)
    assert health.headroom["m"].limits["requests"].per_minute == 600
    assert set(coordinator.health()) == {"acme", "idle"}


async def test_health_counts_requests_in_flight() -> None:
    clock = VirtualClock()
    _, coordinator = coordinator_of(clock, [5.0, *good()])
    calls = [asyncio.create_task(coordinator.generate_with_fallback(REQUEST)) for _ in range(3)]
    await clock.run_until(lambda: len(clock.slept) == 3)
    assert coordinator.health()["acme"].in_flight == 3
    await clock.run_until(lambda: all(call.done() for call in calls))
    assert coordinator.health()["acme"].in_flight == 0


async def test_an_unstreamed_answer_has_no_time_to_first_token() -> None:
    clock = VirtualClock()
    _, coordinator = coordinator_of(clock, [2.0, *good()])
    answer = await answer_of(clock, coordinator, msgspec.structs.replace(REQUEST, stream=False))
    health = coordinator.health()["acme"]
    assert (answer.ttft_ms, health.first_token.p50, health.latency.p50) == (None, None, 2_000.0)


async def test_a_first_token_at_time_zero_is_counted() -> None:
    clock = VirtualClock(0.0)
    _, coordinator = coordinator_of(clock, [text("a"), 3.0, text("b"), UsageUpdate(USAGE, 0.0), done()])
    assert (await answer_of(clock, coordinator)).ttft_ms == 0
    assert coordinator.health()["acme"].first_token.p50 == 0


async def test_a_disabled_key_is_used_again_once_enabled() -> None:
    clock = VirtualClock()
    bad = Scripted("acme", clock, [error(ErrorKind.AUTH, status=401)], good("mended"))
    other = Scripted("acme", clock, [error(ErrorKind.AUTH, status=401)], good("other"))
    candidate = Candidate(bad, "m", label="work", more_keys={"home": other})
    coordinator = ProviderCoordinator([candidate], QUICK, clock=clock, draw=lambda: 0.0)
    with pytest.raises(ProviderError, match="it was auth"):
        await answer_of(clock, coordinator)
    assert len(bad.requests) == 1
    assert (await answer_of(clock, coordinator)).content == "other"
    coordinator.enable_key("acme", "work")
    assert "mended" in {(await answer_of(clock, coordinator)).content for _ in range(2)}


async def test_long_and_filtered_prompts_go_to_their_own_candidates() -> None:
    clock = VirtualClock()
    usual = Scripted(
        "usual",
        clock,
        [error(ErrorKind.CONTEXT_OVERFLOW, status=400)],
        [UsageUpdate(USAGE, 0.0), done(reason=FinishReason.CONTENT_FILTER)],
    )
    large, lenient = Scripted("large", clock, good("large")), Scripted("lenient", clock, good("lenient"))
    coordinator = ProviderCoordinator(
        [usual], QUICK, too_long=[Candidate(large)], filtered=[Candidate(lenient)], clock=clock
    )
    assert (await answer_of(clock, coordinator)).content == "large"
    answer = await answer_of(clock, coordinator)
    assert answer.content == "lenient"
    assert answer.cost is not None
    assert answer.cost > COST  # the filtered answer was paid for too


async def test_fastest_uses_the_quickest_candidate_that_does_not_fail() -> None:
    clock = VirtualClock()
    policies = msgspec.structs.replace(QUICK, selection="fastest")
    dead = Scripted("dead", clock, [error(ErrorKind.AUTH, status=401)])
    slow = Scripted("slow", clock, [3.0, *good()])
    quick = Scripted("quick", clock, [1.0, *good()])
    coordinator = ProviderCoordinator([dead, slow, quick], policies, clock=clock, draw=lambda: 0.0)
    answered = [(await answer_of(clock, coordinator)).provider for _ in range(12)]
    assert answered[-8:] == ["quick"] * 8
    assert len(dead.requests) <= 3


async def test_round_robin_and_cheapest_choose_anew_for_each_request() -> None:
    clock = VirtualClock()
    dear, cheap = Scripted("dear", clock, good()), Scripted("cheap", clock, good(), price=CHEAP)
    for selection, wanted in (("round_robin", ["dear", "cheap"] * 2), ("cheapest", ["cheap"] * 4)):
        policies = msgspec.structs.replace(QUICK, selection=selection)
        coordinator = ProviderCoordinator([dear, cheap], policies, clock=clock)
        assert [(await answer_of(clock, coordinator)).provider for _ in range(4)] == wanted


async def test_a_batch_gives_each_requests_result_with_its_price() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(10))
    scripts: list[list[Step]] = [[1.0, *good()], [error(ErrorKind.INVALID_REQUEST, status=400)]]
    _, coordinator = coordinator_of(clock, *scripts * 10, budgets=[budget])

    async def all_results() -> list[BatchResult]:
        requests = (msgspec.structs.replace(REQUEST, prompt=str(number)) for number in range(20))
        async with aclosing(coordinator.process_batch(requests, concurrency=4)) as results:
            return [result async for result in results]

    results = await run(clock, all_results())
    assert sorted(result.index for result in results) == list(range(20))
    paid = [cost for result in results if (cost := (result.response or result.error).cost) is not None]  # type: ignore[union-attr]
    assert sum(paid, Decimal(0)) == budget.spent == 10 * COST
    assert budget.reserved == 0


async def test_a_batch_closed_early_settles_all_requests_in_flight() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(10))
    _, coordinator = coordinator_of(clock, [text(), 1.0, *good()], budgets=[budget])

    async def first_result() -> None:
        async with aclosing(coordinator.process_batch((REQUEST for _ in count()), concurrency=8)) as results:
            async for _ in results:
                return

    await run(clock, first_result())
    assert (budget.reserved, coordinator.health()["acme"].in_flight) == (NOTHING, 0)
    assert budget.spent == coordinator.health()["acme"].cost >= COST


async def test_the_memory_per_model_is_bounded() -> None:
    clock = VirtualClock()
    _, coordinator = coordinator_of(clock, good())
    for number in range(1_500):
        await coordinator.generate_with_fallback(msgspec.structs.replace(REQUEST, model=f"m{number}"))
    assert len(coordinator._stacks) <= 256
    assert len(coordinator._routes._routes) <= 1_024
    assert len(coordinator._shared.prices._lookups) <= 1_024
    assert len(coordinator.health()["acme"].breakers) <= 1_024


async def test_a_call_without_candidates_is_refused() -> None:
    with pytest.raises(ValueError, match="no candidates"):
        await ProviderCoordinator([]).generate_with_fallback(REQUEST)


async def test_stream_from_shares_state_and_never_falls_back() -> None:
    clock = VirtualClock()
    provider, coordinator = coordinator_of(clock, good())
    gone = Scripted("gone", clock, [error(ErrorKind.AUTH)])
    async with aclosing(coordinator.stream_from(Candidate(provider, "m"), REQUEST)) as events:
        assert [type(event).__name__ async for event in events][-1] == "Finished"
    with pytest.raises(ProviderError, match="it was auth") as raised:
        async with aclosing(coordinator.stream_from(Candidate(gone, "m"), REQUEST)) as events:
            [event async for event in events]
    await coordinator.generate_with_fallback(REQUEST)
    health = coordinator.health()
    assert (health["acme"].succeeded, health["gone"].failed, raised.value.cost) == (2, 1, Decimal(0))
    assert len(health["acme"].breakers) == 1


async def test_a_route_is_never_reused_for_another_candidate() -> None:
    clock = VirtualClock()
    _, coordinator = coordinator_of(clock, good())
    for number in range(50):
        provider = Scripted("acme", clock, good())
        async with aclosing(coordinator.stream_from(Candidate(provider, f"m{number % 2}"), REQUEST)) as events:
            [event async for event in events]
        assert len(provider.requests) == 1
        del provider


class Raising:
    """An observer that fails."""

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        raise ZeroDivisionError(attempt.model, request.model)

    def ended(self, outcome: Outcome) -> None:
        raise LookupError(outcome.model)

    def unsent(self, outcome: Outcome) -> None:
        raise LookupError(outcome.model)


async def test_an_observer_that_raises_loses_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    _, coordinator = coordinator_of(clock, good(), [GONE], observers=[Raising()])
    assert (await answer_of(clock, coordinator)).content == "whole"
    with pytest.raises(ProviderError, match="it was transient"):
        await answer_of(clock, coordinator)
    health = coordinator.health()["acme"]
    assert (health.succeeded, health.failed, health.in_flight) == (1, 2, 0)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError, LookupError] * 3


async def test_a_stream_that_just_stops_is_no_answer() -> None:
    """A plugin's stream may end without `Finished`: that is a failure like any other, and another provider answers."""
    clock = VirtualClock()
    stopping = Scripted("stopping", clock, [text("half "), UsageUpdate(USAGE, 0.0)])
    coordinator = ProviderCoordinator([stopping, Scripted("other", clock, good())], QUICK, clock=clock)
    answer = await answer_of(clock, coordinator)
    assert (answer.provider, answer.content) == ("other", "whole")
    assert [failed.kind for failed in answer.failed_attempts] == ["incomplete"] * 2
    assert coordinator.health()["stopping"].failed == 2


async def test_a_reasoning_models_late_first_token_is_not_slow() -> None:
    """Its family may be silent for half an hour; the breaker's own bounds are for models that begin at once."""
    clock = VirtualClock()
    slow = Scripted("openai", clock, [900.0, *good()], spec="openai", default="gpt-5-pro")
    coordinator = ProviderCoordinator([slow], QUICK, clock=clock)
    calls = [asyncio.create_task(coordinator.generate_with_fallback(REQUEST)) for _ in range(8)]
    await clock.run_until(lambda: all(call.done() for call in calls))
    assert [(await call).content for call in calls] == ["whole"] * 8
    assert coordinator.health()["openai"].breakers["gpt-5-pro"].state is BreakerState.CLOSED


async def test_a_reasoning_models_probe_may_be_silent_for_longer() -> None:
    clock = VirtualClock()
    slow = Scripted("openai", clock, *[[GONE]] * 6, [900.0, *good()], spec="openai", default="gpt-5-pro")
    policies = Policies(retry=RetrySettings(attempts=1), breaker=BreakerSettings(probes=1), max_breaker_wait=30.0)
    coordinator = ProviderCoordinator([slow], policies, clock=clock)
    for _ in range(6):
        with pytest.raises(ProviderError, match="it was transient"):
            await answer_of(clock, coordinator)
    probing = asyncio.create_task(coordinator.generate_with_fallback(REQUEST))
    await clock.run_until(lambda: len(slow.requests) == 7)
    clock.advance(400.0)
    assert coordinator.health()["openai"].breakers["gpt-5-pro"].state is BreakerState.HALF_OPEN
    await clock.run_until(probing.done)
    assert (await probing).content == "whole"
    assert coordinator.health()["openai"].breakers["gpt-5-pro"].state is BreakerState.CLOSED


async def test_a_model_without_a_known_price_is_skipped() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    nameless = Scripted("nameless", clock, good(), price=None)
    priced = Scripted("priced", clock, good())
    coordinator = ProviderCoordinator([nameless, priced], QUICK, budgets=[budget], clock=clock, draw=lambda: 0.0)
    answer = await answer_of(clock, coordinator)
    assert (answer.provider, len(nameless.requests), answer.cost, budget.spent) == ("priced", 0, COST, COST)
    assert [failed.message for failed in answer.failed_attempts] == [
        "no known price for nameless:m, so it cannot run within a budget"
    ]
    assert budget.reserved == 0


async def test_a_model_in_use_keeps_its_breaker_and_limiter() -> None:
    clock = VirtualClock()
    provider, coordinator = coordinator_of(clock, good())
    for number in range(1_200):
        await coordinator.generate_with_fallback(REQUEST)
        await coordinator.generate_with_fallback(msgspec.structs.replace(REQUEST, model=f"m{number}"))
    health = coordinator.health()["acme"]
    assert "m" in health.breakers
    assert "m" in health.headroom
    assert len(health.breakers) <= 1_100
    assert len(health.headroom) <= 1_100
    async with aclosing(coordinator.stream_from(Candidate(provider, "m"), REQUEST)) as events:
        [event async for event in events]
    assert coordinator.health()["acme"].breakers["m"].calls == health.breakers["m"].calls
