"""What stands there instead of a broken layout."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.widgets import Static

LEAST: Final = (60, 16)
"""Columns and rows below which no screen can be used."""


class TooSmall(Static):
    """Covers the screen while it is smaller than `LEAST`; by style classes, so nothing below it changes."""

    def render(self) -> Content:
        width, height = self.app.size
        return Content(f"This terminal is {width}x{height}.\nIt takes {LEAST[0]}x{LEAST[1]}: please make it larger.")
