"""The Providers screen: a table of all providers, with actions to test and configure them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers import ProviderError, ProviderSpec
from swebench_tui.runs.engine import Engine
from swebench_tui.services.provider_access import EngineAccess
from swebench_tui.services.providers import (
    ProviderEntry,
    TestResult,
    check_provider,
    display_order,
    list_providers,
    status,
)
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.main_screen import MainScreen
from swebench_tui.tui.screens.providers import table
from swebench_tui.tui.screens.providers.connection_tests import ConnectionTests
from swebench_tui.tui.screens.providers.table import ProviderList

if TYPE_CHECKING:
    from swebench_tui.tui.screens.providers.details import RecentError

_REFRESH: Final = 0.25  # seconds
_FRAME: Final = 5  # cells of a row taken by border, padding and scrollbar of the list


class ProvidersScreen(MainScreen):
    """One row per provider. Requests are sent only by a test that the user starts."""

    MODE = "providers"
    CSS_PATH = "providers.tcss"
    HELP = """\
# Providers

All providers, ready ones first, with status, key source, last test and cost in this session.

**t** tests the selected provider with a short request, **T** tests all ready providers at once, **esc** cancels the
tests. **enter** shows details, **k** the API keys, **e** the settings. **a** adds a provider, **del** removes the
provider's settings and stored keys.

