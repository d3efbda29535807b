"""What is shown when something happened that nobody expected."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar, Literal

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from swebench_tui.tui.copying import copy
from swebench_tui.tui.crash_report import CrashReport
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine

Choice = Literal["go on", "quit"]


class UnexpectedScreen(Dialog[Choice]):
    """Says what happened and where the report lies. Gives back what the user wants now."""

    HELP = """\
# Something went wrong

The fault is the program's, not yours. The report names versions, terminal and the places in the code; keys, prompts and
answers are not in it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "go on", key_display="⏎", id="unexpected.go_on"),
        Binding("escape", "go_on", "go on", show=False, id="unexpected.leave"),
        Binding("c", "copy", "copy report", id="unexpected.copy"),
        Binding("q", "quit", "quit", id="unexpected.quit"),
    ]

    def __init__(self, report: CrashReport, folder: Path) -> None:
        super().__init__()
        self.report = report
        self._folder = folder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog unexpected") as dialog:
            dialog.border_title = "Something went wrong"
            yield Static(Content(f"✗ {self.report.what}"), classes="problem")
            yield Static(Content(f"at {self.report.where}") if self.report.where else "", classes="hint")
            yield Static(
                Content(
                    "\nThis is a fault of the program. What was running goes on; what you just did may not have "
                    "happened."
                    "\n\n⏎  go on\nc  copy the report (no keys, prompts or answers are in it)\nq  quit\n"
                )
            )
            yield Static("Saving the report …", id="saved", classes="hint")
        yield KeyLine()

    def on_mount(self) -> None:
        self._save()

    @work
    async def _save(self) -> None:
        try:
            path = await asyncio.to_thread(self.report.save, self._folder)
            said = f"The report is in {path}"
        except OSError as error:
            said = f"The report could not be saved in {self._folder}: {error.strerror}. Copy it with c."
        self.query_one("#saved", Static).update(Content(said))

    @work
    async def action_copy(self) -> None:
        """Copy the report."""
        await copy(self.app, self.report.text)

    def action_go_on(self) -> None:
        """Go on."""
        self.dismiss("go on")

    def action_quit(self) -> None:
        """Leave the program."""
        self.dismiss("quit")
