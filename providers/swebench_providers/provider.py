"""A provider: one call is one request. Retries, rate limits and budgets are in `policies`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from swebench_providers.catalog import ProviderSpec, profile_of
from swebench_providers.catalog.profiles import ModelProfile
from swebench_providers.config import ProviderConfig, TimeLimits
from swebench_providers.endpoint import Endpoint, is_one_body
from swebench_providers.http.deadlines import Deadline, total_timeout
from swebench_providers.http.interface import HTTPResponse, HTTPTransport
from swebench_providers.http.rate_limit_headers import parse_rate_limits
from swebench_providers.pricing.model_list import ListedPrices
from swebench_providers.pricing.prices import Prices, charging
from swebench_providers.protocols import TransformPipeline, WireRequest, pipeline
from swebench_providers.servers import count_endpoint
from swebench_providers.servers.queries import DETAIL_SECONDS, SLOT_SECONDS, ServerQueries
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event, LimitsUpdate, Notice
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse
from swebench_providers.types.models import ModelInfo, ModelPrice
from swebench_providers.types.usage import TokenUsage
from swebench_providers.usage_checks import UsageChecker
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import LRUCache

if TYPE_CHECKING:
    from swebench_providers.tokens.count_endpoints import CountEndpoint
    from swebench_providers.tokens.counter import TokenCount

_PROFILES: Final = 1_024  # of models; the least recently used are dropped


class Provider(Protocol):
    """A provider, bare or wrapped in policies."""

    name: str
    spec: ProviderSpec

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """The events of a response as they arrive. Raises `ProviderError`, with the text that arrived before it."""
        ...

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        """The whole response. Raises `ProviderError`."""
        ...

    async def list_models(self) -> list[ModelInfo]:
        """The models of the provider, in its own order. Raises `ProviderError`."""
        ...

    async def default_model(self) -> str:
        """The model for requests that name none: the configured one, else the catalog's, else the first of the list."""
        ...

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        """The tokens of `text`, by the best method available, which the result names. No server error is raised."""
        ...

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        """The tokens of all that the model of `request` would read; otherwise as `count_tokens`."""
        ...

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        """The cost of `usage` of `model` in USD, None if unknown. No server error is raised.

        `requested_model` is the name in the request, where the response names another one. `batch` is for a batch job.
        """
        ...

    async def price_of(self, model: str) -> ModelPrice | None:
        """The price of `model`, None if unknown. May fetch the list of models, once."""
        ...


