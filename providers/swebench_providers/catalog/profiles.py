"""What a model and a provider take: the facts a protocol needs to write a request. Filled from `catalog/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from swebench_providers.types.messages import Effort


class ModelProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of a model family (api-contracts 3.3). None is unknown.

    `sampling`: whether temperature and top_p are taken; `effort_none` only while the effort is `none`.
    `efforts`: the levels it takes; empty means the parameter itself is refused.
    `needs_responses`: it answers on the Responses API only; `responses_efforts`: levels it takes there and not on Chat.
    `thinking`: how the field of that name is written: Anthropic knows `budget` and `adaptive`, Gemini `budget` and
    `level`.
    `effort_style`: whether Ollama's `think` is a switch or a level.
    `first_token`: seconds it may think before its first piece, where that is longer than other models take.
    """

    context_window: int | None = None
    max_output: int | None = None
    sampling: Literal["yes", "no", "effort_none"] = "yes"
    stop: bool = True
    efforts: tuple[Effort, ...] = ()
    responses_efforts: tuple[Effort, ...] = ()
    needs_responses: bool = False
    default_effort: Effort | None = None
    system_role: Literal["system", "developer"] = "system"
    thinking: Literal["none", "budget", "adaptive", "level"] = "none"
    effort_style: Literal["switch", "level"] = "level"
    first_token: float | None = None


class Quirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider differs from the protocol it speaks. Each one is read by the protocol's code."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    usage_in_stream: Literal["on_request", "always", "never"] = "on_request"
    store: bool | None = None
    any_effort: bool = False
    """The server hands `reasoning_effort` to whatever model it serves, so there is no list to check it against."""
    effort_field: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    """`reasoning` is an object that holds the effort."""
    developer_role: bool = True
    """False where the system message is always one of the role `system`, whatever the model."""
    body: Mapping[str, object] = {}
    """Fields that stand in every request."""
    seed: bool = True
    cuts_prompts: bool = False
    """It drops the front of a prompt that does not fit, and says nothing (api-contracts 10.3, lines 1 and 2)."""
    keep_alive: bool = True
    """False where the server closes a connection after an answer without a word: the next request would be lost."""
