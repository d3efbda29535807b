"""When a server says to come back: every form in which it says so (api-contracts 6.3, 6.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_DURATION = re.compile(rf"(?:{_DURATION_PART.pattern})+")
_SECONDS_OF = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_EPOCH_SECONDS = 1e9  # a plain number this large is a date, not a wait
_EPOCH_MILLISECONDS = 1e12
_RESETS = (
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-reset",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-reset",
    "x-ratelimit-reset",
)


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds to wait, None when the headers name no time. Names in `headers` are lower case; `now` is aware.

    `retry-after-ms` wins, then `Retry-After`; else the latest reset of a limit that the headers call used up.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    named = parse_delay(headers.get("retry-after", ""), now=now)
    if named is not None:
        return named
    waits = [parse_delay(headers[name], now=now) for name in _RESETS if name in headers and _used_up(headers, name)]
    return max((seconds for seconds in waits if seconds), default=None)


def parse_delay(value: str, *, now: datetime) -> float | None:
    """Seconds from one header value: a number, a Go duration (`6m0s`), RFC 3339, an HTTP date, or an epoch time."""
    value = value.strip()
    number = _number(value)
    if number is not None:
        return _from_number(number, now)
    if _DURATION.fullmatch(value):
        return _known(sum(float(amount) * _SECONDS_OF[unit] for amount, unit in _DURATION_PART.findall(value)))
    moment = _moment(value)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _number(value: str) -> float | None:
    try:
        return _known(float(value))
    except ValueError:
        return None


def _known(number: float) -> float | None:
    return number if 0 <= number < float("inf") else None  # -1 means unknown, and so does what is no number


def _from_number(number: float, now: datetime) -> float:
    if number >= _EPOCH_MILLISECONDS:
        number /= 1000
    return max(0.0, number - now.timestamp()) if number >= _EPOCH_SECONDS else number


def _moment(value: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(value)
        except (ValueError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _used_up(headers: Mapping[str, str], reset: str) -> bool:
    """Whether the limit this reset belongs to has nothing left; where the headers do not say, assume it."""
    return _number(headers.get(reset.replace("reset", "remaining"), "0")) == 0
