"""Setting up step by step: every way through, and every way out, on real servers."""

from __future__ import annotations

import stat
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from swebench_providers import Secret
from swebench_providers.servers.discovery import FoundServer
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.secrets.store import KeyStore
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen
from swebench_tui.tui.screens.providers.keys import AddKeyScreen
from swebench_tui.tui.screens.wizard.choose import ChooseStep
from swebench_tui.tui.screens.wizard.found import FoundStep
from swebench_tui.tui.screens.wizard.models import ModelsStep, PickModelScreen
from swebench_tui.tui.screens.wizard.trial import TrialStep
from tests.app.scripted import Gate
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.pilot import compare_screen, paste, shown, states, top_screen, wait_until
from tests.fault_server import FaultServer, Script, failing, html_page

KEY = "sk-nobody-canary-0f3a91c5d7"


class NoStore(MemoryStore):
    """Takes nothing: a keyring that is locked."""

    def write(self, provider: str, label: str, key: Secret) -> None:  # noqa: ARG002
        raise KeyStoreError("the keyring is locked", hint="Unlock it.")


def setup_in(folder: Path, environ: Mapping[str, str] | None = None, *, keyring: KeyStore | None = None) -> Workspace:
    return Workspace(
        dict(environ or {}),
        config_folder=folder / "config",
        data_folder=folder / "data",
        keyring=keyring or MemoryStore(),
    )


@asynccontextmanager
async def started(
    workspace: Workspace, *servers: FoundServer, size: tuple[int, int] = (100, 30), gate: Gate | None = None
) -> AsyncGenerator[Pilot[None], None]:
    """The app as a user starts it; `servers` are those that are found, once the gate is open."""

    async def discover() -> list[FoundServer]:
        if gate is not None:
            await gate.passed()
        return list(servers)

    app = SwebenchApp(workspace=workspace, discover=discover)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        await wait_until(pilot, lambda: app.compare.task_prompt is not None, what="the first task")
        yield pilot


async def to_step_two(pilot: Pilot[None]) -> None:
    """From the first start on, with Enter, until the list is there."""
    await top_screen(pilot, FoundStep)
    await pilot.press("enter")
    await top_screen(pilot, ChooseStep)
    await says(pilot, "openai")


async def enter_to_the_end(pilot: Pilot[None]) -> None:
    """From the first step on, with Enter, through all of them."""
    for step in (ChooseStep, TrialStep, ModelsStep):
        await pilot.press("enter")
        await top_screen(pilot, step)
    await pilot.press("enter")


async def says(pilot: Pilot[None], words: str) -> str:
    """Wait until the screen says so; all of it."""
    await wait_until(pilot, lambda: words in shown(pilot.app.screen), what=words)
    return shown(pilot.app.screen)


async def type_key(pilot: Pilot[None], key: str = KEY) -> None:
    await top_screen(pilot, AddKeyScreen)
    await paste(pilot, key)
    await pilot.press("enter", "enter")


def lineup(pilot: Pilot[None]) -> list[str]:
    return [str(view.target) for view in compare_screen(pilot).columns]


async def test_from_nothing_to_an_embedded_comparison_in_five_keys(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path)) as pilot:
        await top_screen(pilot, FoundStep)
        await says(pilot, "none on this machine's usual ports")
        await enter_to_the_end(pilot)
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")
        assert lineup(pilot) == ["embedded:smollm2", "embedded:smollm2"]
        await pilot.press("enter")
        await wait_until(pilot, lambda: "-" not in states(pilot), what="both columns asked")


