"""What a generation run is expected to cost, from the prompts of a few of its tasks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_providers import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_providers import Provider
    from swebench_tui.bench.task import TaskPrompt

SAMPLE: Final = 3
"""Tasks whose prompts are made for an estimate."""


class RunEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Costs in USD; None is unknown. `prompts` is for all tasks, `answers` for 1,000 tokens of answers."""

    tasks: int
    sampled: int
    prompt_tokens: int
    prompts: Decimal | None
    answers: Decimal | None


async def estimate_run(provider: Provider, model: str, prompts: Sequence[TaskPrompt], *, tasks: int) -> RunEstimate:
    """The estimate for `tasks` prompts like these. May request the provider's list of models, for its prices."""
    counted = [prompt.tokens.tokens for prompt in prompts if prompt.tokens is not None]
    price = await provider.price_of(model)
    mean = sum(counted) // len(counted) if counted else 0
    costs = [None if price is None else price.cost(TokenUsage(prompt_tokens=tokens)) for tokens in counted]
    known = [cost for cost in costs if cost is not None]
    complete = bool(known) and len(known) == len(prompts)
    return RunEstimate(
        tasks=tasks,
        sampled=len(prompts),
        prompt_tokens=mean,
        prompts=sum(known, Decimal(0)) * tasks / len(known) if complete else None,
        answers=None if price is None else price.output / 1000,
    )
