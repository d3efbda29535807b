"""The delay before a retry, from response headers in every known form (wire-contracts 6.3, 6.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_DURATION = re.compile(rf"(?:{_DURATION_PART.pattern})+")
_SECONDS_OF = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_EPOCH_SECONDS = 1e9  # a plain number this large is a date, not a delay
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
    """Seconds until a retry, None if the headers name no time. Names in `headers` are lower case; `now` is aware.

    `retry-after-ms` comes first, then `Retry-After`, then the latest reset of a limit that has nothing left.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    seconds = parse_delay(headers.get("retry-after", ""), now=now)
    if seconds is not None:
        return seconds
    delays = [parse_delay(headers[name], now=now) for name in _RESETS if name in headers and _is_used_up(headers, name)]
    return max((delay for delay in delays if delay), default=None)


def parse_delay(value: str, *, now: datetime) -> float | None:
    """Seconds from one header value: a number, a Go duration (`6m0s`), RFC 3339, an HTTP date, or an epoch time."""
    value = value.strip()
    number = _number(value)
    if number is not None:
        return _from_number(number, now)
    if _DURATION.fullmatch(value):
        return _finite(sum(float(amount) * _SECONDS_OF[unit] for amount, unit in _DURATION_PART.findall(value)))
    moment = _moment(value)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _number(value: str) -> float | None:
    try:
        return _finite(float(value))
    except ValueError:
        return None


def _finite(number: float) -> float | None:
    return number if 0 <= number < float("inf") else None  # -1 means unknown, as does what is not a number


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


def _is_used_up(headers: Mapping[str, str], reset: str) -> bool:
    """Whether nothing remains of the limit that this reset belongs to; assumed if the headers do not report it."""
    return _number(headers.get(reset.replace("reset", "remaining"), "0")) == 0
