"""The dialog that edits the prompt."""

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
    """Returns the edited text, or None when it was cancelled or not changed.

    Control characters of the prompt are shown as symbols; an edited prompt holds those symbols.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "use this prompt", priority=True, id="prompt.accept"),
        Binding("ctrl+o", "open_editor", "your editor", priority=True, id="prompt.open_editor"),
        Binding("escape", "leave", "cancel", id="prompt.leave"),
    ]

    def __init__(self, text: str, *, editor: str = "") -> None:
        """`editor` is the editor of the settings."""
        super().__init__()
        self._text = sanitize(text)
        self._editor = editor

    @property
    def private_texts(self) -> Iterable[str]:
        """Texts that no crash report may quote."""
        return (self._text, self.query_one(TextArea).text)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Prompt"
            area = TextArea(self._text, soft_wrap=True, show_line_numbers=False)
            area.cursor_blink = False
            yield area
            yield Static("ctrl+s: use this prompt · ctrl+o: open your editor · esc: cancel", classes="hint")
        yield KeyLine()

    def action_accept(self) -> None:
        text = self.query_one(TextArea).text
        self.dismiss(None if text == self._text else text)

    def action_open_editor(self) -> None:
        """Open the text in $VISUAL or $EDITOR, and take over what is saved there."""
        from swebench_tui.tui import editor  # noqa: PLC0415 - only for this action

        area = self.query_one(TextArea)
        try:
            command = editor.command(self._editor, os.environ)
            with self.app.suspend():
                edited = editor.edit(area.text, command)
        except editor.EditorError as error:
            self.notify(one_line(f"{error}. {error.hint}"), severity="error", markup=False)
        except SuspendNotSupported:
            self.notify("An editor cannot be opened in this terminal.", severity="error")
        else:
            if edited == area.text:
                self.notify("The prompt was not changed.")
            else:
                area.text = sanitize(edited)

    def action_leave(self) -> None:
        self.dismiss(None)
