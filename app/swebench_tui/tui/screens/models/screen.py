"""The Models screen: everything that can be asked, over all providers that are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar, Final

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers import ModelInfo, Provider, ProviderError
from swebench_providers.provider import HTTPProvider
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.main_screen import MainScreen

MOST_SHOWN: Final = 300
"""Rows in the list at once: filling it with thousands would hold up the keys."""

_DEBOUNCE: Final = 0.1  # seconds
_NAME_WIDTH: Final = 40


class Found(msgspec.Struct, frozen=True):
    """One model of one provider."""

    provider: str
    model: ModelInfo

    @property
    def searched(self) -> str:
        return f"{self.provider}:{self.model.id} {self.model.name}".lower()


class ModelList(OptionList):
    """The list, with a word for its key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "add to Compare", key_display="⏎", id="models.add"),
    ]

    def action_select(self) -> None:
        """Add this model to Compare."""
        super().action_select()


class ModelsScreen(MainScreen):
    """Asks every ready provider at once; models appear as the answers come."""

    MODE = "models"
    HELP = """\
# Models

Every model of every provider that is ready, with its context window and its price for a million tokens, in and out,
where they are known. **/** searches, **enter** adds a model to Compare, **r** asks the providers again.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", id="models.search"),
        Binding("r", "list_again", "list again", id="models.list_again"),
        Binding("escape", "leave_search", "clear search", id="models.leave_search"),
        Binding("down", "to_list", "to the list", show=False, id="models.to_list"),
    ]

    class Chosen(Message):
        """The user wants this model in Compare."""

        def __init__(self, target: Target) -> None:
            super().__init__()
            self.target = target

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._found: dict[str, list[ModelInfo]] = {}
        self._errors: dict[str, ProviderError] = {}
        self._absent: list[str] = []
        self._asked: list[str] = []
        self._shown: list[Found] = []

    def compose_body(self) -> ComposeResult:
        field = Input(placeholder="search: / then words of provider, model or name", compact=True)
        field.cursor_blink = False
        yield field
        yield ModelList(markup=False, compact=True)
        yield Static(classes="hint")
        yield Static(classes="problem")

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self.action_list_again()

    # Listing.

    @work(exclusive=True, group="listing")
    async def action_list_again(self) -> None:
        """Ask every provider that is ready for its models."""
        self._found, self._errors, self._absent = {}, {}, []
        self._asked = names = await asyncio.to_thread(self._ready)
        self._fill()
        await asyncio.gather(*(self._list(name) for name in names))

    def _ready(self) -> list[str]:
        engine = self._engine
        return [name for name in engine.registry.list_providers() if engine.readiness(name).ready]

    async def _list(self, name: str) -> None:
        try:
            resolved = await self._engine.resolve(name)
            self._found[name] = await asyncio.wrap_future(self._engine.submit(_models(resolved.provider)))
        except ProviderError as error:
            if await asyncio.to_thread(self._is_absent, name, error):
                self._absent.append(name)
            else:
                self._errors[name] = error
        self._fill()

    def _is_absent(self, name: str, error: ProviderError) -> bool:
        """A local server that does not run, and that nobody has set up, is no error."""
        local = self._engine.registry.spec(name).local
        return (
            local and error.reason == "unreachable" and self._engine.describe_config(name).base_url_source == "catalog"
        )

    # Searching and choosing.

    @on(Input.Changed)
    def _typed(self) -> None:
        self.set_timer(_DEBOUNCE, self._fill)

    @on(Input.Submitted)
    def _searched(self) -> None:
        self._fill()
        self.action_to_list()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        found = self._shown[event.option_index]
        self.post_message(self.Chosen(Target(provider=found.provider, model=found.model.id)))

    def action_search(self) -> None:
        """Search by words of provider, model or name."""
        self.query_one(Input).focus()

    def action_leave_search(self) -> None:
        """All models again, and back to the list."""
        self.query_one(Input).value = ""
        self.action_to_list()

    def action_to_list(self) -> None:
        """Go to the list."""
        self.query_one(OptionList).focus()

    # Showing.

    def _fill(self) -> None:
        words = self.query_one(Input).value.lower().split()
        everything = [Found(name, model) for name in self._asked for model in self._found.get(name, ())]
        matching = [found for found in everything if all(word in found.searched for word in words)]
        rows = self.query_one(OptionList)
        before = self._shown[rows.highlighted] if rows.highlighted is not None else None
        self._shown = matching[:MOST_SHOWN]
        rows.clear_options()
        rows.add_options([Option(_row(found)) for found in self._shown])
        if self._shown:
            rows.highlighted = self._shown.index(before) if before in self._shown else 0
        self._tell(len(self._shown), len(matching), len(everything))

    def _tell(self, shown: int, matching: int, everything: int) -> None:
        waiting = [name for name in self._asked if name not in (*self._found, *self._errors, *self._absent)]
        counts = f"{shown} of {matching} shown" if shown < matching else f"{matching} of {everything} models"
        answered = "1 provider" if len(self._found) == 1 else f"{len(self._found)} providers"
        absent = f" · not running here: {', '.join(self._absent)}" if self._absent else ""
        asking = f" · asking {', '.join(waiting)} …" if waiting else ""
        self.query_one(".hint", Static).update(Content(one_line(f"{counts} · {answered}{asking}{absent}")))
        self.query_one(".problem", Static).update(Content("\n").join(_problems(self._errors)))


async def _models(provider: Provider) -> list[ModelInfo]:
    """Runs in the engine's loop. What the user pays, where that is known, in place of what the list says."""
    models = await provider.list_models()
    if isinstance(provider, HTTPProvider):
        models = await provider.describe(models)
    prices = await asyncio.gather(*(provider.price_of(model.id) for model in models))
    return [
        msgspec.structs.replace(model, price_input=price.input, price_output=price.output) if price else model
        for model, price in zip(models, prices, strict=True)
    ]


def _row(found: Found) -> Content:
    name = one_line(f"{found.provider}:{found.model.id}")
    window = found.model.context_window
    context = "context unknown" if window is None else f"{window:,} context"
    return Content.assemble(f"{name:<{_NAME_WIDTH}}  ", (f"{context:>17}  {_price(found.model)}", "$text-muted"))


def _price(model: ModelInfo) -> str:
    price = model.price
    if price is None:
        return "price unknown"
    if not price.input and not price.output:
        return "free"
    return f"${price.input.normalize():f} / ${price.output.normalize():f}"


def _problems(errors: dict[str, ProviderError]) -> Iterable[Content]:
    for name, error in errors.items():
        what = Content(one_line(f"✗ {name}: {error}"))
        yield Content.assemble(what, (f" → {one_line(error.hint)}", "$text-muted"))
