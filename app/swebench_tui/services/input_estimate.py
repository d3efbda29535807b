"""What a prompt is expected to cost, before it is sent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from swebench_providers import TokenUsage
from swebench_tui.services.windows import LIST_SECONDS, ModelLimits

if TYPE_CHECKING:
    from swebench_providers import TokenCount
    from swebench_tui.services.provider_access import ProviderAccess
    from swebench_tui.services.target_models import TargetModel


class InputEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """The expected cost of a prompt in USD, without that of the answer. None is unknown, never 0.

    `answer_tokens` is what the window leaves for the answer, up to the output limit.
    """

    limits: ModelLimits
    tokens: TokenCount | None
    cost: Decimal | None
    free: bool
    answer_tokens: int | None


async def input_estimate(
    access: ProviderAccess, model: TargetModel, tokens: TokenCount | None, *, max_tokens: int | None = None
) -> InputEstimate:
    """The estimate for a prompt of `tokens`. May request the list of models, for its prices, within ten seconds."""
    price = None
    if model.provider is not None and model.name:
        with suppress(TimeoutError):
            async with asyncio.timeout(LIST_SECONDS):
                price = await access.run(model.provider.price_of(model.name))
    cost = None
    if price is not None and tokens is not None:
        cost = price.cost(TokenUsage(prompt_tokens=tokens.tokens))
    free = price is not None and not price.input and not price.output
    return InputEstimate(
        limits=model.limits, tokens=tokens, cost=cost, free=free, answer_tokens=_left(model, tokens, max_tokens)
    )


def _left(model: TargetModel, tokens: TokenCount | None, max_tokens: int | None) -> int | None:
    if model.limits.window is None or tokens is None:
        return None
    left = max(0, model.limits.window - tokens.tokens)
    limit = max_tokens or model.limits.max_output
    return min(left, limit) if limit else left
