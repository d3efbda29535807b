"""How many requests a server runs at once, asked of the server itself, so that the others wait here and not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class HasSlots(Protocol):
    """A provider that may know how many requests its server runs at once."""

    async def slots(self, model: str) -> int | None:
        """Of `model`; None where nobody says. Soon over, and raises nothing for a server that is gone."""
        ...


class SlotCount:
    """Asks before the first request, and again after a failure: another server may have been started since."""

    def __init__(self, provider: HasSlots, model: str) -> None:
        self._provider = provider
        self._model = model
        self._asking = asyncio.Lock()
        self.asked = False

    async def ask(self, tell: Callable[[int], None]) -> None:
        """Tell the number where there is one, once for all that ask at the same time."""
        async with self._asking:
            if self.asked:
                return
            number = await self._provider.slots(self._model)
            self.asked = True
            if number is not None:
                tell(number)

    def forget(self) -> None:
        """Ask again before the next request. Until then what is known holds."""
        self.asked = False


def slot_count(provider: object, model: str) -> SlotCount | None:
    """None where `provider` never knows."""
    return SlotCount(provider, model) if isinstance(provider, HasSlots) else None
