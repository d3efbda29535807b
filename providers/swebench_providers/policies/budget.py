"""A cap on spending. The worst case of a call is reserved before it is sent, and settled with its actual cost.

The rule. A call begins only if its worst case fits beside what is spent and reserved; one that does not fit queues,
first in, first out, until calls in flight have settled, and is refused if not even that would help. The cost of a call
is taken out of its own reservation first, so counting a cost never makes room for others. A further attempt of the same
call reserves the worst case again as far as there is room, and goes on with the rest of its own reservation if there is
none: it never queues, since two calls that wait for each other's rest would wait for ever.

What follows from it: spent and reserved together exceed the cap by no more than what the calls in flight turn out to
cost beyond their reservations.
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
"""What happens to a model without a known price: it is not used, or its attempts are counted as unpriced."""

WARN_AT: Final = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))
"""The shares of a cap at which a warning is issued."""

_NOTHING: Final = Decimal(0)
_LOG: Final = logging.getLogger("swebench_providers.budget")
_LOG.addHandler(logging.NullHandler())  # without handlers of the program nothing is written


class Journal(Protocol):
    """Storage for reservations, so that a crash does not lose them. Both methods raise `OSError` on failure."""

    def reserved(self, number: int, amount: Decimal) -> None:
        """Reservation `number` is about to be used."""
        ...

    def settled(self, number: int, cost: Decimal) -> None:
        """Reservation `number` has ended, at this cost."""
        ...


class BudgetWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A share of a cap has been spent; issued once for each of `WARN_AT`. Amounts are in USD."""

    name: str
    share: Decimal
    spent: Decimal
    cap: Decimal


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a budget, in USD. `unpriced` is the number of attempts of unknown cost."""

    name: str
    cap: Decimal
    spent: Decimal
    reserved: Decimal
    unpriced: int


def local_day() -> date:
    """The `period` of a budget that restarts at midnight local time."""
    return datetime.now().astimezone().date()


def utc_day() -> date:
    """The `period` of a budget that restarts at midnight UTC, as most providers bill."""
    return datetime.now(UTC).date()


class Reservation:
    """The amount held for one call. The first `settle` ends it, further ones do nothing."""

    __slots__ = ("_budget", "_cost", "_held", "_number", "_open", "_worst")

    def __init__(self, budget: Budget, number: int, worst: Decimal) -> None:
        self._budget = budget
        self._number = number
        self._worst = worst
        self._held = worst
        self._cost = _NOTHING  # since `_number` was journaled
        self._open = True

    def add(self, cost: Decimal | None) -> None:
        """Count the cost of an attempt of the call; None is an unknown cost."""
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
        """Before a further attempt: reserve its worst case too, as far as there is room.

        Raises `ProviderError` (quota_exhausted): reason `budget` if neither reservation nor cap has anything left,
        `journal` if it cannot be journaled.
        """
        if self._held < self._worst or self._cost:
            more = self._budget.more(self._worst, self._held)
            number = self._budget.journaled(self._worst)
            self._budget.reserved += more
            self._held += more
            self._budget.note_end(self._number, self._cost)
            self._number, self._cost = number, _NOTHING

    def settle(self) -> str | None:
        """The call has ended, however it did. Returns a message for the user if that could not be journaled."""
        if not self._open:
            return None
        self._open = False
        return self._budget.release(self._number, self._held, self._cost)


class _Waiting(NamedTuple):
    """A call that does not fit yet."""

    worst: Decimal
    granted: asyncio.Future[Reservation]


class _Period(NamedTuple):
    """The state of one period."""

    name: Hashable
    spent: Decimal
    to_warn: list[Decimal]


class Budget:
    """One cap and what has been spent of it, in USD. `spent` is the cost of earlier calls.

    `period` returns the period that the cap applies to, such as `local_day`: when its value changes, nothing has been
    spent yet. The cost of an attempt counts in the period in which it ends. `on_warning` is called in the loop that
    spends; an exception of it is logged and changes nothing. A budget belongs to one event loop, as do the calls that
    share it. Raises `ValueError` for a cap that is not an amount of money.
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
            raise ValueError(f"{cap} is not a valid cap for the {name} budget")
        self.name = name
        self.cap = cap
        self.spent = spent
        self.reserved = _NOTHING
        self.unpriced = 0
        self._period = period
        self._current = period() if period else None
        self._previous: _Period | None = None
        self._journal = journal
        self._on_warning = on_warning
        self._to_warn = [share for share in WARN_AT if spent < cap * share]
        self._queue: deque[_Waiting] = deque()
        self._last = 0

    def fits_now(self, worst: Decimal) -> bool:
        """Whether it fits beside what is spent and reserved, with an empty queue."""
        return not self._queue and self._fits(worst)

    def reserve_now(self, worst: Decimal) -> Reservation | None:
        """Reserve `worst` for a call if it fits now; None if it has to queue.

        Raises `ProviderError` as `reserve` does.
        """
        fits = self._fits(worst)
        if fits and not self._queue:
            return self._hold(worst)
        if self.spent + worst > self.cap:
            raise self._exhausted(worst)
        return None

    async def reserve(self, worst: Decimal) -> Reservation:
        """Reserve `worst` for a call, first in, first out.

        Raises `ProviderError` (quota_exhausted): reason `budget` if waiting would not help, `journal` if it cannot be
        journaled.
        """
        held = self.reserve_now(worst)
        if held is not None:
            return held
        waiting = _Waiting(worst, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        try:
            return await waiting.granted
        except asyncio.CancelledError:
            self._leave(waiting)
            raise

    def spend(self, cost: Decimal | None) -> None:
        """Count a cost, and warn if a share of the cap has been reached."""
        if cost is None:
            self.unpriced += 1
            return
        self._roll_over()
        self.spent += cost
        while self._to_warn and self.spent >= self.cap * self._to_warn[0]:
            share = self._to_warn.pop(0)
            self._warn(BudgetWarning(name=self.name, share=share, spent=self.spent, cap=self.cap))

    def more(self, worst: Decimal, held: Decimal) -> Decimal:
        """How much can be held beside `held` for a further attempt. Raises `ProviderError` if nothing is left."""
        self._roll_over()
        room = self.cap - self.spent - self.reserved
        more = max(min(worst - held, room), _NOTHING)
        if not held + more and (worst or room < 0):
            raise self._exhausted(worst)
        return more

    def journaled(self, worst: Decimal) -> int:
        """The number of a new reservation, once it is journaled. Raises `ProviderError` (reason `journal`)."""
        self._last += 1
        if self._journal is not None:
            try:
                self._journal.reserved(self._last, worst)
            except OSError as error:
                raise self._journal_failed(error) from None
        return self._last

    def release(self, number: int, held: Decimal, cost: Decimal) -> str | None:
        """End a reservation whose call has cost `cost` since it was journaled; see `Reservation.settle`."""
        self.reserved -= held
        message = self.note_end(number, cost)
        if self._queue:
            self._serve()
        return message

    def note_end(self, number: int, cost: Decimal) -> str | None:
        """Journal the end of a reservation. A failure loses no money: the sums in memory are right."""
        if self._journal is None:
            return None
        try:
            self._journal.settled(number, cost)
        except OSError as error:
            message = (
                f"cannot write the journal of the {self.name} budget ({error.strerror or error}): "
                "after a restart this request counts at its worst case"
            )
            _LOG.warning("%s", message, extra={"budget": self.name, "number": number, "cost": str(cost)})
            return message
        return None

    def state(self) -> BudgetState:
        """A snapshot of the current period."""
        self._roll_over()
        return BudgetState(
            name=self.name, cap=self.cap, spent=self.spent, reserved=self.reserved, unpriced=self.unpriced
        )

    def _warn(self, warning: BudgetWarning) -> None:
        if self._on_warning is None:
            return
        try:
            self._on_warning(warning)
        except Exception:  # noqa: BLE001 - the listener is the caller's, and no paid answer may be lost for it
            _LOG.exception("a listener of the %s budget failed", self.name)

    def _hold(self, worst: Decimal) -> Reservation:
        number = self.journaled(worst)  # if this fails nothing is held yet
        self.reserved += worst
        return Reservation(self, number, worst)

    def _serve(self) -> None:
        """Grant those in the queue what fits now, and refuse those that will never fit."""
        self._roll_over()
        while self._queue:
            worst, granted = self._queue[0]
            hopeless = self.spent + worst > self.cap
            if not (granted.done() or hopeless or self._fits(worst)):
                return
            self._queue.popleft()
            if granted.done():
                continue
            try:
                if hopeless:
                    raise self._exhausted(worst)
                granted.set_result(self._hold(worst))
            except ProviderError as error:
                granted.set_exception(error)

    def _leave(self, waiting: _Waiting) -> None:
        """Take a cancelled call out of the queue; it may have been granted its reservation in the same moment."""
        granted = waiting.granted
        if granted.cancelled():
            with suppress(ValueError):  # it may be out of the queue already
                self._queue.remove(waiting)
        elif granted.exception() is None:
            granted.result().settle()
        self._serve()

    def _fits(self, worst: Decimal) -> bool:
        self._roll_over()
        return self.spent + self.reserved + worst <= self.cap

    def _roll_over(self) -> None:
        """Start a new period with nothing spent; if a clock was set back, return to what was spent in the old one."""
        if self._period is None or (current := self._period()) == self._current:
            return
        ended, entered = _Period(self._current, self.spent, self._to_warn), self._previous
        if entered is None or entered.name != current:
            entered = _Period(current, _NOTHING, list(WARN_AT))
        self._current, self.spent, self._to_warn = entered
        self._previous = ended

    def _exhausted(self, worst: Decimal) -> ProviderError:
        spent = f"{_usd(self.spent)} spent"
        if self.spent >= self.cap:
            what = f"is used up: {spent}"
        elif self.spent + worst > self.cap:
            what = f"does not cover the next request: {spent}, and it may cost up to {_usd(worst)}"
        else:
            what = f"does not cover another attempt: {spent}, {_usd(self.reserved)} reserved by requests in flight"
        return ProviderError(
            ErrorKind.QUOTA_EXHAUSTED,
            f"the {self.name} budget of {_usd(self.cap)} {what}",
            hint="Raise the budget, lower the output limit, or use a cheaper model.",
            reason="budget",
        )

    def _journal_failed(self, error: OSError) -> ProviderError:
        return ProviderError(
            ErrorKind.QUOTA_EXHAUSTED,
            f"cannot write the journal of the {self.name} budget ({error.strerror or error}), so no request was sent",
            hint="Free disk space, or start the run again with another data folder.",
            reason="journal",
        )


def _usd(amount: Decimal) -> str:
    """In cents if that is exact, else to a millionth of a dollar."""
    return f"${amount:.2f}" if amount == round(amount, 2) else f"${amount:.6f}".rstrip("0")
