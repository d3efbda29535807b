"""The cost of an answer and the price of a model, in USD. Unknown is None up to the last screen (wire-contracts 9.5).

The charge that the provider reports comes first, then the user's own price. After them an answer is priced by the
bundled price list, which has tiers, and a model that is not on it by the provider's own list; before a request the
provider's list comes first, since it is newer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from glob import escape
from typing import Final
from urllib.parse import urlsplit

import msgspec

from swebench_providers.catalog import ProviderSpec, is_own_host
from swebench_providers.config import ProviderConfig
from swebench_providers.pricing import price_list
from swebench_providers.pricing.model_list import ListedPrices
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import TokenUsage

_VERSION: Final = re.compile(r"([-@]\d[\d.-]*)?")
"""The suffix that providers add to a model's name in an answer, for its version."""


def charging(spec: ProviderSpec, prices: Mapping[str, ModelPrice]) -> ProviderSpec:
    """`spec`, changed so that no model with a price of the user's own is free."""
    return msgspec.structs.replace(spec, charged=(*spec.charged, *map(escape, prices))) if prices else spec


class Prices:
    """The prices of one user at one provider. `listed` is given if the provider's list of models has prices."""

    def __init__(self, spec: ProviderSpec, config: ProviderConfig, listed: ListedPrices | None = None) -> None:
        self._spec = charging(spec, config.prices)
        self._config = config
        self._listed = listed

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        """The cost of an answer of `model`, requested as `requested_model`; with `batch` in a batch job."""
        if usage is not None and usage.reported_cost is not None:
            return usage.reported_cost
        own = self._own(requested_model, model)
        if own is not None:
            return _cost(own, usage, self._spec, batch=batch)
        if self._spec.price == "free" and not self._spec.is_free(requested_model):
            return None
        names = _names(model, requested_model)
        for name in names:
            cost = await cost_of(usage, self._spec, self._config.base_url, self._vendor_name(name), batch=batch)
            if cost is not None:
                return cost
        for name in names if usage is not None else ():
            listed = await self._price_on_own_list(name)
            if listed is not None:
                return _cost(listed, usage, self._spec, batch=batch)
        return None

    async def price_of(self, model: str) -> ModelPrice | None:
        """The price of `model`, before a request."""
        own = self._own(model)
        if own is not None:
            return own
        if self._spec.is_free(model):
            return ModelPrice(input=Decimal(0), output=Decimal(0))
        listed = await self._price_on_own_list(model)
        if listed is not None or not _is_listed(self._spec, self._config.base_url):
            return listed
        entry = await price_list.find(*_listed_as(self._spec.prices_id, self._vendor_name(model)))
        return entry and entry.model.rates(price_list.now()).model_price()

    def _own(self, *names: str) -> ModelPrice | None:
        prices, known = self._config.prices, (known for name in names for known in (name, self._vendor_name(name)))
        return next((prices[name] for name in known if name in prices), None)

    async def _price_on_own_list(self, model: str) -> ModelPrice | None:
        return None if self._listed is None else await self._listed.price_of(model)

    def _vendor_name(self, model: str) -> str:
        """The vendor's name of `model`, which may be a deployment's."""
        return self._config.base_models.get(model, model)


async def cost_of(
    usage: TokenUsage | None, spec: ProviderSpec, base_url: str | None, model: str, *, batch: bool = False
) -> Decimal | None:
    """The cost of `usage` without the user's prices and the provider's list; None if the price or usage is unknown.

    The bundled price list applies to the provider's own hosts: another server at `base_url` has prices of its own.
    """
    if usage is not None and usage.reported_cost is not None:
        return usage.reported_cost
    if batch and spec.batch_share is None:
        return None
    if spec.is_free(model):
        return Decimal(0)
    if usage is None or not _is_listed(spec, base_url):
        return None
    entry = await price_list.find(*_listed_as(spec.prices_id, model))
    return entry and _rates_cost(entry, usage, price_list.now(), spec.batch_share if batch else None)


def _cost(price: ModelPrice, usage: TokenUsage | None, spec: ProviderSpec, *, batch: bool) -> Decimal | None:
    share = spec.batch_share if batch else Decimal(1)
    full = None if usage is None else price.cost(usage)
    return None if full is None or share is None else full * share


def _names(model: str, requested_model: str) -> tuple[str, ...]:
    """The names under which a list may have the model that answered as `model`, the more precise one first."""
    name, colon, _ = requested_model.partition(":")
    if not name or requested_model == model or not model.startswith(name) or not _VERSION.fullmatch(model, len(name)):
        return (model,)
    return (requested_model, model) if colon else (model, requested_model)


def _is_listed(spec: ProviderSpec, base_url: str | None) -> bool:
    return spec.price == "list" and (is_own_host(spec, base_url) or _domain(base_url) == _domain(spec.base_url))


def _listed_as(prices_id: str, model: str) -> tuple[str, str]:
    """The provider and model on the list. A router's models are listed under the route that the model id names."""
    if "{route}" not in prices_id:
        return prices_id, model
    name, _, route = model.partition(":")
    return prices_id.format(route=route), name


def _domain(url: str | None) -> list[str]:
    """The last two labels of the host, which a provider's regional hosts share."""
    return (urlsplit(url or "").hostname or "").split(".")[-2:]


def _rates_cost(
    entry: price_list.Entry, usage: TokenUsage, moment: datetime, batch_share: Decimal | None
) -> Decimal | None:
    """With `batch_share` in a batch job: at the list's batch rates, or at this share of the usual ones."""
    rates = entry.model.rates(moment)
    if not rates.per_token:  # charged by the second or the letter
        return None
    batch = rates if batch_share is None or entry.fallback else entry.model.batch_rates(moment)
    try:
        if batch_share is None or batch != rates:
            return batch.cost(usage)
        return rates.cost(usage) * batch_share
    except ValueError:
        return None
