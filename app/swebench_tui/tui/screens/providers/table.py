"""The rows of the Providers screen: columns as wide as the terminal allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList

from swebench_providers.redaction import without_credentials
from swebench_tui.runs.formatting import dollars
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.providers.provider_facts import Facts, status


class Column(NamedTuple):
    """A title, and its cells in a row."""

    title: str
    width: int


_STATE, _NAME, _TEST, _SPENT, _MODELS = 16, 13, 11, 8, 6
_GAP: Final = 1
_NARROW: Final = 100  # cells of a row below which address and models have no room
_ADDRESS: Final = 0.45
"""What the address takes of what is left for it and the key."""


def columns(width: int) -> list[Column]:
    """The columns of a row of so many cells."""
    fixed = [Column("State", _STATE), Column("Provider", _NAME), Column("Last test", _TEST), Column("Spent", _SPENT)]
    if width < _NARROW:
        rest = width - sum(column.width + _GAP for column in fixed)
        return [*fixed[:2], Column("Key from", max(8, rest)), *fixed[2:]]
    fixed.insert(2, Column("Models", _MODELS))
    rest = width - sum(column.width + _GAP for column in fixed) - _GAP
    address = int(rest * _ADDRESS)
    key, where = Column("Key from", rest - address), Column("Address", address)
    return [*fixed[:2], key, where, *fixed[2:]]


def header(shape: Sequence[Column]) -> Content:
    return Content.styled(" ".join(cell(column.title, column.width) for column in shape), "$foreground-muted")


def row(facts: Facts, shape: Sequence[Column]) -> Content:
    """One provider; nothing of it is longer than its column."""
    state = status(facts)
    words = {
        "State": (str(state), state.colour),
        "Provider": (facts.name, "bold"),
        "Key from": (key_words(facts), "$foreground" if facts.readiness.key_source else "$foreground-muted"),
        "Address": (address_words(facts).removeprefix("https://"), "$foreground"),
        "Models": (models_words(facts), "$foreground"),
        "Last test": (test_words(facts), "$foreground"),
        "Spent": (spent_words(facts), "$foreground"),
    }
    cells = [(cell(words[column.title][0], column.width), words[column.title][1]) for column in shape]
    return Content(" ").join(Content.styled(*each) for each in cells)


def cell(text: str, width: int) -> str:
    """Just so many cells of it, with an ellipsis where some of it is left out."""
    text = one_line(text)
    return set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


def key_words(facts: Facts) -> str:
    """Where the key is from, or what is to do."""
    if not facts.readiness.ready:
        return facts.readiness.to_do
    if facts.readiness.key_source:
        return facts.readiness.key_source.replace("environment: ", "$", 1)
    return "needs none" if facts.readiness.local or facts.readiness.embedded else "as you are logged in"


def address_words(facts: Facts) -> str:
    if facts.readiness.embedded:
        return "on this machine"
    return without_credentials(facts.readiness.base_url) if facts.readiness.base_url else "–"


def models_words(facts: Facts) -> str:
    models = facts.tested.models if facts.tested else None
    return "–" if models is None else f"{models:,}"


def test_words(facts: Facts) -> str:
    """How the last test ended, and how long its first token took."""
    if facts.tested is None:
        return "–"
    report = facts.tested.report
    if facts.absent:
        return "–"
    milliseconds = report.ttft_ms if report.ttft_ms is not None else report.latency_ms
    return f"{'✓' if report.ok else '✗'} {milliseconds / 1000:.2f} s"


def spent_words(facts: Facts) -> str:
    if facts.health is None:
        return "–"
    unsure = "+?" if facts.health.unpriced else ""
    return f"{dollars(facts.health.cost)}{unsure}"


class ProviderList(OptionList):
    """The rows, with a word for the key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "details", key_display="⏎", id="providers.details"),
    ]

    def action_select(self) -> None:
        """Show all that is known of this provider."""
        super().action_select()
