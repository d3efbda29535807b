"""The table of the Providers screen: column widths and the text of each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList

from swebench_providers.redaction import without_credentials
from swebench_tui.runs.formatting import dollars
from swebench_tui.services.providers import Level, ProviderEntry, Status, status
from swebench_tui.terminal_text import one_line


class Column(NamedTuple):
    """A column title and its width in cells."""

    title: str
    width: int


_STATUS, _NAME, _TEST, _SPENT, _MODELS = 16, 13, 11, 8, 6
_GAP: Final = 1
_NARROW: Final = 100  # cells; a narrower row has no columns for address and models
_ADDRESS_SHARE: Final = 0.45
"""The address column's share of the width that is left for address and key."""

_COLOURS: Final[dict[Level, str]] = {
    "good": "$text-success",
    "warning": "$text-warning",
    "bad": "$text-error",
    "muted": "$foreground-muted",
    "active": "$foreground",
}


def columns(width: int) -> list[Column]:
    """The columns of a row that is `width` cells wide."""
    fixed = [Column("Status", _STATUS), Column("Provider", _NAME), Column("Last test", _TEST), Column("Spent", _SPENT)]
    if width < _NARROW:
        rest = width - sum(column.width + _GAP for column in fixed)
        return [*fixed[:2], Column("Key", max(8, rest)), *fixed[2:]]
    fixed.insert(2, Column("Models", _MODELS))
    rest = width - sum(column.width + _GAP for column in fixed) - _GAP
    address = int(rest * _ADDRESS_SHARE)
    return [*fixed[:2], Column("Key", rest - address), Column("Address", address), *fixed[2:]]


def header(layout: Sequence[Column]) -> Content:
    """The row of column titles."""
    return Content.styled(" ".join(cell(column.title, column.width) for column in layout), "$foreground-muted")


def row(entry: ProviderEntry, layout: Sequence[Column]) -> Content:
    """One provider, each text cut to the width of its column."""
    current = status(entry)
    cells = {
        "Status": (str(current), status_colour(current)),
        "Provider": (entry.name, "bold"),
        "Key": (key_text(entry), "$foreground" if entry.readiness.key_source else "$foreground-muted"),
        "Address": (address_text(entry).removeprefix("https://"), "$foreground"),
        "Models": ("–" if entry.models is None else f"{entry.models:,}", "$foreground"),
        "Last test": (_test_text(entry), "$foreground"),
        "Spent": (_spent_text(entry), "$foreground"),
    }
    return Content(" ").join(
        Content.styled(cell(cells[column.title][0], column.width), cells[column.title][1]) for column in layout
    )


def cell(text: str, width: int) -> str:
    """`text` padded or cut to `width` cells, with an ellipsis where it was cut."""
    text = one_line(text)
    return set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


def status_colour(status: Status) -> str:
    """The theme colour of a status."""
    return _COLOURS[status.level]


def key_text(entry: ProviderEntry) -> str:
    """The key source, or the next step of the setup."""
    readiness = entry.readiness
    if not readiness.ready:
        return readiness.to_do
    if readiness.key_source:
        return readiness.key_source.replace("environment: ", "$", 1)
    return "not needed" if readiness.local or readiness.embedded else "gcloud login"


def address_text(entry: ProviderEntry) -> str:
    """The base URL without credentials; `–` when there is none."""
    if entry.readiness.embedded:
        return "on this machine"
    return without_credentials(entry.readiness.base_url) if entry.readiness.base_url else "–"


def next_step(entry: ProviderEntry, *, accepts_key: bool) -> str:
    """The next step of the setup as a sentence, such as `Set OPENAI_API_KEY or press k`."""
    step = f"{entry.readiness.to_do[:1].upper()}{entry.readiness.to_do[1:]}"
    return f"{step} or press k" if accepts_key else step


def _test_text(entry: ProviderEntry) -> str:
    """The outcome of the last test, with the time to its first token in seconds."""
    if entry.test is None or entry.not_running:
        return "–"
    report = entry.test.report
    milliseconds = report.ttft_ms if report.ttft_ms is not None else report.latency_ms
    return f"{'✓' if report.ok else '✗'} {milliseconds / 1000:.2f} s"


def _spent_text(entry: ProviderEntry) -> str:
    """Cost of this session in dollars; `+?` when some requests have no known price."""
    if entry.health is None:
        return "–"
    return f"{dollars(entry.health.cost)}{'+?' if entry.health.unpriced else ''}"


class ProviderList(OptionList):
    """The rows of the table, with a label for Enter in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "details", key_display="⏎", id="providers.details"),
    ]

    def action_select(self) -> None:
        """Show the details of the provider."""
        super().action_select()
