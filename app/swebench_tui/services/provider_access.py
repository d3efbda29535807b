"""Access to configured providers, from the app (through the engine) and from a command (through the registry)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import msgspec

from swebench_providers import ProviderConfig, ProviderRegistry, TimeLimits
from swebench_tui.settings.providers import Readiness

if TYPE_CHECKING:
    from swebench_providers import Provider, ProviderHealth
    from swebench_tui.runs.engine import Engine
    from swebench_tui.settings.workspace import Workspace

T = TypeVar("T")


class ProviderAccess(Protocol):
    """What the services need of a front end. Coroutines are awaited in the front end's own event loop."""

    @property
    def registry(self) -> ProviderRegistry:
        """All known providers."""
        ...

    def readiness(self, name: str) -> Readiness:
        """The configuration state of a provider. Blocks: reads settings, but no key."""
        ...

    def describe_config(self, name: str) -> ProviderConfig:
        """A provider's configuration without its key. Blocks; raises `ProviderError`."""
        ...

    async def resolve(self, name: str, *, base_url: str | None = None) -> Provider:
        """A bare provider with its key, which is read in a thread. `base_url` replaces the configured address.

        Raises `ProviderError`, also when the key cannot be read.
        """
        ...

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of a resolved provider in the event loop that owns its connections."""
        ...

    async def health(self) -> Mapping[str, ProviderHealth]:
        """Statistics of each provider called in this process."""
        ...


class CommandAccess:
    """Providers for one command: everything runs in the command's loop. `time_limits` replace the configured ones.

    Leaving the `async with` closes the connections.
    """

    def __init__(self, workspace: Workspace, *, time_limits: TimeLimits | None = None) -> None:
        self._workspace = workspace
        self._time_limits = time_limits

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.registry.aclose()

    @property
    def registry(self) -> ProviderRegistry:
        return self._workspace.registry

    def readiness(self, name: str) -> Readiness:
        return self._workspace.providers.readiness(name)

    def describe_config(self, name: str) -> ProviderConfig:
        return self._workspace.providers.describe_config(name)

    async def resolve(self, name: str, *, base_url: str | None = None) -> Provider:
        registry = self.registry
        config = await asyncio.to_thread(registry.configure, name, base_url=base_url)
        if self._time_limits is not None:
            config = msgspec.structs.replace(config, time_limits=self._time_limits)
        return registry.get_provider(name, config)

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await coroutine

    async def health(self) -> Mapping[str, ProviderHealth]:
        return {}


class EngineAccess:
    """Providers for the app: requests run in the engine's thread, keys are read in its key threads.

    With `workspace`, the registry follows the providers that the user adds and removes.
    """

    def __init__(self, engine: Engine, workspace: Workspace | None = None) -> None:
        self._engine, self._workspace = engine, workspace

    @property
    def registry(self) -> ProviderRegistry:
        return self._workspace.registry if self._workspace else self._engine.registry

    def readiness(self, name: str) -> Readiness:
        return self._engine.readiness(name)

    def describe_config(self, name: str) -> ProviderConfig:
        return self._engine.describe_config(name)

    async def resolve(self, name: str, *, base_url: str | None = None) -> Provider:
        return (await self._engine.resolve(name, base_url=base_url)).provider

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(self._engine.submit(coroutine))

    async def health(self) -> Mapping[str, ProviderHealth]:
        return await self._engine.health()
