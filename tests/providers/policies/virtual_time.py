"""Time that passes only when everybody waits, and then at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class VirtualClock:
    """A clock whose sleepers are woken, the earliest first, by `run_until`; nothing else lets time pass."""

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
        """Let everybody run, and time pass, until `holds()`; AssertionError when nobody is left to wake."""
        for _ in range(100_000):
            for _ in range(10):
                await asyncio.sleep(0)
                if holds():
                    return
            self._wake_the_next()
        raise AssertionError("it never came true")

    def let_the_next_go_on(self) -> None:
        """Let time pass until the next sleeper's is over, where anybody sleeps."""
        if any(not woken.done() for _, woken in self._sleepers):
            self._wake_the_next()

    def _wake_the_next(self) -> None:
        self._sleepers = [(due, woken) for due, woken in self._sleepers if not woken.done()]
        assert self._sleepers, "everybody waits, and nobody for the clock"
        due, woken = min(self._sleepers, key=lambda sleeper: sleeper[0])
        self._now = max(self._now, due)
        woken.set_result(None)
