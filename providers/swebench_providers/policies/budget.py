"""A cap on what is spent. The worst case of a request is reserved before it goes out, and settled with what it cost.

The rule. A call begins only where its worst case fits beside what is spent and reserved; one that does not waits, first
come, first served, until requests in flight have settled, and is refused where not even that would help. What the call
costs is taken out of its own reservation first, so counting a cost never makes room for others. A further attempt of
the same call holds the worst case again as far as there is room, and goes on with what is left of its own reservation
where there is none: it never waits, since two calls that wait for each other's rest would wait for ever.

What follows from it: spent and reserved together pass the cap by no more than the settled difference of what was in
flight, which is what calls turn out to cost beyond what was reserved for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from swebench_providers.types.errors import ErrorKind, ProviderError

UnknownPrice = Literal["refuse", "allow"]
"""What becomes of a model whose price nobody knows: it is not asked, or it is asked and counted apart."""

WARN_AT: Final = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))
"""The shares of a cap at which its user hears of it."""

_NOTHING: Final = Decimal(0)
_LOG: Final = logging.getLogger("swebench_providers.budget")
_LOG.addHandler(logging.NullHandler())  # without the program's own handlers nothing is written anywhere


class Journal(Protocol):
    """Where a budget writes what a crash must not make it forget. Both raise `OSError` where they cannot."""

    def reserved(self, number: int, amount: Decimal) -> None:
        """Reservation `number` is about to be used."""
        ...

    def settled(self, number: int, cost: Decimal) -> None:
        """It has ended, at this cost."""
        ...


class BudgetWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A share of a cap has been spent; told once for each of `WARN_AT`. Amounts are in USD."""

    name: str
    share: Decimal
    spent: Decimal
    cap: Decimal


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """A budget as a screen shows it, in USD. `unpriced` is the number of attempts whose cost nobody knows."""

    name: str
    cap: Decimal
    spent: Decimal
    reserved: Decimal
    unpriced: int


def local_day() -> date:
    """The `period` of a budget that begins anew at midnight where its user is."""
    return datetime.now().astimezone().date()


def utc_day() -> date:
    """The `period` of a budget that begins anew at midnight UTC, as most providers reckon."""
    return datetime.now(UTC).date()


class Reservation:
    """What is held for one call. `settle` ends it, once; what follows is ignored."""

    def __init__(self, budget: Budget, number: int, worst: Decimal) -> None:
        self._budget = budget
        self._number = number
        self._worst = worst
        self._held = worst
        self._cost = _NOTHING  # since `_number` was written down
        self._open = True

    def add(self, cost: Decimal | None) -> None:
        """An attempt of the call has cost this; None is a cost that nobody knows."""
        if not cost:
            if cost is None:
                self._budget.spend(None)
            return
        self._cost += cost
        if self._open:
            used = min(cost, self._held)
            self._held -= used
            self._budget.reserved -= used
        self._budget.spend(cost)

    def again(self) -> None:
        """Before a further attempt: hold its worst case too, as far as there is room.

        Raises `ProviderError` (quota_exhausted, reason `budget`) where neither the reservation nor the cap has a rest,
        and with reason `journal` where it cannot be written down.
        """
        if self._held < self._worst or self._cost:
            more = self._budget.more(self._worst, self._held)
            number = self._budget.written(self._worst)
            self._budget.reserved += more
            self._held += more
            self._budget.note_end(self._number, self._cost)
            self._number, self._cost = number, _NOTHING

    def settle(self) -> str | None:
        """The call has ended, however it did. What its user should know, where that could not be written down."""
        if not self._open:
            return None
        self._open = False
        return self._budget.release(self._number, self._held, self._cost)


class _Waiting(NamedTuple):
    """A call that does not fit yet."""

    worst: Decimal
    given: asyncio.Future[Reservation]


class _Period(NamedTuple):
    """What is known of one span of time."""

    name: Hashable
    spent: Decimal
    to_warn: list[Decimal]


