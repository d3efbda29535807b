"""One setting, checked while it is typed."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from swebench_providers import ProviderError
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.schema import in_words
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.value import parse_value
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.settings.rows import Row
from swebench_tui.tui.widgets.key_line import KeyLine
from swebench_tui.tui.widgets.problem_line import ProblemLine

_DEBOUNCE: Final = 0.1  # seconds


class EditSettingScreen(Dialog[SettingPath | None]):
    """Gives back the path of what was written; None where nothing was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave it", id="edit_setting.leave"),
        Binding("ctrl+s", "write", "write it", priority=True, id="edit_setting.write"),
    ]

    def __init__(self, workspace: Workspace, row: Row, *, value: str = "") -> None:
        """`value` is what stands in the field first: never one that is hidden."""
        super().__init__()
        self._workspace, self._row, self._value = workspace, row, value
        self._soon: Timer | None = None

    def compose(self) -> ComposeResult:
        hidden = "headers" in self._row.path
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = one_line(dotted(self._row.path))
            yield Static(Content(one_line(self._row.leaf.description)), classes="asked")
            if self._row.adds:
                yield Static("Name", classes="label")
                yield _field("", id="entry", placeholder="X-Team" if hidden else "compare.run")
            yield Static(Content(self._allowed), classes="label")
            yield _field(self._value, id="value", placeholder=self._example, password=hidden)
            yield Static("enter writes it, esc leaves it as it is", classes="hint")
            yield ProblemLine()
        yield KeyLine()

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    @property
    def _allowed(self) -> str:
        inside = len(self._row.path) > len(self._row.leaf.path) or self._row.adds
        words = "text" if inside else in_words(self._row.leaf.kind).replace("text, in quotes", "text")
        return f"Value: {words.replace(', in brackets', ', separated by commas')}"

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
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(_DEBOUNCE, self._check)

    @work(exclusive=True, group="check")
    async def _check(self) -> None:
        """Says what is wrong before anything is written. What is not typed yet is no mistake."""
        text = self.query_one("#value", Input).value.strip()
        error = await asyncio.to_thread(self._wrong, self._path, text) if text else None
        self._show(error)

    def _wrong(self, path: SettingPath, text: str) -> SettingsError | None:
        try:
            self._checked(path, text)
        except SettingsError as error:
            return error
        return None

    def _checked(self, path: SettingPath, text: str) -> object:
        """The value as it is written. Raises `SettingsError`, also for an address that is none."""
        value = parse_value(path, text)
        self._workspace.check(path, value)
        if path[0] == "providers" and path[-1] == "base_url":
            try:
                self._workspace.providers.describe_config(path[1], base_url=text)
            except ProviderError as error:
                raise SettingsError(str(error), hint=error.hint) from None
        return value

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input.id == "entry":
            self.focus_next()
        else:
            self.action_write()

    @work(exclusive=True, group="write")
    async def action_write(self) -> None:
        """Write it into your settings file."""
        if self._soon is not None:
            self._soon.stop()
        self.workers.cancel_group(self, "check")  # it would wipe away what writing says
        path, text = self._path, self.query_one("#value", Input).value.strip()
        if not text or not path[-1]:
            what = "nothing was typed" if not text else "the name is missing"
            self._show(SettingsError(what, hint="Type it, or leave with esc; d in the list goes back to the default."))
            return
        try:
            await asyncio.to_thread(self._put, path, text)
        except SettingsError as error:
            self._show(error)
        else:
            self.dismiss(path)

    def _put(self, path: SettingPath, text: str) -> None:
        self._workspace.change(path, self._checked(path, text))

    def _show(self, error: SettingsError | None) -> None:
        told = Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}") if error else Content()
        self.query_one(".problem", Static).update(told)

    def action_leave(self) -> None:
        """Write nothing."""
        self.dismiss(None)


def _field(value: str, *, id: str, placeholder: str, password: bool = False) -> Input:  # noqa: A002 - Textual's word
    field = Input(value=value, placeholder=placeholder, id=id, password=password, compact=True)
    field.cursor_blink = False
    return field
