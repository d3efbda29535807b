"""A bucket never gives more than its rate allows, whatever is asked of it and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.policies.token_bucket import BURST_SECONDS, Bucket

demands = st.lists(st.tuples(st.floats(0, 30), st.floats(0.1, 400)), min_size=1, max_size=40)


@given(per_minute=st.floats(1, 100_000), asked=demands)
def test_over_any_span_no_more_is_taken_than_flows_in_and_stands_ready(
    per_minute: float, asked: list[tuple[float, float]]
) -> None:
    bucket, now, taken = Bucket(per_minute, 0.0), 0.0, list[tuple[float, float]]()
    for pause, amount in asked:
        now += pause
        now += bucket.wait(amount, now)
        assert bucket.wait(amount, now) <= 1e-6
        bucket.take(amount, now)
        taken.append((now, amount))
    for start in range(len(taken)):
        for end in range(start, len(taken)):
            span = taken[end][0] - taken[start][0]
            total = sum(amount for _, amount in taken[start : end + 1])
            largest = max(amount for _, amount in taken[start : end + 1])
            assert total <= (max(bucket.capacity, largest) + per_minute / 60 * span) * (1 + 1e-6) + 1e-6


def test_a_demand_larger_than_the_bucket_is_served_from_a_full_one_and_paid_off() -> None:
    bucket = Bucket(60, 0.0)  # one a second, ten at once
    assert bucket.wait(25, 0.0) == 0
    bucket.take(25, 0.0)
    assert bucket.level(0.0) == -15
    assert bucket.wait(1, 0.0) == pytest.approx(16)


def test_what_was_not_used_comes_back_and_never_overfills() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(8, 0.0)
    bucket.give_back(5, 0.0)
    assert bucket.level(0.0) == 7
    bucket.give_back(100, 0.0)
    assert bucket.level(0.0) == bucket.capacity == BURST_SECONDS


def test_another_limit_keeps_what_has_been_taken() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(4, 0.0)
    bucket.resize(120, 0.0)
    assert (bucket.capacity, bucket.level(0.0)) == (20, 16)
    bucket.no_more_than(3, 0.0)
    assert bucket.level(0.0) == 3


def test_time_never_runs_backwards_for_it() -> None:
    bucket = Bucket(60, 10.0)
    bucket.take(10, 10.0)
    assert bucket.level(5.0) == 0
