"""A bucket never grants more than its rate allows, for any demands at any time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.policies.token_bucket import BURST_SECONDS, Bucket

demands = st.lists(st.tuples(st.floats(0, 30), st.floats(0.1, 400)), min_size=1, max_size=40)


@given(per_minute=st.floats(1, 100_000), demands=demands)
def test_any_span_takes_at_most_capacity_plus_inflow(per_minute: float, demands: list[tuple[float, float]]) -> None:
    bucket, now, taken = Bucket(per_minute, 0.0), 0.0, list[tuple[float, float]]()
    for pause, amount in demands:
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


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(-5, 30)),
        st.tuples(st.just("take"), st.floats(0.1, 100)),
        st.tuples(st.just("refund"), st.floats(0, 1)),
        st.tuples(st.just("resize"), st.floats(1, 3_000)),
        st.tuples(st.just("left"), st.floats(0, 200)),
    ),
    max_size=60,
)


@given(per_minute=st.floats(1, 3_000), happenings=steps)
def test_the_rate_holds_through_resizes_refunds_and_clock_changes(
    per_minute: float, happenings: list[tuple[str, float]]
) -> None:
    """Over every span of time: never more than the largest capacity and the fastest rate allow."""
    bucket, now, latest = Bucket(per_minute, 0.0), 0.0, 0.0
    rates, largest_bucket, largest = [per_minute], bucket.capacity, 0.0
    net: list[tuple[float, float]] = []  # when, and the amount taken less its refund
    for what, amount in happenings:
        match what:
            case "pass":
                now += amount
                latest = max(latest, now)
            case "take" if bucket.wait(amount, now) == 0:
                bucket.take(amount, now)
                net.append((latest, amount))
                largest = max(largest, amount)
            case "refund" if net:
                time, taken = net[-1]
                bucket.refund(taken * amount, now)
                net[-1] = (time, taken * (1 - amount))
            case "resize":
                bucket.resize(amount, now)
                rates.append(amount)
                largest_bucket = max(largest_bucket, bucket.capacity)
            case "left":
                bucket.cap_at(amount, now)
        assert bucket.level(now) <= bucket.capacity
    for start in range(len(net)):
        for end in range(start, len(net)):
            span = net[end][0] - net[start][0]
            allowed = max(largest_bucket, largest) + max(rates) / 60 * span
            assert sum(amount for _, amount in net[start : end + 1]) <= allowed * (1 + 1e-6) + 1e-6


def test_the_wait_includes_demands_ahead() -> None:
    bucket = Bucket(60, 0.0)
    assert bucket.wait(10, 0.0, ahead=25) == pytest.approx(25)
    assert bucket.wait(10, 0.0, ahead=0) == 0


def test_a_demand_above_the_capacity_leaves_a_debt() -> None:
    bucket = Bucket(60, 0.0)  # one a second, bursts of ten
    assert bucket.wait(25, 0.0) == 0
    bucket.take(25, 0.0)
    assert bucket.level(0.0) == -15
    assert bucket.wait(1, 0.0) == pytest.approx(16)


def test_a_refund_never_exceeds_the_capacity() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(8, 0.0)
    bucket.refund(5, 0.0)
    assert bucket.level(0.0) == 7
    bucket.refund(100, 0.0)
    assert bucket.level(0.0) == bucket.capacity == BURST_SECONDS


def test_a_resize_keeps_what_has_been_taken() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(4, 0.0)
    bucket.resize(120, 0.0)
    assert (bucket.capacity, bucket.level(0.0)) == (20, 16)
    bucket.cap_at(3, 0.0)
    assert bucket.level(0.0) == 3


def test_a_clock_that_goes_back_adds_nothing() -> None:
    bucket = Bucket(60, 10.0)
    bucket.take(10, 10.0)
    assert bucket.level(5.0) == 0
