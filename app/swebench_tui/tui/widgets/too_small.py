"""The message for a terminal that is too small for any layout."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.widgets import Static

LEAST: Final = (60, 16)
"""Columns and rows that every screen needs at least."""


class TooSmall(Static):
    """Covers the screen while it is smaller than `LEAST`.

    Shown by style classes, so the widgets below stay unchanged.
    """

    def render(self) -> Content:
        width, height = self.app.size
        return Content(f"Needs at least {LEAST[0]}x{LEAST[1]}. Enlarge the window.\nIt is {width}x{height} now.")
