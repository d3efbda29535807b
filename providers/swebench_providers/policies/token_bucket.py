"""A token bucket, with time handed in: what may be taken now, and when more may be."""

from __future__ import annotations

from typing import Final

BURST_SECONDS: Final = 10.0
"""How much of a minute's limit may be taken at once. Providers check limits over spans shorter than a minute."""


class Bucket:
    """Over any span of `s` seconds at most `capacity + rate * s` is taken, or one larger demand from a full bucket.

    `per_minute` units flow in evenly, up to `BURST_SECONDS` worth of them and never less than one. A demand larger than
    that waits for a full bucket and leaves a debt, so that it is served at all. Times are monotonic seconds; after one
    that lies back nothing flows in until it is made up for.
    """

    def __init__(self, per_minute: float, now: float) -> None:
        self.per_minute = per_minute
        self._rate, self._capacity = _flow(per_minute)
        self._level = self._capacity
        self._at = now

    @property
    def capacity(self) -> float:
        """What a full bucket holds."""
        return self._capacity

    def level(self, now: float) -> float:
        """What is in it; negative while a debt is paid off."""
        self._fill(now)
        return self._level

    def wait(self, amount: float, now: float, *, ahead: float = 0.0) -> float:
        """Seconds until `amount` may be taken, after `ahead` has been; infinite where nothing flows in."""
        if now > self._at:
            self._fill(now)
        if amount + ahead <= self._level:
            return 0.0
        missing = min(self._capacity, amount) + ahead - self._level
        if missing <= 1e-9 * self._capacity:  # what rounding leaves is no reason to wait
            return 0.0
        return missing / self._rate if self._rate else float("inf")

    def take(self, amount: float, now: float) -> None:
        """Take it, whether or not it is there."""
        if now > self._at:
            self._fill(now)
        self._level -= amount

    def give_back(self, amount: float, now: float) -> None:
        """What was taken and not used. Never fills it beyond its capacity.

        A negative amount was used beyond what was taken. It leaves no larger debt than flows in within a minute: what
        was longer ago counts for no limit a minute.
        """
        self._fill(now)
        least = min(self._level, self._capacity - self.per_minute)
        self._level = max(least, min(self._capacity, self._level + amount))

    def resize(self, per_minute: float, now: float) -> None:
        """Another limit from now on; what has been taken stays taken."""
        self._fill(now)
        if per_minute == self.per_minute:
            return
        taken = self._capacity - self._level
        self.per_minute = per_minute
        self._rate, self._capacity = _flow(per_minute)
        self._level = self._capacity - taken

    def cap_at(self, remaining: float, now: float) -> None:
        """Somebody who knows better says that only so much is left."""
        self._fill(now)
        self._level = min(self._level, remaining)

    def _fill(self, now: float) -> None:
        if now > self._at:
            level = self._level + self._rate * (now - self._at)
            self._level = min(self._capacity, level)
            self._at = now


def _flow(per_minute: float) -> tuple[float, float]:
    """Units a second, and the most that stand ready."""
    rate = per_minute / 60
    return rate, max(1.0, rate * BURST_SECONDS) if per_minute else 0.0
