"""The events of a streamed response. `time` is when their bytes arrived, in monotonic seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.limits import ServerLimit
from swebench_providers.types.messages import FinishReason, ToolCall
from swebench_providers.types.usage import Charge, TokenUsage

WaitReason = Literal["rate limit", "queue", "retry", "circuit open", "budget"]


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More text of the answer."""

    text: str
    time: float


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the model's reasoning, as far as the provider sends it."""

    text: str
    time: float


class UsageUpdate(msgspec.Struct, frozen=True):
    """The usage so far. Cumulative: the last update holds, updates are never added."""

    usage: TokenUsage
    time: float


class Notice(msgspec.Struct, frozen=True):
    """Information for the user, such as a parameter left out. `passing` is for a temporary state, such as a start."""

    message: str
    time: float
    passing: bool = False


class LimitsUpdate(msgspec.Struct, frozen=True):
    """The rate limits that the server reported with this response."""

    limits: tuple[ServerLimit, ...]
    time: float


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The call waits before its next request. `seconds` is how long it will take, None if unknown."""

    reason: WaitReason
    message: str
    seconds: float | None
    time: float


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A request is sent: the model's times count from here. `key` is the label of the key, never the key."""

    provider: str
    model: str
    time: float
    key: str = ""


class AttemptFailed(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt failed and another one may follow: the text of this one is void."""

    provider: str
    model: str
    error: ProviderError
    time: float
    key: str = ""


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a complete response. Always the last event; an error ends a response without it.

    `raw_reason` is the finish reason as the provider names it. `category` is that of a refusal or a filter. `raw_body`
    is the body of an answer that was not streamed.
    """

    reason: FinishReason
    time: float
    raw_reason: str = ""
    refusal: str = ""
    category: str = ""
    model: str = ""
    request_id: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    raw_body: bytes = b""


Event = (
    TextDelta
    | ReasoningDelta
    | UsageUpdate
    | Notice
    | LimitsUpdate
    | Waiting
    | Attempt
    | AttemptFailed
    | Charge
    | Finished
)
