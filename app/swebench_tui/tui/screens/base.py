"""The base classes of all screens: an error in a handler does not end them, and a small terminal is covered."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from swebench_tui.tui.crash_handling import ErrorBoundary
from swebench_tui.tui.widgets.too_small import TooSmall

ResultType = TypeVar("ResultType")


class BaseScreen(ErrorBoundary, Screen[ResultType]):
    """A screen that fills the terminal."""

    async def mount_composed_widgets(self, widgets: list[Widget]) -> None:
        await super().mount_composed_widgets([*widgets, TooSmall()])


class Dialog(ErrorBoundary, ModalScreen[ResultType]):
    """A screen above another one, which returns a result."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.toggle_help", "help", key_display="?", id="dialog.help"),
        Binding("f1", "app.toggle_help", "help", id="dialog.help_too"),
    ]

    async def mount_composed_widgets(self, widgets: list[Widget]) -> None:
        await super().mount_composed_widgets([*widgets, TooSmall()])
