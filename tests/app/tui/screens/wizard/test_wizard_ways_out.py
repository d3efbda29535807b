"""The wizard with interruptions: a slow search, quitting, no keyring, running columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from swebench_providers.servers.discovery import FoundServer
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.providers.add_key import AddKeyScreen
from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen
from swebench_tui.tui.screens.wizard.choose_providers import ChooseProvidersStep
from swebench_tui.tui.screens.wizard.connection_tests import ConnectionTestStep
from swebench_tui.tui.screens.wizard.detection import DetectionStep
from tests.app.scripted import Gate
from tests.app.tui.pilot import column, compare_screen, paste, shown, states, top_screen, wait_until
from tests.app.tui.screens.wizard.test_wizard import (
    KEY,
    enter_to_the_end,
    lineup,
    says,
    setup_in,
    started,
    to_step_two,
    type_key,
)
from tests.fault_server import Ending, FaultServer, Script

EMBEDDED = ["embedded:smollm2", "embedded:smollm2"]


def found_at(address: str, *, kind: str = "llamacpp", needs_key: bool = False) -> FoundServer:
    return FoundServer(kind=kind, name=kind, base_url=address, needs_key=needs_key)


async def test_continuing_before_the_search_ends_loses_no_server(tmp_path: Path) -> None:
    gate = Gate()
    async with started(setup_in(tmp_path), found_at("http://127.0.0.1:9/v1"), gate=gate) as pilot:
        await to_step_two(pilot)
        assert "llamacpp       ✓ running" not in shown(pilot.app.screen)
        gate.open()
        await says(pilot, "■ llamacpp       ✓ running")


async def test_skipping_during_the_search_cancels_it(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path), gate=Gate()) as pilot:
        await to_step_two(pilot)
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")


async def test_a_detected_servers_key_is_sent_to_its_address(tmp_path: Path) -> None:
    async with FaultServer(default=Script("All is well.")) as server:
        workspace = setup_in(tmp_path)
        found = found_at(server.base_url, kind="compatible", needs_key=True)
        async with started(workspace, found) as pilot:
            await says(pilot, "needs an API key")
            await pilot.press("enter")
            await says(pilot, "■ compatible")
            choose = await top_screen(pilot, ChooseProvidersStep)
            await wait_until(pilot, lambda: choose._highlighted is not None, what="the rows")
            while choose._highlighted != "compatible":
                await pilot.press("down")
            await pilot.press("k")
            await type_key(pilot)
            await says(pilot, "keyring: default")
            await pilot.press("enter")
            await says(pilot, "✓ connected")
        assert server.requests
        assert {each.headers.get("authorization") for each in server.requests} == {f"Bearer {KEY}"}
        assert [kept.host for kept in workspace.keys.entries("compatible")] == [server.base_url.removesuffix("/v1")]


async def test_quitting_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace, found_at("http://127.0.0.1:9/v1")) as pilot:
        await says(pilot, "llamacpp at")
        await pilot.press("enter")
        await top_screen(pilot, ChooseProvidersStep)
        await pilot.press("ctrl+c", "ctrl+c")
        assert pilot.app.return_code is not None
    again = setup_in(tmp_path)
    assert again.settings.providers["llamacpp"].base_url == "http://127.0.0.1:9/v1"
    async with started(again) as pilot:
        await wait_until(pilot, lambda: not pilot.app.workers, what="the check for the first start")
        assert pilot.app.screen is compare_screen(pilot)


async def test_quitting_at_the_first_step_counts_as_shown(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace) as pilot:
        await top_screen(pilot, DetectionStep)
    assert workspace.user_file.exists()


async def test_opening_the_wizard_twice_returns_to_its_step(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path)) as pilot:
        app = pilot.app
        assert isinstance(app, SwebenchApp)
        await to_step_two(pilot)
        step = app.screen
        app.action_open_wizard()
        await pilot.pause()
        assert app.screen is step
        app.action_mode("providers")
        await wait_until(pilot, lambda: app.current_mode == "providers", what="Providers")
        app.action_open_wizard()
        await wait_until(pilot, lambda: app.screen is step, what="the step again")
        await pilot.press("enter")
        await top_screen(pilot, ConnectionTestStep)


async def test_an_unwritable_settings_file_keeps_the_choice_for_now(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the place of the folder")
    async with FaultServer() as server, started(setup_in(tmp_path), found_at(server.base_url)) as pilot:
        await says(pilot, "llamacpp at")
        await enter_to_the_end(pilot)
        await wait_until(pilot, lambda: lineup(pilot) == ["embedded", "llamacpp"], what="the line-up")
        await says(pilot, "Some settings were not saved")


async def choose_embedded_alone(workspace: Workspace) -> list[str]:
    """Start with a column of another provider; returns the columns at the end."""
    workspace.change(("compare", "lineup"), ["compatible:m"])
    async with started(workspace) as pilot:
        assert lineup(pilot) == ["compatible:m"]
        pilot.app.action_open_wizard()  # type: ignore[attr-defined]
        await says(pilot, "none on the default ports of this machine")
        await enter_to_the_end(pilot)
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")
        await wait_until(pilot, lambda: lineup(pilot) != ["compatible:m"], what="other columns")
        return lineup(pilot)


async def test_the_embedded_model_alone_replaces_an_earlier_line_up(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    assert await choose_embedded_alone(workspace) == EMBEDDED
    assert workspace.settings.compare.lineup == ()


@pytest.mark.parametrize(("ending", "state"), [(Ending.STALL, "streaming"), (Ending.COMPLETE, "done")])
async def test_columns_with_an_answer_are_kept(tmp_path: Path, ending: Ending, state: str) -> None:
    script = Script(("paid ", "for"), ending=ending)
    async with FaultServer(default=script) as server:
        workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url})
        workspace.change(("compare", "lineup"), ["compatible:m"])
        async with started(workspace) as pilot:
            await pilot.press("enter")
            await wait_until(pilot, lambda: states(pilot) == [state], what=state)
            pilot.app.action_open_wizard()  # type: ignore[attr-defined]
            await says(pilot, "none on the default ports of this machine")
            await enter_to_the_end(pilot)
            await says(pilot, "Columns with an answer stay")
            assert lineup(pilot) == ["compatible:m"]
            assert (states(pilot), column(pilot).answer) == ([state], "paid for")


def without_keyring(folder: Path) -> Workspace:
    """No keyring backend, as in a container."""
    return Workspace({}, config_folder=folder / "config", data_folder=folder / "data")


async def test_without_a_keyring_a_key_is_stored_nowhere_unasked(tmp_path: Path) -> None:
    workspace = without_keyring(tmp_path)
    async with started(workspace) as pilot:
        await says(pilot, "No system keyring found")
        await pilot.press("enter")
        text = await says(pilot, "Set the environment variable")
        assert "Set OPENAI_API_KEY or press k" in text
        await pilot.press("space")
        dialog = await top_screen(pilot, AddKeyScreen)
        text = await says(pilot, "Or cancel, set OPENAI_API_KEY and restart")
        assert "Enter: save in the system keyring" not in text
        await paste(pilot, KEY)
        await pilot.press("enter", "enter")
        await says(pilot, "the key was not stored")
        assert dialog.query_one("#key", Input).value == KEY
        await pilot.press("escape")
        await top_screen(pilot, ChooseProvidersStep)
    assert workspace.keys.entries("openai") == ()
    assert not (tmp_path / "data" / "secrets").exists()
    assert KEY not in workspace.user_file.read_text("utf-8")


async def test_choosing_a_private_file_is_remembered(tmp_path: Path) -> None:
    workspace = without_keyring(tmp_path)
    async with started(workspace) as pilot:
        await says(pilot, "No system keyring found")
        await pilot.press("enter")
        await says(pilot, "openai")
        await pilot.press("space")
        await top_screen(pilot, AddKeyScreen)
        await paste(pilot, KEY)
        await pilot.press("ctrl+f")
        await says(pilot, "file: default")
        await pilot.press("k")
        await top_screen(pilot, AddKeyScreen)
        await says(pilot, "Enter: save in a private file")
    assert workspace.settings.secrets.keep_in == "file"


async def test_control_characters_of_a_server_are_made_visible(tmp_path: Path) -> None:
    hostile = FoundServer(
        kind="llamacpp", name="[b]x[/b]", base_url="http://127.0.0.1:9/v1", models=("m\x1b[2J\u202eevil",)
    )
    async with started(setup_in(tmp_path), hostile) as pilot:
        text = await says(pilot, "[b]x[/b] at")
        assert "m␛[2J\N{REPLACEMENT CHARACTER}evil" in text
        assert "\x1b" not in text


@pytest.mark.parametrize("like", ["compatible", "openai"])
async def test_a_server_is_added_although_four_are_selected(tmp_path: Path, like: str) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace) as pilot:
        await to_step_two(pilot)
        choose = await top_screen(pilot, ChooseProvidersStep)
        choose.state.chosen = ["embedded", "ollama", "vllm", "sglang"]
        await pilot.press("a")
        await top_screen(pilot, AddProviderScreen)
        await paste(pilot, "mine")
        await pilot.press("tab")
        pilot.app.screen.query_one("#like", Input).value = like
        await pilot.press("tab")
        await paste(pilot, "http://127.0.0.1:9/v1")
        await pilot.press("enter")
        await says(pilot, "Added mine. 4 providers is the maximum")
        assert "mine" not in choose.state.chosen
    assert workspace.settings.providers["mine"].like == like


async def test_an_address_error_is_visible_at_the_smallest_size(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path), size=(60, 16)) as pilot:
        await to_step_two(pilot)
        await pilot.press("a")
        await top_screen(pilot, AddProviderScreen)
        await paste(pilot, "mine")
        await pilot.press("tab", "tab")
        await paste(pilot, "ftp://x")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "✗ invalid base URL" in shown(pilot.app.screen), what="what is wrong")
        assert "HOST/PATH" in shown(pilot.app.screen)


async def test_a_dialog_is_as_high_as_its_text(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path), size=(100, 40)) as pilot:
        await to_step_two(pilot)
        await pilot.press("a")
        await top_screen(pilot, AddProviderScreen)
        assert pilot.app.screen.query_one(".dialog").region.height < 20


async def test_a_question_mark_opens_the_help_of_a_step(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path)) as pilot:
        await to_step_two(pilot)
        await says(pilot, "? help")
        await pilot.press("question_mark")
        await says(pilot, "Select the provider")
