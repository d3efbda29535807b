"""The dialog that picks a task of a dataset."""

from __future__ import annotations

import asyncio
import threading
from typing import ClassVar, Final

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, OptionList, Static

from swebench_tui.bench import datasets
from swebench_tui.bench.datasets import KNOWN, STARTER, Dataset, DatasetError, FetchCancelledError, Progress
from swebench_tui.bench.instance import Instance
from swebench_tui.terminal_text import one_line, sanitize
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.compare.task_list import SearchableTasks, TaskList
from swebench_tui.tui.widgets.key_line import KeyLine

_NAMES: Final = (STARTER, *KNOWN)
_PERIOD: Final = 0.1  # seconds between two looks at a download
_PREVIEW: Final = 20_000  # characters of an issue; more would take long to lay out


class PickedTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task, and the dataset that it is from: `spec` as it was typed, and `revision` as it was loaded."""

    instance: Instance
    spec: str
    revision: str


class DatasetField(Input):
    """The field of the dataset."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "load", key_display="⏎", id="pick_task.load"),
    ]


class SearchField(Input):
    """The field of the search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "pick", key_display="⏎", id="pick_task.pick_found"),
    ]


class PickTaskScreen(Dialog[PickedTask | None]):
    """Returns the task, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next field", id="pick_task.next_field"),
        Binding("down", "to_list", "to the list", show=False, id="pick_task.to_list"),
        Binding("escape", "leave", "back", id="pick_task.leave"),
    ]

    def __init__(self, dataset: str, current: Instance | None) -> None:
        super().__init__()
        self._spec = dataset
        self._current = current
        self._dataset: Dataset | None = None
        self._tasks = SearchableTasks()
        self._loading: threading.Event | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog picker") as dialog:
            dialog.border_title = "Pick a task"
            yield Static(f"Dataset: {' '.join(_NAMES)} owner/name path", classes="label")
            yield _unblinking(DatasetField(self._spec, id="dataset", compact=True, suggester=SuggestFromList(_NAMES)))
            yield Static("Search: id, title, repository, version, difficulty", classes="label")
            yield _unblinking(SearchField(id="search", compact=True))
            with Horizontal(id="tasks"):
                yield TaskList()
                with VerticalScroll(id="preview"):
                    yield Static()
            yield Static(classes="hint")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one("#search", Input).focus()
        self._load(self._spec)

    def on_unmount(self) -> None:
        self._stop_loading()

    @work(exclusive=True, group="load")
    async def _load(self, spec: str) -> None:
        self._stop_loading()
        stop = self._loading = threading.Event()
        arrived: list[Progress] = []
        loading = asyncio.create_task(asyncio.to_thread(datasets.load, spec, progress=arrived.append, cancel=stop))
        self._show_hint("Reading …")
        self._show_problem(None)
        try:
            while not (await asyncio.wait([loading], timeout=_PERIOD))[0]:
                if arrived:
                    self._show_hint(f"{_downloaded(arrived[-1])} · esc: stop")
                    del arrived[:-1]
            dataset = await loading
            tasks = await asyncio.to_thread(SearchableTasks, dataset.instances)
        except FetchCancelledError:
            self._show_hint("Stopped. What has arrived is kept: enter in the dataset field goes on.")
        except DatasetError as error:
            self._show_hint("")
            self._show_problem(error)
        else:
            self._spec, self._dataset, self._tasks = spec, dataset, tasks
            self._fill(current=self._current.instance_id if self._current else "")
        finally:
            stop.set()
            if self._loading is stop:
                self._loading = None

    def _stop_loading(self) -> None:
        if self._loading is not None:
            self._loading.set()

    @on(Input.Submitted, "#dataset")
    def _dataset_given(self, event: Input.Submitted) -> None:
        self._load(event.value.strip())

    @on(Input.Changed, "#search")
    def _search_changed(self) -> None:
        self._fill()

    @on(Input.Submitted, "#search")
    def _search_accepted(self) -> None:
        self.action_pick()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.action_pick()

    @on(OptionList.OptionHighlighted)
    def _show_preview(self) -> None:
        task = self.query_one(TaskList).highlighted
        self.query_one("#preview Static", Static).update(_preview(task) if task else "")
        self.query_one("#preview").scroll_home(animate=False)

    def action_pick(self) -> None:
        """Pick the highlighted task."""
        task = self.query_one(TaskList).highlighted
        if task is not None and self._dataset is not None:
            self.dismiss(PickedTask(instance=task, spec=self._spec, revision=self._dataset.revision))

    def action_to_list(self) -> None:
        """Go to the list."""
        self.query_one(OptionList).focus()

    def action_leave(self) -> None:
        """Stop a download; else go back."""
        if self._loading is not None:
            self._stop_loading()
        else:
            self.dismiss(None)

    def _fill(self, *, current: str = "") -> None:
        found = self._tasks.matching(self.query_one("#search", Input).value)
        self.query_one(TaskList).show(found, highlighted=current)
        if not found:
            self.query_one("#preview Static", Static).update("")
        self._show_hint(self._summary(len(found)))

    def _summary(self, found: int) -> str:
        dataset = self._dataset
        if dataset is None:
            return ""
        shown = len(self.query_one(TaskList).tasks)
        count = f"{found} of {len(self._tasks)} tasks" if shown == found else f"{shown} of {found} tasks shown"
        split = f" · {dataset.split}" if dataset.split else ""
        notice = f" · {dataset.notice}" if dataset.notice else ""
        return f"{count}{split} · revision {dataset.revision.removeprefix('sha256:')[:12]}{notice}"

    def _show_hint(self, text: str) -> None:
        self.query_one(".hint", Static).update(Content(one_line(text)))

    def _show_problem(self, error: DatasetError | None) -> None:
        text = Content(f"✗ {one_line(str(error))}\n→ {one_line(error.hint)}") if error else ""
        self.query_one(".problem", Static).update(text)


def _downloaded(progress: Progress) -> str:
    done = f"{progress.done / 1e6:.1f}"
    amount = f"{done} of {progress.total / 1e6:.1f} MB" if progress.total else f"{done} MB"
    return f"Downloading {amount}" + (" · no answer, trying again" if progress.waiting else "")


def _preview(task: Instance) -> Content:
    """The columns of a task, then its issue."""
    parts = [task.repo, task.version and f"version {task.version}", task.difficulty, task.base_commit[:12]]
    heading = one_line(" · ".join(part for part in parts if part))
    issue = sanitize(task.problem_statement.strip())
    cut = f"\n\n… {len(issue) - _PREVIEW:,} more characters" if len(issue) > _PREVIEW else ""
    return Content.assemble(
        (one_line(task.instance_id), "bold"), "\n", (heading, "$text-muted"), "\n\n", issue[:_PREVIEW] + cut
    )


def _unblinking(field: Input) -> Input:
    field.cursor_blink = False
    return field
