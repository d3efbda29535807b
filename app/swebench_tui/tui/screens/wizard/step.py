"""What the steps have in common: where one is, and the ways out."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.wizard.draft import Draft
from swebench_tui.tui.widgets.key_line import KeyLine


class Leave(Enum):
    """How a step was left."""

    ON = "on"
    BACK = "back"
    LATER = "later"


class WizardStep(Dialog[Leave]):
    """One step. It writes `compose_step`, and is numbered and named."""

    CSS_PATH = "wizard.tcss"
    NUMBER: ClassVar[int]
    NAME: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "go on", key_display="⏎", id="wizard.go_on"),
        Binding("escape", "back", "back", id="wizard.back"),
        Binding("ctrl+s", "later", "later", priority=True, id="wizard.later"),
    ]

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wizard") as dialog:
            dialog.border_title = f"Set up · step {self.NUMBER} of 4 · {self.NAME}"
            yield from self.compose_step()
        yield KeyLine()

    def compose_step(self) -> ComposeResult:
        """What stands between title and footer."""
        raise NotImplementedError

    def say(self, part: str, words: Content) -> None:
        """Write into a part of the step; nothing happens where it came too late, and the step is being taken away."""
        for shown in self.query(part).results(Static):
            shown.update(words)

    def action_go_on(self) -> None:
        """Go to the next step, whatever this one has brought."""
        self.dismiss(Leave.ON)

    def action_back(self) -> None:
        """Go back to the step before; from the first one leave it for later."""
        self.dismiss(Leave.BACK if self.NUMBER > 1 else Leave.LATER)

    def action_later(self) -> None:
        """Keep what was entered, and finish another time."""
        self.dismiss(Leave.LATER)


def sentence(words: str) -> str:
    """With a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def hint(words: str) -> Static:
    """A quiet line."""
    return Static(Content(words), classes="hint")
