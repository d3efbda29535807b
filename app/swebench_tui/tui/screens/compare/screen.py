"""The Compare screen: one prompt, a column for each model, answers as they arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, HorizontalScroll
from textual.worker import Worker, get_current_worker

from swebench_tui.bench.datasets import DatasetError
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.task import TaskPrompt, custom_prompt, edited_prompt
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.services.comparison import Comparison
from swebench_tui.services.guided import can_be_guided, guide_for
from swebench_tui.services.prompt_errors import PROMPT_ERRORS, hint_of
from swebench_tui.settings.definitions import MAX_COLUMNS, GuidedStarter, Settings
from swebench_tui.tui.clipboard import copy
from swebench_tui.tui.frame_loop import FrameLoop
from swebench_tui.tui.screens.compare.column_view import ColumnView
from swebench_tui.tui.screens.compare.task_bar import TaskBar
from swebench_tui.tui.screens.compare.tasks import Tasks
from swebench_tui.tui.screens.main_screen import MainScreen

_NEXT_GUIDED: Final[dict[GuidedStarter, GuidedStarter]] = {"auto": "off", "off": "on", "on": "auto"}
_GUIDED: Final[dict[GuidedStarter, str]] = {
    "auto": "the embedded model",
    "off": "off",
    "on": "all llama.cpp servers",
}
_COLUMN_WIDTH: Final = 39  # the least; two of them fit into 80 cells


class CompareScreen(MainScreen):
    """Columns run in the engine's thread; the screen reads them at its own pace and draws what changed."""

    MODE = "compare"
    FOCUS_ACTIONS = frozenset(
        {"compare.cancel_column", "compare.rerun", "compare.zoom", "compare.copy", "compare.remove_column"}
    )
    HELP = """\
# Compare

Several models answer the same prompt side by side. **enter** runs all columns. Each shows its state, the time to first
token (ttft), tokens per second, tokens and cost. `~` marks an estimate.

**i** picks a task, **c** chooses the files of the repository that the models see, **f** fetches a repository that is
not on this machine, **e** edits the prompt, **a** adds a model, **esc** stops all columns.

**tab** focuses the next column. **x** stops the focused column, **r** reruns it, **z** zooms it, **y** copies its
answer, **delete** removes it. Arrow keys, **pgup** and **pgdn** scroll; at the bottom a column follows its answer.
Select text with the mouse to copy it.

**g** switches guided answers to starter tasks: for the embedded model, off, for all llama.cpp servers. A grammar then
lets the model change one line of the task's files, so that its patch applies. It is rarely right, and marked "guided".

Code, diffs and SEARCH/REPLACE blocks are shown as the model wrote them. `↳` marks a wrapped line. Control characters
are shown as symbols, such as `␛`.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "run", key_display="⏎", id="compare.run"),
        Binding("i", "pick_task", "task", id="compare.pick_task"),
        Binding("c", "choose_context", "context", id="compare.choose_context"),
        Binding("f", "fetch_repository", "fetch files", id="compare.fetch_repository"),
        Binding("e", "edit_prompt", "prompt", id="compare.edit_prompt"),
        Binding("a", "add_model", "add", id="compare.add_model"),
        Binding("x", "cancel_column", "stop", id="compare.cancel_column"),
        Binding("escape", "cancel_all", "stop all", id="compare.cancel_all"),
        Binding("r", "rerun", "rerun", id="compare.rerun"),
        Binding("z", "zoom", "zoom", id="compare.zoom"),
        Binding("y", "copy", "copy", id="compare.copy"),
        Binding("g", "toggle_guided", "guided", id="compare.guided"),
        Binding("delete", "remove_column", "remove", key_display="del", show=False, id="compare.remove_column"),
    ]

    def __init__(
        self,
        engine: Engine,
        targets: Iterable[Target],
        *,
        settings: Callable[[], Settings] = Settings,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._guided_here: GuidedStarter | None = None
        self._engine = engine
        self._targets = list(targets)
        self._now = now
        self._comparison = Comparison(engine.source, engine.patch_checker, now=now)
        self._tasks = Tasks(engine, settings)
        self._task_prompt: TaskPrompt | None = None
        self._fetching: Worker[None] | None = None
        self._drawn_running: list[ColumnView] = []
        self._frames = FrameLoop(self._draw, self.set_timer)

    def compose_body(self) -> ComposeResult:
        yield TaskBar()
        with HorizontalScroll(can_focus=False), Horizontal(id="columns"):
            for target in self._targets:
                yield ColumnView(target)

    def on_mount(self) -> None:
        self._make_room(len(self.columns))
        self.query(ColumnView).first().focus_answer()
        self._load_first_task()

    @property
    def task_prompt(self) -> TaskPrompt | None:
        """The prompt that columns run; None until the first task has been loaded."""
        return self._task_prompt

    @property
    def columns(self) -> list[ColumnView]:
        """The columns from left to right."""
        return [view for view in self.query(ColumnView) if not view.leaving]

    @property
    def focused_column(self) -> ColumnView | None:
        """The column that has the focus."""
        return next((view for view in self.columns if view.has_focus_within), None)

    @property
    def private_texts(self) -> Iterable[str]:
        if self._task_prompt is not None:
            yield self._task_prompt.prompt
        yield from (view.answer for view in self.columns)

    @work
    async def _load_first_task(self) -> None:
        try:
            task = await self._tasks.first()
        except (DatasetError, *PROMPT_ERRORS) as error:
            self._show_task_problem(error)
        else:
            if self._task_prompt is None:  # the user may have picked one meanwhile
                self._set_task(task)

    @work(exclusive=True, group="task")
    async def action_pick_task(self) -> None:
        """Pick a task of a dataset."""
        from swebench_tui.tui.screens.compare.pick_task import PickTaskScreen  # noqa: PLC0415 - not before the first paint

        current = self._task_prompt.instance if self._task_prompt else None
        picked = await self.app.push_screen_wait(PickTaskScreen(self._tasks.dataset, current))
        if picked is not None:
            self._tasks.dataset = picked.spec
            await self._make_task(picked.instance, picked.spec, picked.revision)

    @work(exclusive=True, group="task")
    async def action_choose_context(self) -> None:
        """Choose the files of the repository that the models see."""
        from swebench_tui.tui.screens.compare.context import ContextScreen  # noqa: PLC0415 - not before the first paint

        task = self._task_prompt
        if task is None or task.instance is None:
            self.notify("Pick a task with i first: this prompt has no repository.", severity="warning")
            return
        try:
            prompts, options = self._tasks.prompts(), await self._tasks.options()
        except PROMPT_ERRORS as error:
            self._show_task_problem(error)
            return
        targets = [view.target for view in self.columns]
        chosen = await self.app.push_screen_wait(ContextScreen(prompts, task, options, targets))
        if chosen is not None:
            self._tasks.choose(chosen)
            await self._make_task(task.instance, task.dataset, task.revision)

    @work(exclusive=True, group="task")
    async def action_fetch_repository(self) -> None:
        """Fetch the repository of the task, so that models see its files and patches are checked."""
        task = self._task_prompt
        if task is None or task.instance is None or task.snapshot is not None:
            self.notify("Nothing to fetch: the repository of this task is on this machine.")
            return
        self._fetching = get_current_worker()
        bar = self.query_one(TaskBar)
        try:
            await self._tasks.fetch(task.instance, lambda progress: self.app.call_from_thread(bar.show_fetch, progress))
            await self._make_task(task.instance, task.dataset, task.revision)
        except PROMPT_ERRORS as error:
            self._show_task_problem(error)
        finally:
            self._fetching = None
            self.refresh_bindings()

    async def _make_task(self, instance: Instance, dataset: str, revision: str) -> None:
        try:
            self._set_task(await self._tasks.make(instance, dataset=dataset, revision=revision))
        except PROMPT_ERRORS as error:
            self._show_task_problem(error)

    def _show_task_problem(self, error: Exception) -> None:
        self.query_one(TaskBar).show_problem(str(error), hint_of(error))

    @work(exclusive=True, group="task")
    async def action_edit_prompt(self) -> None:
        """Edit the prompt. For a task the patch is still checked."""
        from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen  # noqa: PLC0415 - not before the first paint

        task = self._task_prompt
        text = await self.app.push_screen_wait(
            EditPromptScreen(task.prompt if task else "", editor=self._settings().editor)
        )
        if text is None or not text.strip() or (task and text == task.prompt):
            return
        if task is None or task.instance is None:
            self._set_task(custom_prompt(text))
        else:
            self._set_task(edited_prompt(task, text))

    def _set_task(self, task: TaskPrompt) -> None:
        self._task_prompt = task
        self.query_one(TaskBar).show(task)
        self.refresh_bindings()
        self._show_task()

    @work(exclusive=True, group="model")
    async def action_add_model(self) -> None:
        """Add a column."""
        from swebench_tui.tui.screens.compare.add_model import AddModelScreen  # noqa: PLC0415 - not before the first paint

        if self._has_room():
            target = await self.app.push_screen_wait(AddModelScreen(self._engine))
            if target is not None:
                await self.add(target)

    async def add(self, target: Target) -> bool:
        """Add a column for this model; False, with a warning, at the maximum."""
        if not self._has_room():
            return False
        view = ColumnView(target)
        self._make_room(len(self.columns) + 1)
        await self.query_one("#columns").mount(view)
        view.focus_answer()
        return True

    @property
    def used(self) -> bool:
        """Whether any column runs, or shows an answer, which may have been paid for."""
        return any(view.starting or view.column is not None for view in self.columns)

    async def take_lineup(self, targets: Sequence[Target]) -> bool:
        """Replace the columns; False, and nothing done, where one of them has been used."""
        before = self.columns
        if self.used:
            return False
        if targets == [view.target for view in before]:
            return True
        self.minimize()
        views = [ColumnView(target) for target in targets]
        async with self.batch():
            for view in before:
                await view.leave()
            await self.query_one("#columns").mount(*views)
        self._make_room(len(views))
        views[0].focus_answer()
        return True

    def _has_room(self) -> bool:
        if len(self.columns) < MAX_COLUMNS:
            return True
        message = f"{MAX_COLUMNS} columns is the maximum. Remove one with delete."
        self.app.notify(message, severity="warning")
        return False

    def action_remove_column(self) -> None:
        """Remove column."""
        view, columns = self.focused_column, self.columns
        if view is None:
            return
        if len(columns) == 1:
            self.notify("The last column cannot be removed. Add another one first.", severity="warning")
            return
        self._cancel(view)
        self.minimize()
        columns.remove(view)
        view.leave()
        self._make_room(len(columns))
        columns[0].focus_answer()

    def _make_room(self, count: int) -> None:
        """Columns share the width; below their minimum width they scroll sideways."""
        self.query_one("#columns").styles.min_width = count * _COLUMN_WIDTH

    def action_run(self) -> None:
        """Run all columns that are not running."""
        if self._task_prompt is None:
            self.notify("Pick a task with i or write a prompt with e first.", severity="warning")
            return
        for view in self.columns:
            if not view.running:
                self._start(view)

    def action_cancel_all(self) -> None:
        """Stop all columns, and fetching of a repository."""
        if self._fetching is not None:
            self._fetching.cancel()
            self._show_task()
        for view in self.columns:
            self._cancel(view)

    def action_cancel_column(self) -> None:
        """Stop the focused column."""
        if self.focused_column is not None:
            self._cancel(self.focused_column)

    def action_rerun(self) -> None:
        """Rerun the focused column."""
        view = self.focused_column
        if view is not None and self._task_prompt is not None and not view.running:
            self._start(view)

    def _start(self, view: ColumnView) -> None:
        if self._task_prompt is not None and not view.starting:
            view.start(self._run(view, self._task_prompt))
            self.refresh_bindings()

    @work
    async def _run(self, view: ColumnView, task: TaskPrompt) -> None:
        try:
            source = await self._comparison.source(view.target)
            prompt = await self._tasks.for_column(task, view.target, view.show_step)
            guide = await guide_for(prompt, source, self._guided)
        except PROMPT_ERRORS as error:
            if view in self.columns:  # not removed meanwhile
                view.show_problem(str(error), hint_of(error))
            return
        finally:
            view.end_start()
            self.refresh_bindings()
        if view not in self.columns:
            return
        column = self._comparison.column(view.target, prompt, source, guide=guide)
        view.follow(column, prompt)
        self._show_task()
        self._engine.start(column)
        self._frames.start()

    @work(exclusive=True, group="task bar")
    async def _show_task(self) -> None:
        """Show the task, the context that the columns got, and whose answers are guided."""
        task = self._task_prompt
        if task is not None:
            guided = _GUIDED[self._guided] if await asyncio.to_thread(can_be_guided, task) else ""
            seen = [(view.target, view.prompt) for view in self.columns if view.prompt is not None]
            self.query_one(TaskBar).show(task, seen, guided=guided)

    def _cancel(self, view: ColumnView) -> None:
        view.stop_starting()
        if view.column is not None:
            self._engine.cancel(view.column)

    def action_zoom(self) -> None:
        """Zoom column."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused_column is not None:
            self.maximize(self.focused_column, container=False)

    def action_toggle_guided(self) -> None:
        """Guide answers to starter tasks: the embedded model's, none, or those of all llama.cpp servers."""
        self._guided_here = _NEXT_GUIDED[self._guided]
        self.notify(f"Guided answers to starter tasks: {_GUIDED[self._guided]}.")
        self._show_task()

    @property
    def _guided(self) -> GuidedStarter:
        """Who is guided: as chosen on this screen, else as set."""
        return self._guided_here or self._settings().guided.starter

    @work
    async def action_copy(self) -> None:
        """Copy the answer of the focused column."""
        text = self.focused_column.answer if self.focused_column else ""
        if not text:
            self.notify("This column has no answer to copy.", severity="warning")
            return
        await copy(self.app, text)

    def _draw(self) -> bool:
        """Draw what is new in every column; False when nothing will change any more."""
        columns = self.columns
        for view in columns:
            view.draw(self._now())
        running = [view for view in columns if view.running]
        if running != self._drawn_running:
            self._drawn_running = running
            self.refresh_bindings()
        return not all(view.settled for view in columns)

    @property
    def idle_actions(self) -> frozenset[str]:
        focused = self.focused_column
        in_use = focused is not None and (focused.running or focused.starting)
        idle = {"rerun"} if in_use else {"cancel_column"}
        if not any(view.running or view.starting for view in self.columns) and self._fetching is None:
            idle.add("cancel_all")
        task = self._task_prompt
        if task is None or task.instance is None or task.snapshot is not None:
            idle.add("fetch_repository")
        return frozenset(idle)
