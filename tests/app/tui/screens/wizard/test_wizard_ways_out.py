"""Setting up where something comes in between: a search that lasts, a quit, no keyring, columns that run."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from swebench_providers.servers.discovery import FoundServer
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen
from swebench_tui.tui.screens.providers.keys import AddKeyScreen
from swebench_tui.tui.screens.wizard.choose import ChooseStep
from swebench_tui.tui.screens.wizard.found import FoundStep
from swebench_tui.tui.screens.wizard.trial import TrialStep
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


async def test_going_on_before_the_search_is_over_loses_no_server(tmp_path: Path) -> None:
    gate = Gate()
    async with started(setup_in(tmp_path), found_at("http://127.0.0.1:9/v1"), gate=gate) as pilot:
        await to_step_two(pilot)
        assert "llamacpp       ✓ runs here" not in shown(pilot.app.screen)
        gate.open()
        await says(pilot, "■ llamacpp       ✓ runs here")


async def test_leaving_while_it_is_searched_leaves_nothing_that_waits(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path), gate=Gate()) as pilot:
        await to_step_two(pilot)
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")


async def test_a_key_for_a_server_that_was_found_goes_to_where_it_was_found(tmp_path: Path) -> None:
    async with FaultServer(default=Script("All is well.")) as server:
        workspace = setup_in(tmp_path)
        found = found_at(server.base_url, kind="compatible", needs_key=True)
        async with started(workspace, found) as pilot:
            await says(pilot, "wants a key")
            await pilot.press("enter")
            await says(pilot, "■ compatible")
            choose = await top_screen(pilot, ChooseStep)
            await wait_until(pilot, lambda: choose._at is not None, what="the rows")
            while choose._at != "compatible":
                await pilot.press("down")
            await pilot.press("k")
            await type_key(pilot)
            await says(pilot, "keyring: default")
            await pilot.press("enter")
            await says(pilot, "✓ answered")
        assert server.requests
        assert {each.headers.get("authorization") for each in server.requests} == {f"Bearer {KEY}"}
        assert [kept.host for kept in workspace.keys.entries("compatible")] == [server.base_url.removesuffix("/v1")]


async def test_quitting_in_the_middle_loses_nothing_and_is_not_asked_again(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace, found_at("http://127.0.0.1:9/v1")) as pilot:
        await says(pilot, "llamacpp at")
        await pilot.press("enter")
        await top_screen(pilot, ChooseStep)
        await pilot.press("ctrl+c", "ctrl+c")
        assert pilot.app.return_code is not None
    again = setup_in(tmp_path)
    assert again.settings.providers["llamacpp"].base_url == "http://127.0.0.1:9/v1"
    async with started(again) as pilot:
        await wait_until(pilot, lambda: not pilot.app.workers, what="the look whether it is the first start")
        assert pilot.app.screen is compare_screen(pilot)


async def test_quitting_at_the_first_step_is_not_asked_again(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace) as pilot:
        await top_screen(pilot, FoundStep)
    assert workspace.user_file.exists()


async def test_opening_it_while_it_is_open_shows_where_one_was(tmp_path: Path) -> None:
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
        await top_screen(pilot, TrialStep)


async def test_with_a_settings_file_that_cannot_be_written_it_is_told_and_the_choice_holds_now(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the place of the folder")
    async with FaultServer() as server, started(setup_in(tmp_path), found_at(server.base_url)) as pilot:
        await says(pilot, "llamacpp at")
        await enter_to_the_end(pilot)
        await wait_until(pilot, lambda: lineup(pilot) == ["embedded", "llamacpp"], what="the line-up")
        await says(pilot, "Not all of it is remembered")


# The line-up.


async def choose_the_embedded_model_alone(workspace: Workspace) -> list[str]:
    """From a line-up of another provider; the columns at the end."""
    workspace.change(("compare", "lineup"), ["compatible:m"])
    async with started(workspace) as pilot:
        assert lineup(pilot) == ["compatible:m"]
        pilot.app.action_open_wizard()  # type: ignore[attr-defined]
        await says(pilot, "none on this machine's usual ports")
        await enter_to_the_end(pilot)
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="Compare")
        await wait_until(pilot, lambda: lineup(pilot) != ["compatible:m"], what="other columns")
        return lineup(pilot)


async def test_the_embedded_model_alone_takes_the_place_of_an_earlier_line_up(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    assert await choose_the_embedded_model_alone(workspace) == EMBEDDED
    assert workspace.settings.compare.lineup == ()


@pytest.mark.parametrize(("ending", "state"), [(Ending.STALL, "streaming"), (Ending.COMPLETE, "done")])
async def test_columns_that_run_or_show_an_answer_are_not_taken_away(
    tmp_path: Path, ending: Ending, state: str
) -> None:
    script = Script(("paid ", "for"), ending=ending)
    async with FaultServer(default=script) as server:
        workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url})
        workspace.change(("compare", "lineup"), ["compatible:m"])
        async with started(workspace) as pilot:
            await pilot.press("enter")
            await wait_until(pilot, lambda: states(pilot) == [state], what=state)
            pilot.app.action_open_wizard()  # type: ignore[attr-defined]
            await says(pilot, "none on this machine's usual ports")
            await enter_to_the_end(pilot)
            await says(pilot, "Columns that were asked stay")
            assert lineup(pilot) == ["compatible:m"]
            assert (states(pilot), column(pilot).answer) == ([state], "paid for")


# Where there is no keyring.


def without_keyring(folder: Path) -> Workspace:
    """The package `keyring` finds no backend: as in a container."""
    return Workspace({}, config_folder=folder / "config", data_folder=folder / "data")


async def test_without_a_keyring_it_is_said_and_a_refused_file_keeps_the_key_nowhere(tmp_path: Path) -> None:
    workspace = without_keyring(tmp_path)
    async with started(workspace) as pilot:
        await says(pilot, "No system keyring found")
        await pilot.press("enter")
        text = await says(pilot, "Set the variable of its row")
        assert "set OPENAI_API_KEY" in text
        await pilot.press("space")
        dialog = await top_screen(pilot, AddKeyScreen)
        text = await says(pilot, "or set OPENAI_API_KEY")
        assert "enter keeps it in the system keyring" not in text
        await paste(pilot, KEY)
        await pilot.press("enter", "enter")
        await says(pilot, "the key was not stored")
        assert dialog.query_one("#key", Input).value == KEY
        await pilot.press("escape")
        await top_screen(pilot, ChooseStep)
    assert workspace.keys.entries("openai") == ()
    assert not (tmp_path / "data" / "secrets").exists()
    assert KEY not in workspace.user_file.read_text("utf-8")


async def test_consent_to_a_file_is_remembered_and_said_for_the_next_key(tmp_path: Path) -> None:
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
        await says(pilot, "as you chose before")
    assert workspace.settings.secrets.keep_in == "file"


# What comes from outside.


async def test_what_a_server_says_of_itself_disturbs_no_terminal(tmp_path: Path) -> None:
    hostile = FoundServer(
        kind="llamacpp", name="[b]x[/b]", base_url="http://127.0.0.1:9/v1", models=("m\x1b[2J\u202eevil",)
    )
    async with started(setup_in(tmp_path), hostile) as pilot:
        text = await says(pilot, "[b]x[/b] at")
        assert "m␛[2J\N{REPLACEMENT CHARACTER}evil" in text
        assert "\x1b" not in text


@pytest.mark.parametrize("like", ["compatible", "openai"])
async def test_a_server_of_ones_own_is_set_up_also_where_four_are_chosen(tmp_path: Path, like: str) -> None:
    workspace = setup_in(tmp_path)
    async with started(workspace) as pilot:
        await to_step_two(pilot)
        choose = await top_screen(pilot, ChooseStep)
        choose.draft.chosen = ["embedded", "ollama", "vllm", "sglang"]
        await pilot.press("a")
        await top_screen(pilot, AddProviderScreen)
        await paste(pilot, "mine")
        await pilot.press("tab")
        pilot.app.screen.query_one("#like", Input).value = like
        await pilot.press("tab")
        await paste(pilot, "http://127.0.0.1:9/v1")
        await pilot.press("enter")
        await says(pilot, "It is set up. 4 others are chosen")
        assert "mine" not in choose.draft.chosen
    assert workspace.settings.providers["mine"].like == like


async def test_at_the_smallest_size_a_dialog_says_what_is_wrong_with_an_address(tmp_path: Path) -> None:
    async with started(setup_in(tmp_path), size=(60, 16)) as pilot:
        await to_step_two(pilot)
        await pilot.press("a")
        await top_screen(pilot, AddProviderScreen)
        await paste(pilot, "mine")
        await pilot.press("tab", "tab")
        await paste(pilot, "ftp://x")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "✗ the base URL" in shown(pilot.app.screen), what="what is wrong")
        assert "HOST/PATH" in shown(pilot.app.screen)


async def test_a_dialog_of_the_steps_is_as_high_as_what_it_says(tmp_path: Path) -> None:
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
        await says(pilot, "Choose this one")
