"""The palette finds every action of the screen, every mode, themes, settings, and setting up again."""

from __future__ import annotations

import pytest

from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from swebench_tui.tui.screens.compare.pick_task import PickTaskScreen
from swebench_tui.tui.screens.help import HelpScreen
from tests.app.tui.pilot import paste, running, shown, top_screen, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

ONE = ("compatible:m",)


async def test_it_has_all_actions_of_the_screen_and_what_works_everywhere() -> None:
    async with running(*ONE) as pilot:
        screen = pilot.app.screen
        titles = [command.title for command in pilot.app.get_system_commands(screen)]
        assert {"Edit the prompt", "Add a column", "Stop the focused column"} <= set(titles)
        assert {f"Go to {name}" for name in ("Compare", "Batch", "Models", "Providers", "History")} <= set(titles)
        assert {"Theme", "Settings", "Set up again", "Help", "Quit"} <= set(titles)
        assert len(titles) == len(set(titles))


@pytest.mark.parametrize(("words", "kind"), [("edit the prompt", EditPromptScreen), ("help", HelpScreen)])
async def test_a_command_does_what_its_key_does(words: str, kind: type[EditPromptScreen | HelpScreen]) -> None:
    async with running(*ONE) as pilot:
        await pilot.press("ctrl+p")
        await paste(pilot, words)
        await wait_until(pilot, lambda: "▔" in shown(pilot.app.screen), what="the palette")
        await pilot.press("enter")
        await top_screen(pilot, kind)


@pytest.mark.parametrize(("words", "said"), [("settings", "settings.toml"), ("set up again", "no settings to change")])
async def test_without_settings_a_command_for_them_says_so(words: str, said: str) -> None:
    async with running(*ONE, size=(120, 40)) as pilot:
        await pilot.press("ctrl+p")
        await paste(pilot, words)
        await pilot.press("enter")
        await wait_until(pilot, lambda: said in shown(pilot.app.screen), what="the word")


async def test_a_mode_is_reached_by_its_name() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("ctrl+p")
        await paste(pilot, "go to history")
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.current_mode == "history", what="History")


async def test_in_a_dialog_no_command_stands_twice_and_the_settings_say_that_it_is_in_the_way() -> None:
    async with running(*ONE, workspace=StandInWorkspace(), size=(120, 40)) as pilot:
        await pilot.press("i")
        await top_screen(pilot, PickTaskScreen)
        titles = [command.title.lower() for command in pilot.app.get_system_commands(pilot.app.screen)]
        assert len(titles) == len(set(titles))
        await pilot.press("ctrl+p")
        await paste(pilot, "settings")
        await wait_until(pilot, lambda: "where it came from" in shown(pilot.app.screen), what="the command")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Leave this dialog first" in shown(pilot.app.screen), what="the word")
