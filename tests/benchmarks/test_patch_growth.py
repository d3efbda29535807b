"""The work of the patch ladder grows with the answer, whatever its shape; its benchmark judges what it measures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest

from swebench_tui.bench.patches import judge
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from tests.benchmarks.not_measured import NotMeasuredError
from tests.benchmarks.patch_growth import SHAPES, Measurement, main, measure, repository

LADDER = str(Path("bench", "patches"))
SIZE = 6_000  # characters; four times as many are below the limits on fences, hunks and blocks


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    with repository(scale=0.2) as folder:
        yield folder


def steps(answer: str, folder: Path) -> int:
    """The lines of the ladder's code that run for an answer: the same on every machine."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001
        nonlocal count
        count += event == "line"
        return trace if LADDER in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        judge(answer, snapshot=FolderSnapshot(folder))
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_the_steps_of_the_ladder_grow_with_the_answer(shape: str, checkout: Path) -> None:
    one, two, four = (steps(SHAPES[shape](size), checkout) for size in (SIZE, 2 * SIZE, 4 * SIZE))
    # Linear: the second difference is twice the first one. Quadratic: four times. Limits may make the first one small.
    assert four - two <= 2.8 * max(two - one, two / 2) + 500, (one, two, four)


def test_a_small_run_measures_time_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--megabytes", "0.05", "--shape", "hunks that fit", "--shape", "prose", "--json"]) == 0
    hunks, prose = (msgspec.json.decode(line, type=Measurement) for line in capsys.readouterr().out.splitlines())
    assert (hunks.result, prose.result) == ("applies", "no_patch prose_only")
    assert 0 < prose.seconds[2] < hunks.seconds[2]
    assert prose.memory < hunks.memory
    assert hunks.growth == hunks.seconds[2] / hunks.seconds[0]


def test_an_answer_of_another_size_is_not_measured(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, "short", lambda _: "x")
    with pytest.raises(NotMeasuredError, match="an answer of 1 characters"):
        measure("short", 0.1, checkout)
    monkeypatch.setitem(SHAPES, "unchecked", lambda size: "```diff\n" + SHAPES["hunks that fit"](size)[8:])
    with pytest.raises(NotMeasuredError, match="unchecked"):
        measure("unchecked", 0.05, checkout / "missing")
