"""What happens while an answer streams in. `at` is the monotonic time, in seconds, at which the bytes arrived."""

from __future__ import annotations

import msgspec

from swebench_providers.models import FinishReason, TokenUsage, ToolCall


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the answer."""

    text: str
    at: float


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the model's thinking, as far as the provider shows it."""

    text: str
    at: float


class UsageUpdate(msgspec.Struct, frozen=True):
    """What was used so far. Cumulative: the last one holds, they are never added."""

    usage: TokenUsage
    at: float


class Notice(msgspec.Struct, frozen=True):
    """Something the user should know that is no error: a parameter left out, or, `passing`, a server starting."""

    message: str
    at: float
    passing: bool = False


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The provider said that this was all. Always the last event, and there is none after an error.

    `raw_reason` is the provider's own word. `category` names what a refusal or a filter was about.
    """

    reason: FinishReason
    at: float
    raw_reason: str = ""
    refusal: str = ""
    category: str = ""
    model: str = ""
    request_id: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()


Event = TextDelta | ReasoningDelta | UsageUpdate | Notice | Finished
