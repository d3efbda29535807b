"""Models and prices, the same on the command line and on the Models screen."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import msgspec
import pytest

from swebench_providers import ErrorKind, ModelInfo, ModelPrice, ProviderError, ProviderRegistry
from swebench_tui.cli.models import print_models
from swebench_tui.runs.engine import Engine
from swebench_tui.services.models import format_all_prices, list_models, sort_models
from swebench_tui.services.provider_access import CommandAccess, EngineAccess
from swebench_tui.tui.screens.models.screen import ModelsScreen
from tests.app.scripted import Listing, OnlyThese
from tests.app.tui.pilot import running, shown, top_screen, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

LONG = ModelPrice(input=Decimal("2.5"), output=Decimal(15), cached_input=Decimal("0.25"))
PRICE = ModelPrice(
    input=Decimal("1.25"),
    output=Decimal(10),
    cached_input=Decimal("0.125"),
    cache_write=Decimal("1.5"),
    long_from=200_000,
    long_prompt=LONG,
)
CODER = ModelInfo(id="coder-7b", name="Coder", context_window=1_048_576, max_output=65_536, capabilities=("tools",))
LISTED = ModelInfo(id="listed", price_input=Decimal("0.10"), price_output=Decimal(2))


class Priced(Listing):
    """A provider with a price for `coder-7b`, and the provider's own list for `listed`."""

    async def price_of(self, model: str) -> ModelPrice | None:
        return PRICE if model == "coder-7b" else None


def registry() -> ProviderRegistry:
    return OnlyThese(acme=Priced(CODER, LISTED, ModelInfo(id="plain")))


async def test_both_front_ends_show_the_same_prices(capsys: pytest.CaptureFixture[str]) -> None:
    workspace = StandInWorkspace(registry=registry())
    await asyncio.to_thread(print_models, workspace, [], as_json=True)
    row = json.loads(capsys.readouterr().out)[0]
    await asyncio.to_thread(print_models, workspace, [], as_json=False)
    table_row = capsys.readouterr().out.splitlines()[1]
    async with running("acme:x", registry=registry()) as pilot:
        await pilot.press("3")
        screen = await top_screen(pilot, ModelsScreen)
        await wait_until(pilot, lambda: "3 of 3 models" in shown(screen), what="the models")
        text = " ".join(shown(screen).split())

    assert table_row.split() == ["acme:coder-7b", "1,048,576", "65,536", "$1.25", "/", "$10"]
    assert "acme:coder-7b 1,048,576 context $1.25 / $10" in text
    assert "context 1,048,576 · max output 65,536 · tools" in text
    (tier,) = row["price_tiers"]
    assert tier["above_tokens"] == 200_000
    assert _detail(row, tier) in text


def _detail(row: dict[str, float], tier: dict[str, float]) -> str:
    """The detail line of the screen, built from the JSON of the command."""
    names = {"price_input": "input", "price_output": "output", "price_cached_input": "cached input"}
    short = ", ".join(f"{name} ${row[key]:g}" for key, name in {**names, "price_cache_write": "cache write"}.items())
    long = ", ".join(f"{name} ${tier[key]:g}" for key, name in names.items())
    return f"{short}; above {tier['above_tokens']:,} tokens: {long} ({row['price_source']})"


async def test_the_source_of_each_price_is_named() -> None:
    own = registry()
    own.use_prices({"acme": {"coder-7b": PRICE}})
    engine = Engine(registry())
    try:
        listed = await list_models(EngineAccess(engine), "acme")
    finally:
        await asyncio.to_thread(engine.close)
    assert [model.price_source for model in listed.models] == ["genai-prices", "provider", None]
    assert [format_all_prices(model) for model in listed.models[1:]] == [
        "input $0.1, output $2 (listed by the provider)",
        "price unknown",
    ]
    async with CommandAccess(StandInWorkspace(registry=own)) as access:
        coder, *_ = (await list_models(access, "acme")).models
    assert format_all_prices(coder).endswith(" (your prices.toml)")


async def test_a_free_model_is_free_in_every_text() -> None:
    free = msgspec.structs.replace(LISTED, price_input=Decimal(0), price_output=Decimal(0))
    async with CommandAccess(StandInWorkspace(registry=OnlyThese(acme=Listing(free)))) as access:
        (model,) = (await list_models(access, "acme")).models
    assert format_all_prices(model) == "free"


async def test_an_error_is_part_of_the_result() -> None:
    error = ProviderError(ErrorKind.AUTH, "the key was rejected", hint="Set another key.")
    async with CommandAccess(StandInWorkspace(registry=OnlyThese(acme=Listing(error=error)))) as access:
        listed = await list_models(access, "acme")
    assert (listed.models, listed.error, listed.not_running) == ((), error, False)


async def test_unknown_values_sort_last() -> None:
    async with CommandAccess(StandInWorkspace(registry=registry())) as access:
        models = (await list_models(access, "acme")).models
    assert [model.id for model in sort_models(models, "price")] == ["listed", "coder-7b", "plain"]
    assert [model.id for model in sort_models(models, "context")] == ["coder-7b", "listed", "plain"]
