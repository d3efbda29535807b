"""How many retries all requests of a provider may make together, so that an outage makes fewer requests, not more.

As the AWS SDKs' standard mode has it: a bucket that each retry draws from and each success fills.
"""

from __future__ import annotations

from typing import Final

from swebench_providers.types.errors import ErrorKind

_CAPACITY: Final = 500
_RETRY: Final = 5
_AFTER_TIMEOUT: Final = 10  # it has cost the most time, and the server most work
_FIRST_TIME_SUCCESS: Final = 1


class RetryBudget:
    """Starts full. `left` never falls below 0, and never rises above `capacity`."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.capacity = capacity
        self.left = capacity

    def take(self, after: ErrorKind) -> int | None:
        """What the next retry costs, taken; None where there is not enough left for it."""
        cost = _AFTER_TIMEOUT if after is ErrorKind.TIMEOUT else _RETRY
        if cost > self.left:
            return None
        self.left -= cost
        return cost

    def give_back(self, cost: int) -> None:
        """The retry that `cost` was taken for is not made after all: the call was cancelled."""
        self.left = min(self.capacity, self.left + cost)

    def succeeded(self, last_cost: int) -> None:
        """A request was answered; `last_cost` is what its last retry took, 0 where it needed none."""
        self.give_back(last_cost or _FIRST_TIME_SUCCESS)
