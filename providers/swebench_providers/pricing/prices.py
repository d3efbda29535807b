"""What an answer cost and what a model costs, in USD. Unknown is None from here to the last screen (api-contracts 9.5).

What the provider says it charged goes before all else, then the user's own price. An answer is then priced by
`genai-prices`, which knows tiers, and where that does not have the model by the provider's own list; before anything is
asked that list goes first, as it is the newer one. `genai-prices` is one large module that takes a second to load, so
it is read on a thread.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from glob import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from swebench_providers.catalog import ProviderSpec, is_own_host
from swebench_providers.config import ProviderConfig
from swebench_providers.pricing.model_list import ListedPrices
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import TokenUsage

if TYPE_CHECKING:
    import genai_prices

_VERSION: Final = re.compile(r"([-@]\d[\d.-]*)?")
"""What providers add to the name of a model to say which version of it answered."""


def charging(spec: ProviderSpec, prices: Mapping[str, ModelPrice]) -> ProviderSpec:
    """`spec`, by which no model is free that has a price of the user's own."""
    return msgspec.structs.replace(spec, charged=(*spec.charged, *map(escape, prices))) if prices else spec


class Prices:
    """What one user pays at one provider. `listed` is there where the provider's list has prices."""

    def __init__(self, spec: ProviderSpec, config: ProviderConfig, listed: ListedPrices | None = None) -> None:
        self._spec = charging(spec, config.prices)
        self._config = config
        self._listed = listed

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        """The price of an answer of `model`, requested as `requested_model`, and whether in a `batch` job."""
        if usage is not None and usage.reported_cost is not None:
            return usage.reported_cost
        own = self._own(requested_model, model)
        if own is not None:
            return _cost(own, usage, self._spec, batch=batch)
        if self._spec.price == "free" and not self._spec.is_free(requested_model):
            return None
        names = _names(model, requested_model)
        for name in names:
            cost = await cost_of(usage, self._spec, self._config.base_url, self._meant(name), batch=batch)
            if cost is not None:
                return cost
        for name in names if usage is not None else ():
            listed = await self._price_on_own_list(name)
            if listed is not None:
                return _cost(listed, usage, self._spec, batch=batch)
        return None

    async def price_of(self, model: str) -> ModelPrice | None:
        """What `model` costs, before it is asked."""
        own = self._own(model)
        if own is not None:
            return own
        if self._spec.is_free(model):
            return ModelPrice(input=Decimal(0), output=Decimal(0))
        listed = await self._price_on_own_list(model)
        if listed is None and _holds_for(self._spec, self._config.base_url):
            return await asyncio.to_thread(_price_on_list, *_listed_as(self._spec.prices_id, self._meant(model)))
        return listed

    def _own(self, *names: str) -> ModelPrice | None:
        prices, called = self._config.prices, (name for said in names for name in (said, self._meant(said)))
        return next((prices[name] for name in called if name in prices), None)

    async def _price_on_own_list(self, model: str) -> ModelPrice | None:
        return None if self._listed is None else await self._listed.price_of(model)

    def _meant(self, model: str) -> str:
        """The vendor's name of what is called `model` here."""
        return self._config.base_models.get(model, model)


async def cost_of(
    usage: TokenUsage | None, spec: ProviderSpec, base_url: str | None, model: str, *, batch: bool = False
) -> Decimal | None:
    """The price of `usage` without the user's prices and the provider's list.

    None when the price, or what was used, is unknown. `genai-prices` holds for the provider's own hosts only: another
    server behind `base_url` has prices of its own.
    """
    if usage is not None and usage.reported_cost is not None:
        return usage.reported_cost
    if batch and spec.batch_share is None:
        return None
    if spec.is_free(model):
        return Decimal(0)
    if usage is None or not _holds_for(spec, base_url):
        return None
    share = spec.batch_share if batch else None
    return await asyncio.to_thread(_cost_by_list, usage, *_listed_as(spec.prices_id, model), share)


