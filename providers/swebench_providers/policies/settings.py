"""What a user decides about all policies together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from swebench_providers.policies.breaker import BreakerSettings
from swebench_providers.policies.budget import UnknownPrice
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings

SelectionName = Literal["ordered", "round_robin", "cheapest", "fastest"]
"""Who is asked first: as listed, each in turn, the lowest price, or the shortest first token measured so far."""


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """`limits` are by provider. `max_breaker_wait` is how long, in seconds, a call waits for circuit breakers to close.

    `unknown_price` says what becomes of a model without a known price where there is a budget; one that is refused is
    passed over for the next candidate.
    """

    retry: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    limits: Mapping[str, RateLimits] = {}
    selection: SelectionName = "ordered"
    unknown_price: UnknownPrice = "refuse"
    max_breaker_wait: float = 600.0
