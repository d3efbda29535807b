"""The Providers screen: how each one fares, and everything that sets it up."""

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
from textual.worker import Worker

from swebench_providers import ProviderError, ProviderSpec
from swebench_tui.runs.engine import Engine
from swebench_tui.settings.errors import SetupError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.main_screen import MainScreen
from swebench_tui.tui.screens.providers import provider_facts, table
from swebench_tui.tui.screens.providers.provider_facts import Facts
from swebench_tui.tui.screens.providers.table import ProviderList

if TYPE_CHECKING:
    from swebench_tui.tui.screens.providers.details import RecentError

_REFRESH: Final = 0.25  # seconds
_BORDER: Final = 5  # cells of a row that the border, padding and scrollbar of the list take


class ProvidersScreen(MainScreen):
    """One row for each provider. Something is sent only when a test is asked for."""

    MODE = "providers"
    CSS_PATH = "providers.tcss"
    HELP = """\
# Providers

Every provider this program knows, the ready ones first: whether it can be used, where its key is from, what the last
test said, and what it cost in this session.

**t** asks the chosen one for a few tokens, **T** asks all that are ready, side by side; **esc** stops the tests.
**enter** shows all that is known, **k** its keys, **e** its settings, **a** adds a provider of your own, and **del**
forgets all that is set for one.

✓ ready · – something is missing · ✗ not reached · ! reached, and it fails · ○ left alone after failures · ◌ under way
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "test", "test", id="providers.test"),
        Binding("T", "test_all", "test all", id="providers.test_all"),
        Binding("k", "keys", "keys", id="providers.keys"),
        Binding("e", "edit", "edit", id="providers.edit"),
        Binding("a", "add", "add", id="providers.add"),
        Binding("delete", "remove", "forget", key_display="del", id="providers.remove"),
        Binding("escape", "stop", "stop tests", id="providers.stop"),
    ]

    def __init__(
        self, workspace: Workspace | None, engine: Engine, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._workspace, self._engine, self._now = workspace, engine, now
        self._facts: dict[str, Facts] = {}
        self._tests: dict[str, tuple[float, Worker[None]]] = {}
        self._rows: list[tuple[str, Content]] = []
        self._shape: list[table.Column] = []
        self._told: Content | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(id="provider-columns")
        yield ProviderList(markup=False, compact=True)
        yield Static(id="provider-chosen")

    def on_mount(self) -> None:
        self.query_one(ProviderList).focus()
        self.set_interval(_REFRESH, self._look)

    def on_screen_resume(self) -> None:
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        self._shape = table.columns(event.size.width - _BORDER)
        self.query_one("#provider-columns", Static).update(table.header(self._shape))
        self._show()

    # What there is.

    @property
    def facts(self) -> dict[str, Facts]:
        """What is known of each provider, in the order of the rows."""
        return self._facts

    @work(exclusive=True, group="fill")
    async def _fill(self) -> None:
        """Settings and environment are read again, in a thread; no key is."""
        found = await asyncio.to_thread(self._set_up)
        kept = self._facts
        facts = [
            msgspec.structs.replace(each, tested=kept[each.name].tested, health=kept[each.name].health)
            if each.name in kept
            else each
            for each in found
        ]
        self._facts = {each.name: each for each in sorted(facts, key=provider_facts.rank)}
        await self._look_once()

    def _set_up(self) -> list[Facts]:
        workspace, registry = self._workspace, self._engine.registry
        if workspace is not None:
            registry = workspace.registry
        names = registry.list_providers()
        ready = [self._engine.readiness(name) for name in names]
        return [Facts(readiness=each, set_up=self._is_set_up(each.name)) for each in ready]

    def _is_set_up(self, name: str) -> bool:
        """Whether somebody has said where it is."""
        try:
            config = self._engine.describe_config(name)
        except ProviderError:
            return True
        return config.base_url_source != "catalog"

    async def _look(self) -> None:
        """Not while another mode is shown."""
        if self.app.current_mode == self.MODE:
            await self._look_once()

    async def _look_once(self) -> None:
        health = await self._engine.health()
        now = self._now()
        for name, facts in self._facts.items():
            began = self._tests[name][0] if name in self._tests else None
            testing = None if began is None else now - began
            self._facts[name] = msgspec.structs.replace(facts, health=health.get(name), testing=testing)
        self._show()

    # Showing.

    @property
    def chosen(self) -> Facts | None:
        """The provider the user is on."""
        at = self.query_one(ProviderList).highlighted
        return self._facts.get(self._rows[at][0]) if at is not None and at < len(self._rows) else None

    def _show(self) -> None:
        """Draw the rows that have changed, and nothing else."""
        if not self._shape or not self._facts:
            return
        rows = [(name, table.row(facts, self._shape)) for name, facts in self._facts.items()]
        shown = self.query_one(ProviderList)
        if [name for name, _ in rows] != [name for name, _ in self._rows]:
            self._draw_all(shown, rows)
        else:
            for index, (row, before) in enumerate(zip(rows, self._rows, strict=True)):
                if row != before:
                    shown.replace_option_prompt_at_index(index, row[1])
        self._rows = rows
        self._tell()

    def _draw_all(self, table: ProviderList, rows: Sequence[tuple[str, Content]]) -> None:
        chosen = self.chosen
        table.clear_options()
        table.add_options([Option(row) for _, row in rows])
        names = [name for name, _ in rows]
        table.highlighted = names.index(chosen.name) if chosen and chosen.name in names else 0

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        """What the row of the chosen one has no room for."""
        facts = self.chosen
        told = _chosen_words(facts) if facts else Content()
        if told != self._told:
            self._told = told
            self.query_one("#provider-chosen", Static).update(told)

    # Testing.

    def action_test(self) -> None:
        """Ask this provider for a few tokens."""
        if (facts := self.chosen) is not None:
            self._start(facts.name)

    def action_test_all(self) -> None:
        """Ask every provider that is ready, side by side."""
        for facts in self._facts.values():
            if facts.readiness.ready:
                self._start(facts.name)

    def action_stop(self) -> None:
        """Stop the tests that run."""
        for _, worker in list(self._tests.values()):
            worker.cancel()

    def _start(self, name: str) -> None:
        if name not in self._tests:
            worker = self.run_worker(self._test(name), group=f"test {name}")
            self._tests[name] = self._now(), worker
            self.run_worker(self._look_once())

    async def _test(self, name: str) -> None:
        try:
            tested = await provider_facts.ask(self._engine, name)
            if name in self._facts:
                self._facts[name] = msgspec.structs.replace(self._facts[name], tested=tested)
        finally:
            self._tests.pop(name, None)
        await self._look_once()

    # Setting up.

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        facts = self.chosen
        if facts is None:
            return
        from swebench_tui.tui.screens.providers.details import ProviderDetailsScreen  # noqa: PLC0415

        name = facts.name
        spec = self._spec(name)
        self.app.push_screen(
            ProviderDetailsScreen(
                self._workspace, spec, lambda: self._facts.get(name, facts), lambda: self._troubles(name)
            )
        )

    def _spec(self, name: str) -> ProviderSpec | None:
        """None for one of a package that cannot be loaded."""
        try:
            return self._engine.registry.spec(name)
        except ProviderError:
            return None

    def _troubles(self, name: str) -> list[RecentError]:
        """The errors of this provider that Compare shows."""
        from swebench_tui.tui.screens.providers.details import RecentError  # noqa: PLC0415

        compare = getattr(self.app, "compare", None)
        columns = [view.column for view in compare.columns if view.column is not None] if compare else []
        errors = [column.state.error for column in columns if column.target.provider == name]
        return [RecentError(str(error), error.hint) for error in errors if error is not None]

    def action_add(self) -> None:
        """Add a provider of your own."""
        if (workspace := self._needed()) is not None:
            from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen  # noqa: PLC0415

            self.app.push_screen(AddProviderScreen(workspace), self._added)

    def _added(self, name: str | None) -> None:
        if name is not None:
            self.notify(one_line(f"{name} is there now; k gives it a key, t tests it."), markup=False)

    def action_edit(self) -> None:
        """Change what is set for this provider."""
        if (workspace := self._needed()) is not None and (facts := self.chosen) is not None:
            from swebench_tui.tui.screens.settings.screen import SettingsScreen  # noqa: PLC0415

            self.app.push_screen(SettingsScreen(workspace, under=("providers", facts.name)))

    def action_keys(self) -> None:
        """Add, remove and see the keys of this provider."""
        if (workspace := self._needed()) is not None and (facts := self.chosen) is not None:
            from swebench_tui.tui.screens.providers.keys import KeysScreen  # noqa: PLC0415

            self.app.push_screen(KeysScreen(workspace, self._engine, facts.name, now=self._now))

    @work(exclusive=True, group="remove")
    async def action_remove(self) -> None:
        """Forget all that is set for this provider, after a question."""
        workspace, facts = self._needed(), self.chosen
        if workspace is None or facts is None:
            return
        from swebench_tui.tui.screens.providers.dialogs import ConfirmScreen  # noqa: PLC0415

        path = ("providers", facts.name)
        try:
            there = await asyncio.to_thread(workspace.in_user_file, path)
        except SetupError as error:
            self._refused("Nothing was forgotten", error)
            return
        if not there:
            self.notify(one_line(f"Nothing is set for {facts.name} in your settings."), markup=False)
            return
        question = ConfirmScreen(f"Forget {facts.name}?", _forgotten(workspace, facts.name))
        if not await self.app.push_screen_wait(question):
            return
        try:
            await asyncio.to_thread(workspace.providers.remove, facts.name)
        except SetupError as error:
            self._refused(f"Not all of {facts.name} was forgotten", error)
        else:
            self._facts[facts.name] = msgspec.structs.replace(facts, tested=None)
            self.notify(one_line(f"What was set for {facts.name} is forgotten."), markup=False)
        self._fill()

    def _needed(self) -> Workspace | None:
        if self._workspace is None:
            self.notify("There are no settings to change here.", severity="warning")
        return self._workspace

    def _refused(self, title: str, error: SetupError) -> None:
        told = one_line(f"{error} → {error.hint}")
        self.notify(told, title=one_line(title), severity="error", markup=False)


def _chosen_words(facts: Facts) -> Content:
    """Two lines: who and where, then what is wrong or to do."""
    state = provider_facts.status(facts)
    where = one_line(f"{facts.readiness.title} · {table.address_words(facts)}")
    first = Content.assemble((str(state), state.colour), f"  {where}")
    report = facts.tested.report if facts.tested else None
    if not facts.readiness.ready:
        return Content.assemble(first, (f"\n→ {one_line(facts.readiness.to_do)}", "$foreground-muted"))
    if report is None or report.ok:
        return first
    told = one_line(f"{report.message} → {report.hint}")
    return Content.assemble(first, (f"\n{told}", "$foreground-muted" if facts.absent else "$text-error"))


def _forgotten(workspace: Workspace, name: str) -> list[str]:
    """What goes when a provider is removed."""
    own = workspace.settings.providers.get(name)
    kept = workspace.keys.entries(name)
    lines = ["This will be gone from your settings file:"]
    lines += [f"  {field}" for field in (msgspec.to_builtins(own) if own else {}) if field != "keys"]
    lines += [f"  the key {key.label!r}, kept in the {key.storage}, for {key.host}" for key in kept]
    if own is not None and own.like:
        lines.append(f"{name} is a provider of your own: it will be gone altogether.")
    lines.append("What environment variables and project files say stays.")
    return lines
