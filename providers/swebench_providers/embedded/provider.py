"""The embedded model as a provider: any other server, once it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_providers.auth.strategies import BearerTokenAuth
from swebench_providers.catalog import ProviderSpec
from swebench_providers.config import ProviderConfig
from swebench_providers.embedded.process import EmbeddedServer, Running
from swebench_providers.embedded.server import ALIAS, CONTEXT, SLOTS
from swebench_providers.http.interface import HTTPTransport
from swebench_providers.pricing.prices import Prices, charging
from swebench_providers.provider import HTTPProvider
from swebench_providers.servers import count_endpoint
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Event, Notice
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse
from swebench_providers.types.models import ModelInfo, ModelPrice
from swebench_providers.types.usage import TokenUsage
from swebench_providers.util.clock import SystemClock

if TYPE_CHECKING:
    from swebench_providers.tokens.counter import TokenCount

DEFAULT_OUTPUT: Final = 400
"""Tokens of an answer when the request sets no limit: so small a model likes to repeat itself to the end of its window.
An answer that reaches it is reported as cut off, as with any limit."""


class EmbeddedProvider:
    """Starts the server on first use and speaks to it over Chat Completions."""

    def __init__(
        self, spec: ProviderSpec, config: ProviderConfig, transport: HTTPTransport, *, server: EmbeddedServer
    ) -> None:
        self.name = config.name
        self.spec = charging(spec, config.prices)
        self._prices = Prices(spec, config)
        self._config = config
        self._transport = transport
        self._server = server

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        if self._server.running is None:
            yield Notice("Starting the embedded model on this machine …", SystemClock().now(), passing=True)
        provider = await self._started()
        yield Notice(
            "The model reads the prompt: about 100 tokens a second on one core …", SystemClock().now(), passing=True
        )
        async with aclosing(provider.stream_unified(_bounded(request))) as events:
            async for event in events:
                yield event

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        provider = await self._started()
        return await provider.generate_unified(_bounded(request))

    async def list_models(self) -> list[ModelInfo]:
        return [ModelInfo(id=ALIAS, name="SmolLM2 135M Instruct", context_window=CONTEXT)]

    async def default_model(self) -> str:
        return self._config.model or self.spec.default_model

    async def slots(self, model: str) -> int | None:  # noqa: ARG002 - there is one model
        """What the server is started with; it is not started for that."""
        return SLOTS

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        """Exact while the model runs; it is not started for a count."""
        from swebench_providers.tokens import best  # noqa: PLC0415 - few calls count

        if (running := self._server.running) is None:
            return await best.local_counter().count_tokens(text, model or self.spec.default_model)
        return await best.count(
            text,
            model or self.spec.default_model,
            endpoint=count_endpoint(self.spec),
            config=self._reached(running),
            auth=BearerTokenAuth(running.key),
            transport=self._transport,
        )

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        return await self._prices.cost_of(usage, model, requested_model=requested_model, batch=batch)

    async def price_of(self, model: str) -> ModelPrice | None:
        return await self._prices.price_of(model)

    async def _started(self) -> HTTPProvider:
        try:
            running = await asyncio.to_thread(self._server.start)
        except ProviderError as error:
            error.provider = self.name
            raise
        return HTTPProvider(self.spec, self._reached(running), self._transport)

    def _reached(self, running: Running) -> ProviderConfig:
        return msgspec.structs.replace(
            self._config, base_url=f"{running.address}{self.spec.default_path}", api_key=running.key
        )


def _bounded(request: UnifiedRequest) -> UnifiedRequest:
    return msgspec.structs.replace(request, max_tokens=request.max_tokens or DEFAULT_OUTPUT)
