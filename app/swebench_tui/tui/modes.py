"""The main screens, in the order of their keys."""

from __future__ import annotations

from typing import Final, NamedTuple


class Mode(NamedTuple):
    """A main screen: its key, its name in Textual, and its title."""

    key: str
    name: str
    title: str


MODES: Final = (
    Mode("1", "compare", "Compare"),
    Mode("2", "batch", "Batch"),
    Mode("3", "models", "Models"),
    Mode("4", "providers", "Providers"),
    Mode("5", "history", "History"),
)
