"""Models a provider offers, and their prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from swebench_providers.types.usage import TokenUsage

MAX_PRICE: Final = 1_000_000
"""USD per million tokens; nothing costs more than a dollar a token."""
_MIN_EXPONENT: Final = -12  # a price below 10 to this power is a mistake, and its zeros would fill pages


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model of a provider. None is unknown. Prices are in USD per million tokens, as the provider lists them.

    `capabilities` are as the server names them, such as `tools` or `thinking`; empty is unknown too.
    """

    id: str
    name: str = ""
    context_window: int | None = None
    max_output: int | None = None
    price_input: Decimal | None = None
    price_output: Decimal | None = None
    price_cached_input: Decimal | None = None
    price_cache_write: Decimal | None = None
    capabilities: tuple[str, ...] = ()

    @property
    def price(self) -> ModelPrice | None:
        """The listed price, None unless it is known for both input and output."""
        if self.price_input is None or self.price_output is None:
            return None
        return ModelPrice(
            input=self.price_input,
            output=self.price_output,
            cached_input=self.price_cached_input,
            cache_write=self.price_cache_write,
        )


class ModelPrice(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of a model in USD per million tokens, each from 0 to `MAX_PRICE`. Raises `ValueError` for others.

    `cached_input` is for input read from the provider's cache, `cache_write` for input written to it. None means the
    price of `input`: most providers charge nothing extra for writing, and an unknown discount is not applied. If
    prompts of more than `long_from` tokens cost more, all their tokens and the answers have prices of `long_prompt`.
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    long_from: int = 0
    long_prompt: ModelPrice | None = None

    def __post_init__(self) -> None:
        for price in (self.input, self.output, self.cached_input, self.cache_write):
            if price is not None and not is_price(price):
                raise ValueError(f"{price} is not a price")

    def for_prompt(self, tokens: int) -> ModelPrice:
        """The prices for a prompt of `tokens` tokens."""
        if self.long_prompt is None or tokens <= self.long_from:
            return self
        return self.long_prompt.for_prompt(tokens)

    def cost(self, usage: TokenUsage) -> Decimal | None:
        """The cost of `usage` in USD; each token is counted once. None for impossible counts."""
        if self.long_prompt is not None and usage.prompt_tokens > self.long_from:
            return self.long_prompt.cost(usage)
        uncached = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
        if min(uncached, usage.cached_tokens, usage.cache_write_tokens, usage.completion_tokens) < 0:
            return None
        total = (
            uncached * self.input
            + usage.cached_tokens * (self.input if self.cached_input is None else self.cached_input)
            + usage.cache_write_tokens * (self.input if self.cache_write is None else self.cache_write)
            + usage.completion_tokens * self.output
        )
        return total.scaleb(-6)


def is_price(amount: Decimal) -> bool:
    """Whether `amount` can be the price of a million tokens in USD."""
    return amount.is_finite() and not amount.is_signed() and amount.adjusted() >= _MIN_EXPONENT and amount <= MAX_PRICE
