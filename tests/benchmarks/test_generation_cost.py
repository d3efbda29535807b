"""The benchmark of generations measures something, and its figures stay within bounds."""

from __future__ import annotations

import msgspec
import pytest

from tests.benchmarks.generation_cost import Measurement, NotMeasuredError, Stream, measure


async def test_a_generation_costs_little_more_than_the_accumulator() -> None:
    measured = await measure(tokens=300, answers=10, rounds=5)
    measured.check()
    assert measured.generation < 4 * measured.accumulator  # 2.2 on a quiet machine
    assert measured.kept < 4 * measured.text  # 1.4 for so short an answer


async def test_a_stream_of_other_tokens_is_not_measured() -> None:
    with pytest.raises(NotMeasuredError, match="an answer of"):
        await measure(tokens=10, answers=1, rounds=1, source=Stream(3))


@pytest.mark.parametrize("changes", [{"generation": 0.0}, {"kept": 10.0}])
def test_a_figure_that_stands_for_nothing_is_an_error(changes: dict[str, float]) -> None:
    measured = Measurement(tokens=10, accumulator=1.0, generation=1.0, column=1.0, kept=200.0, text=100)
    measured.check()
    with pytest.raises(NotMeasuredError):
        msgspec.structs.replace(measured, **changes).check()
