"""A provider without a server: it plays the steps of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import aclosing
from decimal import Decimal

import msgspec

from swebench_providers import (
    Charge,
    Event,
    Finished,
    FinishReason,
    ModelInfo,
    ModelPrice,
    ProviderError,
    ProviderRegistry,
    ProviderSpec,
    ReasoningDelta,
    TextDelta,
    TokenUsage,
    UnifiedRequest,
    UnifiedResponse,
)
from swebench_providers.tokens.counter import TokenCount

SPEC = ProviderSpec(title="Acme", protocol="openai_chat", local=True, default_model="acme-1")


class Gate:
    """Holds a script until the test opens it, from any thread."""

    def __init__(self) -> None:
        self._opened: Future[None] = Future()

    def open(self) -> None:
        self._opened.set_result(None)

    async def passed(self) -> None:
        await asyncio.shield(asyncio.wrap_future(self._opened))


Step = Event | Exception | Gate | Callable[[], None]
"""Yielded, raised, awaited, or called."""


class ScriptedProvider:
    """Plays `steps` for each request. `requests` are those it got; `left` counts the streams that were closed."""

    def __init__(
        self,
        *steps: Step,
        spec: ProviderSpec = SPEC,
        cost: Decimal | Exception | None = None,
        price: ModelPrice | None = None,
    ) -> None:
        self.name = "acme"
        self.spec = spec
        self.takes_grammar = spec.quirks.grammar
        self.requests: list[UnifiedRequest] = []
        self.left = 0
        self._steps = steps
        self._cost = cost
        self._price = price

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        try:
            for step in self._steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, Gate):
                    await step.passed()
                elif callable(step):
                    step()
                else:
                    yield step
        finally:
            self.left += 1

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        raise NotImplementedError

    async def list_models(self) -> list[ModelInfo]:
        return [ModelInfo(id=self.spec.default_model)]

    async def default_model(self) -> str:
        return self.spec.default_model

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:  # noqa: ARG002
        return TokenCount(len(text.split()), "estimated", "words")

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        return TokenCount(len(request.prompt.split()), "estimated", "words")

    async def cost_of(
        self,
        usage: TokenUsage | None,  # noqa: ARG002
        model: str,  # noqa: ARG002
        *,
        requested_model: str = "",  # noqa: ARG002
        batch: bool = False,  # noqa: ARG002
    ) -> Decimal | None:
        if isinstance(self._cost, Exception):
            raise self._cost
        return self._cost

    async def price_of(self, model: str) -> ModelPrice | None:  # noqa: ARG002
        return self._price


class ScriptedSource:
    """A scripted provider without policies, as a generation reads it. `Charge` steps are reported, not streamed."""

    def __init__(self, provider: ScriptedProvider) -> None:
        self.provider = provider
        self.name = provider.name

    def is_free(self, model: str) -> bool:
        return self.provider.spec.is_free(model)

    @property
    def embedded(self) -> bool:
        return self.provider.spec.embedded

    @property
    def takes_grammar(self) -> bool:
        return self.provider.takes_grammar

    async def stream(
        self, request: UnifiedRequest, on_charge: Callable[[Charge], None] | None = None
    ) -> AsyncGenerator[Event, None]:
        async with aclosing(self.provider.stream_unified(request)) as events:
            async for event in events:
                if not isinstance(event, Charge):
                    yield event
                elif on_charge is not None:
                    on_charge(event)


def registry_of(**providers: ScriptedProvider) -> ProviderRegistry:
    """A registry with these besides the built-in ones."""
    registry = ProviderRegistry({})
    for name, provider in providers.items():
        registry.register(name, provider.spec, lambda *_, provider=provider: provider)
    return registry


def text(piece: str, time: float = 1.0) -> TextDelta:
    return TextDelta(piece, time)


def thought(piece: str, time: float = 1.0) -> ReasoningDelta:
    return ReasoningDelta(piece, time)


def charge(amount: str | None, *, exact: bool = True) -> Charge:
    return Charge(amount=None if amount is None else Decimal(amount), exact=exact, provider="acme", model="m", time=2.0)


def finished(reason: FinishReason = FinishReason.STOP, time: float = 2.0) -> Finished:
    return Finished(reason=reason, time=time)


class Listing(ScriptedProvider):
    """Lists these models, once the gate is open; an error is raised."""

    def __init__(self, *models: ModelInfo, gate: Gate | None = None, error: ProviderError | None = None) -> None:
        super().__init__(spec=msgspec.structs.replace(SPEC, base_url="http://127.0.0.1:9"))
        self._models, self._gate, self._error = models, gate, error

    async def list_models(self) -> list[ModelInfo]:
        if self._gate is not None:
            await self._gate.passed()
        if self._error is not None:
            raise self._error
        return list(self._models)


class OnlyThese(ProviderRegistry):
    """Knows the providers of the test and no other."""

    def __init__(self, **providers: Listing) -> None:
        super().__init__({})
        self._names = list(providers)
        for name, provider in providers.items():
            self.register(name, provider.spec, lambda *_, provider=provider: provider)

    def list_providers(self) -> list[str]:
        return self._names
