"""The benchmark of the policies measures calls in which every policy is at work, and fails otherwise."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from swebench_providers import Budget, Candidate, Policies, ProviderCoordinator
from tests.benchmarks.not_measured import NotMeasuredError
from tests.benchmarks.policies_cost import Measurement, StandIn, main, measure

Make = Callable[[int, Budget], ProviderCoordinator]


def test_a_small_run_measures_every_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calls", "30", "--rounds", "3", "--json"]) == 0
    one, hundred = (msgspec.json.decode(line, type=Measurement) for line in capsys.readouterr().out.splitlines())
    assert (one.pieces, hundred.pieces) == (1, 100)
    assert 1 < hundred.ratio < one.ratio < 30  # 9 and 4 on a quiet machine


def test_a_run_without_calls_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calls", "0", "--rounds", "1"]) == 1
    assert capsys.readouterr() == ("", "not measured: no calls were made\n")


def without_budget(pieces: int, budget: Budget) -> ProviderCoordinator:  # noqa: ARG001
    return ProviderCoordinator([Candidate(StandIn("first", pieces), "m")])


def without_limits(pieces: int, budget: Budget) -> ProviderCoordinator:
    return ProviderCoordinator([Candidate(StandIn("first", pieces), "m")], Policies(), budgets=[budget])


def of_another_provider(pieces: int, budget: Budget) -> ProviderCoordinator:
    return ProviderCoordinator([Candidate(StandIn("second", pieces), "m")], budgets=[budget])


def of_other_answers(pieces: int, budget: Budget) -> ProviderCoordinator:
    return ProviderCoordinator([Candidate(StandIn("first", pieces + 1), "m")], budgets=[budget])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (without_budget, "the budget has spent 0 for 4 calls"),
        (without_limits, "1 keys have limits"),
        (of_another_provider, "of 4 calls 0 are in the statistics"),
        (of_other_answers, "an answer is not of 2 pieces"),
    ],
)
async def test_a_coordinator_without_a_policy_is_not_measured(make: Make, message: str) -> None:
    with pytest.raises(NotMeasuredError, match=message):
        await measure(pieces=2, calls=4, rounds=1, make=make)


@pytest.mark.parametrize(("bare", "guarded"), [(0.0, 9.0), (5.0, 4.0)])
def test_an_impossible_figure_is_an_error(bare: float, guarded: float) -> None:
    with pytest.raises(NotMeasuredError):
        Measurement(pieces=1, bare=bare, guarded=guarded).check()
