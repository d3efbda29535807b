"""A cap on what is spent. The worst case of a request is reserved before it goes out, and settled with what it cost.

What is spent and reserved together never passes the cap: at most it is passed by what requests in flight turn out to
cost beyond their worst case. A request that does not fit beside what is reserved waits until that is settled; one
that would not fit even then is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Final, Literal, Protocol

import msgspec

from swebench_providers.errors import ErrorKind, ProviderError

UnknownPrice = Literal["refuse", "allow"]
"""What becomes of a model whose price nobody knows: it is not asked, or it is asked and counted apart."""

WARN_AT: Final = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))
"""The shares of a cap at which its user hears of it."""

_NOTHING: Final = Decimal(0)


class Journal(Protocol):
    """Where a budget writes what a crash must not make it forget."""

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
    """A budget as a screen shows it, in USD. `unpriced` is the number of calls whose cost nobody knows."""

    name: str
    cap: Decimal
    spent: Decimal
    reserved: Decimal
    unpriced: int


class Reservation:
    """What is held for one call. `settle` ends it, once; what follows is ignored."""

    def __init__(self, budget: Budget, number: int, amount: Decimal) -> None:
        self._budget = budget
        self._number = number
        self._amount = amount
        self._cost = _NOTHING
        self._open = True

    def add(self, cost: Decimal | None) -> None:
        """An attempt of the call has cost this; None is a cost that nobody knows."""
        self._cost += cost or _NOTHING
        self._budget.spend(cost)

    def settle(self) -> None:
        """The call has ended, however it did."""
        if self._open:
            self._open = False
            self._budget.release(self._number, self._amount, self._cost)


class Budget:
    """One cap and what has been spent of it, in USD. `spent` is what earlier calls have cost already.

    `period` names the span the cap holds for, such as the day: when its value changes, nothing is spent of it yet.
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
        self.name = name
        self.cap = cap
        self.spent = spent
        self.reserved = _NOTHING
        self.unpriced = 0
        self._period = period or (lambda: None)
        self._now_in = self._period()
        self._journal = journal
        self._on_warning = on_warning
        self._to_warn = [share for share in WARN_AT if spent < cap * share]
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._last = 0

    def fits_now(self, worst: Decimal) -> bool:
        """Whether it fits beside what is spent and reserved, with nobody waiting before it."""
        return not self._turn.locked() and self._fits(worst)

    async def reserve(self, worst: Decimal) -> Reservation:
        """Hold `worst` for a call, first come, first served.

        Raises `ProviderError` (quota_exhausted, reason `budget`) where not even a wait would help.
        """
        async with self._turn:
            while not self._fits(worst):
                if self.spent + worst > self.cap:
                    raise self._exhausted(worst)
                self._changed.clear()
                await self._changed.wait()
            self._last += 1
            self.reserved += worst
            if self._journal is not None:
                self._journal.reserved(self._last, worst)
            return Reservation(self, self._last, worst)

    def refuse_if_spent(self) -> None:
        """Before a further attempt of a call that holds its worst case: what failed may have cost something too."""
        if not self._fits(_NOTHING):
            raise self._exhausted(_NOTHING)

    def spend(self, cost: Decimal | None) -> None:
        """Count a cost, and warn where a share of the cap is passed."""
        if cost is None:
            self.unpriced += 1
            return
        self._roll_over()
        self.spent += cost
        while self._to_warn and self.spent >= self.cap * self._to_warn[0]:
            share = self._to_warn.pop(0)
            if self._on_warning is not None:
                self._on_warning(BudgetWarning(name=self.name, share=share, spent=self.spent, cap=self.cap))

    def release(self, number: int, amount: Decimal, cost: Decimal) -> None:
        """A reservation has ended, and its call has cost `cost` in all."""
        self.reserved -= amount
        if self._journal is not None:
            self._journal.settled(number, cost)
        self._changed.set()

    def state(self) -> BudgetState:
        self._roll_over()
        return BudgetState(
            name=self.name, cap=self.cap, spent=self.spent, reserved=self.reserved, unpriced=self.unpriced
        )

    def _fits(self, worst: Decimal) -> bool:
        self._roll_over()
        return self.spent + self.reserved + worst <= self.cap

    def _roll_over(self) -> None:
        now_in = self._period()
        if now_in != self._now_in:
            self._now_in = now_in
            self.spent, self._to_warn = _NOTHING, list(WARN_AT)

    def _exhausted(self, worst: Decimal) -> ProviderError:
        needed = f", and the next request may cost ${worst:.4f}" if worst else ""
        return ProviderError(
            ErrorKind.QUOTA_EXHAUSTED,
            f"the {self.name} budget of ${self.cap:.2f} is used up: ${self.spent:.4f} is spent{needed}",
            hint="Raise the budget, lower the output limit, or choose a cheaper model.",
            reason="budget",
        )
