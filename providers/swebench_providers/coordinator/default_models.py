"""The default model of each provider, looked up once. A lookup that failed is repeated after a while."""

from __future__ import annotations

import asyncio
from typing import Final

from swebench_providers.policies.always_fails import copy_error
from swebench_providers.provider import Provider
from swebench_providers.types.errors import ProviderError
from swebench_providers.util.clock import Clock
from swebench_providers.util.lru import LRUCache

_RETRY_AFTER: Final = 15.0
"""Seconds after which one call repeats a failed lookup; the others use the failure in the meantime."""

_PROVIDERS: Final = 256  # kept


class _Lookup:
    """What is known about one provider."""

    def __init__(self) -> None:
        self.model = ""
        self.failure: ProviderError | None = None
        self.retry_at = 0.0
        self.count = 0
        self.lock = asyncio.Lock()


class DefaultModels:
    """The default models of providers."""

    def __init__(self, *, clock: Clock) -> None:
        self._now = clock.now
        self._lookups: LRUCache[Provider, _Lookup] = LRUCache(_PROVIDERS)

    def cached(self, provider: Provider) -> str:
        """The model, "" while it is unknown."""
        lookup = self._lookups.get(provider)
        return lookup.model if lookup else ""

    async def fetch(self, provider: Provider, *, required: bool) -> str:
        """The model. Raises `ProviderError` if the provider cannot name one: the last failure, unless `required`.

        Callers at the same time share one lookup, and its failure.
        """
        lookup = self._lookups.get_or_add(provider, _Lookup)
        if lookup.failure is not None and not required and self._now() < lookup.retry_at:
            raise copy_error(lookup.failure)
        lookup.retry_at = self._now() + _RETRY_AFTER
        count = lookup.count
        async with lookup.lock:
            if lookup.model:
                return lookup.model
            if lookup.failure is not None and lookup.count != count:
                raise copy_error(lookup.failure)
            try:
                lookup.model = await provider.default_model()
            except ProviderError as failure:
                lookup.failure = failure
                raise
            finally:
                lookup.count += 1
                lookup.retry_at = self._now() + _RETRY_AFTER
            return lookup.model
