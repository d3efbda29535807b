"""One provider: one call is one request. Nothing here repeats, waits its turn or spends a budget; policies do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from swebench_providers import prices
from swebench_providers.auth import strategy
from swebench_providers.catalog import ProviderSpec, profile_of
from swebench_providers.clock import Clock, SystemClock
from swebench_providers.config import ProviderConfig, address_variables
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.events import Event, Finished, Notice, UsageUpdate
from swebench_providers.exchange import USER_AGENT, Answer, Transporter, join
from swebench_providers.fold import Fold
from swebench_providers.models import ModelInfo, TokenUsage, UnifiedRequest, UnifiedResponse
from swebench_providers.profiles import ModelProfile
from swebench_providers.protocols import TransformPipeline, WireRequest, pipeline

if TYPE_CHECKING:
    from swebench_providers.tokens import TokenCount

SSE: Final = "text/event-stream"
_REQUEST_IDS: Final = ("request-id", "x-generation-id", "x-request-id")
_WORTH_A_DOUBT: Final = 500
"""Tokens; below that an estimate is too rough to doubt a count."""


class Provider(Protocol):
    """What every provider can do, bare or wrapped in policies."""

    name: str
    spec: ProviderSpec

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """The answer as it arrives. Raises `ProviderError`, with what had arrived kept on it."""
        ...

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        """The whole answer. Raises `ProviderError`."""
        ...

    async def list_models(self) -> list[ModelInfo]:
        """The models the provider offers, in its own order. Raises `ProviderError`."""
        ...

    async def default_model(self) -> str:
        """The model used where a request names none: the configured one, the catalog's, or the first of the list."""
        ...

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        """Tokens of `text` by the best means there is, which it names. Raises nothing for a server that is gone."""
        ...

    async def cost_of(self, usage: TokenUsage | None, model: str) -> Decimal | None:
        """What `usage` of `model` costs here, in USD; None when that is unknown."""
        ...


