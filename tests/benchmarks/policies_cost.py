"""CPU that all policies together add to a call: `python -m tests.benchmarks.policies_cost`.

The same scripted provider, which does no I/O, is asked bare and through a coordinator with every policy on: three keys,
a fallback, a budget, limits in requests and tokens. The difference is what the policies cost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from decimal import Decimal
from statistics import median

from swebench_providers.catalog import provider_spec
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.settings import Policies
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.types.events import Event, Finished, TextDelta, UsageUpdate
from swebench_providers.types.messages import FinishReason, UnifiedRequest, UnifiedResponse
from swebench_providers.types.models import ModelInfo, ModelPrice
from swebench_providers.types.usage import TokenUsage

CALLS = 3_000
ROUNDS = 5
USAGE = TokenUsage(prompt_tokens=900, completion_tokens=100)
PRICE = ModelPrice(input=Decimal("1.25"), output=Decimal(10))
ASKED = UnifiedRequest(model="m", prompt="Mend the bug. " * 200, max_tokens=500)


class Scripted:
    """Answers at once, with `tokens` pieces of text."""

    def __init__(self, name: str, tokens: int) -> None:
        self.name = name
        self.spec = provider_spec("compatible")
        self._tokens = tokens

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        for _ in range(self._tokens):
            yield TextDelta("word ", time.monotonic())
        yield UsageUpdate(USAGE, time.monotonic())
        yield Finished(reason=FinishReason.STOP, at=time.monotonic(), model=request.model)

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        fold = ResponseAccumulator(time.monotonic())
        async for event in self.stream_unified(request):
            fold.add(event)
        return fold.response(provider=self.name, model=request.model, cost=PRICE.cost(USAGE), streamed=True)

    async def list_models(self) -> list[ModelInfo]:
        return [ModelInfo(id="m")]

    async def default_model(self) -> str:
        return "m"

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        raise NotImplementedError

    async def cost_of(
        self,
        usage: TokenUsage | None,
        model: str,  # noqa: ARG002
        *,
        requested_model: str = "",  # noqa: ARG002
        batch: bool = False,  # noqa: ARG002
    ) -> Decimal | None:
        return None if usage is None else PRICE.cost(usage)

    async def price_of(self, model: str) -> ModelPrice | None:  # noqa: ARG002
        return PRICE


def guarded(tokens: int) -> ProviderCoordinator:
    limits = RateLimits(requests_per_minute=10_000_000, tokens_per_minute=100_000_000_000)
    more = {"second": Scripted("first", tokens), "third": Scripted("first", tokens)}
    return ProviderCoordinator(
        [Candidate(Scripted("first", tokens), "m", more_keys=more), Candidate(Scripted("second", tokens), "m")],
        Policies(limits={"first": limits, "second": limits}),
        budgets=[Budget("run", Decimal(1_000_000_000))],
    )


async def cpu_per_call(ask: Callable[[UnifiedRequest], Awaitable[UnifiedResponse]]) -> float:
    """Microseconds, the median of some rounds."""
    await ask(ASKED)
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            await ask(ASKED)
        rounds.append((time.process_time() - began) / CALLS * 1e6)
    return median(rounds)


async def main() -> None:
    for tokens in (1, 100):
        bare = await cpu_per_call(Scripted("first", tokens).generate_unified)
        whole = await cpu_per_call(guarded(tokens).generate_with_fallback)
        print(
            f"{tokens:4d} pieces: bare {bare:6.1f} us, with all policies {whole:6.1f} us, added {whole - bare:6.1f} us"
        )


if __name__ == "__main__":
    asyncio.run(main())
