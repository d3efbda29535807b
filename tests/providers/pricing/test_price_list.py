"""The bundled price list has the prices of `genai-prices`, found by the same names.

A sample is compared; `PRICE_LIST_STRIDE=1 pytest tests/providers/pricing/test_price_list.py` compares every model.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Final

import genai_prices
import msgspec
import pytest
from genai_prices import data, data_snapshot, types

from swebench_providers import TokenUsage
from swebench_providers.pricing import price_list
from swebench_providers.pricing.price_list import Entry, ListedModel, Period, Rates, Rules, Tiered, matches
from swebench_providers.pricing.prices import _rates_cost

PROJECT = Path(__file__).parents[3]
STRIDE: Final = int(os.environ.get("PRICE_LIST_STRIDE", "9"))
HALF = Decimal("0.5")
ALIASES = ["vertex-ai", "my-openai", "amazon-nova", "huggingface_groq-x", "nobody", "", "GOOGLE ", "xai"]
MOMENTS = [
    datetime.now(UTC),
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2025, 3, 1, 0, 30, tzinfo=UTC),  # inside of a vendor's cheap hours
    datetime(2026, 10, 13, 23, 59, tzinfo=UTC),
    datetime(2026, 10, 14, tzinfo=UTC),  # from here on there are batch rates
    datetime(2027, 6, 1, 17, tzinfo=UTC),
]


def usage(prompt: int, completion: int, cached: int = 0, written: int = 0) -> TokenUsage:
    return TokenUsage(
        prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached, cache_write_tokens=written
    )


USAGES = [
    usage(0, 0),
    usage(10_000, 2_000, 4_000, 1_000),
    usage(200_000, 500, 100_000),
    usage(200_001, 500, 100_000, 5),
    usage(272_001, 9_000, 0, 272_001),
    usage(1_000_001, 1),
    usage(5, 1, 10),  # more cached than read
    usage(5, 1, 3, 3),  # parts beyond the whole
    usage(5, -1),
    usage(-5, 1),
]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_price_list", PROJECT / "scripts" / "make_price_list.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_its_script_writes(script: ModuleType) -> None:
    source = price_list.source()
    assert source.version == version("genai-prices"), "run scripts/make_price_list.py"
    text = script.TARGET.read_text("utf-8")
    assert text == script.price_list(source.retrieved)
    assert "Copyright (c) Pydantic Services Inc." in text
    assert "Permission is hereby granted" in text


def names(model: types.ModelInfo) -> Iterator[str]:
    """Names that its rule may take, and some that only look so."""
    clauses = [model.match]
    while clauses:
        clause = clauses.pop()
        clauses += [*getattr(clause, "or_", ()), *getattr(clause, "and_", ())]
        for text in vars(clause).values():
            if isinstance(text, str):
                plain = text.strip("^$").replace("\\d{8}", "20251211").replace("\\", "")
                yield from (plain, plain.upper(), f"{plain}-20251211", f"org/{plain}:free")
    yield model.id


def expected_cost(model: tuple[str, str], used: TokenUsage, moment: datetime, share: Decimal | None) -> Decimal | None:
    """By `genai-prices` itself, as far as its facts hold for tokens alone."""
    provider, name = model
    try:
        counts = genai_prices.Usage(
            input_tokens=used.prompt_tokens,
            output_tokens=used.completion_tokens,
            cache_read_tokens=used.cached_tokens,
            cache_write_tokens=used.cache_write_tokens,
        )
        full, batch = (
            genai_prices.calc_price(
                counts, name, provider_id=provider, genai_request_timestamp=moment, price_context=context
            )
            for context in (None, {"processing": "batch"})
        )
    except ValueError:
        return None
    if full.model_price.input_mtok is None or full.model_price.output_mtok is None:
        return None
    if share is None:
        return full.total_price
    return batch.total_price if batch.model_price != full.model_price else full.total_price * share


@pytest.mark.parametrize("provider", [*(each.id for each in data.providers), *ALIASES])
def test_each_model_is_found_and_costs_the_same(provider: str) -> None:
    chain = price_list._read_provider(provider)
    own = [model for each in data.providers if each.id == provider for model in each.models]
    every = own or [model for each in data.providers for model in each.models]
    for model in every[:: STRIDE if own else 10 * STRIDE]:
        for name in dict.fromkeys(names(model)):
            try:
                _, expected = data_snapshot.get_snapshot().find_provider_model(name, None, provider, None)
            except LookupError:
                expected = None
            found = price_list.find_model(chain, name)
            assert (found and found.model.id) == (expected and expected.id), name
        entry = price_list.find_model(chain, model.id)
        for moment, used, share in product(MOMENTS, USAGES, (None, HALF)) if entry else ():
            cost = entry and _rates_cost(entry, used, moment.replace(tzinfo=None), share)
            assert cost == expected_cost((provider, model.id), used, moment, share), (model.id, moment, used, share)


async def test_an_unlisted_provider_or_model_is_not_found() -> None:
    assert await price_list.find("nobody", "gpt-5") is None
    assert await price_list.find("openai", "a-model-nobody-knows") is None
    assert await price_list.find("openai", "") is None


async def test_a_dated_name_is_found_in_either_spelling() -> None:
    dashed = await price_list.find("openai", "gpt-5-2025-08-07")
    assert dashed is not None
    assert await price_list.find("openai", "gpt-5-20250807") == dashed
    assert await price_list.find("openai", "gpt-5-nobody-20251399") is None


def test_a_rule_of_rules_needs_any_or_all() -> None:
    rule = Rules(any_of=("equals:a", Rules(all_of=("starts_with:b", "ends_with:c", "contains:-", "regex:[0-9]$"))))
    assert matches(rule, "a")
    assert not matches(rule, "b-c")
    assert matches(Rules(all_of=("starts_with:b", "ends_with:c")), "b-c")
    assert not matches(Rules(), "a")


def test_the_last_period_that_applies_holds() -> None:
    rates = [Rates(input=Decimal(number)) for number in range(4)]
    model = ListedModel(
        id="m",
        match="equals:m",
        prices=(
            Period(rates=rates[0]),
            Period(rates=rates[1], start=date(2026, 5, 1)),
            Period(rates=rates[2], daily=(time(16, 30), time(0, 30))),
            Period(rates=rates[3], start=date(2026, 9, 1)),
        ),
    )
    moments = [datetime(2026, 4, 30, 12), datetime(2026, 5, 1), datetime(2026, 5, 1, 12), datetime(2026, 9, 1, 23)]  # noqa: DTZ001
    assert [model.rates(moment) for moment in moments] == [rates[0], rates[2], rates[1], rates[3]]


def test_a_request_is_charged_beside_its_tokens() -> None:
    rates = Rates(input=Decimal(1), output=Tiered(Decimal(2), ((10, Decimal(4)),)), requests=Decimal(5))
    assert rates.cost(usage(10, 1_000_000)) == Decimal("2.00501")
    assert rates.cost(usage(11, 1_000_000)) == Decimal("4.005011")
    with pytest.raises(ValueError, match="a count is negative"):
        rates.cost(usage(-1, 0))


def test_batch_rates_of_another_providers_model_do_not_hold() -> None:
    model = ListedModel(
        id="m",
        match="equals:m",
        prices=(Period(rates=Rates(input=Decimal(4), output=Decimal(4))),),
        batch=(Period(rates=Rates(input=Decimal(1))), Period(rates=Rates(input=Decimal(9), output=Decimal(3)))),
    )
    used, moment = usage(1_000_000, 1_000_000), price_list.now()
    assert _rates_cost(Entry(model, fallback=False), used, moment, HALF) == 4
    assert _rates_cost(Entry(model, fallback=True), used, moment, HALF) == 4 * HALF * 2
    assert _rates_cost(Entry(model, fallback=False), used, moment, None) == 8
    assert msgspec.json.decode(msgspec.json.encode(model), type=ListedModel) == model
