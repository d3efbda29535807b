"""A thousand parallel calls in any order: the cap holds, and nothing stays reserved."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from swebench_providers import (
    ErrorKind,
    Event,
    ProviderError,
    TokenUsage,
    UnifiedRequest,
    UsageUpdate,
)
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.budget_policy import BudgetPolicy
from swebench_providers.policies.retry import Retry, RetrySettings
from swebench_providers.types.events import Attempt
from swebench_providers.types.usage import Charge
from tests.providers.policies.fake_streamer import REQUEST, done, error, text
from tests.providers.policies.test_budget import FullDisk
from tests.providers.policies.test_budget_policy import NOTHING, USAGE, Priced
from tests.providers.policies.virtual_time import VirtualClock


class Random:
    """Takes a random time, ends in a random way, at a cost below or above the worst case."""

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        self._clock, self._draw = clock, random.Random(seed)

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        yield Attempt(provider="acme", model=request.model, time=self._clock.now())
        await self._clock.sleep(self._draw.random() * 10)
        yield text()
        await self._clock.sleep(self._draw.random() * 10)
        if self._draw.random() < 0.2:
            raise error(self._draw.choice([ErrorKind.INCOMPLETE, ErrorKind.TRANSIENT]), status=None)
        usage = TokenUsage(prompt_tokens=100, completion_tokens=self._draw.choice([10, 50, 200, 600]))
        yield UsageUpdate(usage, self._clock.now())
        yield done(self._clock.now())


async def test_a_cap_is_exceeded_only_by_costs_beyond_worst_cases() -> None:
    clock, worst, draw = VirtualClock(), Decimal("0.05"), random.Random(5)
    budget = Budget("run", Decimal(5))
    retry = Retry(Random(clock, 3), RetrySettings(restart=True), clock=clock, draw=draw.random)
    beyond = NOTHING
    outcomes: list[str] = []

    async def call() -> None:
        cost = NOTHING

        def charged(charge: Charge) -> None:
            nonlocal cost, beyond
            assert charge.amount is not None
            before, cost = cost, cost + charge.amount
            beyond += max(NOTHING, cost - worst) - max(NOTHING, before - worst)
            assert budget.spent + budget.reserved <= budget.cap + beyond

        spending = BudgetPolicy(retry, Priced(worst=worst), [budget], on_charge=charged, clock=clock)
        try:
            async with aclosing(spending.stream_unified(REQUEST)) as events:
                async for _ in events:
                    assert budget.spent + budget.reserved <= budget.cap + beyond
        except ProviderError as failure:
            outcomes.append(failure.reason)
        except asyncio.CancelledError:
            outcomes.append("cancelled")
        else:
            outcomes.append("answered")

    tasks = [asyncio.create_task(call()) for _ in range(1_000)]
    everything = asyncio.gather(*tasks)
    await clock.run_until(lambda: len(outcomes) > 20)
    for task in draw.sample(tasks, 100):
        task.cancel()
        task.cancel()
    await clock.run_until(everything.done)
    assert len(outcomes) == 1_000
    assert {"answered", "budget", "cancelled"} <= set(outcomes)
    assert budget.reserved == 0
    assert budget.cap * Decimal("0.9") < budget.spent <= budget.cap + beyond


class Calls(RuleBasedStateMachine):
    """Calls that begin, continue, fail, are retried, closed, cancelled once or twice, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.journal = FullDisk()
        self.budget = Budget("run", Decimal(1), journal=self.journal)
        self.charges: list[Charge] = []
        self.open: list[_Call] = []

    def run(self, turns: int = 3) -> None:
        async def wait() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.loop.run_until_complete(wait())

    @rule(worst=st.integers(0, 60))
    def begin(self, worst: int) -> None:
        self.open.append(_Call(self.loop, self.budget, Decimal(worst) / 100, self.charges))
        self.run()

    @precondition(lambda self: self.open)
    @rule(data=st.data(), ending=st.sampled_from(["answer", "refused", "cut", "cancel", "double cancel", "close"]))
    def end(self, data: st.DataObject, ending: str) -> None:
        call = data.draw(st.sampled_from(self.open))
        call.end(ending)
        self.run(turns=data.draw(st.integers(0, 6)))
        if ending == "double cancel":
            call.end("cancel")

    @rule(room=st.booleans())
    def fill_or_empty_the_disk(self, room: bool) -> None:
        self.journal.room = room

    @invariant()
    def nothing_is_held_twice_and_none_of_it_is_negative(self) -> None:
        assert self.budget.reserved >= 0
        assert self.budget.spent == sum((charge.amount or NOTHING for charge in self.charges), NOTHING)

    def teardown(self) -> None:
        for call in self.open:
            call.end("cancel")
        self.run(turns=60)
        assert all(call.task.done() for call in self.open)
        assert self.budget.reserved == 0
        assert self.budget.fits_now(NOTHING) or self.budget.spent > self.budget.cap
        self.loop.close()


class _Call:
    """One call in a task, whose provider waits until its ending is decided."""

    def __init__(self, loop: asyncio.AbstractEventLoop, budget: Budget, worst: Decimal, charges: list[Charge]) -> None:
        self._decided: asyncio.Queue[str] = asyncio.Queue()
        self._closing = False
        spending = BudgetPolicy(
            Retry(self, RetrySettings(base=0.0, restart=True)), Priced(worst=worst), [budget], on_charge=charges.append
        )
        self.task = loop.create_task(self._consume(spending))

    def end(self, ending: str) -> None:
        if "cancel" in ending:
            self.task.cancel()
            return
        self._closing = self._closing or ending == "close"
        self._decided.put_nowait(ending)

    async def _consume(self, spending: BudgetPolicy) -> None:
        with suppress(ProviderError):
            async with aclosing(spending.stream_unified(REQUEST)) as events:
                async for _ in events:
                    if self._closing:
                        return

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        yield Attempt(provider="acme", model=request.model, time=0.0)
        yield text()
        match await self._decided.get():
            case "answer":
                yield UsageUpdate(USAGE, 0.0)
                yield done()
            case "refused":
                raise error(ErrorKind.INVALID_REQUEST, status=400)
            case "cut":
                raise error(ErrorKind.INCOMPLETE, status=None)
            case _:
                yield text()


def test_reservations_sum_to_zero_when_all_calls_have_ended() -> None:
    run_state_machine_as_test(Calls, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
