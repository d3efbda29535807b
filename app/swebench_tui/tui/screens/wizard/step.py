"""What the wizard's steps share: title, footer and the ways to leave."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.wizard.state import WizardState
from swebench_tui.tui.widgets.key_line import KeyLine


class StepResult(Enum):
    """How a step was left."""

    NEXT = "next"
    BACK = "back"
    SKIP = "skip"


class WizardStep(Dialog[StepResult]):
    """One step. A subclass defines `compose_step`, `NUMBER` and `NAME`."""

    CSS_PATH = "wizard.tcss"
    NUMBER: ClassVar[int]
    NAME: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "continue", key_display="⏎", id="wizard.go_on"),
        Binding("escape", "back", "back", id="wizard.back"),
        Binding("ctrl+s", "skip", "skip", priority=True, id="wizard.later"),
    ]

    def __init__(self, state: WizardState) -> None:
        super().__init__()
        self.state = state

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wizard") as dialog:
            dialog.border_title = f"Setup · step {self.NUMBER} of 4 · {self.NAME}"
            yield from self.compose_step()
        yield KeyLine()

    def compose_step(self) -> ComposeResult:
        """The widgets between title and footer."""
        raise NotImplementedError

    def show(self, selector: str, content: Content) -> None:
        """Update a Static of the step; does nothing when the step is already being removed."""
        for widget in self.query(selector).results(Static):
            one_row = "\n" not in content.plain and content.cell_length <= widget.size.width
            # A layout paints everything again, and the screen below the dialog too.
            widget.update(content, layout=not one_row or widget.size.height != 1)

    def action_next(self) -> None:
        """Continue with the next step."""
        self.dismiss(StepResult.NEXT)

    def action_back(self) -> None:
        """Go back to the previous step."""
        self.dismiss(StepResult.BACK if self.NUMBER > 1 else StepResult.SKIP)

    def action_skip(self) -> None:
        """Save what was entered and skip the rest of the setup."""
        self.dismiss(StepResult.SKIP)


def as_sentence(text: str) -> str:
    """`text` with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def hint(text: str) -> Static:
    """A line of muted text."""
    return Static(Content(text), classes="hint")
