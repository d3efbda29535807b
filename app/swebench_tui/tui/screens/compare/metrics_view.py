"""State and figures of a column: the lines above its answer."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.widgets import Static

from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.runs import formatting
from swebench_tui.runs.column import GenerationState, State
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.widgets.cached_lines import CachedLines

_PERIOD: Final = 0.2
"""Seconds between two looks at figures that only run on; digits that change faster are not read."""

_WIDE_ENOUGH: Final = 46
"""Cells in which all figures stand in one line."""

_COLOURS: Final = {
    State.WAITING: "$text-muted",
    State.CONNECTING: "$text-muted",
    State.THINKING: "$text-accent",
    State.STREAMING: "$text-primary",
    State.DONE: "$text-success",
    State.FAILED: "$text-error",
    State.CANCELLED: "$text-warning",
}


class MetricsView(Static, CachedLines):
    """Written anew at once when the state changes, else at its own pace; laid out anew when it grows or shrinks."""

    def __init__(self) -> None:
        super().__init__(Content("◌ waiting  ⏎ asks the model"))
        self._drawn: tuple[State, PatchVerdict | None, tuple[str, ...]] | None = None
        self._drawn_at = float("-inf")
        self._last: tuple[GenerationState, bool, float] | None = None

    def on_resize(self) -> None:
        """Fit what is shown to the new width, of a column that has ended too."""
        if self._last is not None:
            facts, free, now = self._last
            self._drawn = None
            self.show(facts, free=free, now=now)

    def show(self, facts: GenerationState, *, free: bool, now: float) -> None:
        """Write what `facts` say at monotonic time `now`."""
        self._last = (facts, free, now)
        waiting = facts.first_token is None and not facts.state.ended
        notices = facts.notices[-1:] if waiting else facts.final_notices
        drawn = (facts.state, facts.patch, notices)
        if drawn == self._drawn and now - self._drawn_at < _PERIOD and not facts.settled:
            return
        lines = self._lines(facts, free=free, now=now)
        if facts.patch:
            lines.append(_patch(facts.patch))
        lines += [Content.styled(one_line(notice), "$text-muted") for notice in notices]
        self.update(Content("\n").join(lines), layout=drawn != self._drawn)
        self._drawn, self._drawn_at = drawn, now

    def _lines(self, facts: GenerationState, *, free: bool, now: float) -> list[Content]:
        state = f"{formatting.glyph(facts)} {formatting.state_words(facts)}"
        first = Content.assemble(
            (state, "$text-warning" if formatting.cut_short(facts) else _COLOURS[facts.state]),
            f"  {formatting.seconds(facts.elapsed(now))}",
        )
        speed = f"ttft {formatting.seconds(facts.ttft)}  {formatting.rate(facts)}"
        amount = f"{formatting.tokens(facts)}  {formatting.cost(facts, free=free)}"
        if self.content_size.width >= _WIDE_ENOUGH:
            return [first, Content(f"{speed}  {amount}")]
        return [first, Content(speed), Content(amount)]


def _patch(patch: PatchVerdict) -> Content:
    sign, colour = ("✓", "$text-success") if patch.status == "applies" else ("✗", "$text-error")
    if patch.status == "unchecked":
        sign, colour = "?", "$text-warning"
    return Content.assemble((f"{sign} {one_line(formatting.patch_words(patch))}", colour))