class Budget:
    """One cap and what has been spent of it, in USD. `spent` is what earlier calls have cost already.

    `period` names the span the cap holds for, such as `local_day`: when its value changes, nothing is spent of it yet.
    What an attempt costs counts in the span in which it ends. `on_warning` is called in the loop that spends; what it
    raises is logged and changes nothing. A budget belongs to one event loop, as the calls do that share it. Raises
    `ValueError` for a cap that is no amount of money.
    """

    def __init__(
        self,
        name: str,
        cap: Decimal,
        *,
        spent: Decimal = _NOTHING,
        period: Callable[[], Hashable] | None = None,
        journal: Journal | None = None,
        on_warning: Callable[[BudgetWarning], None] | None = None,
    ) -> None:
        if cap.is_nan() or cap < 0:
            raise ValueError(f"{cap} is no cap for the {name} budget")
        self.name = name
        self.cap = cap
        self.spent = spent
        self.reserved = _NOTHING
        self.unpriced = 0
        self._period = period
        self._now_in = period() if period else None
        self._before: _Period | None = None
        self._journal = journal
        self._on_warning = on_warning
        self._to_warn = [share for share in WARN_AT if spent < cap * share]
        self._line: deque[_Waiting] = deque()
        self._last = 0

    def fits_now(self, worst: Decimal) -> bool:
        """Whether it fits beside what is spent and reserved, with nobody waiting before it."""
        return not self._line and self._fits(worst)

    def reserve_now(self, worst: Decimal) -> Reservation | None:
        """Hold `worst` for a call where it fits now; None where it has to be waited for.

        Raises `ProviderError` as `reserve` does.
        """
        fits = self._fits(worst)
        if fits and not self._line:
            return self._hold(worst)
        if self.spent + worst > self.cap:
            raise self._exhausted(worst)
        return None

    async def reserve(self, worst: Decimal) -> Reservation:
        """Hold `worst` for a call, first come, first served.

        Raises `ProviderError` (quota_exhausted): reason `budget` where not even a wait would help, `journal` where it
        cannot be written down.
        """
        held = self.reserve_now(worst)
        if held is not None:
            return held
        waiting = _Waiting(worst, asyncio.get_running_loop().create_future())
        self._line.append(waiting)
        try:
            return await waiting.given
        except asyncio.CancelledError:
            self._leave(waiting)
            raise

    def spend(self, cost: Decimal | None) -> None:
        """Count a cost, and warn where a share of the cap is passed."""
        if cost is None:
            self.unpriced += 1
            return
        self._roll_over()
        self.spent += cost
        while self._to_warn and self.spent >= self.cap * self._to_warn[0]:
            share = self._to_warn.pop(0)
            self._warn(BudgetWarning(name=self.name, share=share, spent=self.spent, cap=self.cap))

    def more(self, worst: Decimal, held: Decimal) -> Decimal:
        """How much can be held beside `held`, for a further attempt. Raises `ProviderError` for no rest at all."""
        self._roll_over()
        room = self.cap - self.spent - self.reserved
        more = max(min(worst - held, room), _NOTHING)
        if not held + more and (worst or room < 0):
            raise self._exhausted(worst)
        return more

    def written(self, worst: Decimal) -> int:
        """The number of a new reservation, after it was written down. Raises `ProviderError` (reason `journal`)."""
        self._last += 1
        if self._journal is not None:
            try:
                self._journal.reserved(self._last, worst)
            except OSError as error:
                raise self._unwritten(error) from None
        return self._last

    def release(self, number: int, held: Decimal, cost: Decimal) -> str | None:
        """A reservation has ended, and its call has cost `cost` since it was written down; see `Reservation.settle`."""
        self.reserved -= held
        told = self.note_end(number, cost)
        if self._line:
            self._serve()
        return told

    def note_end(self, number: int, cost: Decimal) -> str | None:
        """Write down the end of a reservation. What was paid for is not lost where that fails: the sums are right."""
        if self._journal is None:
            return None
        try:
            self._journal.settled(number, cost)
        except OSError as error:
            told = (
                f"the journal of the {self.name} budget cannot be written ({error.strerror or error}): "
                "after a restart this request counts with its worst case"
            )
            _LOG.warning("%s", told, extra={"budget": self.name, "number": number, "cost": str(cost)})
            return told
        return None

    def state(self) -> BudgetState:
        """A snapshot, of the span that it is now."""
        self._roll_over()
        return BudgetState(
            name=self.name, cap=self.cap, spent=self.spent, reserved=self.reserved, unpriced=self.unpriced
        )

    def _warn(self, warning: BudgetWarning) -> None:
        if self._on_warning is None:
            return
        try:
            self._on_warning(warning)
        except Exception:  # noqa: BLE001 - whoever listens is not ours, and no paid answer may be lost for it
            _LOG.exception("a listener of the %s budget failed", self.name)

    def _hold(self, worst: Decimal) -> Reservation:
        number = self.written(worst)  # where this fails nothing is held yet
        self.reserved += worst
        return Reservation(self, number, worst)

    def _serve(self) -> None:
        """Give those in line what fits now, and refuse those for whom there will be no room."""
        self._roll_over()
        while self._line:
            worst, given = self._line[0]
            hopeless = self.spent + worst > self.cap
            if not (given.done() or hopeless or self._fits(worst)):
                return
            self._line.popleft()
            if given.done():
                continue
            try:
                if hopeless:
                    raise self._exhausted(worst)
                given.set_result(self._hold(worst))
            except ProviderError as error:
                given.set_exception(error)

    def _leave(self, waiting: _Waiting) -> None:
        """Who waited was cancelled, perhaps in the very moment in which it was served."""
        given = waiting.given
        if given.cancelled():
            with suppress(ValueError):  # it may be out of the line already
                self._line.remove(waiting)
        elif given.exception() is None:
            given.result().settle()
        self._serve()

    def _fits(self, worst: Decimal) -> bool:
        self._roll_over()
        return self.spent + self.reserved + worst <= self.cap

    def _roll_over(self) -> None:
        """Begin a new span with nothing spent; where a clock was set back, go on with what was spent in the old one."""
        if self._period is None or (now_in := self._period()) == self._now_in:
            return
        ended, back = _Period(self._now_in, self.spent, self._to_warn), self._before
        if back is None or back.name != now_in:
            back = _Period(now_in, _NOTHING, list(WARN_AT))
        self._now_in, self.spent, self._to_warn = back
        self._before = ended

    def _exhausted(self, worst: Decimal) -> ProviderError:
        spent = f"{_usd(self.spent)} is spent"
        if self.spent >= self.cap:
            what = f"is used up: {spent}"
        elif self.spent + worst > self.cap:
            what = f"does not cover the next request: {spent}, and that may cost {_usd(worst)}"
        else:
            what = f"has no room for a further attempt: {spent}, and requests in flight hold {_usd(self.reserved)}"
        return ProviderError(
            ErrorKind.QUOTA_EXHAUSTED,
            f"the {self.name} budget of {_usd(self.cap)} {what}",
            hint="Raise the budget, lower the output limit, or choose a cheaper model.",
            reason="budget",
        )

    def _unwritten(self, error: OSError) -> ProviderError:
        return ProviderError(
            ErrorKind.QUOTA_EXHAUSTED,
            f"the journal of the {self.name} budget cannot be written ({error.strerror or error}), "
            "so nothing is asked that may cost money",
            hint="Make room on the disk, or start the run again with another folder for its data.",
            reason="journal",
        )


def _usd(amount: Decimal) -> str:
    """Cents where they say it all, else up to a millionth of a dollar."""
    return f"${amount:.2f}" if amount == round(amount, 2) else f"${amount:.6f}".rstrip("0")
