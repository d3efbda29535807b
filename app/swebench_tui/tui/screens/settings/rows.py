"""The list of settings: which rows match a search, and how a row is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from swebench_tui.services.settings import SettingRow
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.terminal_text import one_line

MAX_ROWS: Final = 300
"""Rows in the list at once: with thousands of them, filling it would block the screen."""

_WIDE: Final = 100
"""Columns from which there is room for the whole origin, such as the path of a file."""


class SettingList(OptionList):
    """The rows, up to `MAX_ROWS`. The highlighted setting stays highlighted when the rows change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "change", key_display="⏎", id="settings.change"),
    ]

    _shown: Sequence[SettingRow] = ()

    def action_select(self) -> None:
        """Change this setting."""
        super().action_select()

    @property
    def row(self) -> SettingRow | None:
        """The highlighted setting."""
        index = self.highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def show(self, rows: Sequence[SettingRow], width: int, under: SettingPath = ()) -> None:
        """Replace the rows. Each is drawn in `width` columns, without the prefix `under` of its path."""
        before = self.row
        self._shown = rows[:MAX_ROWS]
        self.clear_options()
        self.add_options([Option(line(row, width, under)) for row in self._shown])
        identities = [(row.path, row.adds) for row in self._shown]
        if identities:
            identity = (before.path, before.adds) if before else None
            self.highlighted = identities.index(identity) if identity in identities else 0


def matching(rows: Sequence[SettingRow], terms: Sequence[str], *, hidden: bool) -> list[SettingRow]:
    """The rows that contain every term, those with the terms in their names first. No terms match any row.

    Rows marked as hidden are included if `hidden`, or in a search.
    """
    if not terms:
        return [row for row in rows if hidden or not row.hidden]
    found = [row for row in rows if all(term in row.search_text for term in terms)]
    return sorted(found, key=lambda row: not all(term in dotted(row.path).lower() for term in terms))


def line(row: SettingRow, width: int, under: SettingPath = ()) -> Content:
    """Marker, name, value and origin in `width` columns. The prefix `under`, which all paths share, is left out."""
    name_width = max(24, min(42, width // 2 - 4))
    origin_width = 14 if width < _WIDE else min(48, width // 4)
    origin = str(row.origin if width >= _WIDE else row.origin.layer)
    value_width = max(6, width - 2 - name_width - origin_width - 2)
    name = dotted(row.path[len(under) :])
    name = f"{name} …" if row.adds else name
    value = "add one" if row.adds else row.text or "not set"
    return Content.assemble(
        ("● " if row.is_set else "  ", "$text-accent"),
        (_name_cell(name, name_width), "bold" if row.is_set else "$foreground"),
        " ",
        (_cell(value, value_width), "$foreground" if row.text else "$foreground-muted"),
        " ",
        (_cell(origin if row.text else "", origin_width), "$foreground-muted"),
    )


def _name_cell(name: str, width: int) -> str:
    """A name, cut at its start: names differ in their ends."""
    name = one_line(name)
    kept = name
    while cell_len(kept) > width - (kept != name):
        kept = kept[1:]
    return set_cell_size(kept if kept == name else f"…{kept}", width)


def _cell(text: str, width: int) -> str:
    text = one_line(text)
    return set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
