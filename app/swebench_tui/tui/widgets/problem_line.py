"""The error line at the foot of a dialog."""

from __future__ import annotations

from textual.visual import VisualType
from textual.widgets import Static


class ProblemLine(Static):
    """Scrolls itself into view: on a low terminal the dialog is higher than the screen."""

    def __init__(self) -> None:
        super().__init__(classes="problem")

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        super().update(content, layout=layout)
        if content:
            self.call_after_refresh(self.scroll_visible, animate=False)
