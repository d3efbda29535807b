"""Counting by asking the server that will read the prompt."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.auth.strategies import AuthStrategy, scrubber_for
from swebench_providers.config import ProviderConfig
from swebench_providers.http.interface import USER_AGENT, HTTPTransport, join
from swebench_providers.protocols import WireRequest, failures
from swebench_providers.tokens.counter import TokenCount, framing
from swebench_providers.tokens.wires import CountWire
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.messages import UnifiedRequest

_PATIENCE: Final = 30.0
"""Seconds of silence, at most: a count takes no thought."""


class APITokenCounter:
    """Exact, at the price of a request to the provider of `config`, one for each count; nothing is generated.

    A text counts as the prompt it would be alone, with its framing, where the server counts whole chats. Where it
    counts bare text only, a request is an estimate: the usual framing is added to the exact count of its texts.
    """

    def __init__(self, wire: CountWire, config: ProviderConfig, auth: AuthStrategy, transport: HTTPTransport) -> None:
        self._wire = wire
        self._config = config
        self._auth = auth
        self._transport = transport
        self._scrubber = scrubber_for(auth, *config.secrets)

    async def count_tokens(self, text: str, model: str) -> TokenCount:
        tokens = await self._ask(UnifiedRequest(model=model, prompt=text)) if text else 0
        return TokenCount(tokens, "exact", f"counted by {self._config.name}")

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        tokens = await self._ask(request)
        if self._wire.whole:
            return TokenCount(tokens, "exact", f"counted by {self._config.name}")
        means = f"counted by {self._config.name}, with the usual framing of a chat"
        return TokenCount(tokens + framing(request), "estimated", means)

    async def _ask(self, request: UnifiedRequest) -> int:
        try:
            body = await self._answer(self._wire.encode(request))
            return self._wire.decode(body)
        except failures.UNREADABLE:
            error = _no_count(self._config.name)
        except ProviderError as raised:
            error = raised
        raise self._attributed(error, request.model)

    async def _answer(self, wire: WireRequest) -> bytes:
        own = {name.lower(): value for name, value in self._config.headers.items()}
        limits = msgspec.structs.replace(self._config.time_limits, idle=min(self._config.time_limits.idle, _PATIENCE))
        async with self._transport.send(
            wire.method,
            self._address(wire),
            headers={"user-agent": USER_AGENT, "content-type": "application/json", **wire.headers, **own},
            auth=self._auth,
            body=wire.body,
            limits=limits,
        ) as response:
            body = await response.read()
        if response.status >= 300:
            raise failures.from_response(response.status, response.headers, body)
        return body

    def _address(self, wire: WireRequest) -> str:
        base_url = self._config.base_url
        if base_url is None:
            raise ProviderError(
                ErrorKind.BAD_ENDPOINT, f"{self._config.name} has no base URL", hint="Name one in the settings."
            )
        return join(base_url.removesuffix("/v1") if self._wire.at_root else base_url, wire.path)

    def _attributed(self, error: ProviderError, model: str) -> ProviderError:
        """The error with its provider and model on it; without the key, which a server may have quoted."""
        error.provider, error.model = self._config.name, model
        self._scrubber.scrub_error(error)
        return error.with_traceback(None)


def _no_count(name: str) -> ProviderError:
    return ProviderError(
        ErrorKind.BAD_ENDPOINT,
        f"{name} answered, but not with a number of tokens",
        hint="Check the base URL; or this server is of another kind, or too old to count.",
    )