def _cost(price: ModelPrice, usage: TokenUsage | None, spec: ProviderSpec, *, batch: bool) -> Decimal | None:
    share = spec.batch_share if batch else Decimal(1)
    full = None if usage is None else price.cost(usage)
    return None if full is None or share is None else full * share


def _names(model: str, requested_model: str) -> tuple[str, ...]:
    """The names under which a list may have what answered as `model`, the more precise one first."""
    name, colon, _ = requested_model.partition(":")
    if not name or requested_model == model or not model.startswith(name) or not _VERSION.fullmatch(model, len(name)):
        return (model,)
    return (requested_model, model) if colon else (model, requested_model)


def _holds_for(spec: ProviderSpec, base_url: str | None) -> bool:
    return spec.price == "list" and (is_own_host(spec, base_url) or _domain(base_url) == _domain(spec.base_url))


def _listed_as(prices_id: str, model: str) -> tuple[str, str]:
    """Under which provider and model the list has it. A router's prices stand under the route its model id names."""
    if "{route}" not in prices_id:
        return prices_id, model
    name, _, route = model.partition(":")
    return prices_id.format(route=route), name


def _domain(url: str | None) -> list[str]:
    """The last two labels of the host: regional hosts of a provider share them."""
    return (urlsplit(url or "").hostname or "").split(".")[-2:]


def _cost_by_list(usage: TokenUsage, provider: str, model: str, batch_share: Decimal | None = None) -> Decimal | None:
    """With `batch_share` in a batch job: at the list's own rates for that, at this share where it has none."""
    import genai_prices  # noqa: PLC0415 - a second of import that only a paid answer has to spend

    try:
        used = genai_prices.Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        full = genai_prices.calc_price(used, model, provider_id=provider)
        context = {"processing": "batch"} if batch_share is not None else None
        told = genai_prices.calc_price(used, model, provider_id=provider, price_context=context)
    except (LookupError, ValueError):  # no such model; or counts that cannot be, such as more cached than read
        return None
    if None in _rates(full.model_price):  # charged by the second or the letter: what its tokens cost says nothing
        return None
    if batch_share is None or told.model_price != full.model_price:
        return told.total_price
    return full.total_price * batch_share


def _price_on_list(provider: str, model: str) -> ModelPrice | None:
    import genai_prices  # noqa: PLC0415 - as above

    try:
        listed = genai_prices.calc_price(genai_prices.Usage(), model, provider_id=provider).model_price
    except LookupError:
        return None
    return _from_tier(listed, sorted(_tier_starts(listed)))


def _from_tier(listed: genai_prices.types.ModelPrice, starts: Sequence[int], above: int = 0) -> ModelPrice | None:
    """The prices of prompts of more than `above` tokens, and in them those of the longer ones, from `starts` on."""
    per_input, per_output = (_rate(listed, name, above) for name in ("input_mtok", "output_mtok"))
    if per_input is None or per_output is None:
        return None
    cached, stored = (_rate(listed, name, above) for name in ("cache_read_mtok", "cache_write_mtok"))
    return ModelPrice(
        input=per_input,
        output=per_output,
        cached_input=cached,
        cache_write=stored,
        long_from=starts[0] if starts else 0,
        long_prompt=_from_tier(listed, starts[1:], starts[0]) if starts else None,
    )


def _tier_starts(listed: genai_prices.types.ModelPrice) -> set[int]:
    """The lengths of prompts, in tokens, above which one of the prices read here is another."""
    names = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
    return {tier.start for name in names for tier in getattr(getattr(listed, name, None), "tiers", ())}


def _rates(price: genai_prices.types.ModelPrice) -> tuple[Decimal | None, Decimal | None]:
    return _rate(price, "input_mtok"), _rate(price, "output_mtok")


def _rate(price: genai_prices.types.ModelPrice, name: str, above: int = 0) -> Decimal | None:
    """USD per million tokens, by the tier of prompts just longer than `above`; None for what the list leaves out."""
    rate: Decimal | genai_prices.types.TieredPrices | None = getattr(price, name, None)
    if rate is None or isinstance(rate, Decimal):
        return rate
    return next((tier.price for tier in reversed(rate.tiers) if 0 < tier.start <= above), rate.base)
