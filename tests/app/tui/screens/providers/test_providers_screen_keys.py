"""The key dialogs: adding, warnings, keyring errors, disabled keys, and removing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from textual.pilot import Pilot

from swebench_providers import Secret, UnifiedRequest
from swebench_tui.runs.engine import Engine
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.screens.providers.add_key import AddKeyScreen
from swebench_tui.tui.screens.providers.dialogs import ConfirmScreen
from swebench_tui.tui.screens.providers.keys import KeysScreen
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.pilot import paste, shown, top_screen, wait_until
from tests.app.tui.screens.providers.providers_stage import app, choose, providers_of, row_says, says, setup_in
from tests.fault_server import FaultServer, failing

KEY = "a1b2c3d4e5f6g7h8"


async def keys_of(pilot: Pilot[None], provider: str) -> KeysScreen:
    await choose(pilot, provider)
    await pilot.press("k")
    return await top_screen(pilot, KeysScreen)


async def enter_key(pilot: Pilot[None], provider: str, key: str) -> AddKeyScreen:
    """Open the dialog and enter a key."""
    await keys_of(pilot, provider)
    await pilot.press("a")
    dialog = await top_screen(pilot, AddKeyScreen)
    await paste(pilot, key)
    return dialog


async def send_request(engine: Engine, provider: str) -> None:
    """Send one request with the next key."""
    resolved = await engine.resolve(provider)

    async def ask() -> None:
        async with aclosing(resolved.stream(UnifiedRequest(model="m", prompt="Why?"))) as events:
            async for _ in events:
                pass

    await asyncio.wrap_future(engine.submit(ask()))


def with_two_keys(tmp_path: Path, server: FaultServer) -> tuple[Workspace, MemoryStore]:
    keyring = MemoryStore()
    workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url}, keyring=keyring)
    for label in ("work", "home"):
        workspace.keys.add("compatible", Secret(f"{KEY}-{label}"), label=label, storage="keyring")
    return workspace, keyring


async def test_a_key_is_stored_under_its_label_and_never_shown(tmp_path: Path) -> None:
    keyring = MemoryStore()
    workspace = setup_in(tmp_path, keyring=keyring)
    async with providers_of(workspace) as pilot:
        dialog = await enter_key(pilot, "openrouter", KEY)
        assert KEY not in shown(dialog)
        await pilot.press("enter", "ctrl+a", "ctrl+k")
        await paste(pilot, "work")
        await pilot.press("enter")
        await says(pilot, "stored in the keyring, sent only to https://openrouter.ai")
        assert keyring.kept["openrouter", "work"].reveal() == KEY
        assert KEY not in shown(pilot.app.screen)
        await pilot.press("escape")
        await row_says(pilot, "openrouter", "✓ ready")
        await row_says(pilot, "openrouter", "keyring: work")


async def test_a_suspicious_key_has_to_be_confirmed(tmp_path: Path) -> None:
    keyring = MemoryStore()
    async with providers_of(setup_in(tmp_path, keyring=keyring)) as pilot:
        await enter_key(pilot, "openai", "sk-ant-0123456789abcdef")
        await says(pilot, "! By its prefix this is a key of Anthropic")
        await pilot.press("ctrl+s")
        await says(pilot, "save again to store this one")
        assert keyring.kept == {}
        await pilot.press("ctrl+s")
        await top_screen(pilot, KeysScreen)
        assert ("openai", "default") in keyring.kept


async def test_quotes_around_a_key_are_removed(tmp_path: Path) -> None:
    keyring = MemoryStore()
    async with providers_of(setup_in(tmp_path, keyring=keyring)) as pilot:
        await enter_key(pilot, "openrouter", f'"{KEY}"')
        await says(pilot, "! The key has quotes around it.")
        await pilot.press("ctrl+s")
        await top_screen(pilot, KeysScreen)
        assert keyring.kept["openrouter", "default"].reveal() == KEY


async def test_without_keyring_ctrl_f_stores_the_key_in_file(tmp_path: Path) -> None:
    keyring = MemoryStore()
    keyring.broken = "there is no keyring here"
    workspace = setup_in(tmp_path, keyring=keyring)
    async with providers_of(workspace) as pilot:
        await enter_key(pilot, "openrouter", KEY)
        await pilot.press("ctrl+s")
        await says(pilot, "✗ there is no keyring here")
        await says(pilot, "ctrl+f: save it in a private file")
        assert list((tmp_path / "data").rglob("*")) == []
        await pilot.press("ctrl+f")
        await says(pilot, "stored in the file, sent only to https://openrouter.ai")
        assert workspace.settings.secrets.keep_in == "file"


async def test_a_provider_without_keys_reports_that(tmp_path: Path) -> None:
    async with providers_of(setup_in(tmp_path)) as pilot:
        await enter_key(pilot, "embedded", KEY)
        await pilot.press("ctrl+s")
        await says(pilot, "✗ embedded does not use a key")


async def test_a_key_is_removed_after_a_confirmation(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace, keyring = with_two_keys(tmp_path, server)
        async with providers_of(workspace) as pilot:
            keys = await keys_of(pilot, "compatible")
            await wait_until(pilot, lambda: "home" in shown(keys), what="both")
            await pilot.press("down", "delete")
            question = await top_screen(pilot, ConfirmScreen)
            assert "'home'" in shown(question)
            await pilot.press("y")
            await wait_until(pilot, lambda: ("compatible", "home") not in keyring.kept, what="it gone")
            await top_screen(pilot, KeysScreen)
            await wait_until(pilot, lambda: "home" not in shown(keys), what="the row gone")
            assert [kept.label for kept in workspace.keys.entries("compatible")] == ["work"]


async def test_a_key_that_cannot_be_removed_stays_listed(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace, keyring = with_two_keys(tmp_path, server)
        async with providers_of(workspace) as pilot:
            keys = await keys_of(pilot, "compatible")
            await wait_until(pilot, lambda: "work" in shown(keys), what="the keys")
            keyring.broken = "the keyring is locked"
            await pilot.press("delete")
            await top_screen(pilot, ConfirmScreen)
            await pilot.press("y")
            await says(pilot, "✗ the keyring is locked")
            assert len(workspace.keys.entries("compatible")) == 2


async def test_a_key_from_the_environment_cannot_be_removed(tmp_path: Path) -> None:
    async with providers_of(setup_in(tmp_path, {"OPENROUTER_API_KEY": KEY})) as pilot:
        await keys_of(pilot, "openrouter")
        await says(pilot, "environment variable OPENROUTER_API_KEY")
        await pilot.press("delete")
        await says(pilot, "Not stored by swebench-tui")
        assert KEY not in shown(pilot.app.screen)


async def test_a_rejected_key_is_disabled_and_can_be_enabled(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace, _ = with_two_keys(tmp_path, server)
        async with providers_of(workspace) as pilot:
            server.enqueue(failing(401, "this key was revoked"))
            await send_request(app(pilot).engine, "compatible")
            keys = await keys_of(pilot, "compatible")
            await wait_until(pilot, lambda: "○ disabled" in shown(keys), what="the disabled key")
            assert "this key was revoked" in shown(keys)
            rows = [line for line in shown(keys).splitlines() if "disabled" in line or "enabled" in line]
            down = next(index for index, line in enumerate(rows) if "disabled" in line)
            await pilot.press(*["down"] * down, "r")
            await wait_until(pilot, lambda: "○ disabled" not in shown(keys), what="it enabled")


async def test_ctrl_r_shows_the_key_for_a_moment(tmp_path: Path) -> None:
    async with providers_of(setup_in(tmp_path)) as pilot:
        await choose(pilot, "openai")
        await pilot.press("k", "a")
        await top_screen(pilot, AddKeyScreen)
        await paste(pilot, "typed-canary-4711")
        assert "typed-canary-4711" not in shown(pilot.app.screen)
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: "typed-canary-4711" in shown(pilot.app.screen), what="the key")
        await wait_until(pilot, lambda: "typed-canary-4711" not in shown(pilot.app.screen), what="the key hidden")
