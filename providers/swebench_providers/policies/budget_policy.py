"""Prices every attempt, and keeps calls within their budgets.

An answer costs what its provider has counted. An attempt that broke off, or was cancelled, is estimated by what was
sent and what had arrived; one that the server refused, or that was never sent, costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Final, Protocol

from swebench_providers.policies.budget import Budget, UnknownPrice
from swebench_providers.policies.call_ledger import CallLedger
from swebench_providers.policies.interface import Streamer
from swebench_providers.tokens.quick_estimate import upper_bound
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    Notice,
    ReasoningDelta,
    TextDelta,
    UsageUpdate,
    Waiting,
)
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import Charge, TokenUsage, is_cost
from swebench_providers.util.clock import Clock, SystemClock

_NOTHING: Final = Decimal(0)


class Pricing(Protocol):
    """The prices of answers, by provider and model."""

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        """USD per million tokens; None if it is unknown."""
        ...

    async def cost_of(
        self, usage: TokenUsage | None, provider: str, model: str, *, requested_model: str = ""
    ) -> Decimal | None:
        """USD for an answer of `model` to a request that named `requested_model`; None if it is unknown."""
        ...

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:
        """USD for a prompt of so many tokens and the longest answer, by the most expensive model that may answer."""
        ...


class RequirePrice:
    """Refuses a model without a known price before its request is sent, so that another one can answer."""

    def __init__(
        self, inner: Streamer, price_of: Callable[[str, str], Awaitable[ModelPrice | None]], provider: str
    ) -> None:
        self._inner = inner
        self._price_of = price_of
        self._provider = provider
        self._priced = ""  # the last model with a known price: a price that is known stays known

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        return self._inner.stream_unified(request) if request.model == self._priced else self._after_lookup(request)

    async def _after_lookup(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        if await self._price_of(self._provider, request.model) is None:
            raise _unknown_price(self._provider, request.model)
        self._priced = request.model
        async with aclosing(self._inner.stream_unified(request)) as events:
            async for event in events:
                yield event


class BudgetPolicy:
    """Reserves before a call, charges each of its attempts, and settles when it has ended, however it did."""

    def __init__(
        self,
        inner: Streamer,
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
        self._on_charge = on_charge
        self._now = (clock or SystemClock()).now

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        worst = await self._pricing.worst_case(upper_bound(request), request) if self._budgets else _NOTHING
        ledger = CallLedger(self._on_charge)
        try:
            for budget in self._budgets:
                if not ledger.hold_now(budget, worst):
                    yield self._waiting(budget)
                    ledger.held.append(await budget.reserve(worst))
            events = self._inner.stream_unified(request)
            try:
                async for event in events:
                    if type(event) is TextDelta or type(event) is ReasoningDelta:
                        ledger.characters += len(event.text)
                        yield event
                    elif type(event) is UsageUpdate:
                        ledger.usage = event.usage
                        yield event
                    else:
                        for before in await self._account(event, request, ledger):
                            yield before
                        yield event
                        ledger.event_consumed(event)
            finally:
                await events.aclose()
        except ProviderError as error:
            ledger.failed(error, self._now())
            raise
        finally:
            ledger.close(self._now())

    async def _account(self, event: Event, request: UnifiedRequest, ledger: CallLedger) -> Sequence[Event]:
        """Account for an event. Returns the events to yield before it."""
        if type(event) is Attempt:
            price = await self._pricing.price_of(event.provider, event.model)
            if price is None and self._refuses_unknown:
                raise _unknown_price(event.provider, event.model)
            ledger.begin(event, price, request)
        elif type(event) is Finished:
            charge = await self._finished(event, ledger)
            notices = [Notice(message, event.time) for message in ledger.settle()]
            return notices if charge is None else (charge, *notices)
        elif type(event) is AttemptFailed:
            charge = ledger.failed(event.error, event.time)
            return () if charge is None else (charge,)
        elif type(event) is Charge:
            ledger.inner_charge = event
        return ()

    async def _finished(self, event: Finished, ledger: CallLedger) -> Charge | None:
        """Count the answer. Returns the charge unless a `BudgetPolicy` further inside has reported it."""
        attempt, inner, usage = ledger.attempt, ledger.inner_charge, ledger.usage
        if inner is not None:
            ledger.charge(inner.amount, exact=inner.exact, time=event.time)
            return None
        if attempt is None:
            return ledger.charge(None, exact=False, time=event.time)
        model = event.model or attempt.model
        cost = await self._pricing.cost_of(usage, attempt.provider, model, requested_model=attempt.model)
        if cost is None or not is_cost(cost):
            return ledger.charge_estimate(event.time)
        # Without exact counts the cost is exact only where everything is free.
        counted = usage is None or usage.source == "exact" or usage.reported_cost is not None
        return ledger.charge(cost, exact=counted or not cost, time=event.time)

    def _waiting(self, budget: Budget) -> Waiting:
        message = f"waiting for the {budget.name} budget: requests in flight may use it up"
        return Waiting(reason="budget", message=message, seconds=None, time=self._now())


def _unknown_price(provider: str, model: str) -> ProviderError:
    return ProviderError(
        ErrorKind.QUOTA_EXHAUSTED,
        f"no known price for {provider}:{model}, so it cannot run within a budget",
        hint="Set its price in the settings, or allow models without a known price.",
        reason="unknown_price",
    )
