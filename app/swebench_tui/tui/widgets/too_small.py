"""The text that replaces a layout for which the terminal is too small."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

MINIMUM: Final = Size(60, 16)
"""The smallest terminal, in columns and rows, in which every screen can be used."""


class TooSmall(Static):
    """Covers the screen while it is smaller than `MINIMUM`. Style classes show it, so the layout below stays."""

    def render(self) -> Content:
        width, height = self.app.size
        needed = f"Needs at least {MINIMUM.width}x{MINIMUM.height}. Enlarge the window."
        return Content(f"This window: {width}x{height}.\n{needed}")