async def test_a_key_is_typed_tested_and_ends_in_a_line_up_within_twelve_keys(tmp_path: Path) -> None:
    async with FaultServer(default=Script("All is well.")) as server:
        workspace = setup_in(tmp_path, {"OPENAI_BASE_URL": server.base_url})
        async with started(workspace) as pilot:
            await to_step_two(pilot)  # 1
            await pilot.press("space")  # 2: the first one that lacks a key has the cursor
            await type_key(pilot)  # 3 and 4, and the key
            await top_screen(pilot, ChooseStep)
            await says(pilot, "keyring: default")
            await pilot.press("enter")  # 5
            await top_screen(pilot, TrialStep)
            await says(pilot, "✓ answered")
            await pilot.press("enter")  # 6
            await top_screen(pilot, ModelsStep)
            await says(pilot, "its default")
            await pilot.press("enter")  # 7
            await wait_until(pilot, lambda: "openai" in lineup(pilot), what="the line-up")
            assert lineup(pilot) == ["embedded", "openai"]
            await pilot.press("x", "enter")  # 8 and 9
            await wait_until(pilot, lambda: "done" in states(pilot), what="an answer")
        assert workspace.settings.compare.lineup == ("embedded", "openai")
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in workspace.user_file.read_text("utf-8")


async def test_a_found_server_is_chosen_at_the_address_where_it_is(tmp_path: Path) -> None:
    async with FaultServer() as server:
        found = FoundServer(kind="llamacpp", name="llama.cpp", base_url=server.base_url, models=("tiny",))
        workspace = setup_in(tmp_path)
        async with started(workspace, found) as pilot:
            await says(pilot, "llama.cpp at")
            await pilot.press("enter")
            await says(pilot, "■ llamacpp       ✓ runs here")
            await pilot.press("enter")
            await says(pilot, "✓ answered")
            await pilot.press("enter")
            await top_screen(pilot, ModelsStep)
            await pilot.press("enter")
            await wait_until(pilot, lambda: "llamacpp" in lineup(pilot), what="the line-up")
        assert workspace.settings.providers["llamacpp"].base_url == server.base_url


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (failing(401, "no such key"), "✗ bad key: no such key"),
        (html_page(), "✗ wrong address"),
        (failing(404, "no such model"), "✗ model missing"),
    ],
    ids=["wrong key", "wrong address", "no model"],
)
async def test_what_is_wrong_is_told_with_what_to_do_and_one_can_go_on(
    tmp_path: Path, script: Script, said: str
) -> None:
    async with FaultServer(default=script) as server:
        environ = {"COMPATIBLE_BASE_URL": server.base_url, "COMPATIBLE_API_KEY": KEY}
        workspace = setup_in(tmp_path, environ)
        workspace.change(("providers", "compatible", "model"), "m")
        async with started(workspace) as pilot:
            pilot.app.action_open_wizard()  # type: ignore[attr-defined]
            await says(pilot, "COMPATIBLE_API_KEY")
            await pilot.press("enter")
            await says(pilot, "■ compatible")
            await pilot.press("enter")
            text = await says(pilot, said)
            assert "→ " in text
            assert KEY not in text
            server.default = Script("Better.")
            await pilot.press("r")
            await says(pilot, "✓ answered")
            await pilot.press("enter")
            await top_screen(pilot, ModelsStep)


async def test_a_server_that_is_down_is_told(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": "http://127.0.0.1:9", "COMPATIBLE_API_KEY": KEY})
    workspace.change(("providers", "compatible", "model"), "m")
    async with started(workspace) as pilot:
        pilot.app.action_open_wizard()  # type: ignore[attr-defined]
        await says(pilot, "COMPATIBLE_API_KEY")
        await pilot.press("enter", "enter")
        assert "→ Start the server" in await says(pilot, "✗ no route")


async def test_a_slow_server_holds_nothing_up(tmp_path: Path) -> None:
    async with FaultServer(default=Script("late", before_head=600.0)) as server:
        workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url, "COMPATIBLE_API_KEY": KEY})
        workspace.change(("providers", "compatible", "model"), "m")
        async with started(workspace) as pilot:
            pilot.app.action_open_wizard()  # type: ignore[attr-defined]
            await says(pilot, "COMPATIBLE_API_KEY")
            await pilot.press("enter", "enter")
            await says(pilot, "◌ asked ")
            await pilot.press("f1", "escape", "escape")
            await top_screen(pilot, ChooseStep)
            await pilot.press("enter", "enter")
            await top_screen(pilot, ModelsStep)


