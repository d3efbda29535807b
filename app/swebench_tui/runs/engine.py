"""The thread in which answers are taken in, apart from the screen.

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
from swebench_tui.settings.providers import Readiness, readiness

if TYPE_CHECKING:
    from swebench_providers.policies.keys import DisabledKey
    from swebench_providers.policies.rate_limits import RateLimits
    from swebench_providers.policies.statistics import ProviderHealth
    from swebench_providers.servers.discovery import FoundServer
    from swebench_tui.runs.asking import Reach, Reached

T = TypeVar("T")

_READING: Final = 2  # providers whose keys are read at once


class Engine:
    """An event loop in a thread of its own. `start`, `cancel` and `submit` may be called from any thread.

    `configs` gives a provider's configuration with each of its keys; None is one by the registry. `outline` gives it
    without reading a key. `limits` are the user's own rate limits, by provider. `discover` looks for local servers.
    """

    def __init__(
        self,
        registry: ProviderRegistry,
        *,
        configs: Callable[[str], Mapping[str, ProviderConfig]] | None = None,
        outline: Callable[[str], ProviderConfig] | None = None,
        limits: Mapping[str, RateLimits] | None = None,
        discover: Callable[[], Awaitable[list[FoundServer]]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = registry
        self._discover = discover or registry.discover
        self._policies = limits, now
        self._configs = configs
        self._outline = outline or registry.configure
        self._made: Reach | None = None
        self._making = threading.Lock()
        # A keyring may take seconds for each key: threads of its own, so that the others stay free for everything else.
        self._keys = ThreadPoolExecutor(_READING, thread_name_prefix="keys")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)
        self._running: dict[Column, Future[None]] = {}
        self._thread.start()

    def start(self, column: Column) -> None:
        """Run a column. It is not waited for: its facts say how far it is."""
        future = self.submit(column.run())
        self._running[column] = future
        future.add_done_callback(lambda _: self._running.pop(column, None))

    def cancel(self, column: Column) -> None:
        """Stop a column that runs, closing its connection; on any other nothing happens."""
        future = self._running.get(column)
        if future is not None:
            future.cancel()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run any coroutine in the engine's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def outline(self, provider: str) -> ProviderConfig:
        """How a provider is reached; reads no key, but settings: blocks. Raises `ProviderError`."""
        return self._outline(provider)

    def readiness(self, provider: str) -> Readiness:
        """What is set up for a provider; as `outline`, but raises nothing."""
        return readiness(self.registry, provider, configure=self._outline)

    async def reach(self, provider: str, *, at: str | None = None) -> Reached:
        """A provider with all its keys, within the policies, `at` another address where it is given.

        Reads the keys, in a thread; raises `ProviderError`. Called in the caller's own loop.
        """
        reading = asyncio.get_running_loop().run_in_executor
        return await reading(self._keys, lambda: self._within.reach(provider, at=at))

    async def discover(self) -> list[FoundServer]:
        """The servers that answer on this machine; takes two seconds at most. Called in the caller's own loop."""

        async def look() -> list[FoundServer]:
            return await self._discover()

        return await asyncio.wrap_future(self.submit(look()))

    @property
    def _within(self) -> Reach:
        """The policies, which the first paint does not wait for: their import takes as long as a screen's."""
        with self._making:
            if self._made is None:
                from swebench_tui.runs.asking import Asking, Reach  # noqa: PLC0415

                limits, now = self._policies
                self._made = Reach(self.registry, Asking(limits, now=now), self._configs)
            return self._made

    async def health(self) -> dict[str, ProviderHealth]:
        """How each provider that has been asked fares. Called in the caller's own loop."""

        async def look() -> dict[str, ProviderHealth]:
            return self._within.asking.health()

        return await asyncio.wrap_future(self.submit(look()))

    async def set_aside(self, provider: str) -> dict[str, DisabledKey]:
        """The provider's keys that are not used, by label. Called in the caller's own loop."""

        async def look() -> dict[str, DisabledKey]:
            return self._within.asking.set_aside(provider)

        return await asyncio.wrap_future(self.submit(look()))

    async def reinstate(self, provider: str, label: str) -> None:
        """Use a key again that was set aside. Called in the caller's own loop."""

        async def do() -> None:
            self._within.asking.reinstate(provider, label)

        await asyncio.wrap_future(self.submit(do()))

    def close(self) -> None:
        """Cancel what runs, close the connections, end the embedded model and the thread. Blocks until done."""
        if self._loop.is_closed():
            return
        self.submit(self._wind_up()).result()
        self._keys.shutdown(wait=False, cancel_futures=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _wind_up(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.registry.aclose()
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()
