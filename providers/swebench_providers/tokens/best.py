"""Counting by the best means there is: the server that will read the text, else its tokenizer, else an estimate."""

from __future__ import annotations

from functools import cache

import msgspec

from swebench_providers.auth.strategies import AuthStrategy
from swebench_providers.config import ProviderConfig
from swebench_providers.http.interface import HTTPTransport
from swebench_providers.tokens.api_counter import APITokenCounter
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter
from swebench_providers.tokens.wires import COUNT_WIRES
from swebench_providers.types.errors import ProviderError


@cache
def local_counter() -> TiktokenCounter:
    """The one of this process: what it loads on first use takes about 90 MB."""
    return TiktokenCounter()


async def count(
    text: str, model: str, *, wire: str, config: ProviderConfig, auth: AuthStrategy, transport: HTTPTransport
) -> TokenCount:
    """Tokens of `text`. `wire` names the provider whose way of counting holds; one that cannot count is not asked.

    A server that does not answer is no error: the count is then made here, and `means` says why.
    """
    asked = COUNT_WIRES.get(wire)
    if asked is None or config.base_url is None:
        return await local_counter().count_tokens(text, model)
    try:
        return await APITokenCounter(asked, config, auth, transport).count_tokens(text, model)
    except ProviderError as error:
        counted = await local_counter().count_tokens(text, model)
        return msgspec.structs.replace(counted, means=f"{counted.means}; {config.name} did not count it: {error}")
