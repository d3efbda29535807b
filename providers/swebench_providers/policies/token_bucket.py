"""A token bucket without a clock of its own: how much may be taken now, and when more may be."""

from __future__ import annotations

from typing import Final

BURST_SECONDS: Final = 10.0
"""How much of a minute's limit may be taken in one burst. Providers check limits over spans shorter than a minute."""


class Bucket:
    """Over any span of `s` seconds at most `capacity + rate * s` is taken, or one larger demand from a full bucket.

    `per_minute` units flow in evenly. The capacity is `BURST_SECONDS` worth of them, but at least one. A demand larger
    than the capacity waits for a full bucket and leaves a debt, so that it is served at all. Times are monotonic
    seconds; when the clock goes back, nothing flows in until it has caught up.
    """

    __slots__ = ("_capacity", "_level", "_rate", "_updated_at", "per_minute")

    def __init__(self, per_minute: float, now: float) -> None:
        self.per_minute = per_minute
        self._rate, self._capacity = _rate_and_capacity(per_minute)
        self._level = self._capacity
        self._updated_at = now

    @property
    def capacity(self) -> float:
        """The level of a full bucket."""
        return self._capacity

    def level(self, now: float) -> float:
        """What is available; negative while there is a debt."""
        self._refill(now)
        return self._level

    def wait(self, amount: float, now: float, *, ahead: float = 0.0) -> float:
        """Seconds until `amount` may be taken, after `ahead` has been; infinite when nothing flows in."""
        if amount + ahead <= self._level:  # what has flowed in since can only add to it
            return 0.0
        self._refill(now)
        if amount + ahead <= self._level:
            return 0.0
        missing = min(self._capacity, amount) + ahead - self._level
        if missing <= 1e-9 * self._capacity:  # a rounding error is no reason to wait
            return 0.0
        return missing / self._rate if self._rate else float("inf")

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, whether or not it is available."""
        if now > self._updated_at:
            self._refill(now)
        self._level -= amount

    def refund(self, amount: float, now: float) -> None:
        """Put back what was taken and not used, up to the capacity.

        A negative amount was used beyond what was taken. It leaves no larger debt than flows in within a minute: what
        was used longer ago counts for no limit per minute.
        """
        if now > self._updated_at:
            self._refill(now)
        level = self._level + amount
        if amount < 0:
            level = max(level, min(self._level, self._capacity - self.per_minute))
        self._level = min(self._capacity, level)

    def resize(self, per_minute: float, now: float) -> None:
        """Change the limit; what has been taken stays taken."""
        self._refill(now)
        if per_minute == self.per_minute:
            return
        taken = self._capacity - self._level
        self.per_minute = per_minute
        self._rate, self._capacity = _rate_and_capacity(per_minute)
        self._level = self._capacity - taken

    def cap_at(self, remaining: float, now: float) -> None:
        """Lower the level to what the server reports as remaining."""
        self._refill(now)
        self._level = min(self._level, remaining)

    def _refill(self, now: float) -> None:
        if now > self._updated_at:
            level = self._level + self._rate * (now - self._updated_at)
            self._level = min(self._capacity, level)
            self._updated_at = now


def _rate_and_capacity(per_minute: float) -> tuple[float, float]:
    """Units per second, and the most that can be available."""
    rate = per_minute / 60
    return rate, max(1.0, rate * BURST_SECONDS) if per_minute else 0.0
