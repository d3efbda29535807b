"""The Compare screen: one question, a column for each model, answers as they arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

import msgspec
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, HorizontalScroll

from swebench_providers import ProviderError
from swebench_tui import paths
from swebench_tui.bench import datasets
from swebench_tui.bench.datasets import DatasetError
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.bundled import CheckoutError
from swebench_tui.bench.task import Question, free_question, task_question
from swebench_tui.runs.column import Column
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.tui.copying import copy
from swebench_tui.tui.screens.compare.column_view import ColumnView
from swebench_tui.tui.screens.compare.task_bar import TaskBar
from swebench_tui.tui.screens.main_screen import MainScreen

MAX_COLUMNS: Final = 4
_FRAME: Final = 1 / 20
_SLOW: Final = 0.03
"""Seconds a frame may take; a key pressed meanwhile waits for it, and then for its own."""
_LOST: Final = 0.5  # seconds without a frame
_COLUMN_WIDTH: Final = 39  # the least; two of them fit into 80 cells


class CompareScreen(MainScreen):
    """Columns run in the engine's thread; the screen looks at them at its own pace and draws what changed."""

    MODE = "compare"
    FOCUS_ACTIONS = frozenset(
        {"compare.cancel_column", "compare.rerun", "compare.zoom", "compare.copy", "compare.remove_column"}
    )
    HELP = """\
# Compare

Several models answer the same question side by side. **enter** asks them all; each column shows its state, the time to
the first token (ttft), tokens per second, tokens and cost. `~` marks a figure that is still an estimate.

**i** picks a task, **e** edits the prompt, **a** adds a model, **esc** stops all of them.

**tab** goes to the next column. In the one that has the focus **x** stops it, **r** asks again, **z** gives it the
whole screen and back, **y** copies the answer, **delete** removes the column. Arrow keys, **pgup** and **pgdn** scroll;
at the bottom a column follows its answer. The mouse selects text to copy.

Code, diffs and SEARCH/REPLACE blocks stand as the model wrote them; `↳` marks a row that continues the one above, and
control characters are shown as pictures, such as `␛`.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "run", key_display="⏎", id="compare.run"),
        Binding("i", "pick_task", "task", id="compare.pick_task"),
        Binding("e", "edit_prompt", "prompt", id="compare.edit_prompt"),
        Binding("a", "add_model", "add", id="compare.add_model"),
        Binding("x", "cancel_column", "stop", id="compare.cancel_column"),
        Binding("escape", "cancel_all", "stop all", id="compare.cancel_all"),
        Binding("r", "rerun", "rerun", id="compare.rerun"),
        Binding("z", "zoom", "zoom", id="compare.zoom"),
        Binding("y", "copy", "copy", id="compare.copy"),
        Binding("delete", "remove_column", "remove", key_display="del", show=False, id="compare.remove_column"),
    ]

    def __init__(
        self,
        engine: Engine,
        targets: Iterable[Target],
        *,
        editor: Callable[[], str] = str,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`editor` gives the one of the settings, for the prompt."""
        super().__init__()
        self._editor = editor
        self._engine = engine
        self._targets = list(targets)
        self._now = now
        self._question: Question | None = None
        self._dataset = datasets.STARTER
        self._drawing = False
        self._next = 0
        self._frame = self._frame_seen = 0
        self._at_once = MAX_COLUMNS

    def compose_body(self) -> ComposeResult:
        yield TaskBar()
        with HorizontalScroll(can_focus=False), Horizontal(id="columns"):
            for target in self._targets:
                yield ColumnView(target)

    def on_mount(self) -> None:
        self._make_room(len(self.columns))
        self.query(ColumnView).first().focus_answer()
        self._ask_first_task()
        self._watch = self.set_interval(_LOST, self._draw_on, pause=True)

    @property
    def question(self) -> Question | None:
        """What is asked; None until the first task has been read."""
        return self._question

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
        if self._question is not None:
            yield self._question.prompt
        yield from (view.answer for view in self.columns)

    # What is asked.

    @work
    async def _ask_first_task(self) -> None:
        try:
            tasks = await asyncio.to_thread(datasets.load, self._dataset)
            question = await _question_about(tasks[0])
            if self._question is None:  # the user may have been faster
                self._set_question(question)
        except (DatasetError, CheckoutError) as error:
            self.query_one(TaskBar).show_problem(str(error), error.hint)

    @work(exclusive=True, group="question")
    async def action_pick_task(self) -> None:
        """Choose a task of a dataset."""
        from swebench_tui.tui.screens.compare.pick_task import PickTaskScreen  # noqa: PLC0415 - not before the first paint

        current = self._question.instance if self._question else None
        picked = await self.app.push_screen_wait(PickTaskScreen(self._dataset, current))
        if picked is None:
            return
        self._dataset, task = picked
        try:
            self._set_question(await _question_about(task))
        except CheckoutError as error:
            self.query_one(TaskBar).show_problem(str(error), error.hint)

    @work(exclusive=True, group="question")
    async def action_edit_prompt(self) -> None:
        """Write the prompt by hand; for a task the patch is still checked."""
        from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen  # noqa: PLC0415 - not before the first paint

        question = self._question
        text = await self.app.push_screen_wait(
            EditPromptScreen(question.prompt if question else "", editor=self._editor())
        )
        if text is None or not text.strip() or (question and text == question.prompt):
            return
        if question is None or question.instance is None:
            self._set_question(free_question(text))
        else:
            self._set_question(msgspec.structs.replace(question, prompt=text, context="the prompt as you edited it"))

    def _set_question(self, question: Question) -> None:
        self._question = question
        self.query_one(TaskBar).show(question)

    # Who is asked.

    @work(exclusive=True, group="model")
    async def action_add_model(self) -> None:
        """Add a column."""
        from swebench_tui.tui.screens.compare.add_model import AddModelScreen  # noqa: PLC0415 - not before the first paint

        if self._has_room():
            target = await self.app.push_screen_wait(AddModelScreen(self._engine))
            if target is not None:
                await self.add(target)

    async def add(self, target: Target) -> bool:
        """A column for this model, where there is room for one; says so where there is none."""
        if not self._has_room():
            return False
        view = ColumnView(target)
        self._make_room(len(self.columns) + 1)
        await self.query_one("#columns").mount(view)
        view.focus_answer()
        return True

    @property
    def asked(self) -> bool:
        """Whether any column has been asked: it runs, or shows an answer that may have been paid for."""
        return any(view.starting or view.column is not None for view in self.columns)

    async def take_lineup(self, targets: Sequence[Target]) -> bool:
        """These columns instead of those there are; False, and nothing done, where one of them has been asked."""
        before = self.columns
        if self.asked:
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
        words = f"There is room for {MAX_COLUMNS} columns. Remove one in Compare with delete."
        self.app.notify(words, severity="warning")
        return False

    def action_remove_column(self) -> None:
        """Take the focused column away, stopping it first."""
        view, columns = self.focused_column, self.columns
        if view is None:
            return
        if len(columns) == 1:
            self.notify("The last column stays. Add another before removing it.", severity="warning")
            return
        self._cancel(view)
        self.minimize()
        columns.remove(view)
        view.leave()
        self._make_room(len(columns))
        columns[0].focus_answer()

    def _make_room(self, count: int) -> None:
        """Columns share the width; where it is too small for them, they are scrolled sideways."""
        self.query_one("#columns").styles.min_width = count * _COLUMN_WIDTH

    # Asking, and stopping.

    def action_run(self) -> None:
        """Ask all columns that are not being asked already."""
        if self._question is None:
            self.notify("Pick a task with i or write a prompt with e first.", severity="warning")
            return
        for view in self.columns:
            if not view.running:
                self._start(view)

    def action_cancel_all(self) -> None:
        """Stop every column that runs."""
        for view in self.columns:
            self._cancel(view)

    def action_cancel_column(self) -> None:
        """Stop the focused column."""
        if self.focused_column is not None:
            self._cancel(self.focused_column)

    def action_rerun(self) -> None:
        """Ask the focused column again."""
        view = self.focused_column
        if view is not None and self._question is not None and not view.running:
            self._start(view)

    @work
    async def _start(self, view: ColumnView) -> None:
        question = self._question
        if question is None or view.starting:
            return
        try:
            with view.start():
                reached = await self._engine.reach(view.target.provider)
        except ProviderError as error:
            if view in self.columns:  # not removed meanwhile
                view.show_problem(error)
            return
        if view not in self.columns:
            return
        column = Column(
            view.target,
            question.request(max_tokens=None),
            reached.provider,
            streams=reached.streams,
            judge=question.judge if question.wants_patch else None,
            now=self._now,
        )
        view.follow(column)
        self._engine.start(column)
        self._keep_drawing()

    def _cancel(self, view: ColumnView) -> None:
        if view.column is not None:
            self._engine.cancel(view.column)

    # Looking.

    def action_zoom(self) -> None:
        """The whole screen for the focused column, or back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused_column is not None:
            self.maximize(self.focused_column, container=False)

    @work
    async def action_copy(self) -> None:
        """Copy the answer of the focused column."""
        text = self.focused_column.answer if self.focused_column else ""
        if not text:
            self.notify("There is no answer to copy in this column.", severity="warning")
            return
        await copy(self.app, text)

    # Drawing.

    def _keep_drawing(self) -> None:
        if not self._drawing:
            self._drawing = True
            self._watch.resume()
            self._draw()

    def _draw(self) -> None:
        """One frame: the columns whose turn it is draw what is new."""
        began = time.perf_counter()
        self._frame += 1
        columns = self.columns
        turn = [columns[(self._next + i) % len(columns)] for i in range(min(self._at_once, len(columns)))]
        self._next = (self._next + len(turn)) % len(columns)
        for view in turn:
            view.draw(self._now())
        self.call_after_refresh(self._rest, began, self._frame)

    def _draw_on(self) -> None:
        """Textual gives `_rest` to the screen on top to call, and forgets it when that one is closed before it did."""
        if self._drawing and self._frame == self._frame_seen:
            self._draw()
        self._frame_seen = self._frame

    def _rest(self, began: float, frame: int) -> None:
        """After the frame is on the terminal: rest as long as it took, so that keys never wait long behind drawing.

        A slow frame makes the next ones draw fewer columns, a quick one more.
        """
        columns = self.columns
        if frame != self._frame:
            return
        if all(view.settled for view in columns):
            self._drawing = False
            self._watch.pause()
            return
        took = time.perf_counter() - began
        if took > _SLOW:
            self._at_once = max(1, self._at_once // 2)
        elif took < _SLOW / 2:
            self._at_once = min(len(columns), self._at_once + 1)
        self.set_timer(max(_FRAME - took, took), self._draw)


async def _question_about(task: Instance) -> Question:
    return await asyncio.to_thread(task_question, task, repositories=paths.repositories())
