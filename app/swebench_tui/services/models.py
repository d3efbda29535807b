"""Models of the configured providers, with context windows and prices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from swebench_providers import ModelInfo, ModelPrice, ProviderError
from swebench_tui.services.provider_access import ProviderAccess

if TYPE_CHECKING:
    from swebench_providers import Provider

SortKey = Literal["name", "context", "price"]
PriceSource = Literal["prices.toml", "free", "provider", "genai-prices"]

_PRICE_FIELDS: Final = ("input", "output", "cached_input", "cache_write")
_SOURCE_LABELS: Final[dict[PriceSource, str]] = {
    "prices.toml": "your prices.toml",
    "free": "free",
    "provider": "listed by the provider",
    "genai-prices": "genai-prices",
}


class PriceTier(msgspec.Struct, frozen=True, kw_only=True):
    """Prices for prompts of more than `above` tokens, in USD per million tokens."""

    above: int
    price: ModelPrice


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model as one provider offers it. Prices are in USD per million tokens; None is unknown.

    The prices in `info` are what this user pays, which need not be what the provider lists. `tiers` are the prices of
    longer prompts, in order of length.
    """

    provider: str
    info: ModelInfo
    tiers: tuple[PriceTier, ...] = ()
    price_source: PriceSource | None = None

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def price(self) -> ModelPrice | None:
        """The price of a short prompt; None unless both input and output are known."""
        return self.info.price

    def matches(self, query: str) -> bool:
        """Whether every word of `query` occurs in provider, model ID or name, in any case."""
        text = f"{self.provider}:{self.info.id} {self.info.name}".lower()
        return all(word in text for word in query.lower().split())


class ProviderModels(msgspec.Struct, frozen=True, kw_only=True):
    """The models of one provider, or the error that kept them from being listed.

    `not_running`: a local server at its default address refused the connection, which is no error.
    """

    provider: str
    models: tuple[ListedModel, ...] = ()
    error: ProviderError | None = None
    not_running: bool = False


def ready_providers(access: ProviderAccess) -> list[str]:
    """Names of the providers that can be called. Blocks: reads settings."""
    return [name for name in access.registry.list_providers() if access.readiness(name).ready]


async def list_models(access: ProviderAccess, name: str) -> ProviderModels:
    """The models of one provider. Never raises `ProviderError`: the error is in the result."""
    try:
        provider = await access.resolve(name)
        models = await access.run(_listed(access, provider, name))
    except ProviderError as error:
        not_running = await asyncio.to_thread(_is_not_running, access, name, error)
        return ProviderModels(provider=name, error=error, not_running=not_running)
    return ProviderModels(provider=name, models=models)


def sort_models(models: Iterable[ListedModel], key: SortKey) -> list[ListedModel]:
    """Cheapest output, largest context window, or alphabetical order first; unknown values last."""

    def rank(model: ListedModel) -> tuple[bool, Decimal | int | str]:
        info = model.info
        if key == "name":
            return False, info.id.lower()
        if key == "context":
            return info.context_window is None, -(info.context_window or 0)
        return info.price_output is None, info.price_output or Decimal(0)

    return sorted(models, key=rank)


def format_price(price: ModelPrice | None) -> str:
    """`$1.25 / $10` (input / output), `free`, or `unknown`."""
    if price is None:
        return "unknown"
    return f"{_dollars(price.input)} / {_dollars(price.output)}" if price.input or price.output else "free"


def format_all_prices(model: ListedModel) -> str:
    """Every known price, with the tiers for long prompts and the source: `input $1.25, output $10 (genai-prices)`."""
    if model.price is None:
        return "price unknown"
    if format_price(model.price) == "free" and not model.tiers:
        return "free"
    parts = [_named_prices(model.price), *(f"above {t.above:,} tokens: {_named_prices(t.price)}" for t in model.tiers)]
    source = f" ({_SOURCE_LABELS[model.price_source]})" if model.price_source else ""
    return "; ".join(parts) + source


def _named_prices(price: ModelPrice) -> str:
    amounts = ((field.replace("_", " "), getattr(price, field)) for field in _PRICE_FIELDS)
    return ", ".join(f"{name} {_dollars(amount)}" for name, amount in amounts if amount is not None)


def _dollars(price: Decimal) -> str:
    """All significant digits."""
    return f"${price.normalize():f}"


async def _listed(access: ProviderAccess, provider: Provider, name: str) -> tuple[ListedModel, ...]:
    from swebench_providers import HTTPProvider  # noqa: PLC0415 - imports every wire format

    models: Sequence[ModelInfo] = await provider.list_models()
    if isinstance(provider, HTTPProvider):
        models = await provider.describe(models)
    prices = await asyncio.gather(*(provider.price_of(model.id) for model in models))
    own = list(access.registry.own_prices(name).values())
    return tuple(_with_price(provider, name, model, price, own) for model, price in zip(models, prices, strict=True))


def _with_price(
    provider: Provider, name: str, listed: ModelInfo, price: ModelPrice | None, own: Sequence[ModelPrice]
) -> ListedModel:
    if price is None:
        source: PriceSource | None = "provider" if listed.price is not None else None
        return ListedModel(provider=name, info=listed, price_source=source)
    info = msgspec.structs.replace(
        listed,
        price_input=price.input,
        price_output=price.output,
        price_cached_input=price.cached_input,
        price_cache_write=price.cache_write,
    )
    source = _source(provider, listed, price, own)
    return ListedModel(provider=name, info=info, tiers=tuple(_tiers(price)), price_source=source)


def _source(provider: Provider, listed: ModelInfo, price: ModelPrice, own: Sequence[ModelPrice]) -> PriceSource:
    """In the provider's own order of precedence (`swebench_providers.pricing.prices`)."""
    if any(each is price for each in own):
        return "prices.toml"
    if provider.spec.is_free(listed.id):
        return "free"
    return "provider" if provider.spec.lists_prices and listed.price is not None else "genai-prices"


def _tiers(price: ModelPrice) -> Iterator[PriceTier]:
    longer = price.long_prompt
    while longer is not None:
        yield PriceTier(above=price.long_from, price=longer)
        price, longer = longer, longer.long_prompt


def _is_not_running(access: ProviderAccess, name: str, error: ProviderError) -> bool:
    """Whether a local server that nobody has configured refused the connection."""
    if error.reason != "unreachable" or not access.registry.spec(name).local:
        return False
    return access.describe_config(name).base_url_source == "catalog"
