"""An adaptive limit on parallel requests, found by probing as TCP congestion control finds a window.

Slow start: the limit doubles with every round of successes until the first 429. After that it is AIMD: a round adds a
twentieth, a refusal takes a fifth. A cooldown that the server asks for does not stop this clock: a second refusal after
a long cooldown still lowers the limit.
"""

from __future__ import annotations

from typing import Final

import msgspec

_GROWTH: Final = 1.05
_DECREASE: Final = 0.8
_EPISODE: Final = 15.0  # seconds within which further refusals have the same cause
_NO_GROWTH_AFTER_FAULT: Final = 15.0  # seconds
_IN_USE: Final = 0.8  # share of the limit; one that is not reached cannot be shown to be too low


class ConcurrencySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Parallel requests: the initial limit and its bounds. `start == least == most` makes it fixed.

    `most` wins over a larger `least`. Raises `ValueError` for a bound below 1, which would let nothing through.
    """

    start: int = 20
    least: int = 4
    most: int = 100

    def __post_init__(self) -> None:
        if min(self.least, self.most) < 1:
            raise ValueError("the bounds of the concurrency must be at least 1")


class AdaptiveConcurrency:
    """The limit of one endpoint. Times are monotonic seconds; a clock that went back ends an episode."""

    def __init__(self, settings: ConcurrencySettings | None = None) -> None:
        settings = settings or ConcurrencySettings()
        self._maximum = float(settings.most)
        self._minimum = min(float(settings.least), self._maximum)
        self._limit = min(max(float(settings.start), self._minimum), self._maximum)
        self.limit = int(self._limit)
        self._slow_start = True
        self._successes = 0
        self._decreased_at = float("-inf")
        self._fault_at = float("-inf")

    def cap_at(self, maximum: float) -> None:
        """Lower the upper bound."""
        self._maximum = min(self._maximum, maximum)
        self._minimum = min(self._minimum, self._maximum)
        self._set(min(self._limit, self._maximum))

    def succeeded(self, in_flight: int, now: float) -> None:
        """Record a success while `in_flight` requests, itself included, were running."""
        if in_flight < self._limit * _IN_USE or 0 <= now - self._fault_at < _NO_GROWTH_AFTER_FAULT:
            return
        self._successes += 1
        if self._successes >= self._limit:  # a round: as many successes as fit in parallel
            self._successes = 0
            grown = self._limit * 2 if self._slow_start else max(self._limit * _GROWTH, self._limit + 1)
            self._set(min(self._maximum, grown))

    def refused(self, now: float) -> None:
        """Record a 429. Only the first of an episode lowers the limit."""
        self._slow_start = False
        self._successes = 0
        if not 0 <= now - self._decreased_at < _EPISODE:
            self._decreased_at = now
            self._set(max(self._minimum, self._limit * _DECREASE))

    def faulted(self, now: float) -> None:
        """Record a server fault: it stops growth, but is no evidence of too many requests."""
        self._successes = 0
        self._fault_at = now

    def _set(self, limit: float) -> None:
        self._limit, self.limit = limit, int(limit)
