"""The endpoint of one provider: sends requests with its key, reads responses, and completes errors."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec

from swebench_providers.auth import strategy
from swebench_providers.auth.strategies import ExpiringAuth, scrubber_for
from swebench_providers.catalog import ProviderSpec
from swebench_providers.config import ProviderConfig, TimeLimits, base_url_variables, credential_hint
from swebench_providers.http.interface import USER_AGENT, HTTPResponse, HTTPTransport, join
from swebench_providers.http.rate_limit_headers import parse_rate_limits
from swebench_providers.protocols import TransformPipeline, WireRequest, pipeline
from swebench_providers.protocols.failures.rules import KEY_NAME
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event, Finished

SSE: Final = "text/event-stream"
_REQUEST_IDS: Final = ("request-id", "x-generation-id", "x-request-id")
_ENVIRONMENT: Final = "environment: "


class Endpoint:
    """The address of one provider, with its headers and credentials."""

    def __init__(self, spec: ProviderSpec, config: ProviderConfig, transport: HTTPTransport) -> None:
        self._spec = spec
        self._config = config
        self._transport = transport
        self._own_headers = {name.lower(): value for name, value in config.headers.items()}
        self.protocol = pipeline(config.protocol or spec.protocol)
        self.auth = strategy(config.auth or spec.auth, config.api_key, proxy=config.proxy, ca_bundle=config.ca_bundle)
        self._scrubber = scrubber_for(self.auth, *config.secrets)

    @property
    def has_credentials(self) -> bool:
        return bool(self._config.api_key) or isinstance(self.auth, ExpiringAuth)

    @asynccontextmanager
    async def send(
        self, wire: WireRequest, *, at_root: bool = False, limits: TimeLimits | None = None
    ) -> AsyncGenerator[HTTPResponse, None]:
        """Send one request; leaving the block releases the connection. Raises `ProviderError`.

        `at_root` leaves out the version that the base URL ends in. `limits` replace those of the configuration.
        """
        base_url = self._checked_base_url()
        headers = {
            "user-agent": USER_AGENT,
            "content-type": "application/json",
            **wire.headers,
            **self._own_headers,
        }
        if not self._spec.quirks.keep_alive:
            headers["connection"] = "close"
        async with self._transport.send(
            wire.method,
            join(base_url.removesuffix("/v1") if at_root else base_url, wire.path),
            headers=headers,
            auth=self.auth,
            body=wire.body or None,
            limits=limits or self._config.time_limits,
        ) as response:
            yield response

    async def read(self, response: HTTPResponse, protocol: TransformPipeline) -> bytes:
        """The body of a response with a success status. Raises `ProviderError` for any other, and for a web page."""
        body = await response.read()
        if response.status >= 300:
            error = protocol.parser.classify(response.status, response.headers, body)
            error.limits = parse_rate_limits(response.headers, now=datetime.now(UTC))
            raise error
        if _is_html(response):
            raise _not_an_api(self._spec.title)
        return body

    def identify(self, event: Event, response: HTTPResponse) -> Event:
        """`event`; the last one of a response with the server's request ID, and without the key it may quote."""
        if not isinstance(event, Finished):
            return event
        headers = (response.headers.get(name) for name in _REQUEST_IDS)
        request_id = next(filter(None, headers), event.request_id)
        scrub = self._scrubber.scrub
        return msgspec.structs.replace(event, request_id=request_id and scrub(request_id), model=scrub(event.model))

    def complete(self, error: ProviderError, model: str) -> ProviderError:
        """`error` with its provider and model, a hint for this provider, and without the key it may quote.

        Its traceback is dropped: the frames hold the request and the response.
        """
        error.provider, error.model = self._config.name, model
        self._scrubber.scrub_error(error)
        error.hint = self._hint(error)
        error.__context__ = None
        return error.with_traceback(None)

    def _checked_base_url(self) -> str:
        """The base URL. Raises `ProviderError` if no request can be sent: no URL, or no usable key."""
        spec, config = self._spec, self._config
        if config.base_url is None:
            raise _no_address(spec)
        if not (spec.local or self.has_credentials or config.base_url_source == "given"):
            raise _no_key(spec)
        if config.api_key and not config.api_key.fits_a_header:
            raise _damaged_key(spec)
        return config.base_url

    def _hint(self, error: ProviderError) -> str:
        """The hint with this provider's name for its key, or the command that helps with its local server."""
        command = self.protocol.commands.get(error.reason, "") if self._spec.local else ""
        if command and (error.model or "{model}" not in command):
            return command.replace("{model}", shlex.quote(error.model))
        key = self._key_name()
        return error.hint.replace(KEY_NAME, key) if key and error.kind is ErrorKind.AUTH else error.hint

    def _key_name(self) -> str:
        """The variable or store that the key came from, else the variables it can come from, else empty."""
        source = self._config.key_source or ""
        if source.startswith(_ENVIRONMENT):
            return source.removeprefix(_ENVIRONMENT)
        return f"the key ({source})" if source else " or ".join((*self._spec.token_env, *self._spec.env))


def is_one_body(response: HTTPResponse, protocol: TransformPipeline) -> bool:
    """Whether the response to a streamed request is not a stream: a web page, or JSON from a server without streams."""
    return _is_html(response) or (_media_type(response) == "application/json" and protocol.stream_type == SSE)


def _is_html(response: HTTPResponse) -> bool:
    return _media_type(response) == "text/html"


def _media_type(response: HTTPResponse) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _no_address(spec: ProviderSpec) -> ProviderError:
    variable = " or ".join(base_url_variables(spec))
    return ProviderError(
        ErrorKind.BAD_ENDPOINT, f"{spec.title} has no base URL", hint=f"Set a base URL, or {variable}."
    )


def _no_key(spec: ProviderSpec) -> ProviderError:
    return ProviderError(ErrorKind.AUTH, f"no API key for {spec.title}", hint=f"Set {credential_hint(spec)}.")


def _damaged_key(spec: ProviderSpec) -> ProviderError:
    return ProviderError(
        ErrorKind.AUTH,
        f"the API key for {spec.title} contains an invalid character",
        hint="Copy it again, without a quote, a line break or a letter outside ASCII.",
    )


def _not_an_api(title: str) -> ProviderError:
    return ProviderError(
        ErrorKind.BAD_ENDPOINT,
        f"the base URL returned a web page, not a response of {title}",
        hint="Check the base URL: for most servers it ends in /v1. It may also be the login page of a proxy.",
    )
