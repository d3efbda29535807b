"""What is asked of a model and what comes back, the same for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

# Weakest first: an effort a model lacks is replaced by the nearest one below it (api-contracts 3.1).
EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class FinishReason(StrEnum):
    """Why an answer ended (api-contracts 4.3). Only `STOP` says that the model was done."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"
    ERROR = "error"
    CANCELLED = "cancelled"


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class UnifiedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to one model. None means: do not send the parameter, the provider's default holds.

    `prompt` is appended to `messages` as the last user turn. `max_tokens` bounds the output, reasoning included.
    `stream=False` asks for the whole answer in one body. `cache_prompt` marks the system message as a stable prefix
    worth caching where a provider has to be told. `metadata` stays on this side of the wire.
    """

    model: str = ""
    prompt: str = ""
    system_message: str | None = None
    messages: tuple[Message, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    reasoning_effort: Effort | None = None
    stream: bool = True
    cache_prompt: bool = False
    metadata: Mapping[str, str] = {}

    def conversation(self) -> list[Message]:
        """All turns but the system message, `prompt` last."""
        last = [Message("user", self.prompt)] if self.prompt else []
        return [*self.messages, *last]


class TokenUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one call (api-contracts 4.2).

    `prompt_tokens` is the whole input: `cached_tokens` and `cache_write_tokens` are parts of it.
    `completion_tokens` is the whole output: `reasoning_tokens` is a part of it.
    `reported_cost` is what the provider itself says it charges, in USD.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    source: Literal["exact", "estimated"] = "exact"
    reported_cost: Decimal | None = None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class ToolCall(msgspec.Struct, frozen=True):
    """A call the model asked for. `arguments` is JSON text, as it came."""

    id: str
    name: str
    arguments: str


class UnifiedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `cost` is in USD, None when the price is unknown; times are milliseconds from the call.

    `ttft_ms` is the time to the first token of text or reasoning, None when none came or nothing was streamed.
    `raw_response` holds the body of a call made with `stream=False`, b"" otherwise.
    """

    content: str
    reasoning: str
    refusal: str
    model: str
    provider: str
    finish_reason: FinishReason
    usage: TokenUsage | None
    cost: Decimal | None
    latency_ms: float
    ttft_ms: float | None
    request_id: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    notices: tuple[str, ...] = ()
    raw_response: bytes = b""


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model a provider offers. None is unknown. Prices are in USD per million tokens, as the provider lists them."""

    id: str
    name: str = ""
    context_window: int | None = None
    max_output: int | None = None
    price_input: Decimal | None = None
    price_output: Decimal | None = None
