"""A cap holds whatever the calls, their order and their ends; nothing stays reserved, nothing is free by accident."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ModelPrice, ProviderError, TokenUsage, UnifiedRequest, UsageUpdate
from swebench_providers.models import Charge
from swebench_providers.policies.budget import Budget, BudgetWarning
from swebench_providers.policies.journal import FileJournal, spent_according_to
from swebench_providers.policies.spending import Spending
from tests.providers.policies.played import ASKED, Played, Script, collect, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

PRICE = ModelPrice(input=Decimal(10), output=Decimal(100))
USAGE = TokenUsage(prompt_tokens=1_000, completion_tokens=100)
COST, NOTHING = Decimal("0.02"), Decimal(0)


class Priced:
    """Every model costs the same; `known` False is a model nobody knows the price of."""

    def __init__(self, *, known: bool = True, worst: Decimal = Decimal("0.05")) -> None:
        self._known, self._worst = known, worst

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:  # noqa: ARG002
        return PRICE if self._known else None

    async def cost_of(
        self,
        usage: TokenUsage | None,
        provider: str,  # noqa: ARG002
        model: str,  # noqa: ARG002
        *,
        asked: str = "",  # noqa: ARG002
    ) -> Decimal | None:
        return PRICE.cost(usage) if usage and self._known else None

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:  # noqa: ARG002
        return self._worst


def good() -> Script:
    return [text(), UsageUpdate(USAGE, 0.0), done()]


@given(
    cap=st.integers(0, 5_000),
    calls=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 100)), max_size=30),
    data=st.data(),
)
async def test_the_cap_holds_whatever_the_calls_and_their_order(
    cap: int, calls: list[tuple[int, int]], data: st.DataObject
) -> None:
    budget, held = Budget("run", Decimal(cap)), []
    for worst, percent in calls:
        if budget.fits_now(Decimal(worst)):
            held.append((await budget.reserve(Decimal(worst)), Decimal(worst * percent // 100)))
        assert budget.spent + budget.reserved <= cap
    for reservation, cost in data.draw(st.permutations(held)):
        reservation.add(cost)
        reservation.settle()
        reservation.settle()
        assert budget.spent + budget.reserved <= cap
    assert (budget.reserved, budget.spent) == (NOTHING, sum((cost for _, cost in held), Decimal(0)))


async def test_17_a_thousand_calls_at_once_never_pass_the_cap_and_leave_nothing_reserved() -> None:
    budget, draw = Budget("run", Decimal(2)), random.Random(11)
    peak = Decimal(0)

    async def call() -> None:
        nonlocal peak
        reservation = await budget.reserve(Decimal("0.05"))
        try:
            peak = max(peak, budget.spent + budget.reserved)
            for _ in range(draw.randrange(4)):
                await asyncio.sleep(0)
            reservation.add(Decimal(draw.randrange(1, 5)) / 1_000)
        finally:
            reservation.settle()

    tasks = [asyncio.create_task(call()) for _ in range(1_000)]
    for task in draw.sample(tasks, 200):
        task.cancel()
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert peak <= 2
    assert budget.spent <= 2
    assert budget.reserved == 0
    refused = [outcome for outcome in outcomes if isinstance(outcome, ProviderError)]
    assert all(outcome.reason == "budget" for outcome in refused)
    assert all(outcome is None or isinstance(outcome, ProviderError | asyncio.CancelledError) for outcome in outcomes)


async def test_a_call_that_would_fit_later_waits_and_one_that_never_will_is_refused() -> None:
    budget = Budget("run", Decimal(1))
    first = await budget.reserve(Decimal("0.9"))
    waiting = asyncio.create_task(budget.reserve(Decimal("0.5")))
    await asyncio.sleep(0)
    assert not waiting.done()
    first.add(Decimal("0.1"))
    first.settle()
    (await waiting).settle()
    with pytest.raises(ProviderError, match=r"the run budget of \$1.00 does not cover .*: \$0.10 is spent") as caught:
        await budget.reserve(Decimal("0.95"))
    assert (caught.value.kind, caught.value.reason, caught.value.retryable) == (
        ErrorKind.QUOTA_EXHAUSTED,
        "budget",
        False,
    )


async def test_its_user_hears_of_each_share_once() -> None:
    heard: list[BudgetWarning] = []
    budget = Budget("today", Decimal(10), on_warning=heard.append)
    for _ in range(10):
        budget.spend(Decimal(1))
    assert [warning.share for warning in heard] == [Decimal("0.5"), Decimal("0.8"), Decimal("0.95")]


async def test_a_new_day_begins_with_nothing_spent() -> None:
    day = "Monday"
    budget = Budget("today", Decimal(1), spent=Decimal("0.9"), period=lambda: day)
    day = "Tuesday"
    assert budget.fits_now(Decimal("0.9"))
    assert budget.state().spent == 0


async def test_an_answer_is_charged_what_the_provider_counted() -> None:
    clock, budget, charges = VirtualClock(), Budget("run", Decimal(1)), list[Charge]()
    spending = Spending(Played(clock, good()), Priced(), [budget], on_charge=charges.append, clock=clock)
    events = await collect(spending)
    (charge,) = [event for event in events if isinstance(event, Charge)]
    assert (charge.amount, charge.exact, charges) == (COST, True, [charge])
    assert (budget.spent, budget.reserved) == (COST, NOTHING)


async def test_15_a_cancelled_answer_costs_what_was_sent_and_what_had_come() -> None:
    clock, budget, charges = VirtualClock(), Budget("run", Decimal(1)), list[Charge]()
    never = asyncio.Event()
    provider = Played(clock, [text("word " * 70), never])
    spending = Spending(provider, Priced(), [budget], on_charge=charges.append, clock=clock)
    task = asyncio.create_task(collect(spending, UnifiedRequest(model="m", prompt="Why? " * 700)))
    await asyncio.wait_for(provider.waits.wait(), 5)
    task.cancel()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    (charge,) = charges
    assert charge.amount is not None
    assert (charge.exact, budget.reserved, provider.open) == (False, NOTHING, 0)
    assert Decimal("0.015") < charge.amount < Decimal("0.025")  # 1,000 tokens sent, 100 come
    assert budget.spent == charge.amount


@pytest.mark.parametrize(
    ("failure", "cost"),
    [
        (error(ErrorKind.TRANSIENT, status=None, reason="unreachable"), 0),
        (error(ErrorKind.OVERLOADED, status=529), 0),
        (error(ErrorKind.TIMEOUT, status=None), None),
    ],
    ids=["never arrived", "rejected", "silent"],
)
async def test_a_failure_costs_nothing_only_where_the_server_did_no_work(
    failure: ProviderError, cost: int | None
) -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    spending = Spending(Played(clock, [failure]), Priced(), [budget], clock=clock)
    with pytest.raises(ProviderError) as caught:
        await collect(spending)
    charge = caught.value.charge
    assert charge is not None
    assert (charge.amount == cost) if cost is not None else (charge.amount and not charge.exact)
    assert (budget.spent, budget.reserved) == (charge.amount, NOTHING)


async def test_what_becomes_of_an_unknown_price_is_the_users_choice() -> None:
    clock, budget = VirtualClock(), Budget("run", Decimal(1))
    refusing = Spending(Played(clock, good()), Priced(known=False), [budget], clock=clock)
    with pytest.raises(ProviderError, match="nobody knows what m of acme costs") as caught:
        await collect(refusing)
    assert caught.value.reason == "unknown_price"
    allowing = Spending(
        Played(clock, good()),
        Priced(known=False),
        [budget],
        unknown_price="allow",
        clock=clock,
    )
    events = await collect(allowing)
    assert [event.amount for event in events if isinstance(event, Charge)] == [None]
    assert (budget.state().unpriced, budget.spent) == (1, NOTHING)
    assert await collect(Spending(Played(clock, good()), Priced(known=False), clock=clock), ASKED)


_IN_FLIGHT = """
import sys, time
from decimal import Decimal
from pathlib import Path
from swebench_providers.policies.journal import FileJournal
with FileJournal(Path(sys.argv[1])) as journal:
    journal.reserved(1, Decimal("0.50"))
    journal.settled(1, Decimal("0.10"))
    journal.reserved(2, Decimal("0.75"))
    print("in flight", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_had_in_flight_counts_as_spent(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with subprocess.Popen([sys.executable, "-c", _IN_FLIGHT, str(journal)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in flight\n"
        os.kill(process.pid, signal.SIGKILL)
    assert spent_according_to(journal) == Decimal("0.85")
    with FileJournal(journal) as again:
        again.reserved(1, Decimal("0.20"))
        again.settled(1, Decimal("0.02"))
    assert spent_according_to(journal) == Decimal("0.87")
    with journal.open("ab") as torn:
        torn.write(b'{"number": 3, "reser')
    assert spent_according_to(journal) == Decimal("0.87")
    with FileJournal(journal) as after:
        after.reserved(1, Decimal("0.01"))
    assert spent_according_to(journal) == Decimal("0.88")
    assert spent_according_to(tmp_path / "none") == 0
