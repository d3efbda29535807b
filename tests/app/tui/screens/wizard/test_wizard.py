"""The wizard: every path through its steps, on real servers."""

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
from swebench_tui.tui.screens.providers.add_key import AddKeyScreen
from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen
from swebench_tui.tui.screens.wizard.choose_models import ChooseModelsStep, PickModelScreen
from swebench_tui.tui.screens.wizard.choose_providers import ChooseProvidersStep
from swebench_tui.tui.screens.wizard.connection_tests import ConnectionTestStep
from swebench_tui.tui.screens.wizard.detection import DetectionStep
from tests.app.scripted import Gate
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.pilot import compare_screen, paste, shown, states, top_screen, wait_until
from tests.fault_server import FaultServer, Script, failing, html_page

KEY = "sk-nobody-canary-0f3a91c5d7"


class NoStore(MemoryStore):
    """A locked keyring."""

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
    """The app as a user starts it; `servers` are found once the gate is open."""

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
    """From the first start to the list of step 2, with Enter."""
    await top_screen(pilot, DetectionStep)
    await pilot.press("enter")
    await top_screen(pilot, ChooseProvidersStep)
    await says(pilot, "openai")


async def enter_to_the_end(pilot: Pilot[None]) -> None:
    """From the first step through all of them, with Enter."""
    for step in (ChooseProvidersStep, ConnectionTestStep, ChooseModelsStep):
        await pilot.press("enter")
        await top_screen(pilot, step)
    await pilot.press("enter")


async def says(pilot: Pilot[None], text: str) -> str:
    """Wait until the screen shows `text`; returns the whole screen."""
    await wait_until(pilot, lambda: text in shown(pilot.app.screen), what=text)
    return shown(pilot.app.screen)


async def type_key(pilot: Pilot[None], key: str = KEY) -> None:
    await top_screen(pilot, AddKeyScreen)
    await paste(pilot, key)
    await pilot.press("enter", "enter")


def lineup(pilot: Pilot[None]) -> list[str]:
    return [str(view.target) for view in compare_screen(pilot).columns]


async def test_five_keys_lead_to_an_embedded_comparison(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path)) as pilot:
        await top_screen(pilot, DetectionStep)
        await says(pilot, "none on the default ports of this machine")
        await enter_to_the_end(pilot)
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")
        assert lineup(pilot) == ["embedded:smollm2", "embedded:smollm2"]
        await pilot.press("enter")
        await wait_until(pilot, lambda: "-" not in states(pilot), what="both columns asked")


async def test_nine_keys_lead_from_an_api_key_to_an_answer(tmp_path: Path) -> None:
    async with FaultServer(default=Script("All is well.")) as server:
        workspace = setup_in(tmp_path, {"OPENAI_BASE_URL": server.base_url})
        async with started(workspace) as pilot:
            await to_step_two(pilot)  # 1
            await pilot.press("space")  # 2: the first provider without an API key is highlighted
            await type_key(pilot)  # 3 and 4, and the key
            await top_screen(pilot, ChooseProvidersStep)
            await says(pilot, "keyring: default")
            await pilot.press("enter")  # 5
            await top_screen(pilot, ConnectionTestStep)
            await says(pilot, "✓ connected")
            await pilot.press("enter")  # 6
            await top_screen(pilot, ChooseModelsStep)
            await says(pilot, "(default)")
            await pilot.press("enter")  # 7
            await wait_until(pilot, lambda: "openai" in lineup(pilot), what="the line-up")
            assert lineup(pilot) == ["embedded", "openai"]
            await pilot.press("x", "enter")  # 8 and 9
            await wait_until(pilot, lambda: "done" in states(pilot), what="an answer")
        assert workspace.settings.compare.lineup == ("embedded", "openai")
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in workspace.user_file.read_text("utf-8")


async def test_a_detected_server_is_used_at_its_address(tmp_path: Path) -> None:
    async with FaultServer() as server:
        found = FoundServer(kind="llamacpp", name="llama.cpp", base_url=server.base_url, models=("tiny",))
        workspace = setup_in(tmp_path)
        async with started(workspace, found) as pilot:
            await says(pilot, "llama.cpp at")
            await pilot.press("enter")
            await says(pilot, "■ llamacpp       ✓ running")
            await pilot.press("enter")
            await says(pilot, "✓ connected")
            await pilot.press("enter")
            await top_screen(pilot, ChooseModelsStep)
            await pilot.press("enter")
            await wait_until(pilot, lambda: "llamacpp" in lineup(pilot), what="the line-up")
        assert workspace.settings.providers["llamacpp"].base_url == server.base_url


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (failing(401, "no such key"), "✗ bad key: no such key"),
        (html_page(), "✗ wrong address"),
        (failing(404, "no such model"), "✗ model missing"),
    ],
    ids=["wrong key", "wrong address", "no model"],
)
async def test_a_failed_connection_has_a_hint_and_can_be_retried(tmp_path: Path, script: Script, message: str) -> None:
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
            text = await says(pilot, message)
            assert "→ " in text
            assert KEY not in text
            server.default = Script("Better.")
            await pilot.press("r")
            await says(pilot, "✓ connected")
            await pilot.press("enter")
            await top_screen(pilot, ChooseModelsStep)


