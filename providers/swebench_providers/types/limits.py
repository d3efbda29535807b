"""A rate limit that a server reports."""

from __future__ import annotations

from typing import Literal

import msgspec

Dimension = Literal["requests", "tokens", "input_tokens", "output_tokens"]
"""The unit of a limit: `tokens` are those of prompt and answer together."""


class ServerLimit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of a server; None is unknown.

    `limit` is per minute, `remaining` is what is left of it, `reset_after` is in seconds until all of it is back.
    """

    dimension: Dimension
    limit: float | None = None
    remaining: float | None = None
    reset_after: float | None = None
