"""The settings of all policies of a coordinator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from swebench_providers.policies.breaker import BreakerSettings
from swebench_providers.policies.budget import UnknownPrice
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings

SelectionName = Literal["ordered", "round_robin", "cheapest", "fastest"]
"""Which candidate goes first: the first listed, each in turn, the cheapest, or the one with the lowest measured time to
first token."""


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """`limits` are by provider. A call waits up to `max_breaker_wait` seconds for open circuit breakers.

    `unknown_price` decides about a model without a known price under a budget; if refused, the next candidate is used.
    """

    retry: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    limits: Mapping[str, RateLimits] = {}
    selection: SelectionName = "ordered"
    unknown_price: UnknownPrice = "refuse"
    max_breaker_wait: float = 600.0
