"""The thread that streams answers, apart from the screen's.

Measured in the screen's own loop, time to first token and tokens per second would be the screen's speed, not the
model's, and a stream would stall while the screen draws.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from swebench_providers import ProviderConfig, ProviderRegistry
from swebench_tui.runs.column import Column
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.settings.providers import Readiness, readiness

if TYPE_CHECKING:
    from swebench_providers import DisabledKey, ProviderHealth, RateLimits, SharedState
    from swebench_providers.servers.discovery import FoundServer
    from swebench_tui.runs.generation import Source
    from swebench_tui.runs.provider_resolver import ProviderResolver, ResolvedProvider

T = TypeVar("T")

_KEY_READERS: Final = 2  # providers whose keys are read at once


class Engine:
    """An event loop in a thread of its own. `start`, `cancel` and `submit` may be called from any thread.

    The other coroutines are called in the caller's own loop.
    """

    def __init__(
        self,
        registry: ProviderRegistry,
        *,
        configs: Callable[[str], Mapping[str, ProviderConfig]] | None = None,
        describe_config: Callable[[str], ProviderConfig] | None = None,
        limits: Mapping[str, RateLimits] | None = None,
        discover: Callable[[], Awaitable[list[FoundServer]]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`configs` gives a provider's configuration with each of its keys, `describe_config` gives it without reading
        a key; None asks the registry. `limits` are the user's rate limits by provider. `discover` finds local servers.
        """
        self.registry = registry
        self.patch_checker = PatchChecker()
        self._discover = discover or registry.discover
        self._limits, self._now = limits, now
        self._configs = configs
        self._describe_config = describe_config or registry.configure
        self._made: tuple[SharedState, ProviderResolver] | None = None
        self._making = threading.Lock()
        # A keyring may take seconds for each key: threads of its own leave the others free for everything else.
        self._key_readers = ThreadPoolExecutor(_KEY_READERS, thread_name_prefix="keys")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)
        self._running: dict[Column, Future[None]] = {}
        self._thread.start()

    def start(self, column: Column) -> None:
        """Run a column. Returns at once: the column's state says how far it is."""
        future = self.submit(column.run())
        self._running[column] = future
        future.add_done_callback(lambda _: self._running.pop(column, None))

    def cancel(self, column: Column) -> None:
        """Stop a running column and close its connection; does nothing to any other."""
        future = self._running.get(column)
        if future is not None:
            future.cancel()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run any coroutine in the engine's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def describe_config(self, provider: str) -> ProviderConfig:
        """A provider's configuration without its keys. Reads settings: blocks. Raises `ProviderError`."""
        return self._describe_config(provider)

    def readiness(self, provider: str) -> Readiness:
        """What is configured for a provider. Reads settings: blocks. Raises nothing."""
        return readiness(self.registry, provider, configure=self._describe_config)

    async def resolve(self, provider: str, *, base_url: str | None = None) -> ResolvedProvider:
        """A provider with its keys, which are read in a thread. Raises `ProviderError`."""
        return await self._in_key_reader(lambda: self._resolver.resolve(provider, base_url=base_url))

    async def source(self, provider: str, *, base_url: str | None = None) -> Source:
        """As `resolve`, for answers only: a key that cannot be read fails the answers. Raises `ProviderError`."""
        return await self._in_key_reader(lambda: self._resolver.source(provider, base_url=base_url))

    async def _in_key_reader(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._key_readers, read)

    async def discover(self) -> list[FoundServer]:
        """The servers that answer on this machine. Takes two seconds at most."""

        async def discover() -> list[FoundServer]:
            return await self._discover()

        return await asyncio.wrap_future(self.submit(discover()))

    @property
    def shared(self) -> SharedState:
        """What every coordinator of the program is given. Belongs to the engine's loop."""
        return self._policies[0]

    @property
    def _resolver(self) -> ProviderResolver:
        return self._policies[1]

    @property
    def _policies(self) -> tuple[SharedState, ProviderResolver]:
        """Made when first needed: importing them takes as long as the first paint."""
        with self._making:
            if self._made is None:
                from swebench_tui.runs.provider_resolver import (  # noqa: PLC0415
                    ProviderResolver,
                    interactive_coordinator,
                    shared_state,
                )

                shared = shared_state(self._now)
                coordinator = interactive_coordinator(self._limits, shared=shared)
                self._made = shared, ProviderResolver(self.registry, coordinator, self._configs)
            return self._made

    async def health(self) -> dict[str, ProviderHealth]:
        """Statistics of each provider that has been used."""
        return await self._with_shared(lambda shared: shared.health())

    async def disabled_keys(self, provider: str) -> dict[str, DisabledKey]:
        """The provider's keys that are not used, by label."""
        return await self._with_shared(lambda shared: shared.disabled_keys(provider))

    async def enable_key(self, provider: str, label: str) -> None:
        """Use a disabled key again."""
        await self._with_shared(lambda shared: shared.enable_key(provider, label))

    async def _with_shared(self, function: Callable[[SharedState], T]) -> T:
        """Call a function in the engine's loop, to which the shared state belongs."""

        async def call() -> T:
            return function(self.shared)

        return await asyncio.wrap_future(self.submit(call()))

    def close(self) -> None:
        """Cancel what runs, close connections, end the embedded model and the thread. Blocks until done."""
        if self._loop.is_closed():
            return
        self.submit(self._shut_down()).result()
        self._key_readers.shutdown(wait=False, cancel_futures=True)
        self.patch_checker.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _shut_down(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.registry.aclose()
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()
