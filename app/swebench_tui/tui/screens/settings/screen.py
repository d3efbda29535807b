"""The Settings screen: all settings with their values and origins, and the problems of the files."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import ClassVar, Final, Protocol, runtime_checkable

from textual import events, on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from swebench_providers.redaction import MASK
from swebench_tui.services.settings import SettingRow, setting_rows
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.layers import Layer
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.settings.rows import SettingList, matching
from swebench_tui.tui.widgets.key_line import KeyLine

_DEBOUNCE: Final = 0.1  # seconds
_FRAME: Final = 4  # columns of border and padding
_RESTART: Final = "Restart to apply it."
_KEYS_ELSEWHERE: Final = "Press k in Providers (4) to add or remove keys."
_KEY_SETTINGS: Final = frozenset({"keys", "key"})


@runtime_checkable
class TakesSettings(Protocol):
    """An app that can apply some settings while it runs."""

    def take_setting(self, path: SettingPath) -> bool:
        """Apply the setting at `path`. Returns False if that takes a restart."""
        ...


class SettingsScreen(Dialog[None]):
    """`under` limits the screen to settings whose path begins with it: those of one provider."""

    CSS_PATH = "settings.tcss"
    HELP = """\
# Settings

All settings with their values and origins; ● marks those that are set. **enter** changes one in your own settings file,
and **d** removes it from there. **/** searches names, values and descriptions; the settings of providers that are not
configured appear only in searches. **e** opens the file in your editor.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", id="settings.search"),
        Binding("d", "default", "reset", id="settings.default"),
        Binding("e", "open_editor", "edit file", id="settings.open_editor"),
        Binding("down", "to_list", "to the list", show=False, id="settings.to_list"),
        Binding("escape", "leave", "back", id="settings.leave"),
    ]

    def __init__(self, workspace: Workspace, *, under: SettingPath = ()) -> None:
        super().__init__()
        self._workspace, self._under = workspace, under
        self._rows: list[SettingRow] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog settings") as dialog:
            dialog.border_title = f"Settings of {one_line(self._under[1])}" if self._under else "Settings"
            yield Static(classes="problem")
            field = Input(placeholder="/ to search names, values and descriptions", compact=True)
            field.cursor_blink = False
            yield field
            yield SettingList(markup=False, compact=True)
            yield Static(classes="hint")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(SettingList).focus()
        self._read(reload=True)

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 - Textual passes it
        self.call_after_refresh(self._fill)

    @work(exclusive=True, group="read")
    async def _read(self, *, reload: bool = False) -> None:
        """Read the rows in a thread; `reload` reads the files again."""
        if reload:
            before = self._workspace.settings
            await asyncio.to_thread(self._workspace.reload)
            self._apply_changes(before, self._workspace.settings)
        self._rows = await asyncio.to_thread(setting_rows, self._workspace, self._under)
        problems = [Content(f"✗ {one_line(f'{error} → {error.hint}')}") for error in self._workspace.problems]
        self.query_one(".problem", Static).update(Content("\n").join(problems))
        self._fill()

    def _apply_changes(self, before: Settings, now: Settings) -> None:
        """Apply what was changed in the files, as far as the app can while it runs."""
        if not isinstance(self.app, TakesSettings):
            return
        if before.keymap != now.keymap:
            self.app.take_setting(("keymap",))
        if before.appearance != now.appearance:
            self.app.take_setting(("appearance", "theme"))
        if before.compare != now.compare:
            self.app.take_setting(("compare", "lineup"))

    @on(Input.Changed)
    def _input_changed(self) -> None:
        self.set_timer(_DEBOUNCE, self._fill)

    @on(Input.Submitted)
    def _input_submitted(self) -> None:
        self._fill()
        self.action_to_list()

    def action_search(self) -> None:
        """Search names, values and descriptions."""
        self.query_one(Input).focus()

    def action_to_list(self) -> None:
        """Go to the list."""
        self.query_one(SettingList).focus()

    def _fill(self) -> None:
        terms = self.query_one(Input).value.lower().split()
        width = self.query_one(".dialog").size.width - _FRAME
        self.query_one(SettingList).show(matching(self._rows, terms, hidden=bool(self._under)), width, self._under)
        self._describe()

    @on(OptionList.OptionHighlighted)
    def _describe(self) -> None:
        """Describe the highlighted setting below the list."""
        row = self.query_one(SettingList).row
        hint = self.query_one(".hint", Static)
        if row is None:
            hint.update("No setting matches." if self._rows else "")
            return
        only = "  User file only." if row.leaf.user_only else ""
        origin = f"From {row.origin}." if row.text else "Not set."
        text = f"{row.leaf.description}{only}"
        hint.update(Content.assemble((one_line(dotted(row.path)), "bold"), f"  {origin}\n{one_line(text)}"))

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        row = self.query_one(SettingList).row
        if row is None:
            return
        if row.path[-1] in _KEY_SETTINGS:
            self.notify(_KEYS_ELSEWHERE)
            return
        from swebench_tui.tui.screens.settings.edit import EditSettingScreen  # noqa: PLC0415 - on demand

        value = row.text if row.is_set and "headers" not in row.path and MASK not in row.text else ""
        self.app.push_screen(EditSettingScreen(self._workspace, row, value=value), self._saved)

    def _saved(self, path: SettingPath | None) -> None:
        if path is not None:
            self._after_change(path, f"Saved {dotted(path)}.")

    @work(exclusive=True, group="change")
    async def action_default(self) -> None:
        """Remove this setting from your settings file."""
        row = self.query_one(SettingList).row
        if row is None or row.adds:
            return
        if row.path[-1] in _KEY_SETTINGS:
            self.notify(_KEYS_ELSEWHERE)
            return
        name = dotted(row.path)
        try:
            in_file = await asyncio.to_thread(self._workspace.in_user_file, row.path)
            if in_file:
                await asyncio.to_thread(self._workspace.unset, row.path)
        except SettingsError as error:
            self._notify_error(str(error), error.hint)
            return
        if in_file:
            self._after_change(row.path, f"Removed {name} from your settings file.")
        elif row.origin.layer is Layer.DEFAULT:
            self.notify(one_line(f"{name} already has its default."), markup=False)
        else:
            self.notify(one_line(f"{name} is not set in your file. It comes from {row.origin}."), markup=False)

    def _after_change(self, path: SettingPath, message: str) -> None:
        applied = self.app.take_setting(path) if isinstance(self.app, TakesSettings) else True
        self.notify(one_line(message if applied else f"{message} {_RESTART}"), markup=False)
        self._read()

    @work(exclusive=True, group="editor")
    async def action_open_editor(self) -> None:
        """Open your settings file in your editor, then read it again."""
        from swebench_tui.tui import editor  # noqa: PLC0415 - on demand

        command: list[str] = []
        try:
            command = editor.command(self._workspace.settings.editor, os.environ)
            await asyncio.to_thread(self._workspace.create_user_file)
            with self.app.suspend():
                done = subprocess.run([*command, os.fspath(self._workspace.user_file)], check=False)  # noqa: ASYNC221 - the terminal is the editor's
        except (editor.EditorError, SettingsError) as error:
            self._notify_error(str(error), error.hint)
        except SuspendNotSupported:
            self.notify("This terminal cannot be handed to an editor.", severity="error")
        except OSError as error:
            self._notify_error(f"{' '.join(command[:1])}: {error.strerror}", "Set EDITOR to another editor.")
        else:
            if done.returncode:
                self._notify_error(f"{command[0]} exited with status {done.returncode}", "The file is as it left it.")
            self._read(reload=True)

    def _notify_error(self, what: str, hint: str) -> None:
        self.notify(one_line(f"{what} → {hint}"), severity="error", markup=False)

    def action_leave(self) -> None:
        """Clear the search, or leave the settings."""
        field = self.query_one(Input)
        if field.value or field.has_focus:
            field.value = ""
            self.action_to_list()
        else:
            self.dismiss(None)
