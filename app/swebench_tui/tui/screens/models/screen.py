"""The Models screen: a searchable list of the models of all ready providers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers import ProviderError
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.services.models import (
    ListedModel,
    ProviderModels,
    format_all_prices,
    format_price,
    list_models,
    ready_providers,
)
from swebench_tui.services.provider_access import EngineAccess
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.main_screen import MainScreen

MAX_ROWS: Final = 300
"""Rows in the list at once: inserting thousands would delay key presses."""

_DEBOUNCE: Final = 0.1  # seconds
_NAME_WIDTH: Final = 40


class ModelList(OptionList):
    """The list of models, with a label for Enter in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "add to Compare", key_display="⏎", id="models.add"),
    ]

    def action_select(self) -> None:
        """Add the model to Compare."""
        super().action_select()


class ModelsScreen(MainScreen):
    """Requests the models of all ready providers at once and adds each provider's as they arrive."""

    MODE = "models"
    CSS_PATH = "models.tcss"
    HELP = """\
# Models

The models of all ready providers, with context window and price in USD per million tokens (input / output). The line
below the list has all prices of the selected model: cached input, cache writes, and long prompts where they cost more.

**/** searches, **enter** adds the model to Compare, **r** refreshes the list.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", id="models.search"),
        Binding("r", "list_again", "refresh", id="models.list_again"),
        Binding("escape", "leave_search", "clear search", id="models.leave_search"),
        Binding("down", "to_list", "to list", show=False, id="models.to_list"),
    ]

    class Chosen(Message):
        """The user adds this model to Compare."""

        def __init__(self, target: Target) -> None:
            super().__init__()
            self.target = target

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._access = EngineAccess(engine)
        self._requested: list[str] = []
        self._lists: dict[str, ProviderModels] = {}
        self._shown: list[ListedModel] = []

    def compose_body(self) -> ComposeResult:
        field = Input(placeholder="Search: provider, model ID or name", compact=True)
        field.cursor_blink = False
        yield field
        yield ModelList(markup=False, compact=True)
        yield Static(classes="detail")
        yield Static(classes="hint")
        yield Static(classes="problem")

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self.action_list_again()

    @work(exclusive=True, group="listing")
    async def action_list_again(self) -> None:
        """Refresh the list."""
        self._lists = {}
        self._requested = await asyncio.to_thread(ready_providers, self._access)
        self._fill()
        await asyncio.gather(*(self._list(name) for name in self._requested))

    async def _list(self, name: str) -> None:
        self._lists[name] = await list_models(self._access, name)
        self._fill()

    @on(Input.Changed)
    def _query_changed(self) -> None:
        self.set_timer(_DEBOUNCE, self._fill)

    @on(Input.Submitted)
    def _query_submitted(self) -> None:
        self._fill()
        self.action_to_list()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        model = self._shown[event.option_index]
        self.post_message(self.Chosen(Target(provider=model.provider, model=model.id)))

    def action_search(self) -> None:
        """Search by provider, model ID or name."""
        self.query_one(Input).focus()

    def action_leave_search(self) -> None:
        """Clear the search."""
        self.query_one(Input).value = ""
        self.action_to_list()

    def action_to_list(self) -> None:
        """Go to the list."""
        self.query_one(OptionList).focus()

    def _fill(self) -> None:
        query = self.query_one(Input).value
        models = [model for name in self._requested if name in self._lists for model in self._lists[name].models]
        matching = [model for model in models if model.matches(query)]
        rows = self.query_one(OptionList)
        before = self._shown[rows.highlighted] if rows.highlighted is not None else None
        self._shown = matching[:MAX_ROWS]
        rows.clear_options()
        rows.add_options([Option(_row(model)) for model in self._shown])
        if self._shown:
            rows.highlighted = self._shown.index(before) if before in self._shown else 0
        self._show_detail()
        self._show_summary(len(matching), len(models))

    @on(OptionList.OptionHighlighted)
    def _show_detail(self) -> None:
        index = self.query_one(OptionList).highlighted
        detail = _detail(self._shown[index]) if index is not None and index < len(self._shown) else Content()
        self.query_one(".detail", Static).update(detail)

    def _show_summary(self, matching: int, total: int) -> None:
        listed = [each for each in self._lists.values() if each.error is None]
        loading = [name for name in self._requested if name not in self._lists]
        not_running = [each.provider for each in self._lists.values() if each.not_running]
        parts = [
            f"{len(self._shown)} of {matching} shown"
            if len(self._shown) < matching
            else f"{matching} of {total} models",
            "1 provider" if len(listed) == 1 else f"{len(listed)} providers",
        ]
        if loading:
            parts.append(f"loading {', '.join(loading)} …")
        if not_running:
            parts.append(f"not running: {', '.join(not_running)}")
        self.query_one(".hint", Static).update(Content(one_line(" · ".join(parts))))
        errors = [
            _error_line(each.provider, each.error)
            for each in self._lists.values()
            if each.error is not None and not each.not_running
        ]
        self.query_one(".problem", Static).update(Content("\n").join(errors))


def _row(model: ListedModel) -> Content:
    window = model.info.context_window
    context = "context unknown" if window is None else f"{window:,} context"
    price = "price unknown" if model.price is None else format_price(model.price)
    name = one_line(f"{model.provider}:{model.id}")
    return Content.assemble(f"{name:<{_NAME_WIDTH}}  ", (f"{context:>17}  {price}", "$text-muted"))


def _detail(model: ListedModel) -> Content:
    """Two lines: name, limits and capabilities, then all prices."""
    limits = "".join(f" · {one_line(part)}" for part in _limits(model))
    name = one_line(model.info.name or model.id)
    return Content.assemble((name, "bold"), f"{limits}\n{format_all_prices(model)}")


def _limits(model: ListedModel) -> Iterator[str]:
    info = model.info
    if info.context_window is not None:
        yield f"context {info.context_window:,}"
    if info.max_output is not None:
        yield f"max output {info.max_output:,}"
    if info.capabilities:
        yield ", ".join(info.capabilities)


def _error_line(provider: str, error: ProviderError) -> Content:
    what = Content(one_line(f"✗ {provider}: {error}"))
    return Content.assemble(what, (f" → {one_line(error.hint)}", "$text-muted"))
