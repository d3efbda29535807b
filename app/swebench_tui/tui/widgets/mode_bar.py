"""The top line of every main screen: the modes, with the current one marked."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from swebench_tui.tui.modes import MODES

_NAME: Final = "swebench-tui"


class ModeBar(Static):
    """Follows the app's `spent_today`, today's cost in USD; None is unknown and not shown."""

    spent: reactive[Decimal | None] = reactive(None)

    def __init__(self, mode: str) -> None:
        super().__init__(id="modes")
        self._mode = mode

    def on_mount(self) -> None:
        if hasattr(self.app, "spent_today"):
            self.watch(self.app, "spent_today", self._set_spent)

    def _set_spent(self, spent: Decimal | None) -> None:
        self.spent = spent

    def render(self) -> Content:
        spent = "" if self.spent is None else f"today ${self.spent:,.2f}"
        tabs = Content("  ").join(self._tab(*mode) for mode in MODES)
        width = self.content_size.width
        name = Content.assemble((_NAME, "bold $text"), "   ")
        left = name + tabs if name.cell_length + tabs.cell_length + bool(spent) + len(spent) <= width else tabs
        gap = max(1, width - left.cell_length - len(spent))
        return Content.assemble(left, " " * gap, (spent, "$text")) if spent else left

    def _tab(self, key: str, name: str, title: str) -> Content:
        look = "bold $text reverse" if name == self._mode else "$text-muted"
        return Content.from_markup(f"[{look} @click=app.mode('{name}')]{key} {title}[/]")
