"""Answers are drawn to their end, also under screens that open and close."""

from __future__ import annotations

from textual._types import CallbackType
from textual.message_pump import MessagePump
from textual.screen import ModalScreen

from tests.app.tui.pilot import column, compare_screen, running, shown, wait_until
from tests.fault_server import Ending, FaultServer, Script

ENDLESS = Script(text="one more line", tokens_per_second=60, ending=Ending.ENDLESS)


class Forgetful(ModalScreen[None]):
    """A screen that drops the callbacks that follow a frame, like any that is closed before it has called them."""

    given = 0

    def _invoke_later(self, callback: CallbackType, sender: MessagePump) -> None:  # noqa: ARG002
        self.given += 1


async def test_closing_a_screen_does_not_stop_the_drawing() -> None:
    async with FaultServer(ENDLESS) as server, running("compatible:a", "compatible:b", server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "streaming" in shown(column(pilot)), what="the stream")
        above = Forgetful()
        await pilot.app.push_screen(above)
        await wait_until(pilot, lambda: above.given > 0, what="a frame")
        await pilot.app.pop_screen()
        compare_screen(pilot).action_cancel_all()
        await wait_until(pilot, lambda: "cancelled" in shown(column(pilot)), what="that it is stopped")
