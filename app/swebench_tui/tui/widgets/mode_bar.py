"""The line on top of every main screen: where the user is, and where else to go."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from swebench_tui.tui.modes import MODES

_NAME: Final = "swebench-tui"


class ModeBar(Static):
    """`spent` is what today cost in USD; None, which is not known, shows nothing."""

    spent: reactive[Decimal | None] = reactive(None)

    def __init__(self, mode: str, *, spent: Decimal | None = None) -> None:
        super().__init__(id="modes")
        self.set_reactive(ModeBar.spent, spent)
        self._mode = mode

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
