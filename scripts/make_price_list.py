"""Write the bundled price list anew from the installed `genai-prices`.

    uv lock --upgrade-package genai-prices && uv sync
    uv run scripts/make_price_list.py

Kept of each model are the rule by which it is found, its prices by date, tier and time of day, and its batch rates.
Left out is what no request of the provider layer is charged for: audio, images, searches, storage, service tiers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import msgspec
from genai_prices import data, types

from swebench_providers.pricing.price_list import (
    FILE_NAME,
    ListedModel,
    ListedProvider,
    Period,
    Price,
    Rates,
    Rule,
    Rules,
    Tiered,
)

TARGET: Final = Path(__file__).parents[1] / "providers" / "swebench_providers" / "pricing" / FILE_NAME
PACKAGE: Final = "genai-prices"
_BATCH: Final = {"processing": "batch"}
_RATES: Final = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "requests": "requests_kcount",
}


def price_list(retrieved: date) -> str:
    """The whole file: one model on a line, so that changes can be read."""
    package = distribution(PACKAGE)
    licence = next(file for file in package.files or () if file.name == "LICENSE").read_text()
    head = {
        "package": PACKAGE,
        "version": package.version,
        "retrieved": retrieved,
        "license": licence.strip().splitlines(),
    }
    lines = [f'"{name}": {_json(value)},' for name, value in head.items()]
    providers = ",\n".join(map(_provider_text, data.providers))
    return "{\n" + "\n".join(lines) + '\n"providers": [\n' + providers + "\n]\n}\n"


def _provider_text(provider: types.Provider) -> str:
    listed = ListedProvider(
        id=provider.id,
        match=None if provider.provider_match is None else rule(provider.provider_match),
        fallback=tuple(provider.fallback_model_providers or ()),
    )
    models = ",\n".join(_json(model(each)) for each in provider.models)
    return _json(listed).removesuffix("}") + ', "models": [\n' + models + "\n]}"


def model(info: types.ModelInfo) -> ListedModel:
    """A model with what is kept of it."""
    prices = info.prices if isinstance(info.prices, list) else [types.ConditionalPrice(prices=info.prices)]
    batch = [variant for variant in info.price_variants or () if variant.when == _BATCH]
    return ListedModel(
        id=info.id,
        match=rule(info.match),
        prices=tuple(_period(each.prices, each.constraint) for each in prices),
        batch=tuple(_period(each.prices, each.constraint) for each in batch),
    )


def rule(clause: types.MatchLogic) -> Rule:
    """A clause as text; all of them but `regex` ignore the case."""
    match clause:
        case types.ClauseOr():
            return Rules(any_of=tuple(map(rule, clause.or_)))
        case types.ClauseAnd():
            return Rules(all_of=tuple(map(rule, clause.and_)))
        case types.ClauseRegex():
            return f"regex:{clause.regex}"
    ((kind, text),) = vars(clause).items()
    return f"{kind}:{text.lower()}"


def _period(prices: types.ModelPrice, constraint: object) -> Period:
    rates = msgspec.structs.replace(Rates(), **dict(_rates(prices)))
    match constraint:
        case types.StartDateConstraint():
            return Period(rates=rates, start=constraint.start_date)
        case types.TimeOfDateConstraint():
            start, end = (types._utc_timetz(each) for each in (constraint.start_time, constraint.end_time))  # noqa: SLF001
            return Period(rates=rates, daily=(start.replace(tzinfo=None), end.replace(tzinfo=None)))
        case None:
            return Period(rates=rates)
    raise TypeError(f"{PACKAGE} has a new kind of constraint: {constraint!r}")


def _rates(prices: types.ModelPrice) -> Iterator[tuple[str, Price]]:
    for name, key in _RATES.items():
        price: Decimal | types.TieredPrices | None = getattr(prices, key)
        if isinstance(price, types.TieredPrices):
            yield name, Tiered(price.base, tuple((tier.start, tier.price) for tier in price.tiers))
        elif price is not None:
            yield name, price


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


if __name__ == "__main__":
    TARGET.write_text(price_list(datetime.now(UTC).date()), "utf-8")
    sys.stdout.write(f"{TARGET} is written from {PACKAGE} {distribution(PACKAGE).version}\n")
