"""Modes that are not there yet: what they will be, and what does their work today."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from swebench_tui.tui.screens.main_screen import MainScreen


class NotBuiltScreen(MainScreen):
    """Two lines."""

    WILL_BE: ClassVar[str]
    TODAY: ClassVar[str]

    def compose_body(self) -> ComposeResult:
        yield Static(Content(f"{self.WILL_BE}\n{self.TODAY}"), classes="not-built")


class BatchScreen(NotBuiltScreen):
    """Many tasks, many models."""

    MODE = "batch"
    WILL_BE = "Not built yet: many tasks against several models, within a budget."
    TODAY = "Today: swebench-tui compare --count N --json asks N tasks in turn."


class HistoryScreen(NotBuiltScreen):
    """What was asked before."""

    MODE = "history"
    WILL_BE = "Not built yet: earlier runs, to read again and to replay."
    TODAY = "Today: swebench-tui compare --count N --json prints a run, to keep."