class HTTPProvider:
    """A provider reached over HTTP, as its catalog entry and its configuration describe."""

    def __init__(
        self, spec: ProviderSpec, config: ProviderConfig, transport: HTTPTransport, *, clock: Clock | None = None
    ) -> None:
        self.name = config.name
        self.spec = charging(spec, config.prices)
        self._config = config
        self._transport = transport
        self._listed = ListedPrices(self._models)
        self._prices = Prices(spec, config, self._listed if spec.lists_prices else None)
        self._queries = ServerQueries(self.spec, self._fetch)
        self._profiles: LRUCache[str, ModelProfile] = LRUCache(_PROFILES)
        self._now: Callable[[], float] = (clock or SystemClock()).now
        self._endpoint = Endpoint(self.spec, config, transport)

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        async with aclosing(self._stream(request, ResponseAccumulator(self._now()))) as batches:
            async for events in batches:
                for event in events:
                    yield event

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        request = msgspec.structs.replace(request, model=request.model or await self.default_model())
        accumulator = ResponseAccumulator(self._now())
        raw = b""
        if request.stream:
            async with aclosing(self._stream(request, accumulator)) as batches:
                async for _ in batches:
                    pass
        else:
            raw = await self._generate(request, accumulator)
        model = (accumulator.finished and accumulator.finished.model) or request.model
        cost = await self.cost_of(accumulator.usage, model, requested_model=request.model)
        return accumulator.response(
            provider=self.name, model=request.model, cost=cost, streamed=request.stream, raw=raw
        )

    async def list_models(self) -> list[ModelInfo]:
        models = await self._models()
        self._listed.update(models)
        return models

    async def _models(self) -> list[ModelInfo]:
        if self.spec.models is not None:
            return [_with_limits(ModelInfo(id=name), profile_of(self.spec, name)) for name in self.spec.models]
        protocol = self._endpoint.protocol
        try:
            async with self._endpoint.send(WireRequest(protocol.models_path, b"", method="GET")) as response:
                listed = protocol.parser.parse_models(await self._endpoint.read(response, protocol))
        except ProviderError as error:
            raise self._complete(error, "") from None
        return [_with_limits(model, profile_of(self.spec, model.id)) for model in listed]

    async def default_model(self) -> str:
        configured = self._config.model or self.spec.default_model
        if configured:
            return configured
        models = await self.list_models()
        if not models:
            raise self._complete(_no_model(self.spec.title), "")
        return models[0].id

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        from swebench_providers.tokens import best  # noqa: PLC0415 - few calls count

        return await best.count(
            text,
            self._counted_model(model),
            endpoint=self._count_endpoint,
            config=self._config,
            auth=self._endpoint.auth,
            transport=self._transport,
        )

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        from swebench_providers.tokens import best  # noqa: PLC0415 - few calls count

        return await best.count_request(
            msgspec.structs.replace(request, model=self._counted_model(request.model)),
            endpoint=self._count_endpoint,
            config=self._config,
            auth=self._endpoint.auth,
            transport=self._transport,
        )

    @property
    def _count_endpoint(self) -> CountEndpoint | None:
        keyless = not (self.spec.local or self._endpoint.has_credentials)
        return None if keyless else count_endpoint(self.spec)

    def _counted_model(self, model: str) -> str:
        return self._base_model(model or self._config.model or self.spec.default_model)

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        return await self._prices.cost_of(usage, model, requested_model=requested_model, batch=batch)

    async def price_of(self, model: str) -> ModelPrice | None:
        return await self._prices.price_of(model)

    async def describe(self, models: Sequence[ModelInfo], *, seconds: float = DETAIL_SECONDS) -> list[ModelInfo]:
        """`models` with the details that the server reports for each, such as the window it has loaded.

        Raises nothing: what is unknown after `seconds` stays as it was. Most providers have all details in their list.
        """
        return await self._queries.describe(models, seconds=seconds)

    @property
    def takes_grammar(self) -> bool:
        """Whether a request's grammar is sent; otherwise it is left out with a notice."""
        return takes_grammar(self.spec, self._config)

    async def slots(self, model: str, *, seconds: float = SLOT_SECONDS) -> int | None:
        """How many requests for `model` the server runs at once; None if it does not report that within `seconds`.

        Raises nothing, not even for a server that is gone.
        """
        return await self._queries.slots(model, seconds=seconds)

    async def _fetch(self, wire: WireRequest) -> bytes:
        async with self._endpoint.send(wire, at_root=True) as response:
            return await self._endpoint.read(response, self._endpoint.protocol)

    async def _stream(
        self, request: UnifiedRequest, accumulator: ResponseAccumulator
    ) -> AsyncGenerator[list[Event], None]:
        """The events of a streamed response, in one list per chunk of its body; `accumulator` collects them.

        Lists, since every generator that an event passes by itself costs as much as decoding it.
        """
        model = request.model
        try:
            model = model or await self.default_model()
            wire, protocol = self._encode(request, model, stream=True)
            if notices := self._notices(wire):
                accumulator.extend(notices)
                yield notices
            checker = self._usage_checker(request)
            limits = self._time_limits(model)
            async with aclosing(self._receive(wire, protocol, limits)) as batches:
                with Deadline(limits, self.spec.title) as deadline:
                    while (batch := await deadline.next(batches)) is not None:
                        events = checker.check(batch)
                        accumulator.extend(events)
                        yield events
        except ProviderError as error:
            accumulator.attach_to(error)
            raise self._complete(error, model) from None

    async def _receive(
        self, wire: WireRequest, protocol: TransformPipeline, limits: TimeLimits
    ) -> AsyncGenerator[list[Event], None]:
        # `Deadline` has the limits: the HTTP client cannot tell which bytes are part of an answer.
        looser = msgspec.structs.replace(limits, first_token=None, idle=2 * limits.silence + 1)
        async with self._endpoint.send(wire, limits=looser) as response:
            if updates := self._limits_updates(response):
                yield updates
            if response.status >= 300 or is_one_body(response, protocol):
                body = await self._endpoint.read(response, protocol)
                yield self._parse(body, response, protocol)
                return
            decoder = protocol.parser.decoder()
            async with aclosing(response.chunks()) as chunks:
                async for chunk in chunks:
                    if events := decoder.feed(chunk, self._now()):
                        yield events
                    if decoder.ended:
                        break
                else:
                    if events := decoder.feed(b"", self._now()):
                        yield events
                yield [self._endpoint.identify(decoder.finish(self._now()), response)]
                await self._transport.drain(chunks)

    async def _generate(self, request: UnifiedRequest, accumulator: ResponseAccumulator) -> bytes:
        """Collect an answer that comes in one body, and return that body."""
        try:
            wire, protocol = self._encode(request, request.model, stream=False)
            accumulator.extend(self._notices(wire))
            async with asyncio.timeout(self._config.time_limits.total):
                return await self._read_answer(request, wire, protocol, accumulator)
        except TimeoutError:
            raise self._complete(total_timeout(self.spec.title, self._config.time_limits), request.model) from None
        except ProviderError as error:
            accumulator.attach_to(error)
            raise self._complete(error, request.model) from None

    async def _read_answer(
        self, request: UnifiedRequest, wire: WireRequest, protocol: TransformPipeline, accumulator: ResponseAccumulator
    ) -> bytes:
        """In a frame of its own, which no traceback keeps: the body may quote the key."""
        async with self._endpoint.send(wire, limits=self._time_limits(request.model)) as received:
            body = await self._endpoint.read(received, protocol)
            accumulator.extend(self._limits_updates(received))
            accumulator.extend(self._usage_checker(request).check(self._parse(body, received, protocol)))
            return body

    def _parse(self, body: bytes, received: HTTPResponse, protocol: TransformPipeline) -> list[Event]:
        return [self._endpoint.identify(event, received) for event in protocol.parser.parse(body, self._now())]

    def _notices(self, wire: WireRequest) -> list[Event]:
        return [Notice(message, self._now()) for message in wire.notices]

    def _limits_updates(self, received: HTTPResponse) -> list[Event]:
        limits = parse_rate_limits(received.headers, now=datetime.now(UTC))
        return [LimitsUpdate(limits, self._now())] if limits else []

    def _usage_checker(self, request: UnifiedRequest) -> UsageChecker:
        return UsageChecker(request, cuts_prompts=self.spec.quirks.cuts_prompts)

    def _complete(self, error: ProviderError, model: str) -> ProviderError:
        return self._endpoint.complete(error, model)

    def _encode(self, request: UnifiedRequest, model: str, *, stream: bool) -> tuple[WireRequest, TransformPipeline]:
        """The request, and the protocol it is written in, which its response is read in too."""
        request = msgspec.structs.replace(request, model=model, stream=stream)
        profile = self._profile(model)
        protocol = self._protocol_for(request, profile)
        return protocol.transformer.encode(request, profile, self.spec.quirks), protocol

    def _time_limits(self, model: str) -> TimeLimits:
        """The user's time limits, with the first-token limit of the model's family where the user has set none."""
        limits, profile = self._config.time_limits, self._profile(model)
        return msgspec.structs.replace(limits, first_token=limits.first_token or profile.first_token)

    def _profile(self, model: str) -> ModelProfile:
        return self._profiles.get_or_add(model, lambda: profile_of(self.spec, self._base_model(model)))

    def _protocol_for(self, request: UnifiedRequest, profile: ModelProfile) -> TransformPipeline:
        """The provider's protocol, or Responses where the model or the effort needs it and the provider has it."""
        needed = profile.needs_responses or request.reasoning_effort in profile.responses_efforts
        use_responses = needed and self.spec.responses_api and self._config.protocol is None
        return pipeline("openai_responses") if use_responses else self._endpoint.protocol

    def _base_model(self, model: str) -> str:
        """The vendor's name of the model that is called `model` at this provider."""
        return self._config.base_models.get(model, model)


def takes_grammar(spec: ProviderSpec, config: ProviderConfig) -> bool:
    """Whether requests of a provider can have a grammar: llama.cpp's other APIs ignore it (wire-contracts 3.2)."""
    return spec.quirks.grammar and (config.protocol or spec.protocol) == "openai_chat"


def _with_limits(model: ModelInfo, profile: ModelProfile) -> ModelInfo:
    """`model` with the windows of the catalog where the provider lists none."""
    return msgspec.structs.replace(
        model,
        context_window=model.context_window or profile.context_window,
        max_output=model.max_output or profile.max_output,
    )


def _no_model(title: str) -> ProviderError:
    return ProviderError(
        ErrorKind.MODEL_NOT_FOUND,
        f"{title} lists no models",
        hint="Load a model on the server, or set the model to use.",
    )
