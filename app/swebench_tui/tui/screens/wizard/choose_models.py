"""Step 4: the model of each column."""

from __future__ import annotations

from typing import ClassVar, Final

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
from swebench_tui.tui.screens.wizard.choose_providers import ChoiceList
from swebench_tui.tui.screens.wizard.state import WizardState
from swebench_tui.tui.screens.wizard.step import WizardStep, hint
from swebench_tui.tui.widgets.key_line import KeyLine

_NAME_WIDTH: Final = 14
_MAX_ROWS: Final = 300


class ChooseModelsStep(WizardStep):
    """Starts with the default model of each provider; Space requests the list of the others."""

    NUMBER = 4
    NAME = "Choose models"

    def compose_step(self) -> ComposeResult:
        yield hint("Enter: open Compare with these models. Space: choose another model")
        yield ChoiceList(markup=False, compact=True)
        yield Static(classes="problem")

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self._default: dict[str, str] = {}

    def on_mount(self) -> None:
        self._fill()
        self.query_one(ChoiceList).focus()
        for name in self.state.chosen:
            self._load_default(name)

    @work
    async def _load_default(self, name: str) -> None:
        state = self.state
        try:
            provider = await state.resolve(name)
            self._default[name] = await state.access.run(provider.default_model())
        except ProviderError as error:
            self._default[name] = f"unknown: {error}"
        self._fill()

    def _fill(self) -> None:
        if not self.query(ChoiceList):  # the step was left in the meantime
            return
        choices = self.query_one(ChoiceList)
        highlighted = choices.highlighted
        choices.clear_options()
        choices.add_options([Option(self._row(name), id=name) for name in self.state.chosen])
        choices.highlighted = highlighted if highlighted is not None else 0

    def _row(self, name: str) -> Content:
        chosen, default = self.state.models.get(name), self._default.get(name)
        text = chosen or (f"{default} (default)" if default else "◌ loading …")
        return Content.assemble((f"{one_line(name):<{_NAME_WIDTH}} ", "bold"), one_line(text))

    @on(OptionList.OptionSelected)
    @work(exclusive=True, group="pick")
    async def _pick(self, event: OptionList.OptionSelected) -> None:
        name = event.option.id or ""
        model = await self.app.push_screen_wait(PickModelScreen(self.state, name))
        if model is not None:
            self.state.models[name] = model
            self._fill()


class PickModelScreen(Dialog[str | None]):
    """Picks a model of one provider. The result is its ID; None when cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", id="pick_model.leave"),
        Binding("down", "to_list", "to list", show=False, id="pick_model.to_list"),
    ]

    def __init__(self, state: WizardState, provider: str) -> None:
        super().__init__()
        self._state, self._provider = state, provider
        self._models: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Choose a model: {one_line(self._provider)}"
            field = Input(placeholder="Search, or enter a model ID", compact=True)
            field.cursor_blink = False
            yield field
            yield OptionList(markup=False, compact=True)
            yield Static(Content("◌ loading …"), classes="hint")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._list()

    @work(exclusive=True)
    async def _list(self) -> None:
        try:
            provider = await self._state.resolve(self._provider)
            listed = await self._state.access.run(provider.list_models())
        except ProviderError as error:
            self.query_one(".hint", Static).update(Content("Enter a model ID."))
            message = Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}")
            self.query_one(".problem", Static).update(message)
            return
        self._models = [model.id for model in listed]
        self._fill()

    @property
    def _matching(self) -> list[str]:
        terms = self.query_one(Input).value.lower().split()
        return [model for model in self._models if all(term in model.lower() for term in terms)]

    @on(Input.Changed)
    def _fill(self) -> None:
        matching, choices = self._matching, self.query_one(OptionList)
        choices.clear_options()
        choices.add_options([Option(Content(one_line(model))) for model in matching[:_MAX_ROWS]])
        if self._models:
            action = "Enter: choose the first" if matching else "Enter: use this ID"
            self.query_one(".hint", Static).update(Content(f"{len(matching)} of {len(self._models)} models · {action}"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        matching, entered = self._matching, event.value.strip()
        if entered in self._models or (entered and not matching):
            self.dismiss(entered)
        elif matching:
            self.dismiss(matching[0])

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._matching[event.option_index])

    def action_to_list(self) -> None:
        """Go to the list."""
        choices = self.query_one(OptionList)
        choices.focus()
        choices.action_first()

    def action_leave(self) -> None:
        """Cancel."""
        self.dismiss(None)
