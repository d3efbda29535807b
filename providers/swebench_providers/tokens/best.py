"""Counting by the best method there is: the server that will read the text, else its tokenizer, else an estimate."""

from __future__ import annotations

from functools import cache

import msgspec

from swebench_providers.auth.strategies import AuthStrategy
from swebench_providers.config import ProviderConfig
from swebench_providers.http.interface import HTTPTransport
from swebench_providers.tokens.api_counter import APITokenCounter
from swebench_providers.tokens.count_endpoints import CountEndpoint
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter
from swebench_providers.types.errors import ProviderError


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
    if endpoint is None or config.base_url is None:
        return await local_counter().count_tokens(text, model)
    try:
        return await APITokenCounter(endpoint, config, auth, transport).count_tokens(text, model)
    except ProviderError as error:
        counted = await local_counter().count_tokens(text, model)
        return msgspec.structs.replace(counted, means=f"{counted.means}; {config.name} did not count it: {error}")
