"""How many requests a server runs at once, as far as it can be known (api-contracts 2.1, 6.2).

llama.cpp says it in its properties. No endpoint of Ollama's does: what its variable is when nobody sets it stands in
the catalog. Others say nothing, and queue by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from swebench_providers.catalog import ProviderSpec
from swebench_providers.protocols.base import WireRequest
from swebench_providers.protocols.failures import UNREADABLE
from swebench_providers.types.errors import ProviderError

SLOT_SECONDS: Final = 1.0
"""How long a server may take to say it: the first request waits for that."""

_PROPERTIES: Final = WireRequest("/props", b"", method="GET")


class _Props(msgspec.Struct):
    total_slots: int | None = None


async def slots_of(
    spec: ProviderSpec, model: str, ask: Callable[[WireRequest], Awaitable[bytes]], *, seconds: float = SLOT_SECONDS
) -> int | None:
    """Of `model`; None where nobody says within `seconds`. `ask` sends a question below the root of the server."""
    if isinstance(spec.slots, int):
        runs_elsewhere = not spec.is_free(model)
        return None if runs_elsewhere else spec.slots
    if spec.slots is None:
        return None
    try:
        async with asyncio.timeout(seconds):
            told = msgspec.json.decode(await ask(_PROPERTIES), type=_Props).total_slots
    except (ProviderError, TimeoutError, *UNREADABLE):
        return None
    return told if told and told > 0 else None