class HTTPProvider:
    """A provider spoken to over HTTP, as its catalog entry and its configuration say."""

    def __init__(
        self, spec: ProviderSpec, config: ProviderConfig, transport: Transporter, *, clock: Clock | None = None
    ) -> None:
        self.name = config.name
        self.spec = spec
        self._config = config
        self._transport = transport
        self._now: Callable[[], float] = (clock or SystemClock()).now
        self._pipeline = pipeline(config.protocol or spec.protocol)
        self._auth = strategy(config.auth or spec.auth, config.api_key)

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        fold = Fold(self._now())
        model = request.model
        try:
            model = model or await self.default_model()
            wire, spoken = self._encode(request, model, stream=True)
            for message in wire.notices:
                yield Notice(message, self._now())
            async with aclosing(self._events(wire, spoken)) as events:
                async for event in events:
                    for told in (event, *self._doubts(request, event)):
                        fold.add(told)
                        yield told
        except ProviderError as error:
            fold.leave_in(error)
            raise self._attributed(error, model) from None

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        request = msgspec.structs.replace(request, model=request.model or await self.default_model())
        fold = Fold(self._now())
        raw = b""
        if request.stream:
            async with aclosing(self.stream_unified(request)) as events:
                async for event in events:
                    fold.add(event)
        else:
            raw = await self._whole(request, fold)
        answered = (fold.finished and fold.finished.model) or request.model
        cost = await self.cost_of(fold.usage, answered)
        return fold.response(provider=self.name, model=request.model, cost=cost, streamed=request.stream, raw=raw)

    async def list_models(self) -> list[ModelInfo]:
        if self.spec.models is not None:
            return [_with_limits(ModelInfo(id=name), profile_of(self.spec, name)) for name in self.spec.models]
        try:
            async with self._send(WireRequest(self._pipeline.models_path, b"", method="GET")) as response:
                listed = self._pipeline.parser.parse_models(await self._body(response, self._pipeline))
        except ProviderError as error:
            raise self._attributed(error, "") from None
        return [_with_limits(model, profile_of(self.spec, model.id)) for model in listed]

    async def default_model(self) -> str:
        chosen = self._config.model or self.spec.default_model
        if chosen:
            return chosen
        models = await self.list_models()
        if not models:
            raise self._attributed(_no_model(self.spec.title), "")
        return models[0].id

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        from swebench_providers.tokens import best  # noqa: PLC0415 - few calls count

        model = model or self._config.model or self.spec.default_model
        keyless = not (self.spec.local or self._config.api_key)
        return await best.count(
            text,
            self._meant(model),
            wire="" if keyless else self.name,
            config=self._config,
            auth=self._auth,
            transport=self._transport,
        )

    async def cost_of(self, usage: TokenUsage | None, model: str) -> Decimal | None:
        return await prices.cost_of(usage, self.spec, self._config.base_url, self._meant(model))

    async def _events(self, wire: WireRequest, spoken: TransformPipeline) -> AsyncGenerator[Event, None]:
        async with self._send(wire) as response:
            if response.status >= 300 or _in_one_body(response, spoken):
                body = await self._body(response, spoken)
                for event in spoken.parser.parse(body, self._now()):
                    yield _with_id(event, response)
                return
            decoder, heard_at = spoken.parser.decoder(), self._now()
            async with aclosing(response.chunks()) as chunks:
                async for chunk in chunks:
                    events = decoder.feed(chunk, self._now())
                    for event in events:
                        yield event
                    if decoder.ended:
                        break
                    if events:
                        heard_at = self._now()
                    elif self._now() - heard_at > self._config.time_limits.idle:
                        raise _only_keep_alives(self.spec)
                else:
                    for event in decoder.feed(b"", self._now()):
                        yield event
                yield _with_id(decoder.finish(self._now()), response)
                await self._transport.drain(chunks)

    async def _whole(self, request: UnifiedRequest, fold: Fold) -> bytes:
        try:
            wire, spoken = self._encode(request, request.model, stream=False)
            for message in wire.notices:
                fold.add(Notice(message, self._now()))
            return await self._read_into(fold, request, wire, spoken)
        except ProviderError as error:
            fold.leave_in(error)
            raise self._attributed(error, request.model) from None

    async def _read_into(
        self, fold: Fold, request: UnifiedRequest, wire: WireRequest, spoken: TransformPipeline
    ) -> bytes:
        async with self._send(wire) as response:
            body = await self._body(response, spoken)
            for event in spoken.parser.parse(body, self._now()):
                for told in (_with_id(event, response), *self._doubts(request, event)):
                    fold.add(told)
            return body

    def _doubts(self, request: UnifiedRequest, event: Event) -> list[Notice]:
        """A warning where the server has read far less than was sent."""
        if not (self.spec.quirks.cuts_prompts and isinstance(event, UsageUpdate) and event.usage.prompt_tokens):
            return []
        from swebench_providers.tokens.estimate import estimate_tokens  # noqa: PLC0415 - few calls need it

        turns = [request.system_message or "", *(turn.content for turn in request.conversation())]
        sent = sum(estimate_tokens(text) for text in turns)
        read = event.usage.prompt_tokens
        if sent < _WORTH_A_DOUBT or read >= sent / 2:
            return []
        words = f"About {sent:,} tokens were sent and {read:,} read: the server may have cut the prompt to its window."
        return [Notice(words, event.at)]

    def _encode(self, request: UnifiedRequest, model: str, *, stream: bool) -> tuple[WireRequest, TransformPipeline]:
        """The request, and the protocol it is written in, which is the one its answer is read in."""
        request = msgspec.structs.replace(request, model=model, stream=stream)
        profile = profile_of(self.spec, self._meant(model))
        spoken = self._spoken(request, profile)
        return spoken.transformer.encode(request, profile, self.spec.quirks), spoken

    def _spoken(self, request: UnifiedRequest, profile: ModelProfile) -> TransformPipeline:
        """The provider's protocol, or Responses where the model or the effort needs it and the provider has it."""
        needed = profile.needs_responses or request.reasoning_effort in profile.responses_efforts
        chosen = needed and self.spec.responses_api and self._config.protocol is None
        return pipeline("openai_responses") if chosen else self._pipeline

    def _meant(self, model: str) -> str:
        """The vendor's name of what is called `model` here."""
        return self._config.base_models.get(model, model)

    @asynccontextmanager
    async def _send(self, wire: WireRequest) -> AsyncGenerator[Answer, None]:
        if self._config.base_url is None:
            raise _no_address(self.spec)
        if not (self.spec.local or self._config.api_key or self._config.base_url_source == "given"):
            raise _no_key(self.spec)
        if self._config.api_key and not self._config.api_key.fits_a_header:
            raise _damaged_key(self.spec)
        own = {name.lower(): value for name, value in self._config.headers.items()}
        headers = {"user-agent": USER_AGENT, "content-type": "application/json", **wire.headers, **own}
        if not self.spec.quirks.keep_alive:
            headers["connection"] = "close"
        async with self._transport.send(
            wire.method,
            join(self._config.base_url, wire.path),
            headers=headers,
            auth=self._auth,
            body=wire.body or None,
            limits=self._config.time_limits,
        ) as response:
            yield response

    async def _body(self, response: Answer, spoken: TransformPipeline) -> bytes:
        body = await response.read()
        if response.status >= 300:
            raise spoken.parser.classify(response.status, response.headers, body)
        if _is_html(response):
            raise _not_an_api(self.spec.title)
        return body

    def _attributed(self, error: ProviderError, model: str) -> ProviderError:
        """The error with its provider and model on it, and without the key.

        A server may have quoted it; and the frames the error came through hold the request and the server's words.
        """
        error.provider, error.model = self.name, model
        if self._config.api_key:
            error.args = (self._config.api_key.scrub(str(error)),)
            error.code = self._config.api_key.scrub(error.code)
        error.__context__ = None
        return error.with_traceback(None)


