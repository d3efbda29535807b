"""The dialog that takes an API key and stores it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from swebench_providers import Secret
from swebench_tui.settings.definitions import KeyStorage
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.secrets.key_lint import lint_key
from swebench_tui.settings.secrets.store import ALTERNATIVES
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.providers.dialogs import problem
from swebench_tui.tui.widgets.key_line import KeyLine
from swebench_tui.tui.widgets.problem_line import ProblemLine

_REVEALED: Final = 1.0  # seconds after the last press; a held key repeats sooner
_PRIVATE_FILE: Final = "private file (plain text, only you can read it)"
_FILE_HINT: Final = f"The key is still entered. ctrl+f: save it in a {_PRIVATE_FILE}"


class AddKeyScreen(Dialog[str | None]):
    """Stores an API key. The result is its label; None when cancelled. The key stays entered until it is stored."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", id="add_key.leave"),
        Binding("ctrl+s", "save", "save", priority=True, id="add_key.keep"),
        Binding("ctrl+f", "save_in_file", "save in file", priority=True, id="add_key.keep_in_file"),
        Binding("ctrl+r", "reveal", "show", priority=True, id="add_key.reveal"),
    ]

    def __init__(self, workspace: Workspace, provider: str) -> None:
        super().__init__()
        self._workspace, self._provider = workspace, provider
        self._warned_about: Secret | None = None
        self._hide_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = f"Add an API key: {one_line(self._provider)}"
            yield Static("API key", classes="label")
            key = Input(id="key", password=True, compact=True)
            key.cursor_blink = False
            yield key
            yield Static("Label", classes="label")
            label = Input(value=self._free_label(), id="label", compact=True)
            label.cursor_blink = False
            yield label
            yield Static(
                f"Enter: save in the system keyring · ctrl+f: save in a {_PRIVATE_FILE}",
                classes="hint",
                id="storage",
            )
            yield ProblemLine()
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._show_storage()

    @work(exclusive=True, group="storage")
    async def _show_storage(self) -> None:
        """Say where the key is stored if not in the keyring; a slow keyring is looked up in a thread."""
        if self._workspace.settings.secrets.keep_in == "file":
            text = f"Enter: save in a {_PRIVATE_FILE}, as set in secrets.keep_in"
        else:
            keyring = await asyncio.to_thread(self._workspace.keys.keyring_status)
            if keyring.usable:
                return
            variables = " or ".join(self._workspace.registry.spec(self._provider).env)
            text = f"Keyring not available: {keyring.problem}. ctrl+f: save in a {_PRIVATE_FILE}."
            text += f" Or cancel, set {variables} and restart."
        for hint in self.query("#storage").results(Static):  # empty when the dialog was closed in the meantime
            hint.update(Content(one_line(text)))

    def _free_label(self) -> str:
        taken = {kept.label for kept in self._workspace.keys.entries(self._provider)}
        names = ("default", *(f"key {number}" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)

    @on(Input.Changed, "#key")
    def _key_changed(self) -> None:
        self._warned_about = None
        key = Secret(self.query_one("#key", Input).value)
        self._show_warnings([each.message for each in lint_key(self._provider, key)] if key.reveal() else [])

    def _show_warnings(self, warnings: Sequence[str], hint: str = "") -> None:
        lines = [f"! {warning}" for warning in warnings] + ([f"→ {hint}"] if hint else [])
        self.query_one(".problem", Static).update(Content("\n".join(lines)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "label":
            self.action_save()
        else:
            self.query_one("#label").focus()

    def action_reveal(self) -> None:
        """Show the key while ctrl+r is held."""
        # A terminal reports repeated presses but no release: each press shows the key for a moment longer.
        self.query_one("#key", Input).password = False
        if self._hide_timer is not None:
            self._hide_timer.stop()
        self._hide_timer = self.set_timer(_REVEALED, self._hide)

    def _hide(self) -> None:
        self.query_one("#key", Input).password = True

    def action_save(self) -> None:
        """Save the key."""
        self._save(None)

    def action_save_in_file(self) -> None:
        """Save the key in a file of mode 0600, as plain text."""
        self._save("file")

    @work(exclusive=True)
    async def _save(self, storage: KeyStorage | None) -> None:
        """Store the key, without what certainly is not part of it. Other warnings are confirmed by saving again."""
        entered, label = Secret(self.query_one("#key", Input).value), self.query_one("#label", Input).value.strip()
        found = lint_key(self._provider, entered)
        key = next((each.corrected for each in found if each.corrected), entered)
        warnings = [each.message for each in found] if key is entered else []
        if not entered.reveal().strip():
            self._show_warnings(["No key entered."], "Paste the key. esc: cancel")
            return
        if warnings and self._warned_about != entered:
            self._warned_about = entered
            self._show_warnings(warnings, "Enter another key, or save again to store this one.")
            return
        self._show_warnings([])
        try:
            await asyncio.to_thread(self._store, key, label, storage)
        except KeyStoreError as error:
            self.query_one(".problem", Static).update(self._problem(error, storage))
        else:
            self.dismiss(label)

    def _problem(self, error: KeyStoreError, storage: KeyStorage | None) -> Content:
        """The error, with the private file as a way out where it is one."""
        in_file = "file" in {storage, self._workspace.settings.secrets.keep_in}
        if in_file or self._workspace.registry.spec(self._provider).auth == "none":
            return problem(error)
        if error.hint == ALTERNATIVES:  # names the flags of the command line
            return Content(f"✗ {one_line(str(error))}\n→ {_FILE_HINT}")
        return Content.assemble(problem(error), f"\n→ {_FILE_HINT}")

    def _store(self, key: Secret, label: str, storage: KeyStorage | None) -> None:
        self._workspace.keys.add(self._provider, key, label=label, storage=storage)

    def action_leave(self) -> None:
        """Cancel."""
        self.dismiss(None)
