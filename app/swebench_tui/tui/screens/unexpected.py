"""The dialog for an unexpected error."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from swebench_tui.tui.clipboard import copy
from swebench_tui.tui.crash_handling import Choice
from swebench_tui.tui.crash_report import CrashReport
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine


class UnexpectedScreen(Dialog[Choice]):
    """Shows the error and the path of its report. The result is what the user chose."""

    HELP = """\
# Something went wrong

This is a bug in swebench-tui. The report has versions, the terminal type and code locations. It has no keys, prompts or
answers.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "continue", "continue", key_display="⏎", id="unexpected.go_on"),
        Binding("escape", "continue", "continue", show=False, id="unexpected.leave"),
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
                    "\nThis is a bug in swebench-tui. Running requests continue; your last action may have had no "
                    "effect."
                    "\n\n⏎  continue\nc  copy the report (it has no keys, prompts or answers)\nq  quit\n"
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
            text = f"Report saved: {path}"
        except OSError as error:
            text = f"Could not save the report in {self._folder}: {error.strerror}. Press c to copy it."
        self.query_one("#saved", Static).update(Content(text))

    @work
    async def action_copy(self) -> None:
        """Copy the report."""
        await copy(self.app, self.report.text)

    def action_continue(self) -> None:
        """Continue."""
        self.dismiss("continue")

    def action_quit(self) -> None:
        """Quit the program."""
        self.dismiss("quit")
