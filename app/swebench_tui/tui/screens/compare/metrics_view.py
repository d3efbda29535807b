"""State and metrics of a column: the lines above its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widgets import Static

from swebench_tui.runs import formatting
from swebench_tui.runs.generation_state import GenerationState, Status
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.widgets.cached_lines import CachedLines

if TYPE_CHECKING:
    from swebench_tui.bench.patches import PatchVerdict

_PERIOD: Final = 0.2
"""Seconds between updates of running figures; nobody reads digits that change faster."""

_INVITATION: Final = "◌ waiting  ⏎ run"
_ONE_LINE_WIDTH: Final = 46
_PATCH_SIGNS = {
    "applies": ("✓", "$text-success"),
    "partial": ("◐", "$text-warning"),
    "does_not_apply": ("✗", "$text-error"),
    "no_patch": ("✗", "$text-error"),
    "unchecked": ("?", "$text-warning"),
}
"""Cells that hold all metrics in one line."""

_COLOURS: Final = {
    Status.WAITING: "$text-muted",
    Status.CONNECTING: "$text-muted",
    Status.THINKING: "$text-accent",
    Status.STREAMING: "$text-primary",
    Status.DONE: "$text-success",
    Status.FAILED: "$text-error",
    Status.CANCELLED: "$text-warning",
}


class MetricsView(Static, CachedLines):
    """Updated at once when the status changes, else at its own pace; laid out again when its height changes."""

    def __init__(self) -> None:
        super().__init__(Content(_INVITATION))
        self._drawn: tuple[Status, PatchVerdict | None, tuple[str, ...]] | None = None
        self._drawn_at = float("-inf")
        self._last: tuple[GenerationState, PatchVerdict | None, float] | None = None

    def show_step(self, step: str) -> None:
        """Show what is done before the request is sent."""
        self.update(Content(f"◌ {one_line(step)} …"))

    def end_step(self) -> None:
        """Show the last state again, or the invitation."""
        self._drawn = None
        if self._last is None:
            self.update(Content(_INVITATION))
        else:
            state, patch, now = self._last
            self.show(state, patch, now=now)

    def on_resize(self) -> None:
        """Fit the text to the new width, also of a column that has ended."""
        if self._last is not None:
            state, patch, now = self._last
            self._drawn = None
            self.show(state, patch, now=now)

    def show(self, state: GenerationState, patch: PatchVerdict | None, *, now: float, settled: bool = False) -> None:
        """Show a state and the verdict on its patch at monotonic time `now`. A `settled` one is the last."""
        self._last = (state, patch, now)
        waiting = state.first_token_at is None and not state.status.ended
        notices = state.notices[-1:] if waiting else state.final_notices
        drawn = (state.status, patch, notices)
        if drawn == self._drawn and now - self._drawn_at < _PERIOD and not settled:
            return
        lines = self._lines(state, now=now)
        if patch:
            lines.append(_patch(patch, guided=state.guided))
        lines += [Content.styled(one_line(notice), "$text-muted") for notice in notices]
        self.update(Content("\n").join(lines), layout=drawn != self._drawn)
        self._drawn, self._drawn_at = drawn, now

    def _lines(self, state: GenerationState, *, now: float) -> list[Content]:
        status = f"{formatting.glyph(state)} {formatting.status_text(state)}"
        first = Content.assemble(
            (status, "$text-warning" if formatting.ended_early(state) else _COLOURS[state.status]),
            f"  {formatting.seconds(state.elapsed(now))}",
        )
        lines = formatting.metric_lines(state)
        if self.content_size.width >= _ONE_LINE_WIDTH:
            lines = ["  ".join(lines)]
        return [first, *map(Content, lines)]


def _patch(patch: PatchVerdict, *, guided: bool) -> Content:
    sign, colour = _PATCH_SIGNS[patch.status]
    return Content.assemble((f"{sign} {one_line(formatting.patch_text(patch, guided=guided))}", colour))
