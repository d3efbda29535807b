"""How many requests a server runs in parallel, from the server itself: further ones queue here, not in the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class HasSlots(Protocol):
    """A provider that can find out how many requests its server runs in parallel."""

    async def slots(self, model: str) -> int | None:
        """The number for `model`; None when the server does not report it. Quick, and raises nothing if it is gone."""
        ...


class SlotCount:
    """The number of slots, fetched before the first request, and again after a failure: the server may be another."""

    def __init__(self, provider: HasSlots, model: str) -> None:
        self._provider = provider
        self._model = model
        self._fetching = asyncio.Lock()
        self.is_current = False

    async def fetch(self, on_result: Callable[[int], None]) -> None:
        """Fetch the number and pass it on if there is one; callers at the same time share one fetch."""
        async with self._fetching:
            if self.is_current:
                return
            number = await self._provider.slots(self._model)
            self.is_current = True
            if number is not None:
                on_result(number)

    def forget(self) -> None:
        """Fetch again before the next request. Until then the last number applies."""
        self.is_current = False


def slot_count(provider: object, model: str) -> SlotCount | None:
    """None for a provider that cannot find out."""
    return SlotCount(provider, model) if isinstance(provider, HasSlots) else None
