"""What the routes of a call cost: each price looked up once, and the worst case in plain arithmetic."""

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
from swebench_providers.util.lru import Recent

LONGEST_ANSWER: Final = 32_000
"""Tokens, where neither the request nor the catalog knows."""

_PRICES: Final = 1_024  # kept at most
_LOOK_AGAIN: Final = 60.0  # seconds after which an unknown price is looked up again
_NOTHING: Final = Decimal(0)


class _Looked(NamedTuple):
    """A price, and from when on it is looked up again, in monotonic seconds."""

    price: ModelPrice | None
    again_at: float


class PriceBook:
    """Prices by provider and model. One that is known is kept; one that is not is looked up again after a while."""

    def __init__(self, providers: Mapping[str, Provider], *, clock: Clock) -> None:
        self._providers = providers
        self._now = clock.now
        self._looked: Recent[tuple[str, str], _Looked] = Recent(_PRICES)

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        """USD per million tokens; None where nobody knows."""
        looked = self._looked.get((provider, model))
        if looked is not None and (looked.price is not None or self._now() < looked.again_at):
            return looked.price
        price = await self._providers[provider].price_of(model)
        self._looked.set((provider, model), _Looked(price, self._now() + _LOOK_AGAIN))
        return price

    async def cost_of(
        self, usage: TokenUsage | None, provider: str, model: str, *, requested_model: str
    ) -> Decimal | None:
        return await self._providers[provider].cost_of(usage, model, requested_model=requested_model)


class _Rates(NamedTuple):
    """USD a token read and written for a short prompt, and the most tokens that may be written."""

    price: ModelPrice
    read: Decimal
    written: Decimal
    longest: int


class RoutePricing:
    """The prices of some routes, each with its longest answer in tokens; see `spending.Pricing`."""

    def __init__(self, book: PriceBook, routes: Sequence[tuple[Route, int]]) -> None:
        self._book = book
        self._routes = routes
        self._rates: list[_Rates] = []
        self._all_known = False

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        return await self._book.price_of(provider, model)

    async def cost_of(
        self, usage: TokenUsage | None, provider: str, model: str, *, requested_model: str = ""
    ) -> Decimal | None:
        return await self._book.cost_of(usage, provider, model, requested_model=requested_model)

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:
        """USD for the dearest of the routes whose price is known, each at the dearest it may take for such a prompt."""
        if not self._all_known:
            await self._look_up()
        asked, worst = request.max_tokens, _NOTHING
        for rates in self._rates:
            read, written = rates.read, rates.written
            if rates.price.long_prompt is not None:
                long_read, long_written = _dearest(rates.price.for_prompt(prompt_tokens))
                read, written = max(read, long_read), max(written, long_written)
            worst = max(worst, prompt_tokens * read + (asked or rates.longest) * written)
        return worst

    async def _look_up(self) -> None:
        rates = []
        for route, longest in self._routes:
            price = await self._book.price_of(route.provider, route.model)
            if price is not None:
                rates.append(_Rates(price, *_dearest(price), longest))
        self._rates, self._all_known = rates, len(rates) == len(self._routes)


def _dearest(price: ModelPrice) -> tuple[Decimal, Decimal]:
    """USD a token: the dearest way to read one, which may be to store it too, and to write one."""
    return max(price.input, price.cache_write or price.input).scaleb(-6), price.output.scaleb(-6)
