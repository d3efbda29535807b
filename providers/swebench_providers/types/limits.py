"""One rate limit as a server reports it."""

from __future__ import annotations

from typing import Literal

import msgspec

Dimension = Literal["requests", "tokens", "input_tokens", "output_tokens"]
"""What a limit counts: `tokens` are those of prompt and answer together."""


class ServerLimit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit as the server reports it; None is unknown.

    `limit` is what fits into a minute, `remaining` what is left of it, `reset_after` the seconds until it is whole.
    """

    dimension: Dimension
    limit: float | None = None
    remaining: float | None = None
    reset_after: float | None = None
