"""The statistics of a provider count each of its attempts exactly once, and are bounded in memory."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ProviderError
from swebench_providers.policies.statistics import Percentiles, ProviderHealth, Statistics
from tests.providers.policies.fake_streamer import error

KEPT = 512
seconds = st.integers(0, 10**10).map(lambda microseconds: microseconds / 1e6)


def health(statistics: Statistics) -> ProviderHealth:
    return statistics.health({}, {})


def nearest_rank(values: list[float], percent: int) -> float:
    """The definition: the smallest value that at least `percent` of all do not exceed."""
    return next(
        value for value in sorted(values) if 100 * sum(other <= value for other in values) >= percent * len(values)
    )


def test_before_the_first_attempt_rates_are_unknown_not_zero() -> None:
    known = health(Statistics())
    nothing = Percentiles(None, None, None)
    assert (known.success_rate, known.latency, known.first_token) == (None, nothing, nothing)
    assert (known.cost, known.unpriced, known.error_kinds) == (Decimal(0), 0, {})


@given(st.lists(seconds, min_size=1, max_size=200))
def test_percentiles_are_the_nearest_rank_in_milliseconds(latencies: list[float]) -> None:
    statistics = Statistics()
    for latency in latencies:
        statistics.succeeded(latency, latency / 2)
    snapshot = health(statistics)
    for percent, latency, first in zip(
        (50, 95, 99), _values(snapshot.latency), _values(snapshot.first_token), strict=True
    ):
        assert math.isclose(latency, 1000 * nearest_rank(latencies, percent))
        assert math.isclose(first, 500 * nearest_rank(latencies, percent))


@given(st.lists(seconds, min_size=1, max_size=60))
def test_percentiles_are_ascending_measurements_independent_of_order(latencies: list[float]) -> None:
    forwards, backwards = Statistics(), Statistics()
    for latency in latencies:
        forwards.succeeded(latency, None)
    for latency in reversed(latencies):
        backwards.succeeded(latency, None)
    values = _values(health(forwards).latency)
    assert values == sorted(values)
    assert set(values) <= {1000 * latency for latency in latencies}
    assert values == _values(health(backwards).latency)
    assert health(forwards).first_token.p50 is None


def _values(percentiles: Percentiles) -> list[float]:
    known = [percentiles.p50, percentiles.p95, percentiles.p99]
    assert None not in known
    return [value for value in known if value is not None]


def test_percentiles_use_a_bounded_number_of_latest_measurements() -> None:
    statistics = Statistics()
    for _ in range(10 * KEPT):
        statistics.succeeded(100.0, 50.0)
    for _ in range(KEPT):
        statistics.succeeded(1.0, 0.5)
    snapshot = health(statistics)
    assert (snapshot.latency, snapshot.first_token) == (Percentiles(1000, 1000, 1000), Percentiles(500, 500, 500))
    assert snapshot.succeeded == 11 * KEPT


@given(st.lists(st.one_of(st.just("fine"), st.sampled_from(ErrorKind))))
def test_every_attempt_is_counted_once_by_its_outcome(endings: list[str]) -> None:
    statistics = Statistics()
    for ending in endings:
        if isinstance(ending, ErrorKind):
            statistics.failed(error(ending))
        else:
            statistics.succeeded(1.0, None)
    snapshot, fine = health(statistics), endings.count("fine")
    assert (snapshot.succeeded, snapshot.failed) == (fine, len(endings) - fine)
    assert snapshot.error_kinds == Counter(ending for ending in endings if isinstance(ending, ErrorKind))
    assert snapshot.success_rate == (fine / len(endings) if endings else None)


def test_an_unknown_cost_is_counted_as_unpriced_not_zero() -> None:
    statistics = Statistics()
    for amount in (Decimal("0.1"), None, Decimal("0.2")):
        statistics.charged(amount)
    assert (health(statistics).cost, health(statistics).unpriced) == (Decimal("0.3"), 1)


def test_a_snapshot_does_not_change_later() -> None:
    statistics = Statistics()
    statistics.failed(ProviderError(ErrorKind.TIMEOUT, "slow", hint="Wait."))
    before = health(statistics)
    statistics.failed(error(ErrorKind.TIMEOUT))
    assert before.error_kinds == {ErrorKind.TIMEOUT: 1}
