"""The time during which a server asks not to be called, from `Retry-After`, and when it is probed.

A cooldown of up to `max_wait` seconds is waited out by every request. A longer one is not: requests fail at once with
the time at which it ends. Every `max_wait` seconds, and at most once a minute, one request goes out as a probe whether
the cooldown still applies; an answer to it clears the cooldown.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from swebench_providers.types.errors import ErrorKind, ProviderError

PAUSED: Final = "paused"
"""The `reason` of the error of a request that was not sent because of a cooldown longer than `max_wait`."""

_LONGEST: Final = 366 * 86_400.0  # seconds; a server that names more than a year means no time
_PROBE_INTERVAL: Final = 60.0  # seconds between probes, at least


class Cooldown:
    """The cooldown of one limiter. Times are monotonic seconds."""

    def __init__(self, max_wait: float) -> None:
        self.max_wait = max_wait
        self.until = float("-inf")
        self._probe_at = float("-inf")
        self._probing = False

    def start(self, seconds: float, now: float) -> None:
        """Extend the cooldown to at least `seconds` from now."""
        self.until = max(self.until, now + min(seconds, _LONGEST))
        self._probe_at = max(self._probe_at, now + min(seconds, self._probe_interval))

    def remaining(self, now: float) -> float:
        """Seconds until it ends; 0 when there is none."""
        return max(0.0, self.until - now)

    def blocks(self, now: float) -> bool:
        """Whether it is too long to wait for and no probe is due."""
        return self.until - now > self.max_wait and (self._probing or now < self._probe_at)

    def wait(self, now: float) -> float:
        """Seconds until a request may go out; 0 for the probe of a long cooldown."""
        return 0.0 if self._probe_due(now) and not self._probing else self.remaining(now)

    def begin_probe(self, now: float) -> bool:
        """Whether the request that goes out now is the probe. If so, `end_probe` follows when it has ended."""
        if self._probing or not self._probe_due(now):
            return False
        self._probing = True
        self._probe_at = now + self._probe_interval
        return True

    def end_probe(self) -> None:
        """The probe has ended, successful or not."""
        self._probing = False

    def clear(self) -> None:
        """End the cooldown: the server takes requests again."""
        self.until = self._probe_at = float("-inf")

    def error(self, provider: str, now: float) -> ProviderError:
        """The error of a request that the cooldown blocks."""
        remaining = self.remaining(now)
        until = datetime.now().astimezone() + timedelta(seconds=remaining)
        return ProviderError(
            ErrorKind.RATE_LIMITED,
            f"{provider or 'the server'} accepts no requests until {until:%Y-%m-%d %H:%M}, in {_duration(remaining)}",
            hint="Use another model or key, or try again after that time.",
            reason=PAUSED,
            retry_after=remaining,
        )

    @property
    def _probe_interval(self) -> float:
        return max(self.max_wait, _PROBE_INTERVAL)

    def _probe_due(self, now: float) -> bool:
        return self.until - now > self.max_wait and now >= self._probe_at


def _duration(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    hours, days = minutes // 60, minutes // 1440
    if days >= 2:
        return f"{days} days"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
