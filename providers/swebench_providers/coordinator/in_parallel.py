"""Many requests, a limited number of them in parallel, with each result as soon as it is available."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from contextlib import aclosing

import msgspec

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse

Requests = Iterable[UnifiedRequest] | AsyncIterable[UnifiedRequest]
Send = Callable[[UnifiedRequest], Awaitable[UnifiedResponse]]


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of request number `index`, from 0: `response` or `error`, never both."""

    index: int
    request: UnifiedRequest
    response: UnifiedResponse | None = None
    error: ProviderError | None = None


_Task = asyncio.Task[BatchResult | None]


async def in_parallel(send: Send, requests: Requests, *, concurrency: int) -> AsyncGenerator[BatchResult, None]:
    """Results in the order in which requests end. At most `concurrency` requests run, or wait for their result to be
    read.

    `requests` is read only as fast as that allows, so it may be endless. If it raises, or `send` raises anything but
    `ProviderError`, no further request starts; the results of those in flight are yielded, then the error is raised.
    Closing the generator cancels what runs and waits until it has ended. Raises `ValueError` for a `concurrency` below
    1.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, not {concurrency}")
    batch = _Batch(send)
    async with aclosing(_numbered(requests)) as source:
        try:
            for _ in range(concurrency):
                batch.start(source)
            while batch.running:
                result = await batch.next_result()
                if result is not None:
                    yield result
                    batch.start(source)
        finally:
            await batch.cancel()
    if batch.failure is not None:
        raise batch.failure


class _Batch:
    """The requests in flight, each in its own task."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._reading = asyncio.Lock()
        self._ended: asyncio.Queue[_Task] = asyncio.Queue()
        self.running: set[_Task] = set()
        self.failure: BaseException | None = None

    def start(self, source: AsyncGenerator[tuple[int, UnifiedRequest], None]) -> None:
        """Start a task that takes the next request from the source and sends it."""
        task = asyncio.create_task(self._run(source))
        self.running.add(task)
        task.add_done_callback(self._ended.put_nowait)

    async def next_result(self) -> BatchResult | None:
        """The next result; None if a task has found the source exhausted."""
        task = await self._ended.get()
        self.running.discard(task)
        return task.result()

    async def cancel(self) -> None:
        """Cancel what runs, and return when all of it has ended, however often this is cancelled itself."""
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
                task.exception()  # retrieved, so that asyncio does not log that it never was
        if cancelled is not None:
            raise cancelled

    async def _run(self, source: AsyncGenerator[tuple[int, UnifiedRequest], None]) -> BatchResult | None:
        try:
            async with self._reading:
                numbered = None if self.failure else await anext(source, None)
            return None if numbered is None else await self._result(*numbered)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.failure = self.failure or error  # the task was not cancelled: the source raised it
            return None
        except Exception as error:  # noqa: BLE001 - whatever the source or a bug of ours raises, paid requests end first
            self.failure = self.failure or error
            return None

    async def _result(self, index: int, request: UnifiedRequest) -> BatchResult:
        try:
            return BatchResult(index=index, request=request, response=await self._send(request))
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
