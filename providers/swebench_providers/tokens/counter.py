"""The interface of token counters, and the count they return."""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec

from swebench_providers.types.messages import Message, UnifiedRequest

_PER_MESSAGE: Final = 3
_PER_REPLY: Final = 3


class TokenCount(msgspec.Struct, frozen=True):
    """A number of tokens. `means` describes how it was counted, and what: a text alone, or a chat.

    Only a count by the model's own tokenizer is `exact`; an estimate is marked as one wherever it is shown.
    """

    tokens: int
    source: Literal["exact", "estimated"]
    means: str


class TokenCounter(Protocol):
    """A method of counting. `model` is the provider's name of the model."""

    async def count_tokens(self, text: str, model: str) -> TokenCount:
        """The tokens of `text`. Raises `ProviderError` where a server is to count and fails."""
        ...

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        """The tokens of all that the model would read, framing included. Raises as `count_tokens` does."""
        ...


def turns(request: UnifiedRequest) -> list[Message]:
    """All messages of a request, the system message first."""
    system = [Message("system", request.system_message)] if request.system_message else []
    return [*system, *request.conversation()]


def framing(request: UnifiedRequest) -> int:
    """Tokens that a chat adds to its texts: 3 per message and 3 that open the reply (wire-contracts 7)."""
    messages = len(request.messages) + bool(request.system_message) + bool(request.prompt)
    return _PER_MESSAGE * messages + _PER_REPLY
