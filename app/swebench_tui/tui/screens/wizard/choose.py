"""Step 2: whom to ask, and the keys that are missing."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers import ProviderError
from swebench_providers.auth import google as google_auth
from swebench_tui.settings.errors import SetupError
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.providers.dialogs import AddProviderScreen, problem
from swebench_tui.tui.screens.providers.keys import AddKeyScreen
from swebench_tui.tui.screens.wizard.draft import MOST
from swebench_tui.tui.screens.wizard.step import Leave, WizardStep, hint, sentence

_NAME = 14
_OTHER_WAYS = "Set the variable of its row, or consent to a file of mode 0600 with ctrl+f when you type the key."


class Choices(OptionList):
    """The list: enter is the step's, so that it goes on wherever one is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.go_on", "go on", key_display="⏎", id="wizard.list_go_on"),
        Binding("space", "select", "choose", id="wizard.choose"),
    ]

    def action_select(self) -> None:
        """Choose this one, or another model for it."""
        super().action_select()


class ChooseStep(WizardStep):
    """What is there is chosen already. Choosing one without a key asks for it."""

    NUMBER = 2
    NAME = "whom to ask"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "key", "key", id="wizard.key"),
        Binding("a", "add", "own server", id="wizard.add"),
    ]

    def compose_step(self) -> ComposeResult:
        yield hint(f"Up to {MOST}, a column each. Where a key is missing, k types it; it is kept as said below.")
        yield Choices(markup=False, compact=True)
        yield Static(classes="hint", id="kept-in")
        yield Static(classes="problem")

    def on_mount(self) -> None:
        self.query_one(Choices).focus()
        self._read()
        self._say_where_keys_go()
        if self.draft.servers is None:
            self._wait_for_servers()

    @work(group="servers")
    async def _wait_for_servers(self) -> None:
        """Those that were still being looked for when the first step was left."""
        await self.draft.find_servers()
        if self.draft.ready is not None:
            self._fill()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        self.draft.know(await asyncio.to_thread(self.draft.read))
        self._fill()

    @work(group="keyring")
    async def _say_where_keys_go(self) -> None:
        keyring = await self.draft.find_keyring()
        words = f"Keys go into {keyring.name}."
        if not keyring.usable:
            words = f"{sentence(keyring.problem)} {_OTHER_WAYS}"
        self.say("#kept-in", Content(one_line(words)))

    def _fill(self) -> None:
        if not self.query(Choices):  # left meanwhile
            return
        names, choices = self.draft.order(), self.query_one(Choices)
        at = self._at  # the row moves up when its provider is ready
        choices.clear_options()
        choices.add_options([Option(self._row(name), id=name) for name in names])
        lacking = [index for index, name in enumerate(names) if not self.draft.usable(name)]
        nothing_yet = self.draft.chosen == ["embedded"]
        choices.highlighted = names.index(at) if at in names else lacking[0] if nothing_yet and lacking else 0

    def _row(self, name: str) -> Content:
        ready, chosen = self.draft.ready_at(name), name in self.draft.chosen
        box = ("■ ", "$text-success") if chosen else ("□ ", "$text-muted")
        if self.draft.running(name):
            state = ("✓ runs here    ", "$text-success")
        elif ready.local and not ready.embedded and ready.ready and not ready.key_source:
            state = ("◌ if it runs   ", "$text-muted")
        elif ready.ready:
            state = ("✓ ready        ", "$text-success")
        else:
            state = ("– lacks a key  ", "$text-muted") if self._takes_key(name) else ("– not set up   ", "$text-muted")
        beside = ready.key_source or ready.base_url or ("on this machine" if ready.embedded else "")
        words = beside if ready.ready else f"k, or {ready.to_do}" if self._takes_key(name) else ready.to_do
        return Content.assemble(box, (f"{one_line(name):<{_NAME}} ", "bold"), state, one_line(words))

    def _takes_key(self, name: str) -> bool:
        """Whether a key is what is missing: an address would be asked for first."""
        try:
            spec = self.draft.workspace.registry.spec(name)
        except ProviderError:
            return False
        at_home = spec.auth == "none" or spec.embedded
        google = spec.keyless == "google" and not google_auth.installed()
        return self.draft.address(name) is not None and not at_home and not google

    @property
    def _at(self) -> str | None:
        choices = self.query_one(Choices)
        if choices.highlighted is None:
            return None
        return choices.get_option_at_index(choices.highlighted).id

    @on(OptionList.OptionSelected)
    def _toggled(self) -> None:
        name = self._at
        if name is None:
            return
        if not self.draft.toggle(name):
            self.notify(f"{MOST} are chosen. Take one out first.", severity="warning")
            return
        self._fill()
        if name in self.draft.chosen and not self.draft.usable(name) and self._takes_key(name):
            self.action_key()

    @work(exclusive=True, group="key")
    async def action_key(self) -> None:
        """Type the key of this provider."""
        name = self._at
        if name is None or not self._takes_key(name):
            self.notify("This one takes no key here. Its row says what to do.", severity="warning")
            return
        try:
            await asyncio.to_thread(self.draft.take_address, name)
        except SetupError as error:
            self.query_one(".problem", Static).update(problem(error))
            return
        kept = await self.app.push_screen_wait(AddKeyScreen(self.draft.workspace, name))
        if kept is not None and name not in self.draft.chosen:
            self.draft.toggle(name)
        self.draft.tested.pop(name, None)
        self._read()

    @work(exclusive=True, group="add")
    async def action_add(self) -> None:
        """Set up an OpenAI-compatible server by its address."""
        name = await self.app.push_screen_wait(AddProviderScreen(self.draft.workspace))
        if name is not None:
            self.draft.know(await asyncio.to_thread(self.draft.read))
            if name not in self.draft.chosen and not self.draft.toggle(name):
                self.notify(f"It is set up. {MOST} others are chosen: take one out to choose it.", severity="warning")
            self._fill()

    def action_go_on(self) -> None:
        """Go on with those that are chosen."""
        if not self.draft.chosen:
            self.query_one(".problem", Static).update(
                Content("! Nobody is chosen. Space chooses; ctrl+s leaves it for later.")
            )
            return
        self.dismiss(Leave.ON)
