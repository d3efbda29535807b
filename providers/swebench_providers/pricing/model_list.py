"""The prices on a provider's own list of models, fetched once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.models import ModelInfo, ModelPrice

TIMEOUT: Final = 15.0
"""Seconds. An answer that has arrived does not wait longer for its price."""


class ListedPrices:
    """The prices on the list that `fetch` returns.

    The list is fetched once and kept; concurrent callers share the request. If it fails, the price is unknown to all of
    them, and the next call fetches again.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Sequence[ModelInfo]]], *, timeout: float = TIMEOUT) -> None:
        self._fetch = fetch
        self._timeout = timeout
        self._prices: Mapping[str, ModelPrice] | None = None
        self._request: asyncio.Task[None] | None = None

    def update(self, models: Sequence[ModelInfo]) -> None:
        """Take the prices from a list that was fetched for another reason."""
        self._prices = {model.id: model.price for model in models if model.price is not None}

    async def price_of(self, model: str) -> ModelPrice | None:
        """The listed price; None if the list has none or cannot be fetched. Raises nothing."""
        if self._prices is None:
            await asyncio.shield(self._shared_request())  # a cancelled caller must not cancel it for the others
        return (self._prices or {}).get(model)

    def _shared_request(self) -> asyncio.Task[None]:
        task, loop = self._request, asyncio.get_running_loop()
        if task is None or task.done() or task.get_loop() is not loop:
            task = self._request = loop.create_task(self._fetch_prices())
        return task

    async def _fetch_prices(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                self.update(await self._fetch())
        except (ProviderError, TimeoutError):
            return
