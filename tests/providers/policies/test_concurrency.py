"""The limit on parallel requests grows with successes and falls when a server refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.policies.concurrency import AdaptiveConcurrency, ConcurrencySettings


def good_round(limit: AdaptiveConcurrency, now: float = 0.0) -> None:
    for _ in range(limit.limit):
        limit.succeeded(limit.limit, now)


def test_it_doubles_until_the_first_refusal_then_grows_slowly() -> None:
    limit = AdaptiveConcurrency(ConcurrencySettings(start=10, least=4, most=1000))
    good_round(limit)
    good_round(limit)
    assert limit.limit == 40
    limit.refused(0.0)
    assert limit.limit == 32
    good_round(limit)
    assert limit.limit == 33


def test_one_wave_of_refusals_is_one_episode() -> None:
    limit = AdaptiveConcurrency(ConcurrencySettings(start=100))
    for now in (0.0, 1.0, 14.0):
        limit.refused(now)
    assert limit.limit == 80
    limit.refused(15.0)
    assert limit.limit == 64


def test_12_a_long_cooldown_does_not_freeze_the_limit() -> None:
    limit = AdaptiveConcurrency(ConcurrencySettings(start=100))
    limit.refused(0.0)
    limit.refused(600.0)  # the cooldown was ten minutes long, and the next refusal counts all the same
    assert limit.limit == 64


def test_an_unused_limit_or_a_recent_fault_stops_growth() -> None:
    limit = AdaptiveConcurrency(ConcurrencySettings(start=10))
    for _ in range(50):
        limit.succeeded(3, 0.0)
    assert limit.limit == 10
    limit.faulted(0.0)
    good_round(limit, now=1.0)
    assert limit.limit == 10
    good_round(limit, now=20.0)
    assert limit.limit == 20


def test_a_maximum_below_the_default_minimum_applies() -> None:
    limit = AdaptiveConcurrency(ConcurrencySettings(most=2))
    limit.refused(0.0)
    limit.refused(60.0)
    assert limit.limit == 2


def test_a_clock_that_goes_back_freezes_nothing() -> None:
    limit = AdaptiveConcurrency(ConcurrencySettings(start=100, most=1_000))
    limit.refused(1_000.0)
    limit.refused(10.0)
    assert limit.limit == 64
    limit.faulted(1_000.0)
    good_round(limit, now=10.0)
    assert limit.limit > 64


@pytest.mark.parametrize("bound", ["least", "most"])
def test_a_bound_that_lets_nothing_through_is_refused(bound: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ConcurrencySettings(**{bound: 0})


@given(st.lists(st.tuples(st.sampled_from(["good", "refused", "fault"]), st.floats(0, 60)), max_size=200))
def test_it_stays_within_its_bounds(happenings: list[tuple[str, float]]) -> None:
    limit, now = AdaptiveConcurrency(ConcurrencySettings(start=6, least=2, most=9)), 0.0
    for what, pause in happenings:
        now += pause
        match what:
            case "good":
                limit.succeeded(limit.limit, now)
            case "refused":
                limit.refused(now)
            case _:
                limit.faulted(now)
        assert 2 <= limit.limit <= 9
