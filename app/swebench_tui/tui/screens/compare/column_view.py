"""One model's column on the screen: state and figures on top, the answer below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from textual.app import ComposeResult
from textual.await_remove import AwaitRemove
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from swebench_providers import ProviderError
from swebench_tui.runs.column import Column, GenerationState
from swebench_tui.runs.target import Target
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.answer import AnswerView
from swebench_tui.tui.screens.compare.metrics_view import MetricsView
from swebench_tui.tui.widgets.cached_lines import CachedLines


class ColumnView(Vertical, CachedLines):
    """Draws a `Column` of the engine; knows it only by its facts and pieces."""

    ALLOW_MAXIMIZE = True

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        self.column: Column | None = None
        self.starting = False
        self.leaving = False
        self._drawn_facts: GenerationState | None = None
        self._drawn_pieces = 0
        self.border_title = Content(one_line(_title(target, target.model)))

    def compose(self) -> ComposeResult:
        yield MetricsView()
        yield Static(classes="problem")
        yield AnswerView()

    @property
    def running(self) -> bool:
        return self.column is not None and not self.column.facts.settled

    @contextmanager
    def start(self) -> Iterator[None]:
        """While its provider's keys are being read."""
        self.starting = True
        try:
            yield
        finally:
            self.starting = False

    @property
    def settled(self) -> bool:
        """Nothing will change any more, and all of it is drawn."""
        return self.column is None or (self._drawn_facts is self.column.facts and self._drawn_facts.settled)

    def focus_answer(self) -> None:
        self.query_one(AnswerView).focus()

    def leave(self) -> AwaitRemove:
        """Remove it. Its parts go before it does, so nothing may draw or read it from now on."""
        self.leaving = True
        return self.remove()

    def follow(self, column: Column) -> None:
        """Show this run from its beginning."""
        self.column = column
        self._drawn_facts, self._drawn_pieces = None, 0
        self.query_one(AnswerView).clear()
        self._hide_problem()

    def draw(self, now: float) -> None:
        """Draw what is new. A column in which nothing happened costs a comparison, a running one its clock too."""
        column = self.column
        if column is None:
            return
        facts = column.facts  # read before the pieces: what it counts has then arrived
        self._draw_pieces(column)
        if facts is not self._drawn_facts or not facts.state.ended:
            self._draw_facts(facts, now)
        self._drawn_facts = facts

    def show_problem(self, error: ProviderError) -> None:
        """An error stands in the column it belongs to, with what to do about it."""
        problem = self.query_one(".problem", Static)
        problem.update(
            Content.assemble((f"✗ {one_line(str(error))}", "bold"), "\n", (f"→ {one_line(error.hint)}", "$text"))
        )
        problem.add_class("-shown")

    def _hide_problem(self) -> None:
        self.query_one(".problem", Static).remove_class("-shown")

    def _draw_pieces(self, column: Column) -> None:
        pieces = column.pieces(self._drawn_pieces)
        if not pieces:
            return
        self._drawn_pieces += len(pieces)
        answer = self.query_one(AnswerView)
        run: list[str] = []
        kind = pieces[0].kind
        for piece in pieces:
            if piece.kind != kind:
                _append(answer, kind, "".join(run))
                run, kind = [], piece.kind
            run.append(piece.text)
        _append(answer, kind, "".join(run))

    def _draw_facts(self, facts: GenerationState, now: float) -> None:
        self.query_one(MetricsView).show(facts, free=self.column is not None and self.column.free, now=now)
        before = self._drawn_facts
        if before is None or facts.model != before.model:
            self.border_title = Content(one_line(_title(self.target, facts.model)))
        if facts.error is not None and (before is None or before.error is None):
            self.show_problem(facts.error)

    @property
    def answer(self) -> str:
        """The text of the answer so far, as it came."""
        return self.query_one(AnswerView).text


def _append(answer: AnswerView, kind: str, text: str) -> None:
    if kind == "text":
        answer.append(text)
    else:
        answer.append_reasoning(text)


def _title(target: Target, model: str) -> str:
    heat = "" if target.temperature is None else f" · t {target.temperature:g}"
    return f"{target.provider} · {model or 'default model'}{heat}"
