"""How many tokens a prompt has: what each way of counting offers, and what it answers."""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec

from swebench_providers.types.messages import Message, UnifiedRequest

_A_MESSAGE: Final = 3
_THE_REPLY: Final = 3


class TokenCount(msgspec.Struct, frozen=True):
    """A number of tokens, and how it came about: `means` names that in words.

    Only what a model's own tokenizer counted is `exact`; whatever shows an estimate marks it as one.
    """

    tokens: int
    source: Literal["exact", "estimated"]
    means: str


class TokenCounter(Protocol):
    """One way of counting. `model` is the name the provider gives the model."""

    async def count_tokens(self, text: str, model: str) -> TokenCount:
        """The tokens of `text`. Raises `ProviderError` where a server is asked and does not answer."""
        ...

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        """The tokens of everything the model would read, framing included. Raises as `count_tokens` does."""
        ...


def turns(request: UnifiedRequest) -> list[Message]:
    """All messages of a request, the system message first."""
    system = [Message("system", request.system_message)] if request.system_message else []
    return [*system, *request.conversation()]


def framing(request: UnifiedRequest) -> int:
    """Tokens a chat adds to its texts: 3 a message and 3 that open the reply (api-contracts 7)."""
    return _A_MESSAGE * len(turns(request)) + _THE_REPLY
