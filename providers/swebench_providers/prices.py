"""What an answer cost, in USD. Unknown is None from here to the last screen (api-contracts 9.5).

The price data is one large module that takes a second to load, so it is read on a thread.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from urllib.parse import urlsplit

from swebench_providers.catalog import ProviderSpec, is_own_host
from swebench_providers.models import TokenUsage


async def cost_of(usage: TokenUsage | None, spec: ProviderSpec, base_url: str | None, model: str) -> Decimal | None:
    """The price of `usage`: what the provider reported, nothing where it is free, else by the price list.

    None when the price, or what was used, is unknown. The list holds for the provider's own hosts only: another server
    behind `base_url` has prices of its own.
    """
    if spec.price == "free":
        return Decimal(0)
    if usage is None:
        return None
    if usage.reported_cost is not None:
        return usage.reported_cost
    if spec.price == "list" and (is_own_host(spec, base_url) or _domain(base_url) == _domain(spec.base_url)):
        return await asyncio.to_thread(_from_list, usage, *_listed_as(spec.prices_id, model))
    return None


def _listed_as(prices_id: str, model: str) -> tuple[str, str]:
    """Under which provider and model the list has it. A router's prices stand under the route its model id names."""
    if "{route}" not in prices_id:
        return prices_id, model
    name, _, route = model.partition(":")
    return prices_id.format(route=route), name


def _domain(url: str | None) -> list[str]:
    """The last two labels of the host: regional hosts of a provider share them."""
    return (urlsplit(url or "").hostname or "").split(".")[-2:]


def _from_list(usage: TokenUsage, provider: str, model: str) -> Decimal | None:
    import genai_prices  # noqa: PLC0415 - a second of import that only a paid answer has to spend

    try:
        used = genai_prices.Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        return genai_prices.calc_price(used, model, provider_id=provider).total_price
    except (LookupError, ValueError):  # no such model; or counts that cannot be, such as more cached than read
        return None
