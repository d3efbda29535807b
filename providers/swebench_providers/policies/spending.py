"""Puts a price on every attempt, and keeps the calls within their budgets.

An answer costs what its provider counted. An attempt that broke off, or was cancelled, costs what had arrived of it and
what had been sent, estimated; one that the server rejected, or that never reached it, costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Final, Protocol

from swebench_providers.clock import Clock, SystemClock
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    ReasoningDelta,
    TextDelta,
    UsageUpdate,
    Waiting,
)
from swebench_providers.models import Charge, ModelPrice, TokenUsage, UnifiedRequest
from swebench_providers.policies.budget import Budget, Reservation, UnknownPrice
from swebench_providers.policies.rough import likely_tokens, most_tokens, tokens_of_length
from swebench_providers.policies.stack import Streams

_NOTHING: Final = Decimal(0)


class Pricing(Protocol):
    """What answers cost, by provider and model."""

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        """USD per million tokens; None where nobody knows."""
        ...

    async def cost_of(self, usage: TokenUsage | None, provider: str, model: str) -> Decimal | None:
        """USD for an answer; None where nobody knows."""
        ...

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:
        """USD for a prompt of so many tokens and the longest answer, by the dearest model that may answer."""
        ...


class Spending:
    """Reserves before a call, charges each attempt of it, and settles however it ends."""

    def __init__(
        self,
        inner: Streams,
        pricing: Pricing,
        budgets: Sequence[Budget] = (),
        *,
        unknown_price: UnknownPrice = "refuse",
        on_charge: Callable[[Charge], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._inner = inner
        self._pricing = pricing
        self._budgets = budgets
        self._refuses_unknown = unknown_price == "refuse" and bool(budgets)
        self._on_charge = on_charge or (lambda _: None)
        self._now = (clock or SystemClock()).now

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        worst = await self._pricing.worst_case(most_tokens(request), request) if self._budgets else _NOTHING
        if not all(budget.fits_now(worst) for budget in self._budgets):
            told = "waiting for requests in flight to settle: they may use the budget up"
            yield Waiting(reason="budget", message=told, seconds=None, at=self._now())
        account = Account(self._on_charge)
        try:
            await account.hold(self._budgets, worst)
            async with aclosing(self._inner.stream_unified(request)) as events:
                async for event in events:
                    match event:
                        case TextDelta() | ReasoningDelta():
                            account.seen += len(event.text)
                        case UsageUpdate() | Charge():
                            account.hear(event)
                        case Attempt():
                            await self._begin(request, event, account)
                        case AttemptFailed() | Finished():
                            charge = await self._ended(event, account)
                            if charge is not None:
                                yield charge
                    yield event
        except ProviderError as error:
            account.failed(error, self._now())
            raise
        finally:
            account.close(self._now())

    async def _begin(self, request: UnifiedRequest, attempt: Attempt, account: Account) -> None:
        price = await self._pricing.price_of(attempt.provider, attempt.model)
        if price is None and self._refuses_unknown:
            raise _unknown_price(attempt)
        account.begin(attempt, price, likely_tokens(request))

    async def _ended(self, event: AttemptFailed | Finished, account: Account) -> Charge | None:
        """Count the attempt; the charge is handed on unless another `Spending` further inside has done so."""
        if isinstance(event, Finished):
            if account.priced is None:
                return await self._finished(event, account)
            account.charge(account.priced.amount, exact=account.priced.exact, at=event.at)
            return None
        known = event.error.charge is not None
        charge = account.failed(event.error, event.at)
        for budget in self._budgets:
            budget.refuse_if_spent()
        return None if known else charge

    async def _finished(self, event: Finished, account: Account) -> Charge:
        attempt = account.attempt
        if attempt is None:
            return account.charge(None, exact=False, at=event.at)
        model = event.model or attempt.model
        cost = await self._pricing.cost_of(account.usage, attempt.provider, model)
        if cost is not None:
            return account.charge(cost, exact=account.usage is not None, at=event.at)
        return account.charge(account.estimated(), exact=False, at=event.at)


class Account:
    """What one call has been through, as far as money is concerned."""

    def __init__(self, on_charge: Callable[[Charge], None]) -> None:
        self._on_charge = on_charge
        self.held: list[Reservation] = []
        self.attempt: Attempt | None = None
        self.usage: TokenUsage | None = None
        self.seen = 0
        self.priced: Charge | None = None  # by another `Spending` further inside
        self._price: ModelPrice | None = None
        self._sent_tokens = 0

    async def hold(self, budgets: Sequence[Budget], worst: Decimal) -> None:
        """Reserve the worst case in each budget."""
        for budget in budgets:
            self.held.append(await budget.reserve(worst))

    def begin(self, attempt: Attempt, price: ModelPrice | None, sent_tokens: int) -> None:
        self.attempt, self._price, self._sent_tokens = attempt, price, sent_tokens
        self.usage, self.seen, self.priced = None, 0, None

    def hear(self, event: UsageUpdate | Charge) -> None:
        """What the provider counted, or another `Spending` further inside has reckoned."""
        if isinstance(event, UsageUpdate):
            self.usage = event.usage
        else:
            self.priced = event

    def charge(self, amount: Decimal | None, *, exact: bool, at: float) -> Charge:
        """Count the attempt that is under way, and end it."""
        attempt, self.attempt = self.attempt, None
        for reservation in self.held:
            reservation.add(amount)
        provider, model = (attempt.provider, attempt.model) if attempt else ("", "")
        charge = Charge(amount=amount, exact=exact, provider=provider, model=model, at=at)
        self._on_charge(charge)
        return charge

    def failed(self, error: ProviderError, at: float) -> Charge:
        """Count an attempt that failed; once, however many hear of it."""
        if error.charge is None:
            free = self.attempt is None or _rejected(error)
            if error.usage is not None:
                self.usage = error.usage
            self.seen = max(self.seen, len(error.partial_text) + len(error.partial_reasoning))
            error.charge = self.charge(_NOTHING if free else self.estimated(), exact=free, at=at)
        elif self.attempt is not None:  # reckoned further inside
            self.charge(error.charge.amount, exact=error.charge.exact, at=at)
        return error.charge

    def estimated(self) -> Decimal | None:
        """What was sent and what has arrived, where the provider did not say."""
        if self._price is None:
            return None
        said = self.usage or TokenUsage(prompt_tokens=self._sent_tokens)
        arrived = max(said.completion_tokens, tokens_of_length(self.seen))
        return self._price.cost(
            TokenUsage(
                prompt_tokens=said.prompt_tokens or self._sent_tokens,
                completion_tokens=arrived,
                cached_tokens=said.cached_tokens,
                cache_write_tokens=said.cache_write_tokens,
            )
        )

    def close(self, at: float) -> None:
        """The call has ended; an attempt still under way was cancelled."""
        if self.attempt is not None:
            self.charge(self.estimated(), exact=False, at=at)
        for reservation in self.held:
            reservation.settle()


def _rejected(error: ProviderError) -> bool:
    """Whether the server did no work for it: no connection, or an error instead of an answer."""
    return error.reason == "unreachable" or (error.status is not None and not error.partial_text)


def _unknown_price(attempt: Attempt) -> ProviderError:
    return ProviderError(
        ErrorKind.QUOTA_EXHAUSTED,
        f"nobody knows what {attempt.model} of {attempt.provider} costs, so it cannot be kept within a budget",
        hint="Give its price in the settings, or allow models without a known price.",
        reason="unknown_price",
    )
