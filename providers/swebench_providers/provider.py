"""One provider: one call is one request. Nothing here repeats, waits its turn or spends a budget; policies do."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from swebench_providers.auth import strategy
from swebench_providers.auth.strategies import ExpiringAuth, scrubber_for
from swebench_providers.catalog import ProviderSpec, profile_of
from swebench_providers.catalog.profiles import ModelProfile
from swebench_providers.config import ProviderConfig, TimeLimits, address_variables, way_in
from swebench_providers.http.deadlines import enforce_limits, total_timeout
from swebench_providers.http.interface import USER_AGENT, HTTPResponse, HTTPTransport, join
from swebench_providers.http.rate_limit_headers import parse_rate_limits
from swebench_providers.pricing.model_list import ListedPrices
from swebench_providers.pricing.prices import Prices, charging
from swebench_providers.protocols import TransformPipeline, WireRequest, pipeline
from swebench_providers.protocols.failures.rules import KEY_NAME
from swebench_providers.servers import count_endpoint
from swebench_providers.servers.queries import DETAIL_SECONDS, SLOT_SECONDS, ServerQueries
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event, Finished, LimitsUpdate, Notice
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse
from swebench_providers.types.models import ModelInfo, ModelPrice
from swebench_providers.types.usage import TokenUsage
from swebench_providers.usage_checks import UsageChecker
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import Recent

if TYPE_CHECKING:
    from swebench_providers.tokens.counter import TokenCount

SSE: Final = "text/event-stream"
_PROFILES: Final = 1_024  # of models, kept at most
_REQUEST_IDS: Final = ("request-id", "x-generation-id", "x-request-id")


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

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        """What `usage` of `model` costs here, in USD; None when that is unknown. Raises nothing for a server's sake.

        `requested_model` is the name in the request, where the response names another one. `batch` is for a batch job.
        """
        ...

    async def price_of(self, model: str) -> ModelPrice | None:
        """What `model` costs here, None when that is unknown. May ask for the list of models, once."""
        ...


class HTTPProvider:
    """A provider spoken to over HTTP, as its catalog entry and its configuration say."""

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
        self._profiles: Recent[str, ModelProfile] = Recent(_PROFILES)
        self._now: Callable[[], float] = (clock or SystemClock()).now
        self._pipeline = pipeline(config.protocol or spec.protocol)
        self._auth = strategy(config.auth or spec.auth, config.api_key, proxy=config.proxy, ca_bundle=config.ca_bundle)
        self._scrubber = scrubber_for(self._auth, *config.secrets)

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        fold = ResponseAccumulator(self._now())
        model = request.model
        try:
            model = model or await self.default_model()
            wire, spoken = self._encode(request, model, stream=True)
            for message in wire.notices:
                yield Notice(message, self._now())
            doubts = UsageChecker(request, cuts_prompts=self.spec.quirks.cuts_prompts)
            limits = self._limits(model)
            async with (
                aclosing(self._events(wire, spoken, limits)) as arriving,
                aclosing(enforce_limits(limits, arriving, self.spec.title)) as events,
            ):
                async for event in events:
                    for told in doubts.check(event):
                        fold.add(told)
                        yield told
        except ProviderError as error:
            fold.attach_to(error)
            raise self._attributed(error, model) from None

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        request = msgspec.structs.replace(request, model=request.model or await self.default_model())
        fold = ResponseAccumulator(self._now())
        raw = b""
        if request.stream:
            async with aclosing(self.stream_unified(request)) as events:
                async for event in events:
                    fold.add(event)
        else:
            raw = await self._whole(request, fold)
        answered = (fold.finished and fold.finished.model) or request.model
        cost = await self.cost_of(fold.usage, answered, requested_model=request.model)
        return fold.response(provider=self.name, model=request.model, cost=cost, streamed=request.stream, raw=raw)

    async def list_models(self) -> list[ModelInfo]:
        models = await self._models()
        self._listed.heard(models)
        return models

    async def _models(self) -> list[ModelInfo]:
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
        keyless = not (self.spec.local or self._has_credentials)
        return await best.count(
            text,
            self._meant(model),
            endpoint=None if keyless else count_endpoint(self.spec),
            config=self._config,
            auth=self._auth,
            transport=self._transport,
        )

    async def cost_of(
        self, usage: TokenUsage | None, model: str, *, requested_model: str = "", batch: bool = False
    ) -> Decimal | None:
        return await self._prices.cost_of(usage, model, requested_model=requested_model, batch=batch)

    async def price_of(self, model: str) -> ModelPrice | None:
        return await self._prices.price_of(model)

    async def describe(self, models: Sequence[ModelInfo], *, seconds: float = DETAIL_SECONDS) -> list[ModelInfo]:
        """`models` with what the server tells of each when it is asked, such as the window it is loaded with.

        Raises nothing: what is not known when `seconds` are over stays as it was. Most providers' lists say it all.
        """
        return await self._queries.describe(models, seconds=seconds)

    async def slots(self, model: str, *, seconds: float = SLOT_SECONDS) -> int | None:
        """How many requests for `model` run at once where it is served; None where nobody says in `seconds`.

        Raises nothing: a server that is gone says nothing.
        """
        return await self._queries.slots(model, seconds=seconds)

    async def _fetch(self, wire: WireRequest) -> bytes:
        async with self._send(wire, at_root=True) as response:
            return await self._body(response, self._pipeline)

    async def _events(
        self, wire: WireRequest, spoken: TransformPipeline, limits: TimeLimits
    ) -> AsyncGenerator[Event, None]:
        # `within` keeps the time, and knows what the client does not: which bytes are a sign of life.
        looser = msgspec.structs.replace(limits, first_token=None, idle=2 * limits.silence + 1)
        async with self._send(wire, limits=looser) as response:
            for told in _limits_told(response, self._now()):
                yield told
            if response.status >= 300 or _in_one_body(response, spoken):
                body = await self._body(response, spoken)
                for event in spoken.parser.parse(body, self._now()):
                    yield self._identified(event, response)
                return
            decoder = spoken.parser.decoder()
            async with aclosing(response.chunks()) as chunks:
                async for chunk in chunks:
                    events = decoder.feed(chunk, self._now())
                    for event in events:
                        yield event
                    if decoder.ended:
                        break
                else:
                    for event in decoder.feed(b"", self._now()):
                        yield event
                yield self._identified(decoder.finish(self._now()), response)
                await self._transport.drain(chunks)

    async def _whole(self, request: UnifiedRequest, fold: ResponseAccumulator) -> bytes:
        try:
            wire, spoken = self._encode(request, request.model, stream=False)
            for message in wire.notices:
                fold.add(Notice(message, self._now()))
            async with asyncio.timeout(self._config.time_limits.total):
                return await self._read_into(fold, request, wire, spoken)
        except TimeoutError:
            raise self._attributed(total_timeout(self.spec.title, self._config.time_limits), request.model) from None
        except ProviderError as error:
            fold.attach_to(error)
            raise self._attributed(error, request.model) from None

    async def _read_into(
        self, fold: ResponseAccumulator, request: UnifiedRequest, wire: WireRequest, spoken: TransformPipeline
    ) -> bytes:
        async with self._send(wire, limits=self._limits(request.model)) as response:
            body = await self._body(response, spoken)
            for told in _limits_told(response, self._now()):
                fold.add(told)
            doubts = UsageChecker(request, cuts_prompts=self.spec.quirks.cuts_prompts)
            for event in spoken.parser.parse(body, self._now()):
                for checked in doubts.check(self._identified(event, response)):
                    fold.add(checked)
            return body

    def _encode(self, request: UnifiedRequest, model: str, *, stream: bool) -> tuple[WireRequest, TransformPipeline]:
        """The request, and the protocol it is written in, which is the one its answer is read in."""
        request = msgspec.structs.replace(request, model=model, stream=stream)
        profile = self._profile(model)
        spoken = self._spoken(request, profile)
        return spoken.transformer.encode(request, profile, self.spec.quirks), spoken

    def _limits(self, model: str) -> TimeLimits:
        """The user's time limits, with what the model's family needs where the user has set none."""
        limits, profile = self._config.time_limits, self._profile(model)
        return msgspec.structs.replace(limits, first_token=limits.first_token or profile.first_token)

    def _profile(self, model: str) -> ModelProfile:
        return self._profiles.get_or_add(model, lambda: profile_of(self.spec, self._meant(model)))

    def _spoken(self, request: UnifiedRequest, profile: ModelProfile) -> TransformPipeline:
        """The provider's protocol, or Responses where the model or the effort needs it and the provider has it."""
        needed = profile.needs_responses or request.reasoning_effort in profile.responses_efforts
        chosen = needed and self.spec.responses_api and self._config.protocol is None
        return pipeline("openai_responses") if chosen else self._pipeline

    def _meant(self, model: str) -> str:
        """The vendor's name of what is called `model` here."""
        return self._config.base_models.get(model, model)

    @asynccontextmanager
    async def _send(
        self, wire: WireRequest, *, at_root: bool = False, limits: TimeLimits | None = None
    ) -> AsyncGenerator[HTTPResponse, None]:
        if self._config.base_url is None:
            raise _no_address(self.spec)
        if not (self.spec.local or self._has_credentials or self._config.base_url_source == "given"):
            raise _no_key(self.spec)
        if self._config.api_key and not self._config.api_key.fits_a_header:
            raise _damaged_key(self.spec)
        own = {name.lower(): value for name, value in self._config.headers.items()}
        headers = {"user-agent": USER_AGENT, "content-type": "application/json", **wire.headers, **own}
        if not self.spec.quirks.keep_alive:
            headers["connection"] = "close"
        async with self._transport.send(
            wire.method,
            join(self._config.base_url.removesuffix("/v1") if at_root else self._config.base_url, wire.path),
            headers=headers,
            auth=self._auth,
            body=wire.body or None,
            limits=limits or self._config.time_limits,
        ) as response:
            yield response

    async def _body(self, response: HTTPResponse, spoken: TransformPipeline) -> bytes:
        body = await response.read()
        if response.status >= 300:
            error = spoken.parser.classify(response.status, response.headers, body)
            error.limits = parse_rate_limits(response.headers, now=datetime.now(UTC))
            raise error
        if _is_html(response):
            raise _not_an_api(self.spec.title)
        return body

    @property
    def _has_credentials(self) -> bool:
        return bool(self._config.api_key) or isinstance(self._auth, ExpiringAuth)

    def _identified(self, event: Event, response: HTTPResponse) -> Event:
        """The end of an answer with the server's number of it. A server names itself as it likes, but with no key."""
        if not isinstance(event, Finished):
            return event
        named = (response.headers.get(name) for name in _REQUEST_IDS)
        number = next(filter(None, named), event.request_id)
        scrub = self._scrubber.scrub
        return msgspec.structs.replace(event, request_id=number and scrub(number), model=scrub(event.model))

    def _attributed(self, error: ProviderError, model: str) -> ProviderError:
        """The error with its provider and model on it, and without the key.

        A server may have quoted it; and the frames the error came through hold the request and the server's words.
        """
        error.provider, error.model = self.name, model
        self._scrubber.scrub_error(error)
        error.hint = self._in_own_terms(error)
        error.__context__ = None
        return error.with_traceback(None)

    def _in_own_terms(self, error: ProviderError) -> str:
        """The hint with what this provider calls its key, or with the command that its user can give."""
        command = self._pipeline.commands.get(error.reason, "") if self.spec.local else ""
        if command and (error.model or "{model}" not in command):
            return command.replace("{model}", shlex.quote(error.model))
        source = self._config.key_source or ""
        known = (
            source.removeprefix("environment: ")
            if source.startswith("environment: ")
            else source and f"the key ({source})"
        )
        variables = known or " or ".join((*self.spec.token_env, *self.spec.env))
        return error.hint.replace(KEY_NAME, variables) if variables and error.kind is ErrorKind.AUTH else error.hint


