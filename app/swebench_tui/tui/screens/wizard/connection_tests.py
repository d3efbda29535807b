"""Step 3: test the connections of all chosen providers at once."""

from __future__ import annotations

import time
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from swebench_tui.services.providers import TestResult
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.providers.connection_tests import ConnectionTests
from swebench_tui.tui.screens.wizard.state import WizardState
from swebench_tui.tui.screens.wizard.step import WizardStep, hint

_REFRESH: Final = 0.25  # seconds


class ConnectionTestStep(WizardStep):
    """Sends a short request to each provider. Leaving the step cancels the tests that still run."""

    NUMBER = 3
    NAME = "Test connections"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "again", "test again", id="wizard.again")]

    def compose_step(self) -> ComposeResult:
        yield hint("A short request to each provider. Enter: continue, also after an error. Esc: back")
        with VerticalScroll():
            for number, name in enumerate(self.state.chosen):
                with Horizontal():
                    yield Static(Content.styled(one_line(name), "bold"), classes="name")
                    yield Static(id=f"test-{number}")

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self._tests = ConnectionTests(self, state.check, self._take_result, now=time.monotonic)

    def on_mount(self) -> None:
        self._start([name for name in self.state.chosen if name not in self.state.tests])
        self.set_interval(_REFRESH, self._draw)

    def _start(self, names: list[str]) -> None:
        for name in names:
            self._tests.start(name)
        self._draw()

    async def _take_result(self, name: str, result: TestResult) -> None:
        self.state.tests[name] = result
        self._draw()

    def action_again(self) -> None:
        """Repeat the failed tests, or all of them when none failed."""
        tests = self.state.tests
        failed = [name for name in self.state.chosen if name in tests and not tests[name].report.ok]
        repeated = failed or list(self.state.chosen)
        for name in repeated:
            tests.pop(name, None)
        self._start(repeated)

    def _draw(self) -> None:
        for number, name in enumerate(self.state.chosen):
            self.show(f"#test-{number}", self._row(name))

    def _row(self, name: str) -> Content:
        result = self.state.tests.get(name)
        if result is None:
            return Content(f"◌ testing {self._tests.elapsed(name) or 0.0:.1f} s")
        report = result.report
        if report.ok:
            took = report.latency_ms if report.ttft_ms is None else report.ttft_ms
            text = f"✓ connected, first token after {took / 1000:.2f} s"
            return Content.assemble((text, "$text-success"), f"  {one_line(report.model)}")
        return Content.assemble(
            (f"✗ {report.verdict.replace('_', ' ')}: {one_line(report.message)}", "$text-error"),
            f"\n→ {one_line(report.hint)}",
        )
