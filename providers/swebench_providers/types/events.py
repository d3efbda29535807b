"""What happens while an answer streams in. `at` is the monotonic time, in seconds, at which the bytes arrived."""

from __future__ import annotations

from typing import Literal

import msgspec

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.limits import ServerLimit
from swebench_providers.types.messages import FinishReason, ToolCall
from swebench_providers.types.usage import Charge, TokenUsage

WaitReason = Literal["rate limit", "queue", "retry", "circuit open", "budget"]


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


class LimitsUpdate(msgspec.Struct, frozen=True):
    """What the server said of its rate limits with this answer."""

    limits: tuple[ServerLimit, ...]
    at: float


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is asked for now, and this is why. `seconds` is how long it will take, None where nobody knows."""

    reason: WaitReason
    message: str
    seconds: float | None
    at: float


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A request goes out now: what a model takes counts from here. `key` is the label of the key, never the key."""

    provider: str
    model: str
    at: float
    key: str = ""


class AttemptFailed(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt ended without a whole answer and another one may follow: what this one has brought is void."""

    provider: str
    model: str
    error: ProviderError
    at: float
    key: str = ""


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The provider said that this was all. Always the last event, and there is none after an error.

    `raw_reason` is the provider's own word. `category` names what a refusal or a filter was about. `raw_body` is the
    body of an answer that came in one piece.
    """

    reason: FinishReason
    at: float
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
