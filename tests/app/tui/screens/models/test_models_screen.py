"""The Models screen: list, search, errors of providers, and adding a model to Compare."""

from __future__ import annotations

from decimal import Decimal

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from swebench_providers import ErrorKind, ModelInfo, ProviderError, ProviderRegistry
from swebench_tui.tui.screens.models.screen import ModelsScreen
from tests.app.scripted import Gate, Listing, OnlyThese
from tests.app.tui.pilot import column, compare_screen, paste, running, shown, top_screen, wait_until

PRICED = ModelInfo(id="coder-7b", context_window=32_768, price_input=Decimal("0.10"), price_output=Decimal(2))
FREE = ModelInfo(id="tiny", price_input=Decimal(0), price_output=Decimal(0))
HOSTILE = ModelInfo(id="[b]evil[/b]\x1b[2J")


async def opened(pilot: Pilot[None], *, until: str) -> ModelsScreen:
    await pilot.press("3")
    screen = await top_screen(pilot, ModelsScreen)
    await wait_until(pilot, lambda: until in shown(screen), what=until)
    return screen


async def test_all_models_are_listed_with_context_and_price() -> None:
    registry = OnlyThese(one=Listing(PRICED, HOSTILE), two=Listing(FREE))
    async with running("one:x", registry=registry) as pilot:
        text = shown(await opened(pilot, until="3 of 3 models · 2 providers"))
        assert "32,768 context  $0.1 / $2" in text
        assert "context unknown  price unknown" in text
        assert "context unknown  free" in text
        assert "[b]evil[/b]␛[2J" in text


async def test_a_slow_provider_does_not_delay_the_others() -> None:
    gate = Gate()
    registry = OnlyThese(quick=Listing(FREE), slow=Listing(PRICED, gate=gate))
    async with running("quick:x", registry=registry) as pilot:
        screen = await opened(pilot, until="1 of 1 models · 1 provider · loading slow …")
        assert "quick:tiny" in shown(screen)
        gate.open()
        await wait_until(pilot, lambda: "2 of 2 models · 2 providers" in shown(screen), what="the slow one")
        assert "loading" not in shown(screen)


async def test_an_error_is_shown_with_its_hint_beside_the_models() -> None:
    error = ProviderError(ErrorKind.AUTH, "the key was rejected", hint="Set another key.")
    async with running("good:x", registry=OnlyThese(good=Listing(FREE), bad=Listing(error=error))) as pilot:
        screen = await opened(pilot, until="✗ bad: the key was rejected → Set another key.")
        assert "good:tiny" in shown(screen)


async def test_a_local_server_that_is_not_running_is_no_error() -> None:
    async with running("embedded:x", registry=ProviderRegistry({})) as pilot:
        screen = await opened(pilot, until="not running: fastchat")
        assert "✗" not in shown(screen)


async def test_slash_searches_and_escape_clears_the_search() -> None:
    async with running("one:x", registry=OnlyThese(one=Listing(PRICED, FREE))) as pilot:
        screen = await opened(pilot, until="2 of 2 models")
        await pilot.press("slash")
        await paste(pilot, "coder one")
        await wait_until(pilot, lambda: "1 of 2 models" in shown(screen), what="one left")
        assert "one:tiny" not in shown(screen)
        await pilot.press("escape")
        await wait_until(pilot, lambda: "2 of 2 models" in shown(screen), what="all again")
        assert not screen.query_one(Input).has_focus
        await pilot.press("1")
        assert pilot.app.current_mode == "compare"


async def test_enter_adds_the_model_to_compare() -> None:
    async with running("one:x", registry=OnlyThese(one=Listing(PRICED, FREE))) as pilot:
        await opened(pilot, until="2 of 2 models")
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 2, what="the column")
        await wait_until(pilot, lambda: "one:tiny to Compare" in shown(pilot.app.screen), what="the word")
        await pilot.press("1")
        await wait_until(pilot, lambda: "one · tiny" in shown(pilot.app.screen), what="it in Compare")
        assert str(column(pilot, 1).target) == "one:tiny"


async def test_a_fifth_model_is_refused_with_a_message() -> None:
    async with running(*["one:x"] * 4, registry=OnlyThese(one=Listing(FREE))) as pilot:
        await opened(pilot, until="1 of 1 models")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "4 columns is the maximum" in shown(pilot.app.screen), what="the word")
        assert len(compare_screen(pilot).columns) == 4


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_r_refreshes_the_list(size: tuple[int, int]) -> None:
    provider = Listing(FREE)
    async with running("one:x", registry=OnlyThese(one=provider), size=size) as pilot:
        screen = await opened(pilot, until="1 of 1 models")
        provider._models = (FREE, PRICED)
        await pilot.press("r")
        await wait_until(pilot, lambda: "2 of 2 models" in shown(screen), what="the new one")
