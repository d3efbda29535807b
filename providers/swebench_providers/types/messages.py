"""Requests and responses, the same for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from swebench_providers.types.limits import ServerLimit
from swebench_providers.types.usage import TokenUsage

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

# Weakest first: an effort that a model lacks is replaced by the nearest one below it (wire-contracts 3.1).
EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class FinishReason(StrEnum):
    """Why an answer ended (wire-contracts 4.3). Only `STOP` means that the model was done."""

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
    """A request to one model. A parameter that is None is not sent, so that the provider's default applies.

    `prompt` is appended to `messages` as the last user turn. `max_tokens` limits the output, including reasoning.
    `stream=False` requests the whole answer in one body. `cache_prompt` marks the system message as a stable prefix,
    for providers that cache only what is marked. `grammar` is a GBNF grammar that the answer has to match; a provider
    that takes none leaves it out with a notice (wire-contracts 3.2). `metadata` is not sent.
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
    grammar: str | None = None
    metadata: Mapping[str, str] = {}

    def conversation(self) -> list[Message]:
        """All turns without the system message, `prompt` last."""
        last = [Message("user", self.prompt)] if self.prompt else []
        return [*self.messages, *last]


class ToolCall(msgspec.Struct, frozen=True):
    """A call that the model requests. `arguments` is JSON text, as received."""

    id: str
    name: str
    arguments: str


class FailedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that failed before the successful one. `kind` is an `ErrorKind`, `key` the label of a key."""

    provider: str
    model: str
    kind: str
    message: str
    key: str = ""


class UnifiedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A whole response. Times are milliseconds from the call.

    `cost` is in USD, None if the price is unknown; `cost_estimated` is whether its tokens were estimated.
    `ttft_ms` is the time to the first token of text or reasoning, None if there was none, or no stream.
    If policies waited or retried, times count from the successful attempt, `waited_ms` is the time before it, and
    `failed_attempts` are the others, in order.
    `limits` are the rate limits that the server reported.
    `raw_response` is the body of a call with `stream=False`, else empty.
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