def _with_id(event: Event, response: Answer) -> Event:
    if not isinstance(event, Finished):
        return event
    named = (response.headers.get(name) for name in _REQUEST_IDS)
    return msgspec.structs.replace(event, request_id=next(filter(None, named), event.request_id))


def _with_limits(model: ModelInfo, profile: ModelProfile) -> ModelInfo:
    """What the provider says of a model, else what the catalog knows."""
    return msgspec.structs.replace(
        model,
        context_window=model.context_window or profile.context_window,
        max_output=model.max_output or profile.max_output,
    )


def _in_one_body(response: Answer, spoken: TransformPipeline) -> bool:
    """A page, or a server that ignored `stream` and sent the answer whole."""
    return _is_html(response) or (_media_type(response) == "application/json" and spoken.stream_type == SSE)


def _is_html(response: Answer) -> bool:
    return _media_type(response) == "text/html"


def _media_type(response: Answer) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _no_address(spec: ProviderSpec) -> ProviderError:
    variable = " or ".join(address_variables(spec))
    return ProviderError(ErrorKind.BAD_ENDPOINT, f"{spec.title} has no base URL", hint=f"Name one, or set {variable}.")


def _no_key(spec: ProviderSpec) -> ProviderError:
    return ProviderError(ErrorKind.AUTH, f"no API key for {spec.title}", hint=f"Set {' or '.join(spec.env)}.")


def _only_keep_alives(spec: ProviderSpec) -> ProviderError:
    return ProviderError(
        ErrorKind.TIMEOUT,
        f"{spec.title} kept the connection alive for longer than the time limit, but sent no answer",
        hint="Try again, or raise the idle time limit for slow models.",
        reason="idle",
    )


def _damaged_key(spec: ProviderSpec) -> ProviderError:
    return ProviderError(
        ErrorKind.AUTH,
        f"the API key for {spec.title} holds a character that no key has",
        hint="Copy it again: a quote, a line break or a letter outside ASCII came along.",
    )


def _no_model(title: str) -> ProviderError:
    return ProviderError(
        ErrorKind.MODEL_NOT_FOUND, f"{title} lists no model", hint="Load one there, or name the model to use."
    )


def _not_an_api(title: str) -> ProviderError:
    return ProviderError(
        ErrorKind.BAD_ENDPOINT,
        f"the address answered with a web page, not as {title}",
        hint="Check the base URL: for most servers it ends in /v1. A proxy's login page also looks like this.",
    )
