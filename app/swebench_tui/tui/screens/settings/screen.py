"""All settings, with values, where each one came from, and what is wrong with the files."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from typing import ClassVar, Final, Protocol, runtime_checkable

from textual import events, on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers.redaction import MASK
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.layers import Layer
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.settings import rows
from swebench_tui.tui.screens.settings.rows import Row
from swebench_tui.tui.widgets.key_line import KeyLine

MOST_SHOWN: Final = 300
"""Rows in the list at once: filling it with thousands would hold up the keys."""

_DEBOUNCE: Final = 0.1  # seconds
_BESIDE: Final = 6  # cells that border, padding and scrollbar take
_LATER: Final = "It holds from the next start."


@runtime_checkable
class TakesSettings(Protocol):
    """An app that can follow some settings while it runs."""

    def take_setting(self, path: SettingPath) -> bool:
        """Whether it holds now; False where it needs another start."""
        ...


class SettingList(OptionList):
    """The rows, with a word for the key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "change", key_display="⏎", id="settings.change"),
    ]

    def action_select(self) -> None:
        """Change this setting."""
        super().action_select()


class SettingsScreen(Dialog[None]):
    """`under` leaves only the settings whose path begins so: those of one provider."""

    CSS_PATH = "settings.tcss"
    HELP = """\
# Settings

Every setting with its value and where that came from; ● marks those that somebody has set. **enter** changes one, in
your own settings file, and **d** takes it out of there again. **/** searches names, values and explanations; settings
of providers for which nothing is set appear when they are searched for. **e** opens the file in your editor.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", id="settings.search"),
        Binding("d", "default", "default", id="settings.default"),
        Binding("e", "open_editor", "edit file", id="settings.open_editor"),
        Binding("down", "to_list", "to the list", show=False, id="settings.to_list"),
        Binding("escape", "leave", "back", id="settings.leave"),
    ]

    def __init__(self, workspace: Workspace, *, under: SettingPath = ()) -> None:
        super().__init__()
        self._workspace, self._under = workspace, under
        self._all: list[Row] = []
        self._shown: list[Row] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog settings") as dialog:
            dialog.border_title = f"Settings of {one_line(self._under[1])}" if self._under else "Settings"
            yield Static(classes="problem")
            field = Input(placeholder="search: / then words of a name, a value or what it is for", compact=True)
            field.cursor_blink = False
            yield field
            yield SettingList(markup=False, compact=True)
            yield Static(classes="hint")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(SettingList).focus()
        self._read(again=True)

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 - Textual passes it
        self.call_after_refresh(self._fill)

    # Reading.

    @work(exclusive=True, group="read")
    async def _read(self, *, again: bool = False) -> None:
        """In a thread. `again`: what the files say by now."""
        if again:
            before = self._workspace.settings
            await asyncio.to_thread(self._workspace.reload)
            self._follow(before, self._workspace.settings)
        self._all, problems = await asyncio.to_thread(self._found)
        told = [Content(f"✗ {one_line(f'{error} → {error.hint}')}") for error in problems]
        self.query_one(".problem", Static).update(Content("\n").join(told))
        self._fill()

    def _follow(self, before: Settings, now: Settings) -> None:
        """What the app can follow, of what was changed in the files themselves."""
        if not isinstance(self.app, TakesSettings):
            return
        if before.keymap != now.keymap:
            self.app.take_setting(("keymap",))
        if before.appearance != now.appearance:
            self.app.take_setting(("appearance", "theme"))
        if before.compare != now.compare:
            self.app.take_setting(("compare", "lineup"))

    def _found(self) -> tuple[list[Row], Sequence[SettingsError]]:
        return rows.rows(self._workspace, self._under), self._workspace.problems

    # Searching and showing.

    @on(Input.Changed)
    def _typed(self) -> None:
        self.set_timer(_DEBOUNCE, self._fill)

    @on(Input.Submitted)
    def _searched(self) -> None:
        self._fill()
        self.action_to_list()

    def action_search(self) -> None:
        """Search by words of name, value or explanation."""
        self.query_one(Input).focus()

    def action_to_list(self) -> None:
        """Go to the list."""
        self.query_one(SettingList).focus()

    def _fill(self) -> None:
        words = self.query_one(Input).value.lower().split()
        table = self.query_one(SettingList)
        chosen = self._chosen
        matching = [row for row in self._all if self._is_shown(row, words)]
        matching.sort(key=lambda row: not all(word in dotted(row.path).lower() for word in words))  # names come first
        self._shown = matching[:MOST_SHOWN]
        width = self.query_one(".dialog").size.width - _BESIDE + 2
        table.clear_options()
        table.add_options([Option(rows.line(row, width, self._under)) for row in self._shown])
        paths = [(row.path, row.adds) for row in self._shown]
        if paths:
            before = (chosen.path, chosen.adds) if chosen else None
            table.highlighted = paths.index(before) if before in paths else 0
        self._tell()

    def _is_shown(self, row: Row, words: Sequence[str]) -> bool:
        if words:
            return all(word in row.searched for word in words)
        return bool(self._under) or not row.usual

    @property
    def _chosen(self) -> Row | None:
        at = self.query_one(SettingList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        row = self._chosen
        hint = self.query_one(".hint", Static)
        if row is None:
            hint.update("Nothing has these words." if self._all else "")
            return
        only = "  Your own file only." if row.leaf.user_only else ""
        origin = f"From {row.origin}." if row.value else "Not set."
        about = f"{row.leaf.description}{only}"
        hint.update(Content.assemble((one_line(dotted(row.path)), "bold"), f"  {origin}\n{one_line(about)}"))

    # Changing.

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        row = self._chosen
        if row is None:
            return
        if row.leaf.path[-1] == "keys":
            self.notify("Keys are added and removed with k in Providers (4).")
            return
        from swebench_tui.tui.screens.settings.edit import EditSettingScreen  # noqa: PLC0415 - when it is asked for

        value = row.value if row.is_set and "headers" not in row.path and MASK not in row.value else ""
        self.app.push_screen(EditSettingScreen(self._workspace, row, value=value), self._written)

    def _written(self, path: SettingPath | None) -> None:
        if path is not None:
            self._after_change(path, f"{dotted(path)} is written.")

    @work(exclusive=True, group="change")
    async def action_default(self) -> None:
        """Take this setting out of your file."""
        row = self._chosen
        if row is None or row.adds:
            return
        if row.leaf.path[-1] == "keys":
            self.notify("Keys are added and removed with k in Providers (4).")
            return
        try:
            there = await asyncio.to_thread(self._workspace.in_user_file, row.path)
            if there:
                await asyncio.to_thread(self._workspace.unset, row.path)
        except SettingsError as error:
            self._refused(str(error), error.hint)
            return
        if there:
            self._after_change(row.path, f"{dotted(row.path)} is no longer set in your file.")
        elif row.origin.layer is Layer.DEFAULT:
            self.notify(one_line(f"{dotted(row.path)} is as it is by default."), markup=False)
        else:
            self.notify(one_line(f"{dotted(row.path)} is not set in your file: {row.origin}."), markup=False)

    def _after_change(self, path: SettingPath, told: str) -> None:
        now = self.app.take_setting(path) if isinstance(self.app, TakesSettings) else True
        self.notify(one_line(told if now else f"{told} {_LATER}"), markup=False)
        self._read()

    @work(exclusive=True, group="editor")
    async def action_open_editor(self) -> None:
        """Open your settings file in your editor, and read it again afterwards."""
        from swebench_tui.tui import editor  # noqa: PLC0415 - not before it is asked for

        command: list[str] = []
        try:
            command = editor.command(self._workspace.settings.editor, os.environ)
            await asyncio.to_thread(self._workspace.begin_user_file)
            with self.app.suspend():
                done = subprocess.run([*command, os.fspath(self._workspace.user_file)], check=False)  # noqa: ASYNC221 - the terminal is the editor's
        except (editor.EditorError, SettingsError) as error:
            self._refused(str(error), error.hint)
        except SuspendNotSupported:
            self.notify("This terminal cannot be lent to an editor.", severity="error")
        except OSError as error:
            self._refused(f"{' '.join(command[:1])}: {error.strerror}", "Name another editor in EDITOR.")
        else:
            if done.returncode:
                self._refused(f"{command[0]} ended with status {done.returncode}", "The file is as it left it.")
            self._read(again=True)

    def _refused(self, what: str, hint: str) -> None:
        self.notify(one_line(f"{what} → {hint}"), severity="error", markup=False)

    def action_leave(self) -> None:
        """Clear the search, or leave the settings."""
        field = self.query_one(Input)
        if field.value or field.has_focus:
            field.value = ""
            self.action_to_list()
        else:
            self.dismiss(None)
