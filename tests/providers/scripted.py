"""A provider with one script per request, for tests of everything above it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal

import msgspec

from swebench_providers import Event, ModelInfo, ModelPrice, ProviderError, TokenUsage, UnifiedRequest, UnifiedResponse
from swebench_providers.catalog import provider_spec
from swebench_providers.policies.always_fails import copy_error
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.util.clock import Clock

Step = Event | ProviderError | asyncio.Event | float

PRICE = ModelPrice(input=Decimal(10), output=Decimal(100))


class Scripted:
    """Plays one script per request, and repeats the last one: yields events with the current time, raises errors,
    and sleeps for numbers of seconds.

    `default` is its default model, or the error of looking that up. `price` None is an unknown price. `spec` names its
    catalog entry.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        *scripts: Sequence[Step],
        price: ModelPrice | None = PRICE,
        default: str | ProviderError = "m",
        spec: str = "compatible",
    ) -> None:
        self.name = name
        self.spec = provider_spec(spec)
        self.price = price
        self.default = default
        self.requests: list[UnifiedRequest] = []
        self.priced: list[tuple[str, str]] = []
        self.price_lookups = 0
        self.default_lookups = 0
        self._clock = clock
        self._scripts = list(scripts)

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.requests.append(request)
        fold = ResponseAccumulator(self._clock.now())
        for step in script:
            if isinstance(step, ProviderError):
                failure = copy_error(step)
                fold.attach_to(failure)
                raise failure
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, float):
                await self._clock.sleep(step)
            else:
                event = msgspec.structs.replace(step, time=self._clock.now())
                fold.add(event)
                yield event

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        fold = ResponseAccumulator(self._clock.now())
        async for event in self.stream_unified(request):
            fold.add(event)
        return fold.response(provider=self.name, model=request.model, cost=None, streamed=False)

    async def list_models(self) -> list[ModelInfo]:
        return [ModelInfo(id="m")]

    async def default_model(self) -> str:
        self.default_lookups += 1
        await asyncio.sleep(0)
        if isinstance(self.default, ProviderError):
            raise copy_error(self.default)
        return self.default

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        raise NotImplementedError

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        raise NotImplementedError

    async def cost_of(
        self,
        usage: TokenUsage | None,
        model: str,
        *,
        requested_model: str = "",
        batch: bool = False,  # noqa: ARG002
    ) -> Decimal | None:
        self.priced.append((model, requested_model))
        return None if usage is None or self.price is None else self.price.cost(usage)

    async def price_of(self, model: str) -> ModelPrice | None:  # noqa: ARG002
        self.price_lookups += 1
        return self.price
