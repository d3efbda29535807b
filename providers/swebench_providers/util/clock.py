"""Time as an argument, so that whatever waits can be tested without waiting."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds, and a way to let some pass."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class SystemClock:
    """The machine's own."""

    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def sleep_unless(clock: Clock, seconds: float, woken: asyncio.Event) -> None:
    """Return after `seconds`, or as soon as `woken` is set. Infinite seconds wait for the event alone."""
    if seconds == float("inf"):
        await woken.wait()
        return
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(clock.sleep(seconds)), group.create_task(_until(woken))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def _until(woken: asyncio.Event) -> None:
    await woken.wait()
