"""A budget of retries for all requests of a provider, so that an outage makes fewer requests, not more.

The scheme of the AWS SDKs' standard mode: retries draw from a bucket, successes fill it.
"""

from __future__ import annotations

from typing import Final

from swebench_providers.types.errors import ErrorKind

_CAPACITY: Final = 500
_RETRY: Final = 5
_AFTER_TIMEOUT: Final = 10  # a timeout has cost the most time, and the server the most work
_FIRST_TRY_SUCCESS: Final = 1


class RetryBudget:
    """Starts full. `left` stays between 0 and `capacity`."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.capacity = capacity
        self.left = capacity

    def take(self, after: ErrorKind) -> int | None:
        """Take the cost of the next retry and return it; None if too little is left."""
        cost = _AFTER_TIMEOUT if after is ErrorKind.TIMEOUT else _RETRY
        if cost > self.left:
            return None
        self.left -= cost
        return cost

    def refund(self, cost: int) -> None:
        """Return the cost of a retry that was not sent: the call was cancelled."""
        self.left = min(self.capacity, self.left + cost)

    def succeeded(self, last_cost: int) -> None:
        """Record a success; `last_cost` is the cost of its last retry, 0 if it needed none."""
        self.refund(last_cost or _FIRST_TRY_SUCCESS)
