"""Step 2: the providers to use, and their API keys."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from swebench_tui.services.providers import ProviderEntry
from swebench_tui.settings.definitions import MAX_COLUMNS
from swebench_tui.settings.errors import SetupError
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.providers.add_key import AddKeyScreen
from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen, problem
from swebench_tui.tui.screens.providers.table import next_step
from swebench_tui.tui.screens.wizard.step import StepResult, WizardStep, as_sentence, hint

_NAME_WIDTH: Final = 14
_STATUS_WIDTH: Final = 15
_WITHOUT_KEYRING: Final = "Set the environment variable, or press ctrl+f in the key dialog to store a private file."


class ChoiceList(OptionList):
    """A list in which Enter continues with the next step and Space selects."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.next", "continue", key_display="⏎", id="wizard.list_go_on"),
        Binding("space", "select", "select", id="wizard.choose"),
    ]

    def action_select(self) -> None:
        """Select the provider, or another model for it."""
        super().action_select()


class ChooseProvidersStep(WizardStep):
    """Ready providers are preselected. Selecting one without an API key opens the key dialog."""

    NUMBER = 2
    NAME = "Choose providers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "key", "API key", id="wizard.key"),
        Binding("a", "add", "add server", id="wizard.add"),
    ]

    def compose_step(self) -> ComposeResult:
        yield hint(f"Up to {MAX_COLUMNS}, one column each. Space: select. k: add an API key")
        yield ChoiceList(markup=False, compact=True)
        yield Static(classes="hint", id="key-storage")
        yield Static(classes="problem")

    def on_mount(self) -> None:
        self.query_one(ChoiceList).focus()
        self._read()
        self._show_key_storage()
        if self.state.servers is None:
            self._wait_for_servers()

    @work(group="servers")
    async def _wait_for_servers(self) -> None:
        """Add the servers that were still being searched for when the first step was left."""
        await self.state.find_servers()
        if self.state.entries is not None:
            self._fill()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        self.state.take_entries(await asyncio.to_thread(self.state.read))
        self._fill()

    @work(group="keyring")
    async def _show_key_storage(self) -> None:
        keyring = await self.state.find_keyring()
        text = f"Keys are stored in {keyring.name}."
        if not keyring.usable:
            text = f"{as_sentence(keyring.problem)} {_WITHOUT_KEYRING}"
        self.show("#key-storage", Content(one_line(text)))

    def _fill(self) -> None:
        if not self.query(ChoiceList):  # the step was left in the meantime
            return
        names, choices = self.state.order(), self.query_one(ChoiceList)
        highlighted = self._highlighted  # by name: a row moves up when its provider becomes ready
        choices.clear_options()
        choices.add_options([Option(self._row(name), id=name) for name in names])
        missing = [index for index, name in enumerate(names) if not self.state.usable(name)]
        nothing_chosen = self.state.chosen == ["embedded"]
        first = missing[0] if nothing_chosen and missing else 0
        choices.highlighted = names.index(highlighted) if highlighted in names else first

    def _row(self, name: str) -> Content:
        entry, box = self.state.entry(name), ("□ ", "$text-muted")
        if name in self.state.chosen:
            box = ("■ ", "$text-success")
        readiness = entry.readiness
        details = readiness.key_source or readiness.base_url or ("on this machine" if readiness.embedded else "")
        if not readiness.ready:
            details = next_step(entry, accepts_key=self.state.accepts_key(name))
        label, colour = self._status(entry)
        return Content.assemble(
            box, (f"{one_line(name):<{_NAME_WIDTH}} ", "bold"), (f"{label:<{_STATUS_WIDTH}}", colour), one_line(details)
        )

    def _status(self, entry: ProviderEntry) -> tuple[str, str]:
        """Label and colour."""
        if self.state.running(entry.name):
            return "✓ running", "$text-success"
        if not entry.readiness.ready:
            return "– no API key" if self.state.accepts_key(entry.name) else "– not set up", "$text-muted"
        if entry.needs_server and not entry.readiness.key_source:
            return "– not running" if self.state.not_running(entry.name) else "◌ not tested", "$text-muted"
        return "✓ ready", "$text-success"

    @property
    def _highlighted(self) -> str | None:
        choices = self.query_one(ChoiceList)
        if choices.highlighted is None:
            return None
        return choices.get_option_at_index(choices.highlighted).id

    @on(OptionList.OptionSelected)
    def _toggle(self) -> None:
        name = self._highlighted
        if name is None:
            return
        if not self.state.toggle(name):
            self.notify(f"{MAX_COLUMNS} providers is the maximum. Deselect one first.", severity="warning")
            return
        self._fill()
        if name in self.state.chosen and not self.state.usable(name) and self.state.accepts_key(name):
            self.action_key()

    @work(exclusive=True, group="key")
    async def action_key(self) -> None:
        """Add an API key for the provider."""
        name = self._highlighted
        if name is None or not self.state.accepts_key(name):
            self.notify("No API key can be added for this provider. See its row.", severity="warning")
            return
        try:
            await asyncio.to_thread(self.state.save_address, name)
        except SetupError as error:
            self.query_one(".problem", Static).update(problem(error))
            return
        label = await self.app.push_screen_wait(AddKeyScreen(self.state.workspace, name))
        if label is not None and name not in self.state.chosen:
            self.state.toggle(name)
        self.state.tests.pop(name, None)
        self._read()

    @work(exclusive=True, group="add")
    async def action_add(self) -> None:
        """Add an OpenAI-compatible server by its address."""
        name = await self.app.push_screen_wait(AddProviderScreen(self.state.workspace))
        if name is not None:
            self.state.take_entries(await asyncio.to_thread(self.state.read))
            if name not in self.state.chosen and not self.state.toggle(name):
                message = f"Added {name}. {MAX_COLUMNS} providers is the maximum: deselect one to use it."
                self.notify(one_line(message), severity="warning", markup=False)
            self._fill()

    def action_next(self) -> None:
        """Continue with the selected providers."""
        if not self.state.chosen:
            self.query_one(".problem", Static).update(
                Content("! No provider selected. Space: select. ctrl+s: skip the setup")
            )
            return
        self.dismiss(StepResult.NEXT)
