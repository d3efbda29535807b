"""Step 3: whether they answer, all at once, with the reason and what to do where one does not."""

from __future__ import annotations

import time
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.wizard.draft import Draft
from swebench_tui.tui.screens.wizard.step import WizardStep, hint

_REFRESH: Final = 0.25


class TrialStep(WizardStep):
    """A few tokens are asked of each; leaving the step stops what still runs."""

    NUMBER = 3
    NAME = "whether they answer"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "again", "test again", id="wizard.again")]

    def compose_step(self) -> ComposeResult:
        yield hint("Each is asked for a few tokens. ⏎ goes on whatever comes of it; esc goes back.")
        with VerticalScroll():
            for number, name in enumerate(self.draft.chosen):
                with Horizontal():
                    yield Static(Content.styled(one_line(name), "bold"), classes="name")
                    yield Static(id=f"trial-{number}")

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft)
        self._asking: dict[str, tuple[float, Worker[None]]] = {}

    def on_mount(self) -> None:
        self._start([name for name in self.draft.chosen if name not in self.draft.tested])
        self.set_interval(_REFRESH, self._draw)
        self._draw()

    def _start(self, names: list[str]) -> None:
        for name in names:
            if name not in self._asking:
                worker = self.run_worker(self._ask(name), group=f"trial {name}")
                self._asking[name] = time.monotonic(), worker

    async def _ask(self, name: str) -> None:
        try:
            self.draft.tested[name] = await self.draft.ask(name)
        finally:
            self._asking.pop(name, None)
        self._draw()

    def action_again(self) -> None:
        """Test those that did not answer again, or all of them where all did."""
        failed = [name for name in self.draft.chosen if self.draft.answered(name) is False]
        again = failed or list(self.draft.chosen)
        for name in again:
            self.draft.tested.pop(name, None)
        self._start(again)
        self._draw()

    def _draw(self) -> None:
        for number, name in enumerate(self.draft.chosen):
            self.say(f"#trial-{number}", self._row(name))

    def _row(self, name: str) -> Content:
        tested = self.draft.tested.get(name)
        if tested is None:
            since = self._asking.get(name)
            return Content(f"◌ asked {0.0 if since is None else time.monotonic() - since[0]:.1f} s")
        report = tested.report
        if report.ok:
            took = report.latency_ms if report.ttft_ms is None else report.ttft_ms
            words = f"✓ answered, first token after {took / 1000:.2f} s"
            return Content.assemble((words, "$text-success"), f"  {one_line(report.model)}")
        return Content.assemble(
            (f"✗ {report.verdict.replace('_', ' ')}: {one_line(report.message)}", "$text-error"),
            f"\n→ {one_line(report.hint)}",
        )