✓ ready · – not configured or not running · ✗ unreachable · ! request failed · ○ circuit breaker open · ◌ testing or not
tested
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "test", "test", id="providers.test"),
        Binding("T", "test_all", "test all", id="providers.test_all"),
        Binding("k", "keys", "API keys", id="providers.keys"),
        Binding("e", "edit", "edit", id="providers.edit"),
        Binding("a", "add", "add", id="providers.add"),
        Binding("delete", "remove", "remove", key_display="del", id="providers.remove"),
        Binding("escape", "stop", "cancel", id="providers.stop"),
    ]

    def __init__(
        self, workspace: Workspace | None, engine: Engine, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._workspace, self._engine, self._now = workspace, engine, now
        self._access = EngineAccess(engine, workspace)
        self._tests = ConnectionTests(self, lambda name: check_provider(self._access, name), self._take_result, now=now)
        self._entries: dict[str, ProviderEntry] = {}
        self._columns: list[table.Column] = []
        self._rows: list[tuple[str, Content]] = []
        self._summary: Content | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(id="provider-columns")
        yield ProviderList(markup=False, compact=True)
        yield Static(id="provider-selected")

    def on_mount(self) -> None:
        self.query_one(ProviderList).focus()
        self.set_interval(_REFRESH, self._update_if_shown)

    def on_screen_resume(self) -> None:
        self._reload()

    def on_resize(self, event: events.Resize) -> None:
        self._columns = table.columns(event.size.width - _FRAME)
        self.query_one("#provider-columns", Static).update(table.header(self._columns))
        self._show()

    @property
    def entries(self) -> dict[str, ProviderEntry]:
        """All providers in the order of the rows."""
        return self._entries

    @property
    def selected(self) -> ProviderEntry | None:
        """The provider whose row is highlighted."""
        index = self.query_one(ProviderList).highlighted
        return self._entries.get(self._rows[index][0]) if index is not None and index < len(self._rows) else None

    @work(exclusive=True, group="reload")
    async def _reload(self) -> None:
        """Read settings and environment again, in a thread; no key is read."""
        read = await asyncio.to_thread(list_providers, self._access)
        before = self._entries
        entries = [
            msgspec.structs.replace(each, test=before[each.name].test, health=before[each.name].health)
            if each.name in before
            else each
            for each in read
        ]
        self._entries = {each.name: each for each in sorted(entries, key=display_order)}
        await self._update()

    async def _update_if_shown(self) -> None:
        if self.app.current_mode == self.MODE:
            await self._update()

    async def _update(self) -> None:
        health = await self._access.health()
        for name, entry in self._entries.items():
            self._entries[name] = msgspec.structs.replace(
                entry, health=health.get(name), testing=self._tests.elapsed(name)
            )
        self._show()

    def _show(self) -> None:
        """Draw the rows that have changed, and no other."""
        if not self._columns or not self._entries:
            return
        rows = [(name, table.row(entry, self._columns)) for name, entry in self._entries.items()]
        shown = self.query_one(ProviderList)
        if [name for name, _ in rows] != [name for name, _ in self._rows]:
            self._draw_all(shown, rows)
        else:
            for index, (row, before) in enumerate(zip(rows, self._rows, strict=True)):
                if row != before:
                    shown.replace_option_prompt_at_index(index, row[1])
        self._rows = rows
        self._show_summary()

    def _draw_all(self, shown: ProviderList, rows: Sequence[tuple[str, Content]]) -> None:
        selected = self.selected
        shown.clear_options()
        shown.add_options([Option(row) for _, row in rows])
        names = [name for name, _ in rows]
        shown.highlighted = names.index(selected.name) if selected and selected.name in names else 0

    @on(OptionList.OptionHighlighted)
    def _show_summary(self) -> None:
        """Show below the table what the selected row has no room for."""
        entry = self.selected
        summary = _summary(entry) if entry else Content()
        if summary != self._summary:
            self._summary = summary
            self.query_one("#provider-selected", Static).update(summary)

    def action_test(self) -> None:
        """Test the provider with a short request."""
        if (entry := self.selected) is not None and self._tests.start(entry.name):
            self.run_worker(self._update())

    def action_test_all(self) -> None:
        """Test all ready providers at once."""
        for entry in self._entries.values():
            if entry.readiness.ready:
                self._tests.start(entry.name)
        self.run_worker(self._update())

    def action_stop(self) -> None:
        """Cancel the running tests."""
        self._tests.cancel()

    async def _take_result(self, name: str, result: TestResult) -> None:
        if name in self._entries:
            self._entries[name] = msgspec.structs.replace(self._entries[name], test=result)
        await self._update()

    @on(OptionList.OptionSelected)
    def _open_details(self) -> None:
        entry = self.selected
        if entry is None:
            return
        from swebench_tui.tui.screens.providers.details import ProviderDetailsScreen  # noqa: PLC0415

        name = entry.name
        self.app.push_screen(
            ProviderDetailsScreen(
                self._workspace,
                self._spec(name),
                lambda: self._entries.get(name, entry),
                lambda: self._recent_errors(name),
            )
        )

    def _spec(self, name: str) -> ProviderSpec | None:
        """None for a plug-in package that cannot be loaded."""
        try:
            return self._engine.registry.spec(name)
        except ProviderError:
            return None

    def _recent_errors(self, name: str) -> list[RecentError]:
        """The errors of this provider in the columns of Compare."""
        from swebench_tui.tui.screens.providers.details import RecentError  # noqa: PLC0415

        compare = getattr(self.app, "compare", None)
        columns = [view.column for view in compare.columns if view.column is not None] if compare else []
        errors = [column.state.error for column in columns if column.target.provider == name]
        return [RecentError(str(error), error.hint) for error in errors if error is not None]

    def action_add(self) -> None:
        """Add a provider."""
        if (workspace := self._required_workspace()) is not None:
            from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen  # noqa: PLC0415

            self.app.push_screen(AddProviderScreen(workspace), self._added)

    def _added(self, name: str | None) -> None:
        if name is not None:
            self.notify(one_line(f"Added {name}. k: add key · t: test"), markup=False)

    def action_edit(self) -> None:
        """Edit the provider's settings."""
        if (workspace := self._required_workspace()) is not None and (entry := self.selected) is not None:
            from swebench_tui.tui.screens.settings.screen import SettingsScreen  # noqa: PLC0415

            self.app.push_screen(SettingsScreen(workspace, under=("providers", entry.name)))

    def action_keys(self) -> None:
        """Show, add and remove the provider's API keys."""
        if (workspace := self._required_workspace()) is not None and (entry := self.selected) is not None:
            from swebench_tui.tui.screens.providers.keys import KeysScreen  # noqa: PLC0415

            self.app.push_screen(KeysScreen(workspace, self._engine, entry.name, now=self._now))

    @work(exclusive=True, group="remove")
    async def action_remove(self) -> None:
        """Remove the provider's settings and stored keys, after a confirmation."""
        workspace, entry = self._required_workspace(), self.selected
        if workspace is None or entry is None:
            return
        from swebench_tui.tui.screens.providers.remove import remove_provider  # noqa: PLC0415

        if await remove_provider(self, workspace, entry.name):
            self._entries[entry.name] = msgspec.structs.replace(entry, test=None)
            self._reload()

    def _required_workspace(self) -> Workspace | None:
        if self._workspace is None:
            self.notify("No settings file is in use.", severity="warning")
        return self._workspace


def _summary(entry: ProviderEntry) -> Content:
    """Two lines: status, title and address; then the error or the next step of the setup."""
    current = status(entry)
    where = one_line(f"{entry.readiness.title} · {table.address_text(entry)}")
    first = Content.assemble((str(current), table.status_colour(current)), f"  {where}")
    report = entry.test.report if entry.test else None
    if not entry.readiness.ready:
        step = table.next_step(entry, accepts_key=entry.needs_key)
        return Content.assemble(first, (f"\n→ {one_line(step)}", "$foreground-muted"))
    if report is None or report.ok:
        return first
    message = one_line(f"{report.message} → {report.hint}")
    return Content.assemble(first, (f"\n{message}", "$foreground-muted" if entry.not_running else "$text-error"))
