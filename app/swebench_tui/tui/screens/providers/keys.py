"""The API keys of one provider: where each comes from, and which ones are disabled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Final

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers import DisabledKey
from swebench_tui.runs.engine import Engine
from swebench_tui.settings.effective import KEY
from swebench_tui.settings.errors import SetupError
from swebench_tui.settings.layers import Layer
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.providers.add_key import AddKeyScreen
from swebench_tui.tui.screens.providers.dialogs import ConfirmScreen, problem
from swebench_tui.tui.widgets.key_line import KeyLine

_REFRESH: Final = 1.0  # seconds


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One key. `source` identifies it in requests; `label` is empty for a key that is not stored by this program."""

    source: str
    description: str
    label: str = ""


class KeysScreen(Dialog[None]):
    """Lists the keys without reading any of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "add", id="keys.add"),
        Binding("delete", "remove", "remove", key_display="del", id="keys.remove"),
        Binding("r", "enable", "enable", id="keys.reinstate"),
        Binding("escape", "leave", "back", id="keys.leave"),
    ]

    def __init__(
        self, workspace: Workspace, engine: Engine, provider: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._workspace, self._engine, self._provider, self._now = workspace, engine, provider, now
        self._entries: list[KeyEntry] = []
        self._rows: list[Content] = []
        self._disabled: Mapping[str, DisabledKey] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog keys") as dialog:
            dialog.border_title = f"API keys: {one_line(self._provider)}"
            yield Static("Used in this order. With several keys, a rejected one is disabled.", classes="hint")
            yield OptionList(markup=False, compact=True)
            yield Static(classes="about")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._update()
        self.set_interval(_REFRESH, self._update)

    @work(exclusive=True, group="read")
    async def _update(self) -> None:
        entries = await asyncio.to_thread(lambda: list(_entries(self._workspace, self._provider)))
        disabled = await self._engine.disabled_keys(self._provider)
        rows = [_row(entry, disabled, self._now()) for entry in entries]
        if not rows:
            rows = [Content.styled("– No API key. Press a to add one.", "$foreground-muted")]
        self._entries = entries
        if rows != self._rows:
            self._rows = rows
            table = self.query_one(OptionList)
            index = table.highlighted or 0
            table.clear_options()
            table.add_options([Option(row) for row in rows])
            table.highlighted = min(index, len(rows) - 1)
        self._disabled = disabled
        self._show_selected()

    @on(OptionList.OptionHighlighted)
    def _show_selected(self) -> None:
        """Show below the list what the selected row may have no room for."""
        entry = self._selected
        disabled = self._disabled.get(entry.source) if entry else None
        lines = [f"→ {one_line(entry.description)}"] if entry else []
        lines += [f"✗ {one_line(disabled.reason)}"] if disabled else []
        self.query_one(".about", Static).update(Content("\n".join(lines)))

    @property
    def _selected(self) -> KeyEntry | None:
        index = self.query_one(OptionList).highlighted
        return self._entries[index] if index is not None and index < len(self._entries) else None

    def action_add(self) -> None:
        """Add a key."""
        self.app.push_screen(AddKeyScreen(self._workspace, self._provider), self._added)

    def _added(self, label: str | None) -> None:
        if label is not None:
            self.notify(one_line(f"Saved key {label!r}. Press t in Providers to test it."), markup=False)
            self._update()

    @work(exclusive=True, group="remove")
    async def action_remove(self) -> None:
        """Delete the key, after a confirmation."""
        entry = self._selected
        if entry is None:
            return
        if not entry.label:
            message = f"Not stored by swebench-tui: {entry.description}"
            self.notify(one_line(message), markup=False)
            return
        lines = [
            f"{entry.description[:1].upper()}{entry.description[1:]}.",
            "The key is deleted and cannot be restored.",
        ]
        if not await self.app.push_screen_wait(ConfirmScreen(f"Remove key {entry.label!r}?", lines)):
            return
        try:
            await asyncio.to_thread(self._workspace.keys.remove, self._provider, entry.label)
        except SetupError as error:
            self.query_one(".problem", Static).update(problem(error))
        else:
            self.query_one(".problem", Static).update("")
            self._update()

    @work(exclusive=True, group="enable")
    async def action_enable(self) -> None:
        """Enable the key again."""
        entry = self._selected
        if entry is not None:
            await self._engine.enable_key(self._provider, entry.source)
            self._update()

    def action_leave(self) -> None:
        """Go back to the table."""
        self.dismiss(None)


def _entries(workspace: Workspace, provider: str) -> Iterator[KeyEntry]:
    """All keys in the order in which they are used."""
    first = workspace.effective(("providers", provider, KEY)).origin
    if first.layer is Layer.ENVIRONMENT:
        yield KeyEntry(source=f"environment: {first.where}", description=f"environment variable {first.where}")
    own = workspace.settings.providers.get(provider)
    if own is not None and own.key_command:
        yield KeyEntry(source="command", description="output of key_command")
    for kept in workspace.keys.entries(provider):
        description = f"stored in the {kept.storage}, sent only to {kept.host}"
        yield KeyEntry(source=f"{kept.storage}: {kept.label}", description=description, label=kept.label)


def _row(entry: KeyEntry, disabled: Mapping[str, DisabledKey], now: float) -> Content:
    key = disabled.get(entry.source)
    name = f"{one_line(entry.label or entry.source.removeprefix('environment: ')):<20} "
    if key is None:
        return Content.assemble(("✓ enabled    ", "$text-success"), (name, "bold"), one_line(entry.description))
    remaining = key.until - now
    duration = "" if remaining == float("inf") else f" for {remaining:.0f} s"
    return Content.assemble(
        (f"○ disabled{duration}  ", "$text-warning"), (name, "bold"), one_line(f"{key.reason} · {entry.description}")
    )
