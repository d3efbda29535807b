"""What a model accepts, and how a provider differs from its protocol: what a protocol needs to write a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from swebench_providers.types.messages import Effort


class ModelProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a model family (wire-contracts 3.3). None is unknown."""

    context_window: int | None = None
    max_output: int | None = None
    """Both in tokens."""
    sampling: Literal["yes", "no", "effort_none"] = "yes"
    """Whether temperature and top_p are accepted; `effort_none`: only while the effort is `none`."""
    stop: bool = True
    """Whether stop sequences are accepted."""
    efforts: tuple[Effort, ...] = ()
    """The levels of reasoning effort that are accepted; empty: the parameter itself is refused."""
    responses_efforts: tuple[Effort, ...] = ()
    """Levels that are accepted on the Responses API and not on Chat Completions."""
    needs_responses: bool = False
    """It answers on the Responses API only."""
    default_effort: Effort | None = None
    system_role: Literal["system", "developer"] = "system"
    thinking: Literal["none", "budget", "adaptive", "level"] = "none"
    """How the field of that name is written: Anthropic has `budget` and `adaptive`, Gemini `budget` and `level`."""
    effort_style: Literal["switch", "level"] = "level"
    """Whether Ollama's `think` is a switch or a level."""
    first_token: float | None = None
    """Seconds until the first token may come, where that is longer than for other models."""


class Quirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider differs from its protocol. Each field is read by code."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    usage_in_stream: Literal["on_request", "always", "never"] = "on_request"
    """When a stream ends with usage; `on_request`: with `stream_options.include_usage`."""
    store: bool | None = None
    """Whether the provider may keep the answer; None leaves the field out of Chat Completions."""
    any_effort: bool = False
    """The server passes `reasoning_effort` to whatever model it serves, so there is no list to check it against."""
    effort_field: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    """`reasoning` is an object that holds the effort."""
    developer_role: bool = True
    """False where the system message always has the role `system`, whatever the model."""
    body: Mapping[str, object] = {}
    """Fields of every request."""
    seed: bool = True
    """Whether the field of that name is accepted."""
    grammar: bool = False
    """Whether Chat Completions take a GBNF grammar (wire-contracts 3.2)."""
    cuts_prompts: bool = False
    """It drops the front of a prompt that does not fit, without reporting it (wire-contracts 10.3, lines 1 and 2)."""
    keep_alive: bool = True
    """False where the server closes a connection after an answer unannounced: the next request would be lost."""
