"""The dialog that changes one setting; input is validated as it is typed."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from msgspec.inspect import VarTupleType
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from swebench_tui.services.settings import SettingRow, check_value
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.schema import describe_type
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.actions import check_keys
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine
from swebench_tui.tui.widgets.problem_line import ProblemLine

_DEBOUNCE: Final = 0.1  # seconds


class EditSettingScreen(Dialog[SettingPath | None]):
    """Returns the path that was written, None if it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", id="edit_setting.leave"),
        Binding("ctrl+s", "write", "save", priority=True, id="edit_setting.write"),
    ]

    def __init__(self, workspace: Workspace, row: SettingRow, *, value: str = "") -> None:
        """`value` is the initial text of the field, never a masked one."""
        super().__init__()
        self._workspace, self._row, self._value = workspace, row, value
        self._check_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        masked = "headers" in self._row.path
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = one_line(dotted(self._row.path))
            yield Static(Content(one_line(self._row.leaf.description)), classes="asked")
            if self._row.adds:
                yield Static("Name", classes="label")
                yield _field("", id="entry", placeholder="X-Team" if masked else "compare.run")
            yield Static(Content(self._allowed), classes="label")
            yield _field(self._value, id="value", placeholder=self._example, password=masked)
            yield Static("Enter: save. Esc: cancel.", classes="hint")
            yield ProblemLine()
        yield KeyLine()

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    @property
    def _allowed(self) -> str:
        kind = self._row.leaf.kind
        in_table = len(self._row.path) > len(self._row.leaf.path) or self._row.adds
        phrase = "a string" if in_table else describe_type(kind)
        return f"Value: {phrase}{', separated by commas' if isinstance(kind, VarTupleType) else ''}"

    @property
    def _example(self) -> str:
        example = self._row.leaf.example
        if isinstance(example, dict):
            return ""
        return f"such as {', '.join(map(str, example)) if isinstance(example, list) else example}"

    @property
    def _path(self) -> SettingPath:
        entry = self.query_one("#entry", Input).value.strip() if self._row.adds else ""
        return (*self._row.path, entry) if self._row.adds else self._row.path

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._check_timer is not None:
            self._check_timer.stop()
        self._check_timer = self.set_timer(_DEBOUNCE, self._check)

    @work(exclusive=True, group="check")
    async def _check(self) -> None:
        """Report an invalid value before it is written. A field that is still empty is not reported."""
        text = self.query_one("#value", Input).value.strip()
        error = await asyncio.to_thread(self._error, self._path, text) if text else None
        self._show(error)

    def _error(self, path: SettingPath, text: str) -> SettingsError | None:
        try:
            self._parse(path, text)
        except SettingsError as error:
            return error
        return None

    def _parse(self, path: SettingPath, text: str) -> object:
        """The value to write. Raises `SettingsError` for an invalid one."""
        return check_value(self._workspace, path, text, check_keys=check_keys)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "entry":
            self.focus_next()
        else:
            self.action_write()

    @work(exclusive=True, group="write")
    async def action_write(self) -> None:
        """Save it in your settings file."""
        if self._check_timer is not None:
            self._check_timer.stop()
        self.workers.cancel_group(self, "check")  # it would clear the error of the write
        path, text = self._path, self.query_one("#value", Input).value.strip()
        if not text or not path[-1]:
            what = "no value entered" if not text else "no name entered"
            self._show(SettingsError(what, hint="Enter one, or press esc. In the list, d restores the default."))
            return
        try:
            await asyncio.to_thread(self._put, path, text)
        except SettingsError as error:
            self._show(error)
        else:
            self.dismiss(path)

    def _put(self, path: SettingPath, text: str) -> None:
        self._workspace.change(path, self._parse(path, text))

    def _show(self, error: SettingsError | None) -> None:
        message = Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}") if error else Content()
        self.query_one(".problem", Static).update(message)

    def action_leave(self) -> None:
        """Leave without saving."""
        self.dismiss(None)


def _field(value: str, *, id: str, placeholder: str, password: bool = False) -> Input:  # noqa: A002 - Textual's name
    field = Input(value=value, placeholder=placeholder, id=id, password=password, compact=True)
    field.cursor_blink = False
    return field
