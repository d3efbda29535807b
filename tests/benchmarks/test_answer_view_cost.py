"""The benchmark of `AnswerView` measures lines that are painted, and fails otherwise."""

from __future__ import annotations

import msgspec
import pytest

from swebench_tui.tui.answer import AnswerView
from tests.benchmarks.answer_view_cost import Measurement, main, measure
from tests.benchmarks.not_measured import NotMeasuredError


class DeafView(AnswerView):
    """A view that shows nothing."""

    def append(self, text: str) -> None:
        """Ignore it."""


def test_a_line_costs_no_more_in_a_long_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lines", "20,800", "--height", "10", "--json"]) == 0
    short, long = (msgspec.json.decode(line, type=Measurement) for line in capsys.readouterr().out.splitlines())
    assert (short.lines, long.lines) == (20, 800)
    assert long.view < 3 * short.view  # 1.1 on a quiet machine


async def test_lines_that_are_not_painted_are_not_measured() -> None:
    with pytest.raises(NotMeasuredError, match="DeafView does not show"):
        await measure(20, (60, 10), DeafView())


def test_a_figure_that_cannot_be_is_an_error() -> None:
    measured = Measurement(lines=1, log=2.0, view=2.0, idle=1.0, pieces=2.0, wrap=9.0)
    measured.check()
    with pytest.raises(NotMeasuredError):
        msgspec.structs.replace(measured, view=0.5).check()
