"""Step 4: the model each column starts with."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers import ProviderError
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.wizard.choose import Choices
from swebench_tui.tui.screens.wizard.draft import Draft
from swebench_tui.tui.screens.wizard.step import WizardStep, hint
from swebench_tui.tui.widgets.key_line import KeyLine

_NAME = 14
_MOST_SHOWN = 300


class ModelsStep(WizardStep):
    """The default of each is there at once; space lists the others, live."""

    NUMBER = 4
    NAME = "with which model"

    def compose_step(self) -> ComposeResult:
        yield hint("⏎ takes these and opens Compare. Space chooses another model from the provider's own list.")
        yield Choices(markup=False, compact=True)
        yield Static(classes="problem")

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft)
        self._usual: dict[str, str] = {}

    def on_mount(self) -> None:
        self._fill()
        self.query_one(Choices).focus()
        for name in self.draft.chosen:
            self._look_up(name)

    @work
    async def _look_up(self, name: str) -> None:
        draft = self.draft
        try:
            provider = await draft.reach(name)
            self._usual[name] = await asyncio.wrap_future(draft.engine.submit(provider.default_model()))
        except ProviderError as error:
            self._usual[name] = f"not known yet: {error}"
        self._fill()

    def _fill(self) -> None:
        if not self.query(Choices):  # left meanwhile
            return
        choices = self.query_one(Choices)
        at = choices.highlighted
        choices.clear_options()
        choices.add_options([Option(self._row(name), id=name) for name in self.draft.chosen])
        choices.highlighted = at if at is not None else 0

    def _row(self, name: str) -> Content:
        chosen, usual = self.draft.models.get(name), self._usual.get(name)
        words = chosen or (f"{usual} · its default" if usual else "◌ asking …")
        return Content.assemble((f"{one_line(name):<{_NAME}} ", "bold"), one_line(words))

    @on(OptionList.OptionSelected)
    @work(exclusive=True, group="pick")
    async def _pick(self, event: OptionList.OptionSelected) -> None:
        name = event.option.id or ""
        model = await self.app.push_screen_wait(PickModelScreen(self.draft, name))
        if model is not None:
            self.draft.models[name] = model
            self._fill()


class PickModelScreen(Dialog[str | None]):
    """Gives back the id of a model, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="pick_model.leave"),
        Binding("down", "to_list", "to the list", show=False, id="pick_model.to_list"),
    ]

    def __init__(self, draft: Draft, provider: str) -> None:
        super().__init__()
        self._draft, self._provider = draft, provider
        self._models: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"A model of {one_line(self._provider)}"
            field = Input(placeholder="search, or the whole name of a model", compact=True)
            field.cursor_blink = False
            yield field
            yield OptionList(markup=False, compact=True)
            yield Static(Content("◌ asking for the list …"), classes="hint")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._list()

    @work(exclusive=True)
    async def _list(self) -> None:
        try:
            provider = await self._draft.reach(self._provider)
            listed = await asyncio.wrap_future(self._draft.engine.submit(provider.list_models()))
        except ProviderError as error:
            self.query_one(".hint", Static).update(Content("Type the name of a model and press enter."))
            told = Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}")
            self.query_one(".problem", Static).update(told)
            return
        self._models = [model.id for model in listed]
        self._fill()

    @property
    def _matching(self) -> list[str]:
        words = self.query_one(Input).value.lower().split()
        return [model for model in self._models if all(word in model.lower() for word in words)]

    @on(Input.Changed)
    def _fill(self) -> None:
        matching, choices = self._matching, self.query_one(OptionList)
        choices.clear_options()
        choices.add_options([Option(Content(one_line(model))) for model in matching[:_MOST_SHOWN]])
        if self._models:
            takes = "enter takes the first" if matching else "enter takes the name as it is typed"
            self.query_one(".hint", Static).update(Content(f"{len(matching)} of {len(self._models)} models; {takes}"))

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        matching, typed = self._matching, event.value.strip()
        if typed in self._models or (typed and not matching):
            self.dismiss(typed)
        elif matching:
            self.dismiss(matching[0])

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._matching[event.option_index])

    def action_to_list(self) -> None:
        """To the list."""
        choices = self.query_one(OptionList)
        choices.focus()
        choices.action_first()

    def action_leave(self) -> None:
        """Choose none."""
        self.dismiss(None)
