"""What all main screens have in common: the bar of modes on top, and the keys below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult

from swebench_tui.tui.screens.base import BaseScreen
from swebench_tui.tui.widgets.key_line import KeyLine
from swebench_tui.tui.widgets.mode_bar import ModeBar


class MainScreen(BaseScreen[None]):
    """A screen of a mode. It writes `compose_body`, and says in `MODE` which one it is."""

    MODE: ClassVar[str]
    FOCUS_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """Ids of the screen's actions that act on what has the focus: help tells them first."""

    def compose(self) -> ComposeResult:
        yield ModeBar(self.MODE)
        yield from self.compose_body()
        yield KeyLine()

    def compose_body(self) -> ComposeResult:
        """What stands between the bar and the footer."""
        raise NotImplementedError

    @property
    def private_texts(self) -> Iterable[str]:
        """Prompts and answers on this screen, which no crash report may quote."""
        return ()
