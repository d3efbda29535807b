"""The dialog that picks a task of a dataset."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from swebench_tui.bench import datasets
from swebench_tui.bench.datasets import DatasetError
from swebench_tui.bench.instance import Instance
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine

MAX_ROWS: Final = 300
"""Rows in the list at once: filling it with thousands would block the keys."""


class PickTaskScreen(Dialog[tuple[str, Instance] | None]):
    """Returns the dataset and the task, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="pick_task.leave"),
        Binding("down", "to_list", "to the list", show=False, id="pick_task.to_list"),
    ]

    def __init__(self, dataset: str, current: Instance | None) -> None:
        super().__init__()
        self._dataset = dataset
        self._current = current
        self._tasks: Sequence[Instance] = ()
        self._shown: list[Instance] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Pick a task"
            yield Static("Dataset: starter, or a .json or .jsonl file", classes="label")
            yield _unblinking(Input(self._dataset, id="dataset", compact=True))
            yield Static("Search", classes="label")
            yield _unblinking(Input(placeholder="id or title", id="search", compact=True))
            yield OptionList(markup=False)
            yield Static(classes="hint")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one("#search", Input).focus()
        self._load(self._dataset)

    @work(exclusive=True, group="load")
    async def _load(self, dataset: str) -> None:
        problem, hint = self.query_one(".problem", Static), self.query_one(".hint", Static)
        problem.update("")
        hint.update(Content("Reading …"))
        cancel = threading.Event()
        try:
            self._tasks = (await asyncio.to_thread(datasets.load, dataset, cancel=cancel)).instances
        except DatasetError as error:
            hint.update("")
            problem.update(Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}"))
            return
        finally:
            cancel.set()  # the dialog may have been closed: a download must not go on behind it
        self._dataset = dataset
        self._fill()

    @on(Input.Submitted, "#dataset")
    def _dataset_given(self, event: Input.Submitted) -> None:
        self._load(event.value.strip())

    @on(Input.Changed, "#search")
    def _search_changed(self) -> None:
        self._fill()

    @on(Input.Submitted, "#search")
    def _search_accepted(self) -> None:
        choices = self.query_one(OptionList)
        if choices.highlighted is not None:
            self._choose(choices.highlighted)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option_index)

    def action_to_list(self) -> None:
        self.query_one(OptionList).focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    def _choose(self, index: int) -> None:
        self.dismiss((self._dataset, self._shown[index]))

    def _fill(self) -> None:
        terms = self.query_one("#search", Input).value.lower().split()
        found = [task for task in self._tasks if all(term in _searchable(task) for term in terms)]
        self._shown = found[:MAX_ROWS]
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options([Option(_row(task)) for task in self._shown])
        if self._shown:
            ids = [task.instance_id for task in self._shown]
            current = self._current.instance_id if self._current else ""
            choices.highlighted = ids.index(current) if current in ids else 0
        self.query_one(".hint", Static).update(Content(f"{len(self._shown)} of {len(self._tasks)} tasks"))


def _searchable(task: Instance) -> str:
    return f"{task.instance_id} {task.title}".lower()


def _row(task: Instance) -> Content:
    return Content.assemble((one_line(task.instance_id), "bold"), "  ", one_line(task.title))


def _unblinking(field: Input) -> Input:
    field.cursor_blink = False
    return field
