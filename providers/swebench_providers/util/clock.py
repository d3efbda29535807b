"""The clock, an argument of whatever waits, so that tests need not wait."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock, in seconds."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never decreases."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class SystemClock:
    """The clock of the machine."""

    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def sleep_unless(clock: Clock, seconds: float, event: asyncio.Event) -> None:
    """Return after `seconds`, or as soon as `event` is set. With infinite seconds only the event counts."""
    if seconds == float("inf"):
        await event.wait()
        return
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(clock.sleep(seconds)), group.create_task(_wait(event))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
