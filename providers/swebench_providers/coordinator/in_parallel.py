"""Many requests, some at a time, and each result as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from contextlib import aclosing

import msgspec

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse

Requests = Iterable[UnifiedRequest] | AsyncIterable[UnifiedRequest]
Ask = Callable[[UnifiedRequest], Awaitable[UnifiedResponse]]


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of request number `index`, from 0: `response` or `error`, never both."""

    index: int
    request: UnifiedRequest
    response: UnifiedResponse | None = None
    error: ProviderError | None = None


_Task = asyncio.Task[BatchResult | None]


async def in_parallel(ask: Ask, requests: Requests, *, concurrency: int) -> AsyncGenerator[BatchResult, None]:
    """Results in the order of their ends. No more than `concurrency` requests run or wait to be looked at.

    `requests` is read as there is room, so it may be endless. Where it raises, or `ask` raises anything but
    `ProviderError`, nothing further is begun; what is in flight ends and is handed out, and then the error is raised.
    Closing the generator cancels what runs and waits for its end. Raises `ValueError` for an `concurrency` below 1.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, not {concurrency}")
    batch = _Batch(ask)
    async with aclosing(_numbered(requests)) as source:
        try:
            for _ in range(concurrency):
                batch.start(source)
            while batch.running:
                result = await batch.next_end()
                if result is not None:
                    yield result
                    batch.start(source)
        finally:
            await batch.cancel()
    if batch.failure is not None:
        raise batch.failure


class _Batch:
    """The requests that are under way, each in a task of its own."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._turn = asyncio.Lock()
        self._ended: asyncio.Queue[_Task] = asyncio.Queue()
        self.running: set[_Task] = set()
        self.failure: BaseException | None = None

    def start(self, source: AsyncGenerator[tuple[int, UnifiedRequest], None]) -> None:
        """Take the next request, as soon as it is this one's turn, and ask it."""
        task = asyncio.create_task(self._one(source))
        self.running.add(task)
        task.add_done_callback(self._ended.put_nowait)

    async def next_end(self) -> BatchResult | None:
        """The next result; None where a task has found nothing left to ask."""
        task = await self._ended.get()
        self.running.discard(task)
        return task.result()

    async def cancel(self) -> None:
        """End what runs, and return when all of it has ended, however often that is cancelled."""
        cancelled: asyncio.CancelledError | None = None
        for task in self.running:
            task.cancel()  # once: a second time would break into the settling that the first has begun
        while running := {task for task in self.running if not task.done()}:
            try:
                await asyncio.wait(running)
            except asyncio.CancelledError as error:
                cancelled = error
        for task in self.running:
            if not task.cancelled():
                task.exception()  # looked at, so that nobody complains that it was not
        if cancelled is not None:
            raise cancelled

    async def _one(self, source: AsyncGenerator[tuple[int, UnifiedRequest], None]) -> BatchResult | None:
        try:
            async with self._turn:
                numbered = None if self.failure else await anext(source, None)
            return None if numbered is None else await self._result(*numbered)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.failure = self.failure or error  # nobody cancelled it: the source had it from somewhere else
            return None
        except Exception as error:  # noqa: BLE001 - whatever the source or a fault of ours raises, paid requests end first
            self.failure = self.failure or error
            return None

    async def _result(self, index: int, request: UnifiedRequest) -> BatchResult:
        try:
            return BatchResult(index=index, request=request, response=await self._ask(request))
        except ProviderError as error:
            return BatchResult(index=index, request=request, error=error)


async def _numbered(requests: Requests) -> AsyncGenerator[tuple[int, UnifiedRequest], None]:
    if isinstance(requests, AsyncIterable):
        index = 0
        async for request in requests:
            yield index, request
            index += 1
    else:
        for numbered in enumerate(requests):
            yield numbered
