"""The five modes: their keys, the mode bar, and the dialogs that stay open in each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.modes import MODES
from swebench_tui.tui.screens.help import HelpScreen
from swebench_tui.tui.widgets.mode_bar import ModeBar
from swebench_tui.tui.widgets.too_small import TooSmall
from tests.app.tui.pilot import (
    all_settled,
    column,
    compare_screen,
    rows_of,
    running,
    shown,
    states,
    top_screen,
    wait_until,
)
from tests.fault_server import Ending, FaultServer, Script

ONE = ("compatible:m",)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
async def test_each_key_opens_its_mode_and_the_bar_marks_it(mode: tuple[str, str, str]) -> None:
    key, name, title = mode
    async with running(*ONE) as pilot:
        await pilot.press(key)
        await wait_until(pilot, lambda: pilot.app.current_mode == name, what=title)
        bar = pilot.app.screen.query_one(ModeBar)
        await wait_until(pilot, lambda: f"{key} {title}" in shown(bar), what="the bar")
        strip = rows_of(pilot.app.screen)[bar.region.y]
        marked = [piece.text for piece in strip if piece.style and piece.style.reverse]
        assert marked == [f"{key} {title}"]


async def test_a_click_on_the_bar_opens_the_mode() -> None:
    async with running(*ONE) as pilot:
        line = shown(pilot.app.screen).splitlines()[0]
        await pilot.click(offset=(line.index("5 History") + 2, 0))
        await wait_until(pilot, lambda: pilot.app.current_mode == "history", what="History")


async def test_compare_keeps_running_behind_another_mode() -> None:
    script = Script(("first ", "second"), ending=Ending.STALL)
    async with FaultServer(script) as server, running(*ONE, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"], what="streaming")
        await pilot.press("5")
        await wait_until(pilot, lambda: pilot.app.current_mode == "history", what="History")
        assert states(pilot) == ["streaming"]
        await pilot.press("1")
        await wait_until(pilot, lambda: "first second" in shown(column(pilot)), what="the answer")
        await pilot.press("escape")
        await all_settled(pilot)
        assert states(pilot) == ["cancelled"]


async def test_a_dialog_stays_open_in_its_mode() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("question_mark")
        await top_screen(pilot, HelpScreen)
        await pilot.press("5")
        assert pilot.app.current_mode == "compare"
        await pilot.app.switch_mode("history")
        await pilot.app.switch_mode("compare")
        assert isinstance(pilot.app.screen, HelpScreen)


@pytest.mark.parametrize(("key", "text"), [("2", "--count N --json"), ("5", "--count N --json")])
async def test_an_unbuilt_mode_names_what_works_today(key: str, text: str) -> None:
    async with running(*ONE, size=(80, 24)) as pilot:
        await pilot.press(key)
        await wait_until(pilot, lambda: "Not built yet" in shown(pilot.app.screen), what="the message")
        lines = [line for line in shown(pilot.app.screen).splitlines()[1:-1] if line.strip()]
        assert len(lines) == 2
        assert text in lines[1]


async def test_the_cost_of_today_is_shown_once_known() -> None:
    async with running(*ONE, size=(80, 24)) as pilot:
        assert isinstance(pilot.app, SwebenchApp)
        assert "today" not in shown(pilot.app.screen)
        pilot.app.spent_today = Decimal("1234.5")
        await wait_until(pilot, lambda: "today $1,234.50" in shown(pilot.app.screen).splitlines()[0], what="the spend")
        assert "5 History" in shown(pilot.app.screen).splitlines()[0]
        await pilot.press("5")
        await wait_until(pilot, lambda: "today $1,234.50" in shown(pilot.app.screen).splitlines()[0], what="it, there")


async def test_below_60x16_a_line_replaces_the_layout() -> None:
    async with running(*ONE) as pilot:
        for size in [(59, 24), (80, 15), (20, 5)]:
            await pilot.resize_terminal(*size)
            await wait_until(
                pilot, lambda: f"{pilot.app.size.width}x{pilot.app.size.height}" in shown(pilot.app.screen), what="it"
            )
            assert "Task" not in shown(pilot.app.screen)
        await pilot.resize_terminal(60, 16)
        await wait_until(pilot, lambda: "waiting" in shown(pilot.app.screen), what="the screen again")
        assert not pilot.app.screen.query_one(TooSmall).display
        assert compare_screen(pilot).focused_column is column(pilot)
