"""Asking a provider within all policies: limits, breakers and retries are the same for every column and screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final, NamedTuple

from swebench_providers import (
    ErrorKind,
    Event,
    Provider,
    ProviderConfig,
    ProviderError,
    ProviderRegistry,
    UnifiedRequest,
)
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.policies.interface import Streamer
from swebench_providers.policies.keys import DisabledKey
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.policies.statistics import ProviderHealth
from swebench_tui.settings.errors import KeyStoreError

_WATCHED: Final = RetrySettings(attempts=3)
"""Somebody sits before it: rather an error soon, which says what to do, than five waits."""


class Asking:
    """What all questions of one program share. Belongs to one event loop.

    An open circuit is not waited for: the column says until when the provider is left alone.
    """

    def __init__(
        self, limits: Mapping[str, RateLimits] | None = None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        policies = Policies(retry=_WATCHED, limits=limits or {}, max_breaker_wait=0.0)
        self._coordinator = ProviderCoordinator([], policies, clock=_Clock(now))

    def of(self, by_key: Mapping[str, Provider]) -> Guarded:
        """A provider within the policies, by the label of each of its keys; there is one at least."""
        (label, provider), *others = by_key.items()
        return Guarded(self._coordinator, Candidate(provider, label=label, more_keys=dict(others)))

    def health(self) -> dict[str, ProviderHealth]:
        """How each provider that has been asked fares."""
        return self._coordinator.health()

    def set_aside(self, provider: str) -> dict[str, DisabledKey]:
        """The provider's keys that are not used, by label."""
        return self._coordinator.disabled_keys(provider)

    def reinstate(self, provider: str, label: str) -> None:
        """Use a key again that was set aside."""
        self._coordinator.enable_key(provider, label)


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


class Reached(NamedTuple):
    """A provider, bare and within the policies."""

    provider: Provider
    streams: Streamer


class Reach:
    """Providers as the user has set them up. May be used from any thread, but for what streams."""

    def __init__(
        self,
        registry: ProviderRegistry,
        asking: Asking,
        configs: Callable[[str], Mapping[str, ProviderConfig]] | None = None,
    ) -> None:
        self.asking = asking
        self._registry = registry
        self._configs = configs or (lambda name: {"": registry.configure(name)})

    def reach(self, name: str, *, at: str | None = None) -> Reached:
        """Reads the provider's keys: blocks. `at` is another address than the one that is set up.

        Raises `ProviderError`, also for a key that is out of reach.
        """
        if at is not None:
            config = self._registry.configure(name, base_url=at)
            return self.reached({"": self._registry.get_provider(name, config)})
        try:
            configs = self._configs(name)
        except KeyStoreError as error:
            what, hint = str(error), error.hint
        else:
            return self.reached({label: self._registry.get_provider(name, each) for label, each in configs.items()})
        raise ProviderError(ErrorKind.AUTH, what, hint=hint, reason="key_out_of_reach")

    def reached(self, by_key: Mapping[str, Provider]) -> Reached:
        """The provider of these keys."""
        return Reached(next(iter(by_key.values())), self.asking.of(by_key))
