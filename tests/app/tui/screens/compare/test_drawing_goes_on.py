"""Answers are drawn to their end, also under screens that open and close."""

from __future__ import annotations

from textual.screen import ModalScreen

from tests.app.tui.pilot import column, compare_screen, running, shown, wait_until
from tests.fault_server import Ending, FaultServer, Script

ENDLESS = Script(text="one more line", tokens_per_second=60, ending=Ending.ENDLESS)


async def test_closing_a_screen_does_not_stop_the_drawing() -> None:
    async with FaultServer(ENDLESS) as server, running("compatible:a", "compatible:b", server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "streaming" in shown(column(pilot)), what="the stream")
        await pilot.app.push_screen(ModalScreen[None]())
        drawn = len(column(pilot).answer)
        await wait_until(pilot, lambda: len(column(pilot).answer) > drawn, what="a frame below the dialog")
        await pilot.app.pop_screen()
        compare_screen(pilot).action_cancel_all()
        await wait_until(pilot, lambda: "cancelled" in shown(column(pilot)), what="the end of the run")
