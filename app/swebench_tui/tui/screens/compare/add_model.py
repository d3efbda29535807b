"""The dialog that adds a column."""

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
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine


class AddModelScreen(Dialog[Target | None]):
    """Returns the target, or None. After a provider's name and a colon its models are listed live."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="add_model.leave"),
        Binding("down", "to_list", "to the list", show=False, id="add_model.to_list"),
    ]

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._choices = engine.registry.list_providers()
        self._listed = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Add a model"
            yield Static("PROVIDER:MODEL, or PROVIDER for its default model", classes="label")
            field = Input(placeholder="ollama:qwen3-coder:30b", compact=True)
            field.cursor_blink = False
            yield field
            yield OptionList(markup=False)
            yield Static(classes="hint")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._fill()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        provider, colon, _ = event.value.partition(":")
        if colon and provider != self._listed and provider in self._engine.registry.list_providers():
            self._listed = provider
            self._list_models(provider)
        elif not colon:
            self._listed = ""
            self._choices = self._engine.registry.list_providers()
        self._fill()

    @work(exclusive=True, group="models")
    async def _list_models(self, provider: str) -> None:
        hint = self.query_one(".hint", Static)
        hint.update(Content(f"Loading models of {provider} …"))
        self._show_problem(None)
        try:
            resolved = await self._engine.resolve(provider)
            models = await asyncio.wrap_future(self._engine.submit(resolved.provider.list_models()))
        except ProviderError as error:
            hint.update("")
            self._show_problem(error)
            return
        hint.update(Content("1 model" if len(models) == 1 else f"{len(models)} models"))
        self._choices = [f"{provider}:{model.id}" for model in models]
        self._fill()

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        self._give(event.value)

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        self._give(self._matching()[event.option_index])

    def action_to_list(self) -> None:
        choices = self.query_one(OptionList)
        choices.focus()
        choices.action_first()

    def action_leave(self) -> None:
        self.dismiss(None)

    def _give(self, text: str) -> None:
        try:
            target = parse_target(text)
            self._engine.registry.spec(target.provider)
        except ProviderError as error:
            self._show_problem(error)
        else:
            self.dismiss(target)

    def _matching(self) -> list[str]:
        typed = self.query_one(Input).value.strip().lower()
        return [choice for choice in self._choices if typed in choice.lower()]

    def _fill(self) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options([Option(Content(one_line(choice))) for choice in self._matching()])

    def _show_problem(self, error: ProviderError | None) -> None:
        text = Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}") if error else ""
        self.query_one(".problem", Static).update(text)
