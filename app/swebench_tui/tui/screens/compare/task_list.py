"""The list of tasks in the picker: a heading, and a row for each task that the search finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from swebench_tui.bench.instance import Instance
from swebench_tui.terminal_text import one_line

MAX_ROWS: Final = 300
"""Rows in the list at once: filling it with thousands would block the keys."""

_GAP: Final = "  "
_WIDEST: Final = {"TASK": 32, "REPOSITORY": 26, "DIFFICULTY": 15}  # cells
_LEAST_TITLE: Final = 16  # cells; below it the repository goes, which the id names too, then the difficulty


class SearchableTasks:
    """The tasks of a dataset with their texts to search in, made once so that a key press only searches."""

    def __init__(self, tasks: Sequence[Instance] = ()) -> None:
        self._tasks = [(task, _searchable(task)) for task in tasks]

    def __len__(self) -> int:
        return len(self._tasks)

    def matching(self, query: str) -> list[Instance]:
        """The tasks with every term of `query` in id, title, repository, version or difficulty."""
        terms = query.lower().split()
        return [task for task, text in self._tasks if all(term in text for term in terms)]


class TaskRows(OptionList):
    """The rows, with a label for Enter in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "pick", key_display="⏎", id="pick_task.pick"),
    ]

    def action_select(self) -> None:
        """Pick the highlighted task."""
        super().action_select()


class TaskList(Vertical):
    """Shows tasks; the first `MAX_ROWS` of them."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[Instance] = []

    def compose(self) -> ComposeResult:
        yield Static(classes="heading")
        yield TaskRows(markup=False, compact=True)

    @property
    def tasks(self) -> Sequence[Instance]:
        """The tasks that have a row."""
        return self._tasks

    @property
    def highlighted(self) -> Instance | None:
        index = self.query_one(OptionList).highlighted
        return self._tasks[index] if index is not None and index < len(self._tasks) else None

    def show(self, tasks: Sequence[Instance], *, highlighted: str = "") -> None:
        """Show `tasks`, with the one of the id `highlighted` highlighted, else the first."""
        self._tasks = list(tasks[:MAX_ROWS])
        self._draw(next((n for n, task in enumerate(self._tasks) if task.instance_id == highlighted), 0))

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self._draw(self.query_one(OptionList).highlighted or 0)

    def _draw(self, highlighted: int) -> None:
        columns = _columns(self._tasks, self.query_one(OptionList).scrollable_content_region.width)
        self.query_one(".heading", Static).update(Content(_cells(columns, {name: name for name in columns}) + "TITLE"))
        rows = self.query_one(OptionList)
        rows.clear_options()
        rows.add_options([Option(_row(task, columns)) for task in self._tasks])
        if self._tasks:
            rows.highlighted = highlighted


def _searchable(task: Instance) -> str:
    return f"{task.instance_id} {task.title} {task.repo} {task.version} {task.difficulty}".lower()


def _values(task: Instance) -> dict[str, str]:
    return {
        "TASK": one_line(task.instance_id),
        "REPOSITORY": one_line(task.repo),
        "DIFFICULTY": one_line(task.difficulty),
    }


def _columns(tasks: Sequence[Instance], width: int) -> dict[str, int]:
    """The columns before the title that have a value and fit, each with its width in cells."""
    values = [_values(task) for task in tasks]
    columns = {
        name: min(widest, max([len(name), *(cell_len(value[name]) for value in values)]))
        for name, widest in _WIDEST.items()
        if name == "TASK" or any(value[name] for value in values)
    }
    for name in ("REPOSITORY", "DIFFICULTY"):
        if width - sum(columns.values()) - len(_GAP) * len(columns) < _LEAST_TITLE:
            columns.pop(name, None)
    return columns


def _row(task: Instance, columns: dict[str, int]) -> Content:
    values = _values(task)
    task_id = set_cell_size(_without_middle(values["TASK"], columns["TASK"]), columns["TASK"])
    rest = _cells({name: width for name, width in columns.items() if name != "TASK"}, values)
    return Content.assemble((task_id, "bold"), _GAP, (rest, "$text-muted"), one_line(task.title))


def _cells(columns: dict[str, int], values: dict[str, str]) -> str:
    """Each value in the width of its column."""
    return "".join(set_cell_size(values[name], width) + _GAP for name, width in columns.items())


def _without_middle(text: str, width: int) -> str:
    """`text` in `width` cells: its end tells tasks apart, so the middle goes."""
    if cell_len(text) <= width:
        return text
    end = width * 2 // 3
    return f"{set_cell_size(text, width - end - 1)}…{set_cell_size(text[::-1], end)[::-1]}"
