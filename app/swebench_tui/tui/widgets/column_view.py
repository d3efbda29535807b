"""One model's column on the screen: state and figures on top, the answer below."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from swebench_providers import ProviderError
from swebench_tui.printable import one_line
from swebench_tui.runs import figures
from swebench_tui.runs.column import Column, Facts, State
from swebench_tui.runs.target import Target
from swebench_tui.tui.widgets.answer_view import AnswerView

_COLOURS: Final = {
    State.WAITING: "$text-muted",
    State.CONNECTING: "$text-muted",
    State.THINKING: "$text-accent",
    State.STREAMING: "$text-primary",
    State.DONE: "$text-success",
    State.FAILED: "$text-error",
    State.CANCELLED: "$text-warning",
}


class ColumnView(Vertical):
    """Draws a `Column` of the engine; knows it only by its facts and pieces."""

    ALLOW_MAXIMIZE = True

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        self.column: Column | None = None
        self._drawn_facts: Facts | None = None
        self._drawn_pieces = 0
        self._head = ""
        self.border_title = Content(one_line(_title(target, target.model)))

    def compose(self) -> ComposeResult:
        yield Static(self._figures(Facts(), 0.0), classes="figures")
        yield Static(classes="problem")
        yield AnswerView()

    @property
    def running(self) -> bool:
        return self.column is not None and not self.column.facts.settled

    @property
    def settled(self) -> bool:
        """Nothing will change any more, and all of it is drawn."""
        return self.column is None or (self._drawn_facts is self.column.facts and self._drawn_facts.settled)

    def focus_answer(self) -> None:
        self.query_one(AnswerView).focus()

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

    def _draw_facts(self, facts: Facts, now: float) -> None:
        head = self._figures(facts, now)
        if head.markup != self._head:
            self._head = head.markup
            self.query_one(".figures", Static).update(head)
        if facts is self._drawn_facts:
            return
        self.border_title = Content(one_line(_title(self.target, facts.model)))
        if facts.error is not None:
            self.show_problem(facts.error)

    def _figures(self, facts: Facts, now: float) -> Content:
        free = self.column.free if self.column is not None else False
        state = f"{figures.glyph(facts)} {figures.state_words(facts)}"
        elapsed = facts.elapsed(now)
        beside = "⏎ asks the model" if elapsed is None else figures.seconds(elapsed)
        lines = [
            Content.assemble((state, _COLOURS[facts.state]), "  ", (beside, "" if self.column else "$text-muted")),
            Content(
                f"ttft {figures.seconds(facts.ttft)}  {figures.rate(facts)}  {figures.tokens(facts)}  "
                f"{figures.cost(facts, free=free) if self.column else ''}".rstrip()
            ),
        ]
        if facts.patch is not None:
            lines.append(_patch(facts))
        elif facts.state is State.CONNECTING and facts.notices:
            lines.append(Content.styled(one_line(facts.notices[-1]), "$text-muted"))
        return Content("\n").join(lines)

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


def _patch(facts: Facts) -> Content:
    patch = facts.patch
    if patch is None:
        return Content()
    applies = patch.status == "applies"
    sign, colour = ("✓", "$text-success") if applies else ("✗", "$text-error")
    if patch.status == "unchecked":
        sign, colour = "?", "$text-warning"
    return Content.assemble((f"{sign} patch: {one_line(figures.patch_words(patch))}", colour))
