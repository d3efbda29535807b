"""Many requests, some at a time, and each result as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing

import msgspec

from swebench_providers.errors import ProviderError
from swebench_providers.models import UnifiedRequest, UnifiedResponse

Requests = Iterable[UnifiedRequest] | AsyncIterable[UnifiedRequest]


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of request number `index`, from 0: `response` or `error`, never both."""

    index: int
    request: UnifiedRequest
    response: UnifiedResponse | None = None
    error: ProviderError | None = None


async def in_parallel(
    ask: Callable[[UnifiedRequest], Awaitable[UnifiedResponse]], requests: Requests, *, at_once: int
) -> AsyncGenerator[BatchResult, None]:
    """Results in the order of their ends. No more than `at_once` requests run or wait to be looked at.

    `requests` is read as there is room, so it may be endless. Closing the generator cancels what runs.
    """
    ended: asyncio.Queue[asyncio.Task[BatchResult | None]] = asyncio.Queue()
    running: set[asyncio.Task[BatchResult | None]] = set()

    def start(work: Awaitable[BatchResult | None]) -> None:
        task = asyncio.ensure_future(work)
        running.add(task)
        task.add_done_callback(ended.put_nowait)

    async with aclosing(_numbered(requests)) as source:

        async def take_one() -> BatchResult | None:
            """One worker's turn: the next request, or None when there is none left."""
            async with turn:
                numbered = await anext(source, None)
            return None if numbered is None else await _result(ask, *numbered)

        turn = asyncio.Lock()
        try:
            for _ in range(at_once):
                start(take_one())
            while running:
                task = await ended.get()
                running.discard(task)
                result = task.result()
                if result is not None:
                    yield result
                    start(take_one())
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _result(
    ask: Callable[[UnifiedRequest], Awaitable[UnifiedResponse]], index: int, request: UnifiedRequest
) -> BatchResult:
    try:
        return BatchResult(index=index, request=request, response=await ask(request))
    except ProviderError as error:
        return BatchResult(index=index, request=request, error=error)


async def _numbered(requests: Requests) -> AsyncGenerator[tuple[int, UnifiedRequest], None]:
    index = 0
    async for request in _as_async(requests):
        yield index, request
        index += 1


async def _as_async(requests: Requests) -> AsyncIterator[UnifiedRequest]:
    if isinstance(requests, AsyncIterable):
        async for request in requests:
            yield request
    else:
        for request in requests:
            yield request
