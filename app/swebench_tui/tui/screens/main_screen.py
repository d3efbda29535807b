"""What all main screens have in common: the bar of modes on top, and a footer that fits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer

from swebench_tui.tui.steady import SteadyScreen
from swebench_tui.tui.widgets.mode_bar import ModeBar

_FOOTER_WIDTH: Final = 90  # cells that the keys need with air between them


class MainScreen(SteadyScreen[None]):
    """A screen of a mode. It writes `compose_body`, and says in `MODE` which one it is."""

    MODE: ClassVar[str]
    FOCUS_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """Ids of the screen's actions that act on what has the focus: help tells them first."""

    def compose(self) -> ComposeResult:
        yield ModeBar(self.MODE, spent=getattr(self.app, "spent_today", None))
        yield from self.compose_body()
        yield Footer(show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        """What stands between the bar and the footer."""
        raise NotImplementedError

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(Footer).compact = event.size.width < _FOOTER_WIDTH

    @property
    def private_texts(self) -> Iterable[str]:
        """Prompts and answers on this screen, which no crash report may quote."""
        return ()