def _limits_told(response: HTTPResponse, at: float) -> list[LimitsUpdate]:
    limits = parse_rate_limits(response.headers, now=datetime.now(UTC))
    return [LimitsUpdate(limits, at)] if limits else []


def _with_limits(model: ModelInfo, profile: ModelProfile) -> ModelInfo:
    """What the provider says of a model, else what the catalog knows."""
    return msgspec.structs.replace(
        model,
        context_window=model.context_window or profile.context_window,
        max_output=model.max_output or profile.max_output,
    )


def _in_one_body(response: HTTPResponse, spoken: TransformPipeline) -> bool:
    """A page, or a server that ignored `stream` and sent the answer whole."""
    return _is_html(response) or (_media_type(response) == "application/json" and spoken.stream_type == SSE)


def _is_html(response: HTTPResponse) -> bool:
    return _media_type(response) == "text/html"


def _media_type(response: HTTPResponse) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _no_address(spec: ProviderSpec) -> ProviderError:
    variable = " or ".join(address_variables(spec))
    return ProviderError(ErrorKind.BAD_ENDPOINT, f"{spec.title} has no base URL", hint=f"Name one, or set {variable}.")


def _no_key(spec: ProviderSpec) -> ProviderError:
    return ProviderError(ErrorKind.AUTH, f"no API key for {spec.title}", hint=f"Set {way_in(spec)}.")


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
