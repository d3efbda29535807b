"""A clock whose time passes only when every task waits, and then without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class VirtualClock:
    """Its sleepers are woken by `run_until`, the earliest first; nothing else makes time pass."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, woken))
        await woken

    async def run_until(self, holds: Callable[[], bool]) -> None:
        """Let tasks run, and time pass, until `holds()`; AssertionError if no sleeper is left to wake."""
        for _ in range(100_000):
            for _ in range(10):
                await asyncio.sleep(0)
                if holds():
                    return
            self._wake_next()
        raise AssertionError("the condition never held")

    def wake_next(self) -> None:
        """Let time pass until the next sleeper wakes, if there is one."""
        if any(not woken.done() for _, woken in self._sleepers):
            self._wake_next()

    def _wake_next(self) -> None:
        self._sleepers = [(due, woken) for due, woken in self._sleepers if not woken.done()]
        assert self._sleepers, "every task waits, and none for the clock"
        due, woken = min(self._sleepers, key=lambda sleeper: sleeper[0])
        self._now = max(self._now, due)
        woken.set_result(None)
