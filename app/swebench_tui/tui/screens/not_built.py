"""Modes that are not implemented yet, with what to use today."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from swebench_tui.tui.screens.main_screen import MainScreen


class NotBuiltScreen(MainScreen):
    """Two lines of text. A subclass defines them."""

    WILL_BE: ClassVar[str]
    TODAY: ClassVar[str]

    def compose_body(self) -> ComposeResult:
        yield Static(Content(f"{self.WILL_BE}\n{self.TODAY}"), classes="not-built")


class BatchScreen(NotBuiltScreen):
    """Many tasks for several models."""

    MODE = "batch"
    WILL_BE = "Not built yet: many tasks for several models, within a budget."
    TODAY = "Today: swebench-tui compare --count N --json runs N tasks in turn."


class HistoryScreen(NotBuiltScreen):
    """Earlier runs."""

    MODE = "history"
    WILL_BE = "Not built yet: earlier runs, to read and to replay."
    TODAY = "Today: swebench-tui compare --count N --json prints a run to save."
