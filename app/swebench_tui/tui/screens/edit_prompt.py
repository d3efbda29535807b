"""Write the prompt."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static, TextArea

from swebench_tui.printable import neutralise


class EditPromptScreen(ModalScreen[str | None]):
    """Gives the text back when it is accepted, None when it is left as it was.

    Control characters of the prompt stand there as pictures; a changed prompt is what the editor shows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "use this prompt", priority=True, id="prompt.accept"),
        Binding("escape", "leave", "leave it", id="prompt.leave"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = neutralise(text)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Prompt"
            area = TextArea(self._text, soft_wrap=True, show_line_numbers=False)
            area.cursor_blink = False
            yield area
            yield Static("ctrl+s uses it, esc leaves it as it was", classes="hint")
        yield Footer(show_command_palette=False)

    def action_accept(self) -> None:
        text = self.query_one(TextArea).text
        self.dismiss(None if text == self._text else text)

    def action_leave(self) -> None:
        self.dismiss(None)
