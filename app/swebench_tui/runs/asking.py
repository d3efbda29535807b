"""Asking a provider within all policies: limits, breakers and retries are the same for every column and screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

from swebench_providers import Event, Provider, UnifiedRequest
from swebench_providers.coordinator import ProviderCoordinator
from swebench_providers.policies.limiter import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.policies.statistics import ProviderHealth
from swebench_providers.routes import Candidate

_WATCHED: Final = RetrySettings(attempts=3)
"""Somebody sits before it: rather an error soon, which says what to do, than five waits."""


class Asking:
    """What all questions of one program share. Belongs to one event loop.

    An open circuit is not waited for: the column says until when the provider is left alone.
    """

    def __init__(
        self, limits: Mapping[str, RateLimits] | None = None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        policies = Policies(retry=_WATCHED, limits=limits or {}, patience=0.0)
        self._coordinator = ProviderCoordinator([], policies, clock=_Clock(now))

    def of(self, provider: Provider, more_keys: Mapping[str, Provider] | None = None, *, label: str = "") -> Guarded:
        """`provider` within the policies; with `more_keys`, which are by label, another key may answer."""
        return Guarded(self._coordinator, Candidate(provider, label=label, more_keys=more_keys or {}))

    def health(self) -> dict[str, ProviderHealth]:
        """How each provider that has been asked fares."""
        return self._coordinator.health()


class _Clock:
    """The columns' own time, so that a column's moments can be compared."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Guarded:
    """One provider within the policies, seen as what streams answers."""

    def __init__(self, coordinator: ProviderCoordinator, candidate: Candidate) -> None:
        self._coordinator = coordinator
        self._candidate = candidate

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        return self._coordinator.stream_from(self._candidate, request)
