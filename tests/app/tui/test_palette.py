"""The palette has every action of the screen, the modes, themes, settings and the wizard."""

from __future__ import annotations

import pytest

from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from swebench_tui.tui.screens.compare.pick_task import PickTaskScreen
from swebench_tui.tui.screens.help import HelpScreen
from tests.app.tui.pilot import paste, running, shown, top_screen, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

ONE = ("compatible:m",)


async def test_the_palette_has_screen_and_global_actions() -> None:
    async with running(*ONE) as pilot:
        screen = pilot.app.screen
        titles = [command.title for command in pilot.app.get_system_commands(screen)]
        assert {"Edit the prompt", "Add a column", "Stop the focused column"} <= set(titles)
        assert {f"Go to {name}" for name in ("Compare", "Batch", "Models", "Providers", "History")} <= set(titles)
        assert {"Theme", "Settings", "Set up again", "Help", "Quit"} <= set(titles)
        assert len(titles) == len(set(titles))


@pytest.mark.parametrize(("query", "kind"), [("edit the prompt", EditPromptScreen), ("help", HelpScreen)])
async def test_a_command_does_what_its_key_does(query: str, kind: type[EditPromptScreen | HelpScreen]) -> None:
    async with running(*ONE) as pilot:
        await pilot.press("ctrl+p")
        await paste(pilot, query)
        await wait_until(pilot, lambda: "▔" in shown(pilot.app.screen), what="the palette")
        await pilot.press("enter")
        await top_screen(pilot, kind)


@pytest.mark.parametrize(
    ("query", "message"), [("settings", "settings.toml"), ("set up again", "No settings to change")]
)
async def test_without_settings_their_commands_show_a_message(query: str, message: str) -> None:
    async with running(*ONE, size=(120, 40)) as pilot:
        await pilot.press("ctrl+p")
        await paste(pilot, query)
        await pilot.press("enter")
        await wait_until(pilot, lambda: message in shown(pilot.app.screen), what="the message")


async def test_a_mode_is_reached_by_its_name() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("ctrl+p")
        await paste(pilot, "go to history")
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.current_mode == "history", what="History")


async def test_a_dialogs_palette_has_no_duplicates_and_explains_settings() -> None:
    async with running(*ONE, workspace=StandInWorkspace(), size=(120, 40)) as pilot:
        await pilot.press("i")
        await top_screen(pilot, PickTaskScreen)
        titles = [command.title.lower() for command in pilot.app.get_system_commands(pilot.app.screen)]
        assert len(titles) == len(set(titles))
        await pilot.press("ctrl+p")
        await paste(pilot, "settings")
        await wait_until(pilot, lambda: "their sources" in shown(pilot.app.screen), what="the command")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Close this dialog first" in shown(pilot.app.screen), what="the message")
