"""What a screen wants to know of each provider: how fast, how reliable, how dear. Bounded in memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from swebench_providers.policies.breaker import BreakerStatistics
from swebench_providers.policies.limiter import Headroom
from swebench_providers.types.errors import ErrorKind, ProviderError

_KEPT: Final = 512
"""Measurements of which percentiles are taken: the latest."""


class Percentiles(msgspec.Struct, frozen=True):
    """Of the latest measurements, in milliseconds; None before the first."""

    p50: float | None
    p95: float | None
    p99: float | None


class ProviderHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A provider since the coordinator began.

    `succeeded` and `failed` are attempts; `success_rate` is None before the first has ended. `cost` is in USD and
    leaves out the `unpriced` attempts. `breakers` and `headroom` are by model, and by model and key.
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
    """Counts of one provider."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._succeeded = 0
        self._failed = 0
        self._retries = 0
        self._kinds: Counter[ErrorKind] = Counter()
        self._latency: deque[float] = deque(maxlen=_KEPT)
        self._first_token: deque[float] = deque(maxlen=_KEPT)
        self._cost = Decimal(0)
        self._unpriced = 0

    def succeeded(self, latency: float, first_token: float | None) -> None:
        """An attempt was answered; times are seconds from its request."""
        self._succeeded += 1
        self._latency.append(latency)
        if first_token is not None:
            self._first_token.append(first_token)

    def failed(self, error: ProviderError) -> None:
        self._failed += 1
        self._kinds[error.kind] += 1

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
            error_kinds=dict(self._kinds),
            cost=self._cost,
            unpriced=self._unpriced,
            breakers=breakers,
            headroom=headroom,
        )


def _percentiles(seconds: deque[float]) -> Percentiles:
    ordered = [1000 * value for value in sorted(seconds)]
    return Percentiles(_at(ordered, 0.5), _at(ordered, 0.95), _at(ordered, 0.99))


def _at(ordered: list[float], share: float) -> float | None:
    """The smallest measurement that at least `share` of them do not exceed."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * round(share * 100) // 100) - 1))]
