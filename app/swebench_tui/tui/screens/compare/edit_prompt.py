"""Write the prompt."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from swebench_tui.terminal_text import one_line, sanitize
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine


class EditPromptScreen(Dialog[str | None]):
    """Gives the text back when it is accepted, None when it is left as it was.

    Control characters of the prompt stand there as pictures; a changed prompt is what the editor shows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "use this prompt", priority=True, id="prompt.accept"),
        Binding("ctrl+o", "open_editor", "your editor", priority=True, id="prompt.open_editor"),
        Binding("escape", "leave", "leave it", id="prompt.leave"),
    ]

    def __init__(self, text: str, *, editor: str = "") -> None:
        """`editor` is the one of the settings."""
        super().__init__()
        self._text = sanitize(text)
        self._editor = editor

    @property
    def private_texts(self) -> Iterable[str]:
        """What no crash report may quote."""
        return (self._text, self.query_one(TextArea).text)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Prompt"
            area = TextArea(self._text, soft_wrap=True, show_line_numbers=False)
            area.cursor_blink = False
            yield area
            yield Static("ctrl+s uses it, ctrl+o opens your editor, esc leaves it", classes="hint")
        yield KeyLine()

    def action_accept(self) -> None:
        text = self.query_one(TextArea).text
        self.dismiss(None if text == self._text else text)

    def action_open_editor(self) -> None:
        """Open the text in $VISUAL or $EDITOR; what is saved there stands here then."""
        from swebench_tui.tui import editor  # noqa: PLC0415 - not before it is asked for

        area = self.query_one(TextArea)
        try:
            command = editor.command(self._editor, os.environ)
            with self.app.suspend():
                edited = editor.edit(area.text, command)
        except editor.EditorError as error:
            self.notify(one_line(f"{error}. {error.hint}"), severity="error", markup=False)
        except SuspendNotSupported:
            self.notify("This terminal cannot be lent to an editor.", severity="error")
        else:
            if edited == area.text:
                self.notify("The editor left the prompt as it was.")
            else:
                area.text = sanitize(edited)

    def action_leave(self) -> None:
        self.dismiss(None)
