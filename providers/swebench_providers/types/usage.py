"""The tokens of a call, and its cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec

_MAX_COST: Final = 1_000_000  # USD


class TokenUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one call (wire-contracts 4.2).

    `prompt_tokens` is the whole input, including `cached_tokens` and `cache_write_tokens`.
    `completion_tokens` is the whole output, including `reasoning_tokens`.
    `reported_cost` is the cost that the provider itself reports, in USD.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    source: Literal["exact", "estimated"] = "exact"
    reported_cost: Decimal | None = None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of one attempt in USD, None if unknown. `exact` is False if the tokens were estimated.

    `time` is monotonic seconds.
    """

    amount: Decimal | None
    exact: bool
    provider: str
    model: str
    time: float


def is_cost(amount: Decimal) -> bool:
    """Whether `amount` can be the cost of one response in USD; a server that reports another is mistaken."""
    return amount.is_finite() and 0 <= amount <= _MAX_COST


def total_cost(charges: Sequence[Charge], last: Charge | None = None) -> Decimal | None:
    """The cost of attempts together, in USD, with `last` added unless it is among them.

    None if there are no charges, or one of them is unknown.
    """
    if last is not None and not any(charge is last for charge in charges):
        charges = [*charges, last]
    if len(charges) == 1:
        return charges[0].amount
    known = [charge.amount for charge in charges if charge.amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(charges) else None
