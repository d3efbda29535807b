"""Prices of providers' models, each looked up once, and the worst-case cost of a call from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from swebench_providers.policies.fallback import Route
from swebench_providers.provider import Provider
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import TokenUsage
from swebench_providers.util.clock import Clock
from swebench_providers.util.lru import LRUCache

LONGEST_ANSWER: Final = 32_000
"""Tokens, if neither the request nor the catalog sets a limit."""

_PRICES: Final = 1_024  # kept
_RETRY_AFTER: Final = 60.0  # seconds after which an unknown price is looked up again
_NOTHING: Final = Decimal(0)


class _Lookup(NamedTuple):
    """A price, and when it is looked up again if it is unknown, in monotonic seconds."""

    price: ModelPrice | None
    retry_at: float


class PriceBook:
    """Prices by provider and model. A known price is kept; an unknown one is looked up again after a while."""

    def __init__(self, providers: Mapping[str, Provider], *, clock: Clock) -> None:
        self._providers = providers
        self._now = clock.now
        self._lookups: LRUCache[tuple[str, str], _Lookup] = LRUCache(_PRICES)

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        """USD per million tokens; None if it is unknown."""
        lookup = self._lookups.get((provider, model))
        if lookup is not None and (lookup.price is not None or self._now() < lookup.retry_at):
            return lookup.price
        price = await self._providers[provider].price_of(model)
        self._lookups[provider, model] = _Lookup(price, self._now() + _RETRY_AFTER)
        return price

    async def cost_of(
        self, usage: TokenUsage | None, provider: str, model: str, *, requested_model: str = ""
    ) -> Decimal | None:
        return await self._providers[provider].cost_of(usage, model, requested_model=requested_model)


class _Rates(NamedTuple):
    """USD per token read and written for a short prompt, and the most tokens that can be written."""

    price: ModelPrice
    read: Decimal
    written: Decimal
    max_output: int


class RoutePricing:
    """The prices of some routes, each with the most tokens its model can write; see `budget_policy.Pricing`."""

    def __init__(self, book: PriceBook, routes: Sequence[tuple[Route, int]]) -> None:
        self._book = book
        self._routes = routes
        self._rates: list[_Rates] = []
        self._all_known = False
        self.price_of = book.price_of
        self.cost_of = book.cost_of

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:
        """USD of the most expensive route with a known price, at its highest rates for such a prompt."""
        if not self._all_known:
            await self._look_up()
        limit, worst = request.max_tokens, _NOTHING
        for rates in self._rates:
            read, written = rates.read, rates.written
            if rates.price.long_prompt is not None:
                long_read, long_written = _highest(rates.price.for_prompt(prompt_tokens))
                read, written = max(read, long_read), max(written, long_written)
            cost = prompt_tokens * read + (limit or rates.max_output) * written
            worst = max(worst, cost)
        return worst

    async def _look_up(self) -> None:
        rates = []
        for route, max_output in self._routes:
            price = await self._book.price_of(route.provider, route.model)
            if price is not None:
                rates.append(_Rates(price, *_highest(price), max_output))
        self._rates, self._all_known = rates, len(rates) == len(self._routes)


def _highest(price: ModelPrice) -> tuple[Decimal, Decimal]:
    """USD per token: the highest rate of reading one, which may include storing it, and of writing one."""
    return max(price.input, price.cache_write or price.input).scaleb(-6), price.output.scaleb(-6)
