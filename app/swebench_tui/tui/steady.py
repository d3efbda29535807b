"""Screens and widgets that live on after an error in one of their handlers."""

from __future__ import annotations

from typing import ClassVar, Final, TypeVar

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from swebench_tui.tui.widgets.too_small import TooSmall

ResultType = TypeVar("ResultType")

_BUILDING: Final = (events.Compose, events.Mount, events.Load, events.Unmount)


class Steady(MessagePump):
    """Goes on with the next message where Textual would stop taking any: it reports the error and forgets it.

    Not while it is being built: what is half there cannot go on. The app then leaves the screen, or ends.
    """

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, _BUILDING):
                raise
            app = self if isinstance(self, App) else self.app
            app._handle_exception(error)  # noqa: SLF001 - Textual's one place for errors has no other name


class SteadyScreen(Steady, Screen[ResultType]):
    """A screen of this program: goes on after an error, and says so where the terminal is too small for it."""

    def _extend_compose(self, widgets: list[Widget]) -> None:
        super()._extend_compose(widgets)
        widgets.append(TooSmall())


class Dialog(Steady, ModalScreen[ResultType]):
    """A screen above another one, which gives back a result."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.toggle_help", "help", key_display="?", id="dialog.help"),
        Binding("f1", "app.toggle_help", "help", id="dialog.help_too"),
    ]

    def _extend_compose(self, widgets: list[Widget]) -> None:
        super()._extend_compose(widgets)
        widgets.append(TooSmall())
