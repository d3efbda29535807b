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
    """Requests at once: the number to start with, and the bounds. `start == least == most` fixes it."""

    start: int = 20
    least: int = 4
    most: int = 100


class AdaptiveConcurrency:
    """A limit that learns. Times are monotonic seconds."""

    def __init__(self, settings: ConcurrencySettings | None = None) -> None:
        settings = settings or ConcurrencySettings()
        self._least, self._most = settings.least, settings.most
        self._limit = float(min(max(settings.start, settings.least), settings.most))
        self._slow_start = True
        self._good = 0
        self._fell_at = float("-inf")
        self._fault_at = float("-inf")

    @property
    def limit(self) -> int:
        return int(self._limit)

    def succeeded(self, in_flight: int, now: float) -> None:
        """A request was answered while `in_flight`, itself included, were running."""
        if in_flight < self._limit * _IN_USE or now - self._fault_at < _CALM_AFTER_FAULT:
            return
        self._good += 1
        if self._good >= self._limit:  # as many as fit at once have gone well: a round
            self._good = 0
            grown = self._limit * 2 if self._slow_start else max(self._limit * _GROWTH, self._limit + 1)
            self._limit = min(float(self._most), grown)

    def refused(self, now: float) -> None:
        """A server said that there were too many. Of one wave of refusals the first counts."""
        self._slow_start = False
        self._good = 0
        if now - self._fell_at >= _ONE_EPISODE:
            self._fell_at = now
            self._limit = max(float(self._least), self._limit * _FALL)

    def faulted(self, now: float) -> None:
        """A server failed: no time to grow, and no proof that there were too many."""
        self._good = 0
        self._fault_at = now
