"""What is asked of a model and what comes back, the same for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from swebench_providers.types.limits import ServerLimit
from swebench_providers.types.usage import TokenUsage

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


class ToolCall(msgspec.Struct, frozen=True):
    """A call the model asked for. `arguments` is JSON text, as it came."""

    id: str
    name: str
    arguments: str


class FailedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A request that brought no whole answer, before the one that did. `kind` is an `ErrorKind`, `key` a label."""

    provider: str
    model: str
    kind: str
    message: str
    key: str = ""


class UnifiedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `cost` is in USD, None when the price is unknown, and `cost_estimated` where tokens were that it
    is reckoned from; times are milliseconds from the call.

    `ttft_ms` is the time to the first token of text or reasoning, None when none came or nothing was streamed.
    Where policies waited or tried more than once, times count from the attempt that answered, `waited_ms` is what went
    before it, and `failed_attempts` says who failed and why, in order.
    `limits` is what the server said of its rate limits.
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
    waited_ms: float = 0.0
    limits: tuple[ServerLimit, ...] = ()
    failed_attempts: tuple[FailedAttempt, ...] = ()
    cost_estimated: bool = False