async def test_a_key_that_cannot_be_kept_stays_typed_and_may_go_into_a_file_on_consent(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path, keyring=NoStore())
    async with started(workspace) as pilot:
        await to_step_two(pilot)
        await pilot.press("space")
        await type_key(pilot)
        text = await says(pilot, "the keyring is locked")
        assert "ctrl+f" in text
        assert KEY not in text
        await pilot.press("ctrl+f")
        await says(pilot, "file: default")
    (kept,) = (tmp_path / "data" / "secrets").glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [each.storage for each in workspace.keys.entries("openai")] == ["file"]


async def test_leaving_early_keeps_what_was_entered_and_never_asks_again_by_itself(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace) as pilot:
        await to_step_two(pilot)
        await pilot.press("space")
        await type_key(pilot)
        await top_screen(pilot, ChooseStep)
        await says(pilot, "keyring: default")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")
        await wait_until(pilot, workspace.user_file.exists, what="the settings file")
        assert lineup(pilot) == ["embedded:smollm2", "embedded:smollm2"]
    assert workspace.providers.readiness("openai").ready
    async with started(workspace) as pilot:
        await pilot.pause(0.3)
        assert pilot.app.screen is compare_screen(pilot)
        pilot.app.action_open_wizard()  # type: ignore[attr-defined]
        await says(pilot, "keyring: default")


async def test_every_step_can_be_gone_back_to_and_what_was_chosen_is_still_chosen(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path)) as pilot:
        await to_step_two(pilot)
        await pilot.press("home", "space")
        await says(pilot, "□ embedded")
        await pilot.press("enter")
        await says(pilot, "! Nobody is chosen")
        await pilot.press("escape")
        await top_screen(pilot, FoundStep)
        await pilot.press("enter")
        await says(pilot, "□ embedded")
        await pilot.press("home", "space", "enter")
        await top_screen(pilot, TrialStep)
        await pilot.press("enter")
        await top_screen(pilot, ModelsStep)
        await pilot.press("escape")
        await top_screen(pilot, TrialStep)
        await pilot.press("escape")
        await top_screen(pilot, ChooseStep)
        await pilot.press("escape")
        await top_screen(pilot, FoundStep)
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")


async def test_with_a_key_in_the_environment_the_app_opens_without_the_steps(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path, {"OPENAI_API_KEY": KEY})) as pilot:
        await pilot.pause(0.3)
        assert pilot.app.screen is compare_screen(pilot)


async def test_a_server_of_ones_own_is_added_by_its_address(tmp_path: Path) -> None:
    async with FaultServer() as server, started(setup_in(tmp_path)) as pilot:
        await to_step_two(pilot)
        await pilot.press("a")
        await top_screen(pilot, AddProviderScreen)
        await paste(pilot, "mine")
        await pilot.press("tab", "tab")
        await paste(pilot, server.base_url)
        await pilot.press("enter")
        await says(pilot, "■ mine")


async def test_another_model_is_picked_from_the_live_list(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url, "COMPATIBLE_API_KEY": KEY})
        async with started(workspace) as pilot:
            pilot.app.action_open_wizard()  # type: ignore[attr-defined]
            await says(pilot, "COMPATIBLE_API_KEY")
            await pilot.press("enter")
            await says(pilot, "■ compatible")
            await pilot.press("enter", "enter")
            await says(pilot, "its default")
            await pilot.press("space")
            picker = await top_screen(pilot, PickModelScreen)
            await says(pilot, "1 of 1 models")
            model = picker._models[0]
            await pilot.press("down", "enter")
            await top_screen(pilot, ModelsStep)
            await pilot.press("enter")
            await wait_until(pilot, lambda: f"compatible:{model}" in lineup(pilot), what="the line-up")
        assert workspace.settings.providers["compatible"].model == model


async def test_a_mistake_in_a_key_is_pointed_out_before_any_request(tmp_path: Path) -> None:
    async with FaultServer() as server:
        async with started(setup_in(tmp_path, {"OPENAI_BASE_URL": server.base_url})) as pilot:
            await to_step_two(pilot)
            await pilot.press("space")
            await top_screen(pilot, AddKeyScreen)
            await paste(pilot, "sk-ant-api03-canary-of-another-vendor")
            assert "canary" not in await says(pilot, "Anthropic")
        assert server.requests == []
