"""One model's column on the screen: state and metrics on top, the answer below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from textual.app import ComposeResult
from textual.await_remove import AwaitRemove
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from swebench_providers import ReasoningDelta, TextDelta
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.column import Column
from swebench_tui.runs.generation import Piece
from swebench_tui.runs.generation_state import GenerationState
from swebench_tui.runs.target import Target
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.answer import AnswerView
from swebench_tui.tui.screens.compare.metrics_view import MetricsView
from swebench_tui.tui.widgets.cached_lines import CachedLines


class ColumnView(Vertical, CachedLines):
    """Draws a `Column` of the engine, and takes its pieces."""

    ALLOW_MAXIMIZE = True

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        self.column: Column | None = None
        self.prompt: TaskPrompt | None = None
        """What the model got, or gets."""
        self.leaving = False
        self._starting: Worker[None] | None = None
        self._drawn_state: GenerationState | None = None
        self._drawn_settled = False
        self.border_title = Content(one_line(_title(target, target.model)))

    def compose(self) -> ComposeResult:
        yield MetricsView()
        yield Static(classes="problem")
        yield AnswerView()

    @property
    def running(self) -> bool:
        return self.column is not None and not self.column.settled

    @property
    def starting(self) -> bool:
        """Whether keys are being read and the prompt is being made: nothing has been sent but a call for files."""
        return self._starting is not None

    def start(self, worker: Worker[None]) -> None:
        """`worker` makes the prompt, and then starts the column."""
        self._starting = worker
        self._hide_problem()
        self.query_one(MetricsView).show_step("Starting")

    def end_start(self) -> None:
        """The request goes out now, or never."""
        self._starting = None
        for metrics in self.query(MetricsView):  # none while the app closes
            metrics.end_step()

    def stop_starting(self) -> None:
        """Cancel what happens before the request is sent."""
        if self._starting is not None:
            self._starting.cancel()

    def show_step(self, step: str) -> None:
        """Show what is done before the request is sent."""
        self.query_one(MetricsView).show_step(step)

    @property
    def settled(self) -> bool:
        """Nothing will change any more, and all of it is drawn."""
        return self.column is None or self._drawn_settled

    def focus_answer(self) -> None:
        self.query_one(AnswerView).focus()

    def leave(self) -> AwaitRemove:
        """Remove it. Its children go first, so nothing may draw or read it from now on."""
        self.leaving = True
        return self.remove()

    def follow(self, column: Column, prompt: TaskPrompt) -> None:
        """Show this run from its beginning."""
        self.column, self.prompt = column, prompt
        self._drawn_state, self._drawn_settled = None, False
        self.query_one(AnswerView).clear()
        self._hide_problem()

    def draw(self, now: float) -> None:
        """Draw what is new. A column in which nothing happened costs a comparison, a running one its clock too."""
        column = self.column
        if column is None:
            return
        settled, state = column.settled, column.state  # before the pieces: what the state counts has then arrived
        self._draw_pieces(column.take())
        if state is not self._drawn_state or settled != self._drawn_settled or not state.status.ended:
            self._draw_state(column, state, now, settled=settled)
        self._drawn_state, self._drawn_settled = state, settled

    def show_problem(self, what: str, hint: str) -> None:
        """Show an error with its hint."""
        problem = self.query_one(".problem", Static)
        problem.update(Content.assemble((f"✗ {one_line(what)}", "bold"), "\n", (f"→ {one_line(hint)}", "$text")))
        problem.add_class("-shown")

    def _hide_problem(self) -> None:
        self.query_one(".problem", Static).remove_class("-shown")

    def _draw_pieces(self, pieces: Sequence[Piece]) -> None:
        """Runs of text and of reasoning go to the view in one piece each."""
        answer = self.query_one(AnswerView)
        for kind, run in groupby(pieces, type):
            if kind is TextDelta:
                answer.append("".join(piece.text for piece in run if isinstance(piece, TextDelta)))
            elif kind is ReasoningDelta:
                answer.append_reasoning("".join(piece.text for piece in run if isinstance(piece, ReasoningDelta)))
            else:  # its attempt failed
                answer.clear()

    def _draw_state(self, column: Column, state: GenerationState, now: float, *, settled: bool) -> None:
        self.query_one(MetricsView).show(state, column.patch, now=now, settled=settled)
        before = self._drawn_state
        if before is None or (state.model, state.guided) != (before.model, before.guided):
            self.border_title = Content(one_line(_title(self.target, state.model, guided=state.guided)))
        if state.error is not None and (before is None or before.error is None):
            self.show_problem(str(state.error), state.error.hint)

    @property
    def answer(self) -> str:
        """The text of the answer so far, as it arrived."""
        return self.query_one(AnswerView).text


def _title(target: Target, model: str, *, guided: bool = False) -> str:
    temperature = "" if target.temperature is None else f" · t {target.temperature:g}"
    return f"{target.provider} · {model or 'default model'}{temperature}{', guided' if guided else ''}"
