"""Rate limits from response headers, in the dialects of all providers (wire-contracts 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from swebench_providers.http.retry_after import parse_delay
from swebench_providers.types.limits import Dimension, ServerLimit

_PERIOD_SECONDS: Final = 60.0


class _Headers(msgspec.Struct, frozen=True):
    """The header names of one limit in one dialect."""

    dimension: Dimension
    limit: str
    remaining: str
    reset: str


def _openai(dimension: Dimension) -> _Headers:
    return _Headers(dimension, *(f"x-ratelimit-{part}-{dimension}" for part in ("limit", "remaining", "reset")))


def _anthropic(dimension: Dimension) -> _Headers:
    name = dimension.replace("_", "-")
    return _Headers(dimension, *(f"anthropic-ratelimit-{name}-{part}" for part in ("limit", "remaining", "reset")))


_DIALECTS: Final = (
    _openai("requests"),
    _openai("tokens"),
    _anthropic("requests"),
    _anthropic("tokens"),
    _anthropic("input_tokens"),
    _anthropic("output_tokens"),
    _Headers("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)


def parse_rate_limits(headers: Mapping[str, str], *, now: datetime) -> tuple[ServerLimit, ...]:
    """The limits that `headers` (lower-case names) report; empty if none. `now` is aware.

    A limit whose reset is more than a minute away is of a longer period, such as a day. Its size says nothing about
    what fits into a minute, so only its remainder is reported.
    """
    reported = [names for names in _DIALECTS if names.limit in headers or names.remaining in headers]
    limits = [_parse(names, headers, now) for names in reported]
    return tuple(limit for limit in limits if limit is not None)


def _parse(names: _Headers, headers: Mapping[str, str], now: datetime) -> ServerLimit | None:
    limit, remaining = _count(headers.get(names.limit)), _count(headers.get(names.remaining))
    if (limit is not None and limit < 1) or (limit is None and remaining is None):
        return None  # no request fits into a limit of 0: Azure sends it for an unknown one
    reset_after = parse_delay(headers[names.reset], now=now) if names.reset in headers else None
    if reset_after is not None and reset_after > _PERIOD_SECONDS:
        limit = None
    return ServerLimit(dimension=names.dimension, limit=limit, remaining=remaining, reset_after=reset_after)


def _count(value: str | None) -> float | None:
    """A number of requests or tokens; None for -1, which means unknown, and for what is not a number."""
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
