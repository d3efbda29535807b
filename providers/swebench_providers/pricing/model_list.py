"""The prices on a provider's own list of models, asked for once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.models import ModelInfo, ModelPrice

PATIENCE: Final = 15.0
"""Seconds. An answer that is there does not wait longer for its price."""


class ListedPrices:
    """What the models on the list of `listing` cost.

    Any number may ask at the same time: the list is fetched once and kept. When it does not come, those who wait learn
    that nothing is known, and the next to ask tries again.
    """

    def __init__(self, listing: Callable[[], Awaitable[Sequence[ModelInfo]]], *, patience: float = PATIENCE) -> None:
        self._listing = listing
        self._patience = patience
        self._prices: Mapping[str, ModelPrice] | None = None
        self._asking: asyncio.Task[None] | None = None

    def heard(self, models: Sequence[ModelInfo]) -> None:
        """Take the prices from a list that came for another reason."""
        self._prices = {model.id: model.price for model in models if model.price is not None}

    async def price_of(self, model: str) -> ModelPrice | None:
        """The listed price; None where the list has none, or cannot be had. Raises nothing."""
        if self._prices is None:
            await asyncio.shield(self._shared())  # who leaves does not take the list from the others
        return (self._prices or {}).get(model)

    def _shared(self) -> asyncio.Task[None]:
        task, loop = self._asking, asyncio.get_running_loop()
        if task is None or task.done() or task.get_loop() is not loop:
            task = self._asking = loop.create_task(self._ask())
        return task

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                self.heard(await self._listing())
        except (ProviderError, TimeoutError):
            return
