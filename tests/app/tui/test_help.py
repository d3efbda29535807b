"""Help on `?`: the keys of the focused widget come first."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from swebench_tui.settings.definitions import Settings
from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from swebench_tui.tui.screens.help import HelpScreen, sections
from tests.app.tui.pilot import compare_screen, running, shown, top_screen, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

ONE = ("compatible:m",)


def titles(pilot: Pilot[None]) -> list[str]:
    return [title for title, _ in sections(pilot.app.screen)]


async def test_focused_keys_come_first_and_scrolling_keys_last() -> None:
    async with running(*ONE) as pilot:
        found = list(sections(pilot.app.screen))
        assert [title for title, _ in found] == [
            "In focus: compatible · m",
            "Compare",
            "Everywhere",
            "Moving and editing: compatible · m",
        ]
        assert [keys for keys, _ in found[0][1]] == ["x", "r", "z", "y", "del"]
        assert ("1 2 3 4 5", "go to Compare, Batch, Models, Providers, History") in found[2][1]


async def test_help_is_about_the_screen_below_it() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("3")
        await wait_until(pilot, lambda: pilot.app.current_mode == "models", what="Models")
        await wait_until(pilot, lambda: titles(pilot)[0] == "In focus: Model list", what="the focus")
        assert titles(pilot)[1] == "Models"


@pytest.mark.parametrize("key", ["escape", "question_mark", "f1"])
async def test_it_fits_80x24_and_closes_again(key: str) -> None:
    async with running(*ONE, size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        screen = await top_screen(pilot, HelpScreen)
        await wait_until(pilot, lambda: "Stop the focused column" in shown(screen), what="the help")
        dialog = screen.query_one(".dialog")
        assert screen.region.contains_region(dialog.region)
        await pilot.press("end")
        await wait_until(pilot, lambda: "Quit on the second press" in shown(screen), what="its end")
        await pilot.press(key)
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="no help")


async def test_f1_opens_help_where_a_question_mark_is_typed() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("e")
        await top_screen(pilot, EditPromptScreen)
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, EditPromptScreen)
        await pilot.press("f1")
        screen = await top_screen(pilot, HelpScreen)
        await wait_until(pilot, lambda: "Open the text in $VISUAL" in shown(screen), what="the dialog's keys")
        await pilot.press("escape")
        await top_screen(pilot, EditPromptScreen)


async def test_help_shows_keys_as_the_user_has_set_them() -> None:
    workspace = StandInWorkspace(Settings(keymap={"compare.zoom": "f9"}))
    async with running(*ONE, workspace=workspace) as pilot:
        await wait_until(pilot, lambda: "f9 zoom" in shown(pilot.app.screen), what="the key in the footer")
        keys = {label: keys for _, rows in sections(pilot.app.screen) for keys, label in rows}
        assert keys["Zoom column"] == "f9"
