"""The Providers screen: rows before, during and after a test, and the actions on a provider."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from swebench_providers import ProviderError, UnifiedRequest
from swebench_tui.runs.engine import Engine
from swebench_tui.tui.screens.providers.details import ProviderDetailsScreen
from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen, ConfirmScreen
from swebench_tui.tui.screens.providers.screen import ProvidersScreen
from swebench_tui.tui.screens.settings.screen import SettingsScreen
from tests.app.tui.pilot import paste, shown, top_screen, wait_until
from tests.app.tui.screens.providers.providers_stage import (
    NOWHERE,
    app,
    choose,
    providers_of,
    row,
    row_says,
    says,
    setup_in,
)
from tests.fault_server import FaultServer, Script, failing, html_page

KEY = "secret-of-nobody-12345"


def environ(server: FaultServer) -> dict[str, str]:
    return {"COMPATIBLE_BASE_URL": server.base_url, "COMPATIBLE_API_KEY": KEY}


async def after_test(pilot: Pilot[None], name: str, state: str) -> str:
    """Test one provider; returns the screen once its row shows the result."""
    screen = await choose(pilot, name)
    await pilot.press("t")
    await row_says(pilot, name, state)
    return shown(screen)


async def test_ready_providers_come_first_and_others_show_the_next_step(tmp_path: Path) -> None:
    async with (
        FaultServer() as server,
        providers_of(setup_in(tmp_path, environ(server) | {"OPENROUTER_API_KEY": KEY})) as pilot,
    ):
        lines = shown(pilot.app.screen).splitlines()
        names = ("compatible", "embedded", "openrouter", "ollama", "anthropic")
        places = [next(n for n, line in enumerate(lines) if name in line.split()) for name in names]
        assert places == sorted(places)
        assert row(pilot, "openrouter").startswith("✓ ready")
        assert "$OPENROUTER_API_KEY" in row(pilot, "openrouter")
        assert row(pilot, "ollama").startswith("◌ not tested")
        assert row(pilot, "anthropic").startswith("– no API key")
        assert "set ANTHROPIC_API_KEY" in row(pilot, "anthropic")
        assert row(pilot, "azure").startswith("– no address")
        assert KEY not in shown(pilot.app.screen)
        assert server.requests == []


async def test_a_test_shows_first_token_time_and_number_of_models(tmp_path: Path) -> None:
    async with FaultServer() as server, providers_of(setup_in(tmp_path, environ(server))) as pilot:
        await after_test(pilot, "compatible", "✓ 0.")
        assert row(pilot, "compatible").startswith("✓ ready")
        assert row(pilot, "compatible").split()[-5] == "1"


async def test_a_rejected_key_is_reported_with_a_hint(tmp_path: Path) -> None:
    refusing = FaultServer(default=failing(401, "no such key"))
    async with refusing as server, providers_of(setup_in(tmp_path, environ(server))) as pilot:
        text = await after_test(pilot, "compatible", "! key rejected")
        assert "no such key →" in text
        assert KEY not in text


async def test_a_web_page_is_reported_as_a_wrong_address(tmp_path: Path) -> None:
    async with FaultServer(default=html_page()) as server, providers_of(setup_in(tmp_path, environ(server))) as pilot:
        await after_test(pilot, "compatible", "✗ wrong address")


async def test_a_server_that_is_down_is_unreachable(tmp_path: Path) -> None:
    async with FaultServer() as server, providers_of(setup_in(tmp_path, environ(server))) as pilot:
        await server.stop_abruptly()
        assert "→ Start the server" in await after_test(pilot, "compatible", "✗ unreachable")


async def test_an_unconfigured_local_server_is_not_running(tmp_path: Path) -> None:
    async with FaultServer() as server, providers_of(setup_in(tmp_path, environ(server))) as pilot:
        text = await after_test(pilot, "fastchat", "– not running")
        assert "✗" not in text


async def test_control_characters_from_a_server_are_made_visible(tmp_path: Path) -> None:
    hostile = FaultServer(default=failing(401, "[b]evil[/b]\x1b[2J\x07"))
    async with hostile as server, providers_of(setup_in(tmp_path, environ(server))) as pilot:
        await after_test(pilot, "compatible", "! key rejected")
        await says(pilot, "[b]evil[/b]␛[2J␇")


async def test_a_slow_test_blocks_nothing_and_escape_cancels_it(tmp_path: Path) -> None:
    async with FaultServer(default=Script(before_head=3600)) as slow, FaultServer() as quick:
        workspace = setup_in(tmp_path, environ(slow) | {"OLLAMA_HOST": quick.base_url})
        async with providers_of(workspace) as pilot:
            screen = await choose(pilot, "compatible")
            await pilot.press("t")
            await row_says(pilot, "compatible", "◌ testing")
            _, request = await slow.received(2)
            await after_test(pilot, "ollama", "✓ ready")
            await pilot.press("1")
            assert pilot.app.current_mode == "compare"
            await pilot.press("4")
            assert row(pilot, "compatible").startswith("◌ testing")
            await pilot.press("escape")
            await request.client_gone(within=5)
            await row_says(pilot, "compatible", "◌ not tested")
            assert screen.entries["compatible"].test is None


async def test_only_ready_providers_are_tested_all_at_once(tmp_path: Path) -> None:
    async with FaultServer() as fine, FaultServer(default=failing(401)) as refusing:
        local = {f"{name}_BASE_URL": NOWHERE for name in ("FASTCHAT", "LLAMACPP", "LMSTUDIO", "SGLANG", "VLLM")}
        workspace = setup_in(tmp_path, environ(refusing) | local | {"OLLAMA_HOST": fine.base_url})
        async with providers_of(workspace) as pilot:
            await pilot.press("T")
            for name, state in (("compatible", "! key rejected"), ("ollama", "✓ ready"), ("vllm", "✗ unreachable")):
                await row_says(pilot, name, state)
            assert row(pilot, "anthropic").startswith("– no API key")
            await pilot.press("escape")


async def open_breaker(engine: Engine, server: FaultServer) -> None:
    """Send failing requests until the circuit breaker is open."""
    server.default = failing(500, "out of order")
    resolved = await engine.resolve("compatible")

    async def ask() -> None:
        async with aclosing(resolved.stream(UnifiedRequest(model="m", prompt="Why?"))) as events:
            async for _ in events:
                pass

    for _ in range(6):
        with pytest.raises(ProviderError):
            await asyncio.wrap_future(engine.submit(ask()))


async def test_the_details_of_an_open_breaker_give_the_reason(tmp_path: Path) -> None:
    async with FaultServer() as server, providers_of(setup_in(tmp_path, environ(server))) as pilot:
        await open_breaker(app(pilot).engine, server)
        await row_says(pilot, "compatible", "○ open")
        await choose(pilot, "compatible")
        await pilot.press("enter")
        details = await top_screen(pilot, ProviderDetailsScreen)
        await wait_until(pilot, lambda: "opened once" in shown(details), what="the number of openings")
        for text in ("○ open for", "reason: ", "transient", "failed"):
            assert text in shown(details)


async def test_the_details_name_variables_and_sources(tmp_path: Path) -> None:
    file = '[providers.compatible]\nmodel = "m-1"\nheaders = { X-Team = "swordfish" }\n'
    async with FaultServer() as server, providers_of(setup_in(tmp_path, environ(server), file=file)) as pilot:
        await choose(pilot, "compatible")
        await pilot.press("enter")
        details = await top_screen(pilot, ProviderDetailsScreen)
        await wait_until(pilot, lambda: "Settings and their sources" in shown(details), what="the sources")
        text = shown(details)
        assert "COMPATIBLE_API_KEY  ✓ set" in text
        assert "(environment: COMPATIBLE_BASE_URL)" in text
        assert "m-1  (user file:" in text
        assert "headers.X-Team" in text
        assert "swordfish" not in text
        assert KEY not in text
        await pilot.press("escape")
        await top_screen(pilot, ProvidersScreen)


async def test_a_provider_is_added_in_a_dialog(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with FaultServer() as server, providers_of(workspace) as pilot:
        await pilot.press("a")
        dialog = await top_screen(pilot, AddProviderScreen)
        await paste(pilot, "openai")
        await pilot.press("enter", "enter")
        await paste(pilot, server.base_url)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "✗" in shown(dialog), what="that the name is taken")
        dialog.query_one("#name").focus()
        await pilot.press("ctrl+a", "ctrl+k")
        await paste(pilot, "my-box")
        await pilot.press("ctrl+s")
        await top_screen(pilot, ProvidersScreen)
        await row_says(pilot, "my-box", "my-box")
        assert workspace.settings.providers["my-box"].base_url == server.base_url


async def test_removing_asks_first_and_lists_the_consequences(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path, file=f'[providers.my-box]\nlike = "compatible"\nbase_url = "{NOWHERE}"\n')
    async with providers_of(workspace) as pilot:
        await choose(pilot, "my-box")
        await pilot.press("delete")
        question = await top_screen(pilot, ConfirmScreen)
        await wait_until(pilot, lambda: "base_url" in shown(question), what="the consequences")
        assert "is a custom provider" in shown(question)
        await pilot.press("n")
        await top_screen(pilot, ProvidersScreen)
        assert "my-box" in workspace.settings.providers
        await pilot.press("delete")
        await top_screen(pilot, ConfirmScreen)
        await pilot.press("y")
        screen = await top_screen(pilot, ProvidersScreen)
        await wait_until(pilot, lambda: "my-box" not in screen.entries, what="it gone")
        assert "my-box" not in workspace.settings.providers


async def test_without_settings_there_is_nothing_to_remove(tmp_path: Path) -> None:
    async with providers_of(setup_in(tmp_path)) as pilot:
        await choose(pilot, "openai")
        await pilot.press("delete")
        await says(pilot, "Your settings file has no settings for openai")


async def test_settings_are_edited_and_a_wrong_value_is_refused(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with providers_of(workspace) as pilot:
        await choose(pilot, "ollama")
        await pilot.press("e")
        await top_screen(pilot, SettingsScreen)
        await says(pilot, " time_limits.idle ")
        assert "appearance.theme" not in shown(pilot.app.screen)
        await pilot.press("slash")
        await paste(pilot, "base_url")
        await pilot.press("enter", "enter")
        await says(pilot, "Base URL.")
        await pilot.press("ctrl+a", "ctrl+k")
        await paste(pilot, "ftp://x")
        await says(pilot, "✗")
        assert workspace.settings.providers == {}
        await pilot.press("ctrl+a", "ctrl+k")
        await paste(pilot, NOWHERE)
        await pilot.press("enter")
        await says(pilot, "Saved ")
        assert workspace.settings.providers["ollama"].base_url == NOWHERE


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_status_and_keys_fit_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with FaultServer() as server, providers_of(setup_in(tmp_path, environ(server)), size=size) as pilot:
        await after_test(pilot, "compatible", "✓ 0.")
        assert ("Address" in shown(pilot.app.screen)) == (size[0] > 100)
        assert "remove" in shown(pilot.app.screen)
