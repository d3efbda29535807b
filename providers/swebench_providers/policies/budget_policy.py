"""Puts a price on every attempt, and keeps the calls within their budgets.

An answer costs what its provider counted. An attempt that broke off, or was cancelled, costs what had arrived of it and
what had been sent, estimated; one that the server refused, or that never went out, costs nothing.
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
_TEXT: Final = (TextDelta, ReasoningDelta)  # a tuple: asked for each piece, and half as dear as a union


class Pricing(Protocol):
    """What answers cost, by provider and model."""

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        """USD per million tokens; None where nobody knows."""
        ...

    async def cost_of(
        self, usage: TokenUsage | None, provider: str, model: str, *, requested_model: str = ""
    ) -> Decimal | None:
        """USD for an answer of `model` to a request that named `requested_model`; None if it is unknown."""
        ...

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:
        """USD for a prompt of so many tokens and the longest answer, by the dearest model that may answer."""
        ...


class RequirePrice:
    """Refuses a model whose price nobody knows before it is asked, so that another one may answer instead."""

    def __init__(
        self, inner: Streamer, price_of: Callable[[str, str], Awaitable[ModelPrice | None]], provider: str
    ) -> None:
        self._inner = inner
        self._price_of = price_of
        self._provider = provider
        self._known = ""  # the model whose price was known: a price that is known stays so

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        return self._inner.stream_unified(request) if request.model == self._known else self._looked_up(request)

    async def _looked_up(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        if await self._price_of(self._provider, request.model) is None:
            raise _unknown_price(self._provider, request.model)
        self._known = request.model
        async with aclosing(self._inner.stream_unified(request)) as events:
            async for event in events:
                yield event


class BudgetPolicy:
    """Reserves before a call, charges each attempt of it, and settles however it ends."""

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
        account = CallLedger(self._on_charge)
        try:
            for budget in self._budgets:
                if not account.hold_now(budget, worst):
                    told = f"the {budget.name} budget is waited for: requests in flight may use it up"
                    yield Waiting(reason="budget", message=told, seconds=None, at=self._now())
                    account.held.append(await budget.reserve(worst))
            async with aclosing(self._inner.stream_unified(request)) as events:
                async for event in events:
                    if isinstance(event, _TEXT):
                        account.seen += len(event.text)
                        yield event
                        continue
                    if isinstance(event, UsageUpdate):
                        account.usage = event.usage
                    elif isinstance(event, Charge):
                        account.told = event
                    else:
                        for told_first in await self._hear(event, request, account):
                            yield told_first
                    yield event
                    account.passed_on(event)
        except ProviderError as error:
            account.failed(error, self._now())
            raise
        finally:
            account.close(self._now())

    async def _hear(self, event: Event, request: UnifiedRequest, account: CallLedger) -> Sequence[Event]:
        """Reckon with an event. What is told before it."""
        match event:
            case Attempt():
                await self._begin(request, event, account)
            case Finished():
                charge = await self._finished(event, account)
                notices = [Notice(message, event.at) for message in account.settle()]
                return notices if charge is None else (charge, *notices)
            case AttemptFailed():
                charge = account.failed(event.error, event.at)
                return () if charge is None else (charge,)
        return ()

    async def _begin(self, request: UnifiedRequest, attempt: Attempt, account: CallLedger) -> None:
        price = await self._pricing.price_of(attempt.provider, attempt.model)
        if price is None and self._refuses_unknown:
            raise _unknown_price(attempt.provider, attempt.model)
        account.begin(attempt, price, request)

    async def _finished(self, event: Finished, account: CallLedger) -> Charge | None:
        """Count the answer; the charge is told unless another `BudgetPolicy` further inside has told it."""
        attempt, told, usage = account.attempt, account.told, account.usage
        if told is not None:
            account.charge(told.amount, exact=told.exact, at=event.at)
            return None
        if attempt is None:
            return account.charge(None, exact=False, at=event.at)
        model = event.model or attempt.model
        cost = await self._pricing.cost_of(usage, attempt.provider, model, requested_model=attempt.model)
        if cost is None or not is_cost(cost):
            return account.charge_estimate(event.at)
        # What an answer costs of which nothing was counted is known only where all is free.
        counted = usage is None or usage.source == "exact" or usage.reported_cost is not None
        return account.charge(cost, exact=counted or not cost, at=event.at)


def _unknown_price(provider: str, model: str) -> ProviderError:
    return ProviderError(
        ErrorKind.QUOTA_EXHAUSTED,
        f"nobody knows what {model} of {provider} costs, so it cannot be kept within a budget",
        hint="Give its price in the settings, or allow models without a known price.",
        reason="unknown_price",
    )
