"""Which model each provider uses where nobody names one, asked for once; a provider that is gone is asked again."""

from __future__ import annotations

import asyncio
from typing import Final

from swebench_providers.policies.always_fails import copy_error
from swebench_providers.provider import Provider
from swebench_providers.types.errors import ProviderError
from swebench_providers.util.clock import Clock
from swebench_providers.util.lru import Recent

_LOOK_AGAIN: Final = 15.0
"""Seconds after which a provider that could not say is asked again, by one call; the others go on meanwhile."""

_PROVIDERS: Final = 256  # kept at most


class _Known:
    """What is known of one provider."""

    def __init__(self) -> None:
        self.model = ""
        self.failure: ProviderError | None = None
        self.again_at = 0.0
        self.lookups = 0
        self.looking = asyncio.Lock()


class DefaultModels:
    """The default models of the providers of one coordinator."""

    def __init__(self, *, clock: Clock) -> None:
        self._now = clock.now
        self._known: Recent[Provider, _Known] = Recent(_PROVIDERS)

    def known(self, provider: Provider) -> str:
        """The model, "" while it is not known."""
        known = self._known.get(provider)
        return known.model if known else ""

    async def of(self, provider: Provider, *, needed: bool) -> str:
        """The model. Raises `ProviderError` where the provider cannot say, from memory unless `needed` now.

        Those who ask at the same time share one look-up, and its failure.
        """
        known = self._known.get_or_add(provider, _Known)
        if known.failure is not None and not needed and self._now() < known.again_at:
            raise copy_error(known.failure)
        known.again_at = self._now() + _LOOK_AGAIN
        lookups = known.lookups
        async with known.looking:
            if known.model:
                return known.model
            if known.failure is not None and known.lookups != lookups:
                raise copy_error(known.failure)
            try:
                known.model = await provider.default_model()
            except ProviderError as failure:
                known.failure = failure
                raise
            finally:
                known.lookups += 1
                known.again_at = self._now() + _LOOK_AGAIN
            return known.model
