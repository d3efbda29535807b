"""How many requests may run at once: found out by trying, as TCP finds out how much fits through a line.

Doubles with every round that went well until the first refusal, then grows by a twentieth a round and falls by a fifth
with each refusal. The pause that a server asks for is not this clock's business: it would keep the limit from falling
for a second refusal that comes after a long pause.
"""

from __future__ import annotations

from typing import Final

import msgspec

_GROWTH: Final = 1.05
_FALL: Final = 0.8
_ONE_EPISODE: Final = 15.0  # seconds in which further refusals are the same trouble
_CALM_AFTER_FAULT: Final = 15.0
_IN_USE: Final = 0.8  # a limit that is not used up cannot be shown to be too low


class ConcurrencySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Requests at once: the number to start with, and the bounds. `start == least == most` fixes it.

    `most` holds where `least` is above it. `ValueError` for a bound below 1: nothing would ever be let through.
    """

    start: int = 20
    least: int = 4
    most: int = 100

    def __post_init__(self) -> None:
        if min(self.least, self.most) < 1:
            raise ValueError("at least one request at once has to be let through")


class AdaptiveConcurrency:
    """A limit that learns. Times are monotonic seconds; one that went back ends an episode."""

    def __init__(self, settings: ConcurrencySettings | None = None) -> None:
        settings = settings or ConcurrencySettings()
        self._most = float(settings.most)
        self._least = min(float(settings.least), self._most)
        self._limit = min(max(float(settings.start), self._least), self._most)
        self.limit = int(self._limit)
        self._slow_start = True
        self._good = 0
        self._fell_at = float("-inf")
        self._fault_at = float("-inf")

    def succeeded(self, in_flight: int, now: float) -> None:
        """A request was answered while `in_flight`, itself included, were running."""
        if in_flight < self._limit * _IN_USE or 0 <= now - self._fault_at < _CALM_AFTER_FAULT:
            return
        self._good += 1
        if self._good >= self._limit:  # as many as fit at once have gone well: a round
            self._good = 0
            grown = self._limit * 2 if self._slow_start else max(self._limit * _GROWTH, self._limit + 1)
            self._set(min(self._most, grown))

    def refused(self, now: float) -> None:
        """A server said that there were too many. Of one wave of refusals the first counts."""
        self._slow_start = False
        self._good = 0
        if not 0 <= now - self._fell_at < _ONE_EPISODE:
            self._fell_at = now
            self._set(max(self._least, self._limit * _FALL))

    def faulted(self, now: float) -> None:
        """A server failed: no time to grow, and no proof that there were too many."""
        self._good = 0
        self._fault_at = now

    def _set(self, limit: float) -> None:
        self._limit, self.limit = limit, int(limit)
