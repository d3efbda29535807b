"""How long a server wants to be left alone, and how far that is believed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from swebench_providers.types.errors import ErrorKind, ProviderError

PAUSED: Final = "paused"
"""The reason of an error that says: not sent, because of a pause too long to wait for."""

_LONGEST_SAID: Final = 366 * 86_400.0  # seconds; what a server says beyond that is no time

_OFTEN: Final = 60.0  # seconds; how often a server is asked at most whether it still means a pause


class Cooldown:
    """A pause of up to `longest` seconds is waited for by everybody.

    A longer one is not: whoever comes is told at once until when it lasts. Every `longest` seconds, and no more than
    once a minute, one request asks whether the server still means it; one that is accepted ends the pause. Times are
    monotonic seconds.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._ask_every = max(longest, _OFTEN)
        self.until = float("-inf")
        self._ask_at = float("-inf")
        self._asking = False

    def begin(self, seconds: float, now: float) -> None:
        """The server asks for so long. The longest of several holds."""
        self.until = max(self.until, now + min(seconds, _LONGEST_SAID))
        self._ask_at = max(self._ask_at, now + min(seconds, self._ask_every))

    def left(self, now: float) -> float:
        """Seconds until it is over; 0 when it is."""
        return max(0.0, self.until - now)

    def refuses(self, now: float) -> bool:
        """Whether it is too long to be waited for, and nobody's turn to ask."""
        return self.until - now > self._longest and (self._asking or now < self._ask_at)

    def wait(self, now: float) -> float:
        """Seconds until a request may go; 0 for the one that asks whether a long pause is still meant."""
        return 0.0 if self._due(now) and not self._asking else self.left(now)

    def asks(self, now: float) -> bool:
        """A request goes out: whether it is the one that asks. Ends with `asked`, and `lift` where it is accepted."""
        if self._asking or not self._due(now):
            return False
        self._asking = True
        self._ask_at = now + self._ask_every
        return True

    def asked(self) -> None:
        """The request that asked has ended."""
        self._asking = False

    def lift(self) -> None:
        """The server takes requests again."""
        self.until = self._ask_at = float("-inf")

    def refusal(self, name: str, now: float) -> ProviderError:
        """What is said to a request that does not go out."""
        left = self.left(now)
        until = datetime.now().astimezone() + timedelta(seconds=left)
        return ProviderError(
            ErrorKind.RATE_LIMITED,
            f"{name or 'the server'} asked not to be called again until {until:%Y-%m-%d %H:%M}, in {_in_words(left)}",
            hint="Choose another model or key to go on at once, or run it again then.",
            reason=PAUSED,
            retry_after=left,
        )

    def _due(self, now: float) -> bool:
        return self.until - now > self._longest and now >= self._ask_at


def _in_words(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    hours, days = minutes // 60, minutes // 1440
    if days >= 2:
        return f"{days} days"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