async def test_a_server_that_is_down_is_reported(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": "http://127.0.0.1:9", "COMPATIBLE_API_KEY": KEY})
    workspace.change(("providers", "compatible", "model"), "m")
    async with started(workspace) as pilot:
        pilot.app.action_open_wizard()  # type: ignore[attr-defined]
        await says(pilot, "COMPATIBLE_API_KEY")
        await pilot.press("enter", "enter")
        assert "→ Start the server" in await says(pilot, "✗ no route")


async def test_a_slow_server_blocks_no_key(tmp_path: Path) -> None:
    async with FaultServer(default=Script("late", before_head=600.0)) as server:
        workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url, "COMPATIBLE_API_KEY": KEY})
        workspace.change(("providers", "compatible", "model"), "m")
        async with started(workspace) as pilot:
            pilot.app.action_open_wizard()  # type: ignore[attr-defined]
            await says(pilot, "COMPATIBLE_API_KEY")
            await pilot.press("enter", "enter")
            await says(pilot, "◌ testing ")
            await pilot.press("f1", "escape", "escape")
            await top_screen(pilot, ChooseProvidersStep)
            await pilot.press("enter", "enter")
            await top_screen(pilot, ChooseModelsStep)


async def test_a_key_the_keyring_refuses_can_go_into_a_file(tmp_path: Path) -> None:
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


async def test_skipping_saves_the_input_and_never_reopens_the_wizard(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace) as pilot:
        await to_step_two(pilot)
        await pilot.press("space")
        await type_key(pilot)
        await top_screen(pilot, ChooseProvidersStep)
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


async def test_going_back_keeps_the_choices(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path)) as pilot:
        await to_step_two(pilot)
        await pilot.press("home", "space")
        await says(pilot, "□ embedded")
        await pilot.press("enter")
        await says(pilot, "! No provider selected")
        await pilot.press("escape")
        await top_screen(pilot, DetectionStep)
        await pilot.press("enter")
        await says(pilot, "□ embedded")
        await pilot.press("home", "space", "enter")
        await top_screen(pilot, ConnectionTestStep)
        await pilot.press("enter")
        await top_screen(pilot, ChooseModelsStep)
        await pilot.press("escape")
        await top_screen(pilot, ConnectionTestStep)
        await pilot.press("escape")
        await top_screen(pilot, ChooseProvidersStep)
        await pilot.press("escape")
        await top_screen(pilot, DetectionStep)
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")


async def test_a_key_in_the_environment_skips_the_wizard(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path, {"OPENAI_API_KEY": KEY})) as pilot:
        await pilot.pause(0.3)
        assert pilot.app.screen is compare_screen(pilot)


async def test_a_server_is_added_by_its_address(tmp_path: Path) -> None:
    async with FaultServer() as server, started(setup_in(tmp_path)) as pilot:
        await to_step_two(pilot)
        await pilot.press("a")
        await top_screen(pilot, AddProviderScreen)
        await paste(pilot, "mine")
        await pilot.press("tab", "tab")
        await paste(pilot, server.base_url)
        await pilot.press("enter")
        await says(pilot, "■ mine")


async def test_a_model_is_chosen_from_the_live_list(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url, "COMPATIBLE_API_KEY": KEY})
        async with started(workspace) as pilot:
            pilot.app.action_open_wizard()  # type: ignore[attr-defined]
            await says(pilot, "COMPATIBLE_API_KEY")
            await pilot.press("enter")
            await says(pilot, "■ compatible")
            await pilot.press("enter", "enter")
            await says(pilot, "(default)")
            await pilot.press("space")
            picker = await top_screen(pilot, PickModelScreen)
            await says(pilot, "1 of 1 models")
            model = picker._models[0]
            await pilot.press("down", "enter")
            await top_screen(pilot, ChooseModelsStep)
            await pilot.press("enter")
            await wait_until(pilot, lambda: f"compatible:{model}" in lineup(pilot), what="the line-up")
        assert workspace.settings.providers["compatible"].model == model


async def test_a_wrong_key_is_noticed_before_any_request(tmp_path: Path) -> None:
    async with FaultServer() as server:
        async with started(setup_in(tmp_path, {"OPENAI_BASE_URL": server.base_url})) as pilot:
            await to_step_two(pilot)
            await pilot.press("space")
            await top_screen(pilot, AddKeyScreen)
            await paste(pilot, "sk-ant-api03-canary-of-another-vendor")
            assert "canary" not in await says(pilot, "Anthropic")
        assert server.requests == []
