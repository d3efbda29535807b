"""Every attempt that was sent has its price, and no other; however a call ends, nothing stays reserved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from decimal import Decimal

import msgspec
import pytest

from swebench_providers import (
    ErrorKind,
    Event,
    FinishReason,
    ModelPrice,
    Notice,
    ProviderError,
    TokenUsage,
    UnifiedRequest,
    UsageUpdate,
)
from swebench_providers.policies.breaker import BreakerSettings, CircuitBreaker
from swebench_providers.policies.breaker_policy import CircuitBreakerPolicy
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.budget_policy import BudgetPolicy
from swebench_providers.policies.fallback import Chains, Fallback, Route
from swebench_providers.policies.retry import Retry, RetrySettings
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.types.events import Attempt, Waiting
from swebench_providers.types.usage import Charge
from tests.providers.policies.fake_streamer import REQUEST, FakeStreamer, Script, collect, done, error, text
from tests.providers.policies.test_budget import FullDisk
from tests.providers.policies.virtual_time import VirtualClock

PRICE = ModelPrice(input=Decimal(10), output=Decimal(100))
FREE = ModelPrice(input=Decimal(0), output=Decimal(0))
USAGE = TokenUsage(prompt_tokens=1_000, completion_tokens=100)
COST, NOTHING = Decimal("0.02"), Decimal(0)
CUT = error(ErrorKind.INCOMPLETE, status=None)
LONG = UnifiedRequest(model="m", prompt="Why? " * 700)


class Priced:
    """Every model has the same price; None is an unknown one."""

    def __init__(self, price: ModelPrice | None = PRICE, *, worst: Decimal = Decimal("0.05")) -> None:
        self._price, self._worst = price, worst
        self.requested: list[tuple[str, str]] = []

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:  # noqa: ARG002
        return self._price

    async def cost_of(
        self,
        usage: TokenUsage | None,
        provider: str,  # noqa: ARG002
        model: str,
        *,
        requested_model: str = "",
    ) -> Decimal | None:
        self.requested.append((model, requested_model))
        return self._price.cost(usage) if usage and self._price else None

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:  # noqa: ARG002
        return self._worst


def good(usage: TokenUsage = USAGE) -> Script:
    return [text(), UsageUpdate(usage, 0.0), done()]


def charges_in(events: Sequence[Event]) -> list[Charge]:
    return [event for event in events if isinstance(event, Charge)]


async def accumulate(spending: BudgetPolicy, accumulator: ResponseAccumulator) -> None:
    """Make a call, accumulating its events until it fails."""
    async with aclosing(spending.stream_unified(LONG)) as events:
        async for event in events:
            accumulator.add(event)


async def cost_of_failing(failure: ProviderError, price: ModelPrice | None = PRICE) -> Charge:
    """The cost of an attempt that ends with `failure`; a budget must agree."""
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    spending = BudgetPolicy(FakeStreamer(clock, [failure]), Priced(price), [budget], unknown_price="allow", clock=clock)
    with pytest.raises(ProviderError) as caught:
        await collect(spending)
    charge = caught.value.charge
    assert charge is not None
    assert (budget.spent, budget.reserved) == (charge.amount or NOTHING, NOTHING)
    return charge


async def test_an_answer_is_charged_by_the_providers_count() -> None:
    clock, budget, charges = VirtualClock(), Budget("run", Decimal(1)), list[Charge]()
    spending = BudgetPolicy(FakeStreamer(clock, good()), Priced(), [budget], on_charge=charges.append, clock=clock)
    (charge,) = charges_in(await collect(spending))
    assert (charge.amount, charge.exact, charges) == (COST, True, [charge])
    assert (budget.spent, budget.reserved) == (COST, NOTHING)


async def test_both_the_answering_and_the_requested_model_are_priced() -> None:
    clock, pricing = VirtualClock(), Priced()
    answered: Script = [text(), UsageUpdate(USAGE, 0.0), msgspec.structs.replace(done(), model="m-2026-11-01")]
    await collect(BudgetPolicy(FakeStreamer(clock, answered), pricing, clock=clock))
    assert pricing.requested == [("m-2026-11-01", "m")]


@pytest.mark.parametrize(
    ("script", "price", "amount", "exact"),
    [
        (good(), PRICE, COST, True),
        (good(msgspec.structs.replace(USAGE, source="estimated")), PRICE, COST, False),
        ([text(), done()], PRICE, None, False),
        (good(), FREE, NOTHING, True),
        ([text(), done()], FREE, NOTHING, True),
        (good(msgspec.structs.replace(USAGE, source="estimated")), FREE, NOTHING, True),
    ],
    ids=["counted", "tokens estimated", "not counted", "free", "free, not counted", "free, estimated"],
)
async def test_an_estimate_is_never_marked_exact(
    script: Script, price: ModelPrice, amount: Decimal | None, *, exact: bool
) -> None:
    clock = VirtualClock()
    (charge,) = charges_in(await collect(BudgetPolicy(FakeStreamer(clock, script), Priced(price), clock=clock)))
    assert charge.exact is exact
    assert charge.amount == amount if amount is not None else charge.amount


async def test_15_a_cancelled_answer_is_charged_for_what_arrived() -> None:
    clock, budget, charges = VirtualClock(), Budget("run", Decimal(1)), list[Charge]()
    provider = FakeStreamer(clock, [text("word " * 70), asyncio.Event()])
    spending = BudgetPolicy(provider, Priced(), [budget], on_charge=charges.append, clock=clock)
    task = asyncio.create_task(collect(spending, LONG))
    await asyncio.wait_for(provider.waits.wait(), 5)
    task.cancel()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    (charge,) = charges
    assert charge.amount is not None
    assert (charge.exact, budget.reserved, provider.open) == (False, NOTHING, 0)
    assert Decimal("0.015") < charge.amount < Decimal("0.025")  # 1,000 tokens sent, 100 received
    assert budget.spent == charge.amount


async def test_an_attempt_stopped_before_it_is_sent_costs_nothing() -> None:
    clock, budget, charges = VirtualClock(), Budget("run", Decimal(1)), list[Charge]()
    spending = BudgetPolicy(FakeStreamer(clock, good()), Priced(), [budget], on_charge=charges.append, clock=clock)
    async with aclosing(spending.stream_unified(LONG)) as events:
        async for event in events:
            if isinstance(event, Attempt):
                break
    assert (charges, budget.spent, budget.reserved) == ([], NOTHING, NOTHING)


async def test_a_request_refused_by_a_breaker_costs_nothing() -> None:
    clock, budget, charges = VirtualClock(), Budget("run", Decimal(1)), list[Charge]()
    breaker = CircuitBreaker("acme:m", BreakerSettings(minimum_calls=1), clock=clock)
    provider = FakeStreamer(clock, good())

    class Waited:
        async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
            breaker.admit().failed(CUT)
            async with aclosing(provider.stream_unified(request)) as events:
                async for event in events:
                    yield event

    spending = BudgetPolicy(
        CircuitBreakerPolicy(Waited(), breaker), Priced(), [budget], on_charge=charges.append, clock=clock
    )
    with pytest.raises(ProviderError, match="no requests to"):
        await collect(spending)
    assert [charge.amount for charge in charges] == [NOTHING]
    assert (budget.spent, budget.reserved, provider.open) == (NOTHING, NOTHING, 0)


@pytest.mark.parametrize(
    "failure",
    [
        error(ErrorKind.TRANSIENT, status=None, reason="unreachable"),
        error(ErrorKind.TIMEOUT, status=None, reason="connect"),
        error(ErrorKind.BAD_ENDPOINT, status=None, reason="tls"),
        error(ErrorKind.OVERLOADED, status=529),
        error(ErrorKind.AUTH, status=None),
        error(ErrorKind.INVALID_REQUEST, status=None),
        error(ErrorKind.RATE_LIMITED, status=None),
    ],
    ids=["refused", "no connection in time", "no TLS", "rejected", "no key", "not encodable", "refused in the stream"],
)
async def test_requests_never_sent_or_refused_cost_nothing(failure: ProviderError) -> None:
    charge = await cost_of_failing(failure)
    assert (charge.amount, charge.exact) == (NOTHING, True)


@pytest.mark.parametrize(
    "failure", [error(ErrorKind.TIMEOUT, status=None), CUT, error(ErrorKind.TRANSIENT, status=None)]
)
async def test_a_failure_after_possible_work_costs_an_estimate(failure: ProviderError) -> None:
    charge = await cost_of_failing(failure)
    assert charge.amount
    assert not charge.exact
    assert (await cost_of_failing(failure, FREE)).exact
    assert (await cost_of_failing(failure, None)).amount is None


async def test_a_refusal_after_text_costs_that_text() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    provider = FakeStreamer(clock, [text("word " * 70), error(ErrorKind.OVERLOADED, status=None)])
    with pytest.raises(ProviderError) as caught:
        await collect(BudgetPolicy(provider, Priced(), [budget], clock=clock))
    assert caught.value.charge is not None
    assert caught.value.charge.amount == budget.spent
    assert budget.spent > Decimal("0.009")


async def test_a_reported_cost_is_used_before_an_estimate() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    reported = msgspec.structs.replace(USAGE, reported_cost=Decimal("0.0123"))
    provider = FakeStreamer(clock, [text(), UsageUpdate(reported, 0.0), CUT])
    with pytest.raises(ProviderError) as caught:
        await collect(BudgetPolicy(provider, Priced(), [budget], clock=clock))
    assert caught.value.charge is not None
    assert (caught.value.charge.amount, caught.value.charge.exact) == (Decimal("0.0123"), True)
    assert budget.spent == Decimal("0.0123")


@pytest.mark.parametrize(
    ("prompt", "cached", "written", "completion"),
    [
        (100, 1_000, 0, 50),
        (0, 1_000, 0, 50),
        (100, 0, 900, 50),
        (-5, 0, 0, 50),
        (100, -7, 0, 50),
        (100, 0, 0, -1),
        (10**40, 0, 0, 50),
    ],
)
async def test_an_answer_with_impossible_counts_is_still_charged(
    prompt: int, cached: int, written: int, completion: int
) -> None:
    """Some servers exclude cached tokens from the prompt: their answers must not be free."""
    usage = TokenUsage(
        prompt_tokens=prompt, cached_tokens=cached, cache_write_tokens=written, completion_tokens=completion
    )
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    (charge,) = charges_in(
        await collect(BudgetPolicy(FakeStreamer(clock, good(usage)), Priced(), [budget], clock=clock), LONG)
    )
    assert charge.amount is not None
    assert (charge.exact, budget.spent, budget.unpriced) == (False, charge.amount, 0)
    assert PRICE.input * max(cached, written) / 1_000_000 <= charge.amount < 1


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "broken off"])
@pytest.mark.parametrize("reported", ["1e400", "-3", "NaN", "Infinity", "1000001"])
async def test_an_impossible_charge_is_ignored(reported: str, *, cut: bool) -> None:
    """It would use up the budget, refill it, or break every later sum: the cost is estimated instead."""
    usage = msgspec.structs.replace(USAGE, reported_cost=Decimal(reported))

    class Believing(Priced):
        async def cost_of(self, usage: TokenUsage | None, *names: str, requested_model: str = "") -> Decimal | None:
            return (
                usage.reported_cost if usage else await super().cost_of(usage, *names, requested_model=requested_model)
            )

    clock, budget, charges = VirtualClock(), Budget("run", Decimal(1)), list[Charge]()
    script: Script = [text(), UsageUpdate(usage, 0.0), CUT if cut else done()]
    spending = BudgetPolicy(FakeStreamer(clock, script), Believing(), [budget], on_charge=charges.append, clock=clock)
    with suppress(ProviderError):
        await collect(spending)
    assert [(charge.amount, charge.exact) for charge in charges] == [(COST, False)]
    assert (budget.spent, budget.reserved) == (COST, NOTHING)


async def test_an_unknown_price_is_refused_or_allowed_by_setting() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    streamer = FakeStreamer(clock, good())
    with pytest.raises(ProviderError, match="no known price for acme:m") as caught:
        await collect(BudgetPolicy(streamer, Priced(None), [budget], clock=clock))
    assert caught.value.reason == "unknown_price"
    allowing = BudgetPolicy(streamer, Priced(None), [budget], unknown_price="allow", clock=clock)
    assert [charge.amount for charge in charges_in(await collect(allowing))] == [None]
    assert (budget.state().unpriced, budget.spent, budget.reserved) == (1, NOTHING, NOTHING)
    assert await collect(BudgetPolicy(streamer, Priced(None), clock=clock), REQUEST)


async def test_waiting_for_a_budget_is_reported_with_its_name() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal("0.05"))
    other = await budget.reserve(Decimal("0.05"))
    task = asyncio.create_task(collect(BudgetPolicy(FakeStreamer(clock, good()), Priced(), [budget], clock=clock)))
    await asyncio.sleep(0)
    other.settle()
    (waited,) = [event for event in await task if isinstance(event, Waiting)]
    assert (waited.reason, waited.seconds) == ("budget", None)
    assert "waiting for the run budget" in waited.message


async def test_a_retry_after_a_paid_failure_needs_no_new_room() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal("0.10"))
    other = await budget.reserve(Decimal("0.05"))
    provider = FakeStreamer(clock, [CUT], good())
    retry = Retry(provider, RetrySettings(base=0.0), clock=clock)
    events = await collect(BudgetPolicy(retry, Priced(), [budget], clock=clock))
    assert len(charges_in(events)) == 2
    assert len(provider.requests) == 2
    other.settle()
    assert budget.reserved == 0
    assert budget.spent == sum((charge.amount or NOTHING for charge in charges_in(events)), NOTHING)


async def test_a_call_stopped_by_the_cap_reports_its_cost() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal("0.001"))
    retry = Retry(FakeStreamer(clock, [CUT]), RetrySettings(base=0.0), clock=clock)
    spending = BudgetPolicy(retry, Priced(worst=Decimal("0.0001")), [budget], clock=clock)
    accumulator = ResponseAccumulator(0.0)
    with pytest.raises(ProviderError, match="budget") as caught:
        await accumulate(spending, accumulator)
    assert caught.value.reason == "budget"
    assert accumulator.cost(caught.value.charge) == budget.spent > 0
    assert budget.reserved == 0


def nested(clock: VirtualClock, outer: Budget, inner: Budget, *providers: FakeStreamer) -> BudgetPolicy:
    """Two budgets, as the coordinator nests them: one for the run, and one for a provider inside the fallback."""
    routes = tuple(
        Route(
            f"p{n}",
            "m",
            BudgetPolicy(Retry(provider, RetrySettings(base=0.0), clock=clock), Priced(), [inner], clock=clock),
        )
        for n, provider in enumerate(providers)
    )
    return BudgetPolicy(Fallback(Chains(primary=routes), restart=True, clock=clock), Priced(), [outer], clock=clock)


async def test_nested_budgets_count_each_attempt_exactly_once() -> None:
    clock, outer, inner = VirtualClock(), Budget("run", Decimal(1)), Budget("p", Decimal(1))
    # Retried once, then answered by the next route.
    bad = FakeStreamer(clock, [CUT], [error(ErrorKind.AUTH, status=None)])
    worse = FakeStreamer(clock, [text("some " * 40), error(ErrorKind.INCOMPLETE, status=None)])
    accumulator, charges = ResponseAccumulator(0.0), list[Charge]()
    async with aclosing(
        nested(clock, outer, inner, bad, worse, FakeStreamer(clock, good())).stream_unified(LONG)
    ) as events:
        async for event in events:
            accumulator.add(event)
            if isinstance(event, Charge):
                charges.append(event)
    assert accumulator.cost() == outer.spent == inner.spent
    assert accumulator.cost() is not None
    assert sum(charge.amount == COST for charge in charges) == 1
    assert outer.spent > COST
    assert (outer.reserved, inner.reserved) == (NOTHING, NOTHING)


async def test_nested_budgets_report_the_cost_of_a_failed_call() -> None:
    clock, outer, inner = VirtualClock(), Budget("run", Decimal(1)), Budget("p", Decimal(1))
    silent = error(ErrorKind.CONTENT_FILTER, status=None)
    call, accumulator = (
        nested(clock, outer, inner, FakeStreamer(clock, [CUT]), FakeStreamer(clock, [silent])),
        ResponseAccumulator(0.0),
    )
    with pytest.raises(ProviderError) as caught:
        await accumulate(call, accumulator)
    assert accumulator.cost(caught.value.charge) == outer.spent == inner.spent > 0


async def test_a_paid_answer_that_is_filtered_is_counted_once() -> None:
    clock, outer, inner = VirtualClock(), Budget("run", Decimal(1)), Budget("p", Decimal(1))
    refused = FakeStreamer(clock, [UsageUpdate(USAGE, 0.0), done(reason=FinishReason.REFUSAL)])
    first = Route("p", "m", BudgetPolicy(refused, Priced(), [inner], clock=clock))
    last = Route("q", "m", FakeStreamer(clock, good()))
    fallback = Fallback(Chains(primary=(first,), filtered=(last,)), clock=clock)
    accumulator = ResponseAccumulator(0.0)
    for event in await collect(BudgetPolicy(fallback, Priced(), [outer], clock=clock)):
        accumulator.add(event)
    assert (accumulator.cost(), outer.spent, inner.spent) == (2 * COST, 2 * COST, COST)


async def test_a_journal_failing_at_the_end_loses_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, journal = VirtualClock(), FullDisk()
    budget = Budget("run", Decimal(1), journal=journal)
    provider = FakeStreamer(clock, good())
    spending = BudgetPolicy(provider, Priced(), [budget], clock=clock)
    events = list[Event]()
    with caplog.at_level(logging.WARNING, "swebench_providers.budget"):
        async for event in spending.stream_unified(REQUEST):
            events.append(event)
            if isinstance(event, Attempt):
                journal.room = False
    assert events[-1] == done()
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert "cannot write the journal of the run budget (No space left on device)" in notice.message
    assert [record.getMessage() for record in caplog.records] == [notice.message]
    assert (budget.spent, budget.reserved) == (COST, NOTHING)


async def test_a_journal_failing_before_a_request_frees_other_budgets() -> None:
    clock = VirtualClock()
    first, second = Budget("day", Decimal(1)), Budget("run", Decimal(1), journal=FullDisk(room=False))
    provider = FakeStreamer(clock, good())
    with pytest.raises(ProviderError, match="cannot write the journal"):
        await collect(BudgetPolicy(provider, Priced(), [first, second], clock=clock))
    assert (first.reserved, second.reserved, provider.requests) == (NOTHING, NOTHING, [])
