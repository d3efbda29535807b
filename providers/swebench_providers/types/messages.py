"""What is asked of a model and what comes back, the same for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

import msgspec

from swebench_providers.types.limits import ServerLimit

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

# Weakest first: an effort a model lacks is replaced by the nearest one below it (api-contracts 3.1).
EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

DEAREST: Final = 1_000_000
"""USD per million tokens; nothing costs more than a dollar a token."""
_DEAREST_ANSWER: Final = 1_000_000  # USD
_FEWEST: Final = -12  # the power of ten below which a price is a mistake, and a zero would fill pages


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


class ModelPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs, in USD per million tokens, each from 0 to `DEAREST`; `ValueError` for any other number.

    `cached_input` is for input read from the provider's cache, `cache_write` for input stored there. None is as
    `input`: most providers charge nothing extra for storing, and a discount that is not known is not given. Where
    prompts of more than `long_from` tokens cost more, all of their tokens and their answers have `long_prompt` prices.
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    long_from: int = 0
    long_prompt: ModelPrice | None = None

    def __post_init__(self) -> None:
        for price in (self.input, self.output, self.cached_input, self.cache_write):
            if price is not None and not is_price(price):
                raise ValueError(f"{price} is no price")

    def for_prompt(self, tokens: int) -> ModelPrice:
        """The prices that hold for a prompt of so many tokens."""
        if self.long_prompt is None or tokens <= self.long_from:
            return self
        return self.long_prompt.for_prompt(tokens)

    def cost(self, usage: TokenUsage) -> Decimal | None:
        """USD for `usage`, in which each token is counted once. None for counts that cannot be."""
        if self.long_prompt is not None and usage.prompt_tokens > self.long_from:
            return self.long_prompt.cost(usage)
        plain = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
        if min(plain, usage.cached_tokens, usage.cache_write_tokens, usage.completion_tokens) < 0:
            return None
        total = (
            plain * self.input
            + usage.cached_tokens * (self.input if self.cached_input is None else self.cached_input)
            + usage.cache_write_tokens * (self.input if self.cache_write is None else self.cache_write)
            + usage.completion_tokens * self.output
        )
        return total.scaleb(-6)


def is_price(amount: Decimal) -> bool:
    """Whether `amount` can be the price of a million tokens in USD."""
    return amount.is_finite() and not amount.is_signed() and amount.adjusted() >= _FEWEST and amount <= DEAREST


def is_cost(amount: Decimal) -> bool:
    """Whether `amount` can be what one answer cost in USD: a server that names another has made a mistake."""
    return amount.is_finite() and 0 <= amount <= _DEAREST_ANSWER


class ToolCall(msgspec.Struct, frozen=True):
    """A call the model asked for. `arguments` is JSON text, as it came."""

    id: str
    name: str
    arguments: str


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt cost, in USD; None is unknown. `exact` is False where the tokens were estimated.

    `at` is monotonic seconds.
    """

    amount: Decimal | None
    exact: bool
    provider: str
    model: str
    at: float


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


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model a provider offers. None is unknown. Prices are in USD per million tokens, as the provider lists them.

    `capabilities` are the server's words, such as `tools` or `thinking`; empty is unknown too.
    """

    id: str
    name: str = ""
    context_window: int | None = None
    max_output: int | None = None
    price_input: Decimal | None = None
    price_output: Decimal | None = None
    price_cached_input: Decimal | None = None
    price_cache_write: Decimal | None = None
    capabilities: tuple[str, ...] = ()

    @property
    def price(self) -> ModelPrice | None:
        """The listed price, None where it is not known for input and output both."""
        if self.price_input is None or self.price_output is None:
            return None
        return ModelPrice(
            input=self.price_input,
            output=self.price_output,
            cached_input=self.price_cached_input,
            cache_write=self.price_cache_write,
        )
