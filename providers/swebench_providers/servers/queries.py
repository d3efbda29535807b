"""What the server of a provider reports beside its answers: windows of models, slots (wire-contracts 2.1, 2.2, 8.2).

The window is the one that holds for a request: where the server cuts or refuses what is longer than what it has loaded,
it is that, and unknown while nothing is loaded. Each request to Ollama names the window to load, so there it is the
model's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from swebench_providers.catalog import ProviderSpec
from swebench_providers.protocols.base import WireRequest
from swebench_providers.protocols.failures import UNREADABLE
from swebench_providers.servers import server_kind
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.models import ModelInfo

if TYPE_CHECKING:
    from swebench_providers.servers.interface import DetailsEndpoint, ServerKind

DETAIL_SECONDS: Final = 3.0
"""How long the details of all models together may take."""

SLOT_SECONDS: Final = 1.0
"""How long a server may take to report its slots: the first request waits for that."""

_CONCURRENT_REQUESTS: Final = 8

Fetch = Callable[[WireRequest], Awaitable[bytes]]
"""Sends a request below the root of the server and returns the body. Raises `ProviderError`."""


class ServerQueries:
    """Questions to the server of one provider. Raises nothing: a server that is gone reports nothing."""

    def __init__(self, spec: ProviderSpec, fetch: Fetch) -> None:
        self._spec = spec
        self._fetch = fetch

    async def describe(self, models: Sequence[ModelInfo], *, seconds: float = DETAIL_SECONDS) -> list[ModelInfo]:
        """`models`, in their order, with what the server reports of each within `seconds`."""
        kind = self._kind()
        if kind is None or kind.details is None:
            return list(models)
        return await fetch_details(models, kind.details, self._fetch, seconds=seconds)

    async def slots(self, model: str, *, seconds: float = SLOT_SECONDS) -> int | None:
        """How many requests the server runs at once; None where it does not report that within `seconds`.

        llama.cpp does. Ollama has no endpoint for it, so the default of its variable is in the catalog. Others report
        nothing, and queue by themselves.
        """
        spec = self._spec
        if spec.slots is not None:
            runs_elsewhere = not spec.is_free(model)
            return None if runs_elsewhere else spec.slots
        kind = self._kind()
        if kind is None or kind.slots is None:
            return None
        try:
            async with asyncio.timeout(seconds):
                return kind.slots.decode(await self._fetch(kind.slots.request))
        except (ProviderError, TimeoutError, *UNREADABLE):
            return None

    def _kind(self) -> ServerKind | None:
        return None if self._spec.server is None else server_kind(self._spec.server)


async def fetch_details(
    models: Sequence[ModelInfo], endpoint: DetailsEndpoint, fetch: Fetch, *, seconds: float
) -> list[ModelInfo]:
    """`models`, in their order, with the details that arrive within `seconds`; eight requests are open at a time."""
    described: dict[str, ModelInfo] = {}
    free = asyncio.Semaphore(_CONCURRENT_REQUESTS)

    async def describe(group: Sequence[ModelInfo]) -> None:
        async with free:
            with suppress(ProviderError, *UNREADABLE):
                body = await fetch(endpoint.encode(group[0].id))
                described.update({model.id: endpoint.decode(body, model) for model in group})

    groups = [models] if endpoint.for_all and models else [[model] for model in models]
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(describe(group))
    return [described.get(model.id, model) for model in models]
