"""The base classes of all screens: an error in a handler does not end them, and a small terminal is covered."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from swebench_tui.tui.crash_handling import ErrorBoundary
from swebench_tui.tui.widgets.too_small import MINIMUM, TooSmall

ResultType = TypeVar("ResultType")


class BaseScreen(ErrorBoundary, Screen[ResultType]):
    """A screen that fills the terminal."""

    async def mount_composed_widgets(self, widgets: list[Widget]) -> None:
        _add_breakpoint_classes(self)
        await super().mount_composed_widgets(widgets)

    def on_resize(self, event: events.Resize) -> None:
        _cover_if_too_small(self, event.size)


class Dialog(ErrorBoundary, ModalScreen[ResultType]):
    """A screen above another one, which returns a result."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.toggle_help", "help", key_display="?", id="dialog.help"),
        Binding("f1", "app.toggle_help", "help", id="dialog.help_too"),
    ]

    async def mount_composed_widgets(self, widgets: list[Widget]) -> None:
        _add_breakpoint_classes(self)
        await super().mount_composed_widgets(widgets)

    def on_resize(self, event: events.Resize) -> None:
        _cover_if_too_small(self, event.size)


def _add_breakpoint_classes(screen: Screen[Any]) -> None:
    """Add the classes before the first layout. Textual adds them after it, and then styles every widget again."""
    app = screen.app
    for cells, breakpoints in (
        (app.size.width, app.HORIZONTAL_BREAKPOINTS),
        (app.size.height, app.VERTICAL_BREAKPOINTS),
    ):
        reached = [each for each in breakpoints or () if each[0] <= cells]
        if reached:
            screen.add_class(max(reached)[1])


def _cover_if_too_small(screen: Screen[Any], size: Size) -> None:
    if (size.width < MINIMUM.width or size.height < MINIMUM.height) and not screen.query(TooSmall):
        screen.mount(TooSmall())
