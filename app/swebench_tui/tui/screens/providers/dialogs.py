"""Small dialogs of the Providers screen: adding a provider, and confirming a removal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from swebench_tui.settings.errors import SetupError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine
from swebench_tui.tui.widgets.problem_line import ProblemLine


class AddProviderScreen(Dialog[str | None]):
    """Adds a provider to the settings. The result is its name; None when cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", id="add_provider.leave"),
        Binding("ctrl+s", "add", "add", priority=True, id="add_provider.add"),
    ]
    FIELDS: Final = (
        ("name", "Name", "my-server"),
        ("like", "API type (a provider with the same API)", "compatible"),
        ("base-url", "Base URL", "http://127.0.0.1:8000/v1"),
    )

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = "Add a provider"
            for name, label, example in self.FIELDS:
                yield Static(label, classes="label")
                field = Input(value="compatible" if name == "like" else "", placeholder=example, id=name, compact=True)
                field.cursor_blink = False
                yield field
            yield Static("tab: next field · ctrl+s: add", classes="hint")
            yield ProblemLine()
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one("#name").focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "base-url":
            self.action_add()
        else:
            self.focus_next()

    @work(exclusive=True)
    async def action_add(self) -> None:
        """Add the provider to your settings."""
        name, like, address = (self.query_one(f"#{field}", Input).value.strip() for field, _, _ in self.FIELDS)
        try:
            await asyncio.to_thread(self._workspace.providers.add, name, like=like, base_url=address)
        except SetupError as error:
            self.query_one(".problem", Static).update(problem(error))
        else:
            self.dismiss(name)

    def action_leave(self) -> None:
        """Cancel."""
        self.dismiss(None)


class ConfirmScreen(Dialog[bool]):
    """Asks for confirmation before a removal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes"),
        Binding("n", "answer(False)", "no", id="confirm.no"),
        Binding("escape", "answer(False)", "no", show=False, id="confirm.leave"),
    ]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = one_line(self._title)
            yield Static(Content("\n").join(Content(one_line(line)) for line in self._lines), classes="asked")
            yield Static("y: yes · n or esc: no", classes="hint")
        yield KeyLine()

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


def problem(error: SetupError) -> Content:
    """The text of an error in a dialog."""
    return Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}")
