"""What a server's headers say of its rate limits, in every dialect (api-contracts 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from swebench_providers.http.retry_after import parse_delay
from swebench_providers.types.limits import Dimension, ServerLimit

_SECONDS_A_MINUTE: Final = 60.0


class _Names(msgspec.Struct, frozen=True):
    """The headers of one limit in one dialect."""

    dimension: Dimension
    limit: str
    remaining: str
    reset: str


def _openai(dimension: Dimension) -> _Names:
    return _Names(dimension, *(f"x-ratelimit-{part}-{dimension}" for part in ("limit", "remaining", "reset")))


def _anthropic(dimension: Dimension) -> _Names:
    name = dimension.replace("_", "-")
    return _Names(dimension, *(f"anthropic-ratelimit-{name}-{part}" for part in ("limit", "remaining", "reset")))


_DIALECTS: Final = (
    _openai("requests"),
    _openai("tokens"),
    _anthropic("requests"),
    _anthropic("tokens"),
    _anthropic("input_tokens"),
    _anthropic("output_tokens"),
    _Names("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)


def parse_rate_limits(headers: Mapping[str, str], *, now: datetime) -> tuple[ServerLimit, ...]:
    """The limits that `headers` (lower-case names) report; empty where they report none. `now` is aware.

    A limit whose reset lies further away than a minute is of a longer period, such as a day's: it says nothing of what
    fits into a minute, so only what remains of it is told.
    """
    reported = [names for names in _DIALECTS if names.limit in headers or names.remaining in headers]
    limits = [_read(names, headers, now) for names in reported]
    return tuple(limit for limit in limits if limit is not None)


def _read(names: _Names, headers: Mapping[str, str], now: datetime) -> ServerLimit | None:
    limit, remaining = _count(headers.get(names.limit)), _count(headers.get(names.remaining))
    if (limit is not None and limit < 1) or (limit is None and remaining is None):
        return None  # nobody is served within a limit of 0: it is how Azure says that it does not know
    reset_after = parse_delay(headers[names.reset], now=now) if names.reset in headers else None
    if reset_after is not None and reset_after > _SECONDS_A_MINUTE:
        limit = None
    return ServerLimit(dimension=names.dimension, limit=limit, remaining=remaining, reset_after=reset_after)


def _count(value: str | None) -> float | None:
    """A number of requests or tokens. -1 is unknown, and so is what is no number."""
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
