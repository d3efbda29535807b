"""Base class of the main screens: the mode bar on top, the keys at the bottom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult

from swebench_tui.tui.screens.base import BaseScreen
from swebench_tui.tui.widgets.key_line import KeyLine
from swebench_tui.tui.widgets.mode_bar import ModeBar


class MainScreen(BaseScreen[None]):
    """The screen of one mode. A subclass defines `MODE` and `compose_body`."""

    MODE: ClassVar[str]
    FOCUS_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """IDs of the screen's actions that act on the focused widget; the help lists them first."""

    @property
    def idle_actions(self) -> frozenset[str]:
        """Actions that would do nothing now: the bottom line leaves their keys out, so that the others have room."""
        return frozenset()

    def compose(self) -> ComposeResult:
        yield ModeBar(self.MODE)
        yield from self.compose_body()
        yield KeyLine()

    def compose_body(self) -> ComposeResult:
        """The widgets between mode bar and footer."""
        raise NotImplementedError

    @property
    def private_texts(self) -> Iterable[str]:
        """Prompts and answers on this screen, which are removed from crash reports."""
        return ()
