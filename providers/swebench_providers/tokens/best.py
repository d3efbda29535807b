"""Counting by the best method there is: the server that will read the text, else its tokenizer, else an estimate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

import msgspec

from swebench_providers.auth.strategies import AuthStrategy
from swebench_providers.config import ProviderConfig
from swebench_providers.http.interface import HTTPTransport
from swebench_providers.tokens.api_counter import APITokenCounter
from swebench_providers.tokens.count_endpoints import CountEndpoint
from swebench_providers.tokens.counter import TokenCount, TokenCounter
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.messages import UnifiedRequest


@cache
def local_counter() -> TiktokenCounter:
    """The one of this process: what it loads on first use takes about 90 MB."""
    return TiktokenCounter()


async def count(
    text: str,
    model: str,
    *,
    endpoint: CountEndpoint | None,
    config: ProviderConfig,
    auth: AuthStrategy,
    transport: HTTPTransport,
) -> TokenCount:
    """Tokens of `text`. Without an `endpoint` no request is sent.

    A server that does not respond is no error: the count is then made here, and `means` says why.
    """
    server = _server_counter(endpoint, config, auth, transport)
    return await _counted(server, config.name, lambda counter: counter.count_tokens(text, model))


async def count_request(
    request: UnifiedRequest,
    *,
    endpoint: CountEndpoint | None,
    config: ProviderConfig,
    auth: AuthStrategy,
    transport: HTTPTransport,
) -> TokenCount:
    """Tokens of all that the model of `request` would read; otherwise as `count`."""
    server = _server_counter(endpoint, config, auth, transport)
    return await _counted(server, config.name, lambda counter: counter.count_request(request))


def _server_counter(
    endpoint: CountEndpoint | None, config: ProviderConfig, auth: AuthStrategy, transport: HTTPTransport
) -> APITokenCounter | None:
    if endpoint is None or config.base_url is None:
        return None
    return APITokenCounter(endpoint, config, auth, transport)


async def _counted(
    server: APITokenCounter | None, name: str, count: Callable[[TokenCounter], Awaitable[TokenCount]]
) -> TokenCount:
    if server is None:
        return await count(local_counter())
    try:
        return await count(server)
    except ProviderError as error:
        counted = await count(local_counter())
        return msgspec.structs.replace(counted, means=f"{counted.means}; {name} did not count it: {error}")
