"""The rate limits that a user sets for a provider, and which ones apply where two callers set different ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from swebench_providers.policies.concurrency import ConcurrencySettings
from swebench_providers.types.limits import Dimension

Demand = Mapping[Dimension, float]
"""How much a request takes of each limit."""

_Number = TypeVar("_Number", int, float)


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's limits as the user or a catalog file gives them. None leaves a limit to the server's headers.

    `shared_as` names a limiter that several keys or models share, as those of one organisation do. `slots` is the
    number of requests that a local server runs in parallel: further ones queue here, not in the server. A cooldown that
    the server asks for is waited out up to `longest_pause` seconds. Raises `ValueError` for a limit that would let
    nothing through.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    input_tokens_per_minute: float | None = None
    output_tokens_per_minute: float | None = None
    concurrency: ConcurrencySettings = ConcurrencySettings()
    slots: int | None = None
    shared_as: str = ""
    longest_pause: float = 120.0

    def __post_init__(self) -> None:
        for number in (self.slots, *self.per_minute().values()):
            if number is not None and not 0 < number < float("inf"):
                raise ValueError(f"a limit of {number} lets nothing through")

    def per_minute(self) -> dict[Dimension, float]:
        """The limits per minute that are set."""
        rates: dict[Dimension, float | None] = {
            "requests": self.requests_per_minute,
            "tokens": self.tokens_per_minute,
            "input_tokens": self.input_tokens_per_minute,
            "output_tokens": self.output_tokens_per_minute,
        }
        return {dimension: rate for dimension, rate in rates.items() if rate is not None}


def strictest(one: RateLimits, other: RateLimits) -> RateLimits:
    """The lower of each pair of limits; a limit that only one of them sets applies.

    `concurrency` and `longest_pause` always count, their defaults too. The order of the arguments does not matter,
    except that `one` decides between two values of `shared_as`.
    """
    return RateLimits(
        requests_per_minute=_lower(one.requests_per_minute, other.requests_per_minute),
        tokens_per_minute=_lower(one.tokens_per_minute, other.tokens_per_minute),
        input_tokens_per_minute=_lower(one.input_tokens_per_minute, other.input_tokens_per_minute),
        output_tokens_per_minute=_lower(one.output_tokens_per_minute, other.output_tokens_per_minute),
        concurrency=ConcurrencySettings(
            start=min(one.concurrency.start, other.concurrency.start),
            least=min(one.concurrency.least, other.concurrency.least),
            most=min(one.concurrency.most, other.concurrency.most),
        ),
        slots=_lower(one.slots, other.slots),
        shared_as=one.shared_as or other.shared_as,
        longest_pause=min(one.longest_pause, other.longest_pause),
    )


def _lower(one: _Number | None, other: _Number | None) -> _Number | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
