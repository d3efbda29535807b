"""Statistics of each provider: speed, reliability, cost. Bounded in memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from swebench_providers.policies.breaker import BreakerStatistics
from swebench_providers.policies.limiter import Headroom
from swebench_providers.policies.observer import Outcome
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Attempt
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.usage import Charge

_MAX_SAMPLES: Final = 512
"""The latest measurements, from which percentiles are computed."""


class Percentiles(msgspec.Struct, frozen=True):
    """Percentiles of the latest measurements, in milliseconds; None before the first."""

    p50: float | None
    p95: float | None
    p99: float | None


class ProviderHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of a provider since its first request.

    `succeeded` and `failed` are attempts; `success_rate` is None before the first has ended. `cost` is in USD and
    excludes the `unpriced` attempts. `breakers` are by model, `headroom` by model and key.
    """

    in_flight: int
    succeeded: int
    failed: int
    retries: int
    success_rate: float | None
    latency: Percentiles
    first_token: Percentiles
    error_kinds: Mapping[ErrorKind, int]
    cost: Decimal
    unpriced: int
    breakers: Mapping[str, BreakerStatistics] = {}
    headroom: Mapping[str, Headroom] = {}


class Statistics:
    """The counts of one provider."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._succeeded = 0
        self._failed = 0
        self._retries = 0
        self._error_kinds: Counter[ErrorKind] = Counter()
        self._latency: deque[float] = deque(maxlen=_MAX_SAMPLES)
        self._first_token: deque[float] = deque(maxlen=_MAX_SAMPLES)
        self._cost = Decimal(0)
        self._unpriced = 0

    def succeeded(self, latency: float, first_token: float | None) -> None:
        """Count a successful attempt; times are seconds after its start."""
        self._succeeded += 1
        self._latency.append(latency)
        if first_token is not None:
            self._first_token.append(first_token)

    def failed(self, error: ProviderError) -> None:
        self._failed += 1
        self._error_kinds[error.kind] += 1

    def retried(self) -> None:
        self._retries += 1

    def charged(self, amount: Decimal | None) -> None:
        if amount is None:
            self._unpriced += 1
        else:
            self._cost += amount

    def health(self, breakers: Mapping[str, BreakerStatistics], headroom: Mapping[str, Headroom]) -> ProviderHealth:
        ended = self._succeeded + self._failed
        return ProviderHealth(
            in_flight=self.in_flight,
            succeeded=self._succeeded,
            failed=self._failed,
            retries=self._retries,
            success_rate=self._succeeded / ended if ended else None,
            latency=_percentiles(self._latency),
            first_token=_percentiles(self._first_token),
            error_kinds=dict(self._error_kinds),
            cost=self._cost,
            unpriced=self._unpriced,
            breakers=breakers,
            headroom=headroom,
        )


class StatisticsObserver:
    """An observer that counts the attempts and charges of each provider."""

    def __init__(self) -> None:
        self.providers: dict[str, Statistics] = {}

    def statistics(self, provider: str) -> Statistics:
        """The counts of a provider, all 0 before its first attempt."""
        found = self.providers.get(provider)
        if found is None:
            found = self.providers[provider] = Statistics()
        return found

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:  # noqa: ARG002 - the same for every request
        self.statistics(attempt.provider).in_flight += 1

    def ended(self, outcome: Outcome) -> None:
        statistics = self.statistics(outcome.attempt.provider)
        statistics.in_flight -= 1
        if outcome.retry:
            statistics.retried()
        if outcome.error is not None:
            statistics.failed(outcome.error)
        elif outcome.finished is not None:
            statistics.succeeded(outcome.ended - outcome.began, outcome.first_token)

    def charged(self, charge: Charge) -> None:
        if charge.provider:
            self.statistics(charge.provider).charged(charge.amount)


def _percentiles(seconds: deque[float]) -> Percentiles:
    ordered = [1000 * value for value in sorted(seconds)]
    return Percentiles(_percentile(ordered, 0.5), _percentile(ordered, 0.95), _percentile(ordered, 0.99))


def _percentile(ordered: list[float], share: float) -> float | None:
    """The smallest measurement that at least `share` of them do not exceed."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * round(share * 100) // 100) - 1))]
