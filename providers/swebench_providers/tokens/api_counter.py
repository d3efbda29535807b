"""Counting by asking the server that will read the prompt."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.auth.strategies import AuthStrategy, scrubber_for
from swebench_providers.config import ProviderConfig
from swebench_providers.http.interface import USER_AGENT, HTTPTransport, join
from swebench_providers.protocols import WireRequest, failures
from swebench_providers.tokens.count_endpoints import CountEndpoint
from swebench_providers.tokens.counter import TokenCount, framing
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.messages import UnifiedRequest

_MAX_SILENCE: Final = 30.0
"""Seconds without a byte: counting takes a server no time."""


class APITokenCounter:
    """Exact, at the price of one request per count to the provider of `config`; nothing is generated.

    Where the server counts whole chats, a text counts as the chat of that one message, and `means` says so. Where it
    counts bare text only, a request is an estimate: the usual framing is added to the exact count of its texts.
    """

    def __init__(
        self, endpoint: CountEndpoint, config: ProviderConfig, auth: AuthStrategy, transport: HTTPTransport
    ) -> None:
        self._endpoint = endpoint
        self._config = config
        self._auth = auth
        self._transport = transport
        self._scrubber = scrubber_for(auth, *config.secrets)

    async def count_tokens(self, text: str, model: str) -> TokenCount:
        tokens = await self._request_count(UnifiedRequest(model=model, prompt=text)) if text else 0
        counted = "a chat of this one message" if self._endpoint.whole_chat else "the text alone"
        return TokenCount(tokens, "exact", f"counted by {self._config.name}: {counted}")

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        tokens = await self._request_count(request)
        if self._endpoint.whole_chat:
            return TokenCount(tokens, "exact", f"counted by {self._config.name}: the whole chat")
        means = f"counted by {self._config.name}: the texts, with the usual framing of a chat"
        return TokenCount(tokens + framing(request), "estimated", means)

    async def _request_count(self, request: UnifiedRequest) -> int:
        try:
            body = await self._fetch(self._endpoint.encode(request))
            return self._endpoint.decode(body)
        except failures.UNREADABLE:
            error = _no_count(self._config.name)
        except ProviderError as raised:
            error = raised
        raise self._attributed(error, request.model)

    async def _fetch(self, wire: WireRequest) -> bytes:
        own = {name.lower(): value for name, value in self._config.headers.items()}
        idle = min(self._config.time_limits.idle, _MAX_SILENCE)
        async with self._transport.send(
            wire.method,
            self._address(wire),
            headers={"user-agent": USER_AGENT, "content-type": "application/json", **wire.headers, **own},
            auth=self._auth,
            body=wire.body,
            limits=msgspec.structs.replace(self._config.time_limits, idle=idle),
        ) as response:
            body = await response.read()
        if response.status >= 300:
            raise failures.from_response(response.status, response.headers, body)
        return body

    def _address(self, wire: WireRequest) -> str:
        base_url = self._config.base_url
        if base_url is None:
            raise ProviderError(
                ErrorKind.BAD_ENDPOINT, f"{self._config.name} has no base URL", hint="Set it in the settings."
            )
        return join(base_url.removesuffix("/v1") if self._endpoint.at_root else base_url, wire.path)

    def _attributed(self, error: ProviderError, model: str) -> ProviderError:
        """The error with its provider and model on it; without the key, which a server may have quoted."""
        error.provider, error.model = self._config.name, model
        self._scrubber.scrub_error(error)
        return error.with_traceback(None)


def _no_count(name: str) -> ProviderError:
    return ProviderError(
        ErrorKind.BAD_ENDPOINT,
        f"{name} responded, but not with a number of tokens",
        hint="Check the base URL; or this server is of another kind, or too old to count.",
    )
