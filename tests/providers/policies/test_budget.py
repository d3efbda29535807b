"""A cap holds for any calls in any order; nothing stays reserved, and nothing is free by mistake."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ProviderError
from swebench_providers.policies.budget import Budget, BudgetWarning, local_day, utc_day

NOTHING = Decimal(0)


class FullDisk:
    """A journal that can be written while `room` is True."""

    def __init__(self, *, room: bool = True) -> None:
        self.room = room
        self.lines: list[tuple[str, int, Decimal]] = []

    def reserved(self, number: int, amount: Decimal) -> None:
        self._write("reserved", number, amount)

    def settled(self, number: int, cost: Decimal) -> None:
        self._write("settled", number, cost)

    def _write(self, what: str, number: int, amount: Decimal) -> None:
        if not self.room:
            raise OSError(28, "No space left on device")
        self.lines.append((what, number, amount))


@given(
    cap=st.integers(0, 5_000),
    calls=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 100)), max_size=30),
    data=st.data(),
)
async def test_the_cap_holds_for_any_calls_in_any_order(
    cap: int, calls: list[tuple[int, int]], data: st.DataObject
) -> None:
    budget, held = Budget("run", Decimal(cap)), []
    for worst, percent in calls:
        if budget.fits_now(Decimal(worst)):
            held.append((await budget.reserve(Decimal(worst)), Decimal(worst * percent // 100)))
        assert budget.spent + budget.reserved <= cap
    for reservation, cost in data.draw(st.permutations(held)):
        reservation.add(cost)
        assert budget.spent + budget.reserved <= cap
        reservation.settle()
        reservation.settle()
        assert budget.spent + budget.reserved <= cap
    assert (budget.reserved, budget.spent) == (NOTHING, sum((cost for _, cost in held), Decimal(0)))


async def test_17_a_thousand_parallel_calls_never_exceed_the_cap() -> None:
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


async def test_a_call_waits_for_room_unless_it_can_never_fit() -> None:
    budget = Budget("run", Decimal(1))
    first = await budget.reserve(Decimal("0.9"))
    waiting = asyncio.create_task(budget.reserve(Decimal("0.5")))
    await asyncio.sleep(0)
    assert not waiting.done()
    first.add(Decimal("0.1"))
    first.settle()
    (await waiting).settle()
    with pytest.raises(ProviderError, match=r"the run budget of \$1.00 does not cover .*: \$0.10 spent") as caught:
        await budget.reserve(Decimal("0.95"))
    assert (caught.value.kind, caught.value.reason, caught.value.retryable) == (
        ErrorKind.QUOTA_EXHAUSTED,
        "budget",
        False,
    )


async def test_a_waiting_call_is_refused_once_it_can_never_fit() -> None:
    budget = Budget("run", Decimal(1))
    first = await budget.reserve(Decimal("0.9"))
    waiting = [asyncio.create_task(budget.reserve(Decimal(worst))) for worst in ("0.5", "0.1")]
    await asyncio.sleep(0)
    first.add(Decimal("0.8"))
    first.settle()
    with pytest.raises(ProviderError, match=r"\$0.80 spent, and it may cost up to \$0.50"):
        await waiting[0]
    (await waiting[1]).settle()
    assert budget.reserved == 0


async def test_the_queue_is_fifo_even_for_large_calls() -> None:
    budget, order = Budget("run", Decimal(1)), list[str]()
    first = await budget.reserve(Decimal("0.6"))

    async def call(name: str, worst: str) -> None:
        reservation = await budget.reserve(Decimal(worst))
        order.append(name)
        reservation.settle()

    tasks = [asyncio.create_task(call("large", "0.9")), asyncio.create_task(call("small", "0.1"))]
    await asyncio.sleep(0)
    assert order == []
    first.settle()
    await asyncio.gather(*tasks)
    assert order == ["large", "small"]


async def test_a_call_cancelled_while_granted_passes_its_room_on() -> None:
    budget = Budget("run", Decimal(1))
    first = await budget.reserve(Decimal(1))
    served, next_ = (asyncio.create_task(budget.reserve(Decimal(1))) for _ in range(2))
    await asyncio.sleep(0)
    first.settle()  # `served` has been granted it, and has not run yet
    served.cancel()
    with suppress(asyncio.CancelledError):
        await served
    (await next_).settle()
    assert budget.reserved == 0


async def test_a_retry_goes_on_with_its_own_reservation() -> None:
    budget = Budget("run", Decimal(1))
    own, other = await budget.reserve(Decimal("0.5")), await budget.reserve(Decimal("0.5"))
    own.add(Decimal("0.1"))
    assert budget.spent + budget.reserved == 1  # its cost came out of its reservation
    own.again()
    assert budget.spent + budget.reserved == 1
    own.add(Decimal("0.4"))
    with pytest.raises(
        ProviderError, match=r"does not cover another attempt: \$0.50 spent, \$0.50 reserved by requests in flight"
    ):
        own.again()
    other.settle()
    own.again()  # with the room of the other call
    assert budget.reserved == Decimal("0.5")
    own.settle()
    assert (budget.spent, budget.reserved) == (Decimal("0.5"), NOTHING)


async def test_a_retry_reserves_its_worst_case_if_there_is_room() -> None:
    budget = Budget("run", Decimal(1))
    call = await budget.reserve(Decimal("0.5"))
    call.add(Decimal("0.3"))
    call.again()
    assert budget.reserved == Decimal("0.5")
    call.settle()
    assert budget.state().reserved == 0


async def test_a_free_retry_is_allowed_at_exactly_the_cap() -> None:
    budget = Budget("run", Decimal(1), spent=Decimal(1))
    call = await budget.reserve(NOTHING)
    call.again()
    call.settle()
    with pytest.raises(ProviderError, match=r"the run budget of \$1.00 is used up: \$1.00 spent"):
        await budget.reserve(Decimal("0.000001"))


async def test_each_share_is_warned_of_once() -> None:
    warnings: list[BudgetWarning] = []
    budget = Budget("today", Decimal(10), on_warning=warnings.append)
    for _ in range(20):
        budget.spend(Decimal(1))
    assert [warning.share for warning in warnings] == [Decimal("0.5"), Decimal("0.8"), Decimal("0.95")]
    assert [warning.spent for warning in warnings] == [5, 8, 10]


async def test_a_large_cost_warns_of_each_share_it_passes() -> None:
    warnings: list[BudgetWarning] = []
    Budget("today", Decimal(10), on_warning=warnings.append).spend(Decimal(11))
    Budget("today", Decimal(10), spent=Decimal(8), on_warning=warnings.append).spend(Decimal("1.9"))
    assert [str(warning.share) for warning in warnings] == ["0.5", "0.8", "0.95", "0.95"]


async def test_a_new_day_starts_at_zero_and_warns_again() -> None:
    day, warnings = "Monday", list[BudgetWarning]()
    budget = Budget("today", Decimal(1), spent=Decimal("0.9"), period=lambda: day, on_warning=warnings.append)
    in_flight = await budget.reserve(Decimal("0.1"))
    day = "Tuesday"
    assert budget.state().spent == 0
    assert not budget.fits_now(Decimal("0.95"))  # what is in flight counts in the day in which it is settled
    in_flight.add(Decimal("0.1"))
    in_flight.settle()
    assert (budget.state().spent, budget.reserved) == (Decimal("0.1"), NOTHING)
    budget.spend(Decimal("0.4"))
    assert [str(warning.share) for warning in warnings] == ["0.5"]


async def test_a_clock_set_back_over_midnight_grants_no_second_budget() -> None:
    day = "Monday"
    budget = Budget("today", Decimal(1), spent=Decimal("0.9"), period=lambda: day)
    for day, spent in (("Tuesday", "0.2"), ("Monday", "0.9"), ("Tuesday", "0.2")):
        if day == "Tuesday" and not budget.state().spent:
            budget.spend(Decimal("0.2"))
        assert budget.state().spent == Decimal(spent)


def test_days_end_at_local_midnight_or_at_midnight_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    before = datetime.now(UTC).date()
    assert before <= utc_day() <= datetime.now(UTC).date()
    days = set()
    for zone in ("UTC-14", "UTC+12"):  # POSIX: east of Greenwich is negative; they are 26 hours apart
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        days.add(local_day())
    monkeypatch.undo()
    time.tzset()
    assert len(days) == 2


@pytest.mark.parametrize("cap", ["-1", "NaN"])
def test_a_cap_that_is_not_an_amount_is_refused(cap: str) -> None:
    with pytest.raises(ValueError, match="is not a valid cap for the run budget"):
        Budget("run", Decimal(cap))


async def test_without_its_journal_nothing_is_sent_or_reserved() -> None:
    journal = FullDisk(room=False)
    budget = Budget("run", Decimal(1), journal=journal)
    for _ in range(3):
        with pytest.raises(ProviderError, match="No space left on device") as caught:
            await budget.reserve(Decimal("0.9"))
        assert (caught.value.reason, caught.value.retryable) == ("journal", False)
        assert "disk" in caught.value.hint
    assert budget.state().reserved == 0
    journal.room = True
    (await budget.reserve(Decimal("0.9"))).settle()


async def test_waiting_calls_are_refused_once_the_disk_is_full() -> None:
    journal = FullDisk()
    budget = Budget("run", Decimal(1), journal=journal)
    first = await budget.reserve(Decimal(1))
    waiting = [asyncio.create_task(budget.reserve(Decimal(1))) for _ in range(2)]
    await asyncio.sleep(0)
    journal.room = False
    assert "after a restart this request counts at its worst case" in (first.settle() or "")
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, ProviderError)] == ["journal"] * 2
    assert budget.reserved == 0


async def test_a_retry_that_cannot_be_journaled_is_refused() -> None:
    journal = FullDisk()
    budget = Budget("run", Decimal(1), journal=journal)
    call = await budget.reserve(Decimal("0.5"))
    call.add(Decimal("0.2"))
    journal.room = False
    with pytest.raises(ProviderError, match="cannot write the journal"):
        call.again()
    call.settle()
    assert (budget.spent, budget.reserved) == (Decimal("0.2"), NOTHING)


async def test_a_paid_attempt_is_journaled_before_the_next_is_sent() -> None:
    journal = FullDisk()
    call = await Budget("run", Decimal(10), journal=journal).reserve(Decimal(1))
    call.add(Decimal("0.3"))
    call.again()
    call.add(Decimal("0.4"))
    call.settle()
    assert journal.lines == [
        ("reserved", 1, Decimal(1)),
        ("reserved", 2, Decimal(1)),
        ("settled", 1, Decimal("0.3")),
        ("settled", 2, Decimal("0.4")),
    ]


async def test_at_midnight_the_spending_of_yesterday_refuses_nobody() -> None:
    day = "Monday"
    budget = Budget("today", Decimal(1), spent=Decimal("0.5"), period=lambda: day)
    in_flight = await budget.reserve(Decimal("0.4"))
    waiting = asyncio.create_task(budget.reserve(Decimal("0.5")))
    await asyncio.sleep(0)
    in_flight.add(Decimal("0.2"))  # from here on the waiting call does not fit into what is left of Monday
    day = "Tuesday"
    assert budget.reserve_now(Decimal("0.6")) is None  # it queues behind the other one, and is not refused
    in_flight.settle()
    (await waiting).settle()
    assert (budget.state().spent, budget.reserved) == (NOTHING, NOTHING)


async def test_a_failing_listener_changes_no_sum_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def listener(warning: BudgetWarning) -> None:
        raise RuntimeError(f"the screen is gone at {warning.share}")

    budget = Budget("run", Decimal(1), on_warning=listener)
    held = await budget.reserve(Decimal(1))
    held.add(Decimal(1))
    held.settle()
    assert (budget.spent, budget.reserved) == (Decimal(1), NOTHING)
    assert [record.getMessage() for record in caplog.records] == ["a listener of the run budget failed"] * 3
