"""The embedded model as a provider: once its server runs, it is used like any other."""

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
from swebench_providers.provider import HTTPProvider, takes_grammar
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
"""Tokens of an answer if the request sets no limit: so small a model tends to repeat itself to the end of its window.
An answer that reaches it is reported as cut off, as with any limit."""


class EmbeddedProvider:
    """Starts the server on first use and sends it Chat Completions requests."""

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
        provider = await self._start()
        yield Notice("The model reads the prompt: about 100 tokens/s on one core …", SystemClock().now(), passing=True)
        async with aclosing(provider.stream_unified(_bounded(request))) as events:
            async for event in events:
                yield event

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        provider = await self._start()
        return await provider.generate_unified(_bounded(request))

    @property
    def takes_grammar(self) -> bool:
        """Whether a request's grammar is sent; otherwise it is left out with a notice."""
        return takes_grammar(self.spec, self._config)

    async def list_models(self) -> list[ModelInfo]:
        return [ModelInfo(id=ALIAS, name="SmolLM2 135M Instruct", context_window=CONTEXT)]

    async def default_model(self) -> str:
        return self._config.model or self.spec.default_model

    async def slots(self, model: str) -> int | None:  # noqa: ARG002 - there is one model
        """The slots the server is started with. Does not start it."""
        return SLOTS

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        """Exact while the server runs. Does not start it."""
        from swebench_providers.tokens import best  # noqa: PLC0415 - few calls count

        if (running := self._server.running) is None:
            return await best.local_counter().count_tokens(text, model or self.spec.default_model)
        return await best.count(
            text,
            model or self.spec.default_model,
            endpoint=count_endpoint(self.spec),
            config=self._config_at(running),
            auth=BearerTokenAuth(running.key),
            transport=self._transport,
        )

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        """Exact while the server runs. Does not start it."""
        from swebench_providers.tokens import best  # noqa: PLC0415 - few calls count

        request = msgspec.structs.replace(request, model=request.model or self.spec.default_model)
        if (running := self._server.running) is None:
            return await best.local_counter().count_request(request)
        return await best.count_request(
            request,
            endpoint=count_endpoint(self.spec),
            config=self._config_at(running),
            auth=BearerTokenAuth(running.key),
            transport=self._transport,
        )

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        return await self._prices.cost_of(usage, model, requested_model=requested_model, batch=batch)

    async def price_of(self, model: str) -> ModelPrice | None:
        return await self._prices.price_of(model)

    async def _start(self) -> HTTPProvider:
        try:
            running = await asyncio.to_thread(self._server.start)
        except ProviderError as error:
            error.provider = self.name
            raise
        return HTTPProvider(self.spec, self._config_at(running), self._transport)

    def _config_at(self, running: Running) -> ProviderConfig:
        return msgspec.structs.replace(
            self._config, base_url=f"{running.address}{self.spec.default_path}", api_key=running.key
        )


def _bounded(request: UnifiedRequest) -> UnifiedRequest:
    return msgspec.structs.replace(request, max_tokens=request.max_tokens or DEFAULT_OUTPUT)
