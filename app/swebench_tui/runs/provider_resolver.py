"""Resolves provider names to providers with their keys, behind the policies that all columns and screens share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

from swebench_providers import (
    Candidate,
    Charge,
    ErrorKind,
    Event,
    Policies,
    Provider,
    ProviderConfig,
    ProviderCoordinator,
    ProviderError,
    ProviderRegistry,
    ProviderSpec,
    RateLimits,
    RetrySettings,
    SharedState,
    UnifiedRequest,
)
from swebench_tui.runs.generation import Source
from swebench_tui.settings.errors import KeyStoreError

_INTERACTIVE: Final = RetrySettings(attempts=3)
"""A user is watching: an early error with its hint is better than five waits."""


def shared_state(now: Callable[[], float] = time.monotonic) -> SharedState:
    """The state that all coordinators of a program share: limits, circuit breakers, disabled keys, statistics."""
    return SharedState(clock=_Clock(now))


def interactive_coordinator(
    limits: Mapping[str, RateLimits] | None = None, *, shared: SharedState | None = None
) -> ProviderCoordinator:
    """The policies of comparisons. `limits` are by provider. Belongs to one event loop.

    A call does not wait for an open circuit breaker: its error says until when the provider is left alone.
    """
    policies = Policies(retry=_INTERACTIVE, limits=limits or {}, max_breaker_wait=0.0)
    return ProviderCoordinator([], policies, shared=shared or shared_state())


def batch_coordinator(limits: Mapping[str, RateLimits] | None = None) -> ProviderCoordinator:
    """The policies of many requests that nobody watches one by one: a failed attempt starts its answer again."""
    policies = Policies(retry=RetrySettings(restart=True), limits=limits or {})
    return ProviderCoordinator([], policies, shared=shared_state())


class _Clock:
    """The columns' own time, so that events and columns can be compared."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ResolvedProvider:
    """A provider with all its keys: `provider` is the bare one, `stream` goes through the policies."""

    def __init__(self, coordinator: ProviderCoordinator, by_key: Mapping[str, Provider]) -> None:
        """`by_key` is the bare provider with each key, by the key's label; the first is the one used alone."""
        (label, self.provider), *others = by_key.items()
        self._coordinator = coordinator
        self._candidate = Candidate(self.provider, label=label, more_keys=dict(others))

    @property
    def name(self) -> str:
        return self.provider.name

    def is_free(self, model: str) -> bool:
        return self.provider.spec.is_free(model)

    @property
    def embedded(self) -> bool:
        return self.provider.spec.embedded

    @property
    def takes_grammar(self) -> bool:
        return bool(getattr(self.provider, "takes_grammar", False))  # a package's own provider may not know of it

    def stream(
        self, request: UnifiedRequest, on_charge: Callable[[Charge], None] | None = None
    ) -> AsyncGenerator[Event, None]:
        return self._coordinator.stream_from(self._candidate, request, on_charge=on_charge)


class UnreadableKey:
    """The source of a provider whose key cannot be read: each of its streams fails with the reason."""

    def __init__(self, name: str, spec: ProviderSpec, error: ProviderError) -> None:
        self.name = name
        self._spec = spec
        self._error = error

    def is_free(self, model: str) -> bool:
        return self._spec.is_free(model)

    @property
    def embedded(self) -> bool:
        return self._spec.embedded

    @property
    def takes_grammar(self) -> bool:
        return False

    async def stream(
        self,
        request: UnifiedRequest,  # noqa: ARG002 - it is not sent
        on_charge: Callable[[Charge], None] | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[Event, None]:
        events: list[Event] = []
        for event in events:
            yield event
        raise self._error


class ProviderResolver:
    """Providers as the user has set them up. May be used from any thread; what it returns streams in one loop."""

    def __init__(
        self,
        registry: ProviderRegistry,
        coordinator: ProviderCoordinator,
        configs: Callable[[str], Mapping[str, ProviderConfig]] | None = None,
    ) -> None:
        """`configs` gives a provider's configuration with each of its keys, by label; None asks the registry."""
        self._registry = registry
        self._coordinator = coordinator
        self._configs = configs or (lambda name: {"": registry.configure(name)})

    def resolve(self, name: str, *, base_url: str | None = None) -> ResolvedProvider:
        """Reads the provider's keys: blocks. `base_url` replaces the configured one; no kept key is sent there.

        Raises `ProviderError`; its reason is `key_out_of_reach` where a key cannot be read.
        """
        if base_url is not None:
            configs: Mapping[str, ProviderConfig] = {"": self._registry.configure(name, base_url=base_url)}
        else:
            configs = self._read_configs(name)
        by_key = {label: self._registry.get_provider(name, config) for label, config in configs.items()}
        return ResolvedProvider(self._coordinator, by_key)

    def source(self, name: str, *, base_url: str | None = None) -> Source:
        """As `resolve`, for answers only: a key that cannot be read fails the answers and nothing else."""
        try:
            return self.resolve(name, base_url=base_url)
        except ProviderError as error:
            if error.reason != "key_out_of_reach":
                raise
            return UnreadableKey(name, self._registry.spec(name), error)

    def _read_configs(self, name: str) -> Mapping[str, ProviderConfig]:
        try:
            return self._configs(name)
        except KeyStoreError as error:
            what, hint = str(error), error.hint  # raised below, so that the error carries no context
        raise ProviderError(ErrorKind.AUTH, what, hint=hint, reason="key_out_of_reach")
