"""The bottom line: the keys that work now, by key and by mouse."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from swebench_tui.settings.definitions import Settings
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.help import HelpScreen
from swebench_tui.tui.widgets.key_line import KeyLine
from tests.app.tui.pilot import running, shown, top_screen, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace


async def key_line(pilot: Pilot[None]) -> KeyLine:
    """The line of the screen on top, drawn."""
    line = pilot.app.screen.query_one(KeyLine)
    await wait_until(pilot, lambda: "help" in shown(line), what="the bottom line")
    return line


async def test_a_click_on_a_label_does_what_its_key_does() -> None:
    async with running("compatible:m") as pilot:
        line = await key_line(pilot)
        await pilot.click(line, offset=(shown(line).index("help"), 0))
        await top_screen(pilot, HelpScreen)


@pytest.mark.parametrize("width", [60, 70, 80, 90, 120])
async def test_help_is_always_listed_and_no_label_is_cut(width: int) -> None:
    async with running("compatible:m", size=(width, 24)) as pilot:
        labels = shown(await key_line(pilot)).split()
        assert labels[-2:] == ["?", "help"]
        every = " ⏎ run i task c context e prompt a add r rerun z zoom y copy g guided ? help "
        assert all(f" {word} " in every for word in labels)
        assert width < 90 or "zoom" in labels


@pytest.mark.parametrize(("key", "helps"), [("i", "f1"), ("e", "f1")])
async def test_a_dialog_names_its_help_too(key: str, helps: str) -> None:
    async with running("compatible:m", size=(60, 16)) as pilot:
        await pilot.press(key)
        await top_screen(pilot, Dialog)
        labels = shown(pilot.app.screen.query_one(KeyLine)).split()
        assert labels[-2:] == [helps, "help"]
        await pilot.press("f1")
        await top_screen(pilot, HelpScreen)
        assert "help" not in shown(pilot.app.screen.query_one(KeyLine))


async def test_a_remapped_key_keeps_its_position() -> None:
    workspace = StandInWorkspace(Settings(keymap={"compare.run": "f5"}))
    async with running("compatible:m", workspace=workspace, size=(60, 24)) as pilot:
        line = pilot.app.screen.query_one(KeyLine)
        await wait_until(pilot, lambda: shown(line).split()[:2] == ["f5", "run"], what="the key in front")


async def test_the_key_line_follows_focus_and_survives_blur() -> None:
    async with running("compatible:m") as pilot:
        line = pilot.app.screen.query_one(KeyLine)
        at_the_column = shown(line)
        pilot.app.post_message(events.AppBlur())
        await pilot.pause()
        assert shown(line) == at_the_column
        pilot.app.post_message(events.AppFocus())
        await pilot.press("3")
        await pilot.pause()
        models = pilot.app.screen.query_one(KeyLine)
        assert "search" in shown(models)
        await pilot.press("slash")
        await pilot.pause()
        assert "clear search" in shown(models)
