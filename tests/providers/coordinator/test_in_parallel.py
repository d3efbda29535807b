"""Each request of a batch ends once, for any source, order, faults and time of closing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, FinishReason, ProviderError, UnifiedRequest, UnifiedResponse
from swebench_providers.coordinator.in_parallel import BatchResult, in_parallel
from tests.providers.policies.fake_streamer import error
from tests.providers.policies.virtual_time import VirtualClock


class FakeSender:
    """Answers after a while, or fails; records what is in flight and how each request ended."""

    def __init__(self, clock: VirtualClock, ends: dict[int, tuple[float, str]] | None = None) -> None:
        self._clock, self._ends = clock, ends or {}
        self.in_flight = 0
        self.most = 0
        self.began: list[int] = []
        self.cancelled: list[int] = []

    async def __call__(self, request: UnifiedRequest) -> UnifiedResponse:
        number = int(request.prompt)
        seconds, ending = self._ends.get(number, (1.0, "answer"))
        self.began.append(number)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await self._clock.sleep(seconds)
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # settling takes a while
            self.cancelled.append(number)
            raise
        finally:
            self.in_flight -= 1
        if ending == "error":
            raise error(ErrorKind.TRANSIENT)
        if ending == "bug":
            raise LookupError("a fault of ours")
        return response(request.prompt)


def response(content: str) -> UnifiedResponse:
    return UnifiedResponse(
        content=content,
        reasoning="",
        refusal="",
        model="m",
        provider="acme",
        finish_reason=FinishReason.STOP,
        usage=None,
        cost=None,
        latency_ms=1.0,
        ttft_ms=None,
        request_id=None,
    )


def numbered_requests(numbers: Iterator[int] | range) -> Iterator[UnifiedRequest]:
    return (UnifiedRequest(prompt=str(number)) for number in numbers)


async def asking_slowly(clock: VirtualClock, total: int) -> AsyncIterator[UnifiedRequest]:
    for number in range(total):
        await clock.sleep(0.3)
        yield UnifiedRequest(prompt=str(number))


def breaking(after: int) -> Iterator[UnifiedRequest]:
    yield from numbered_requests(range(after))
    raise OSError("the file of requests ends in the middle")


async def all_of(results: AsyncIterator[BatchResult], into: list[BatchResult]) -> None:
    async for result in results:
        into.append(result)  # noqa: PERF401 - the results before an error count too


async def played(clock: VirtualClock, results: AsyncIterator[BatchResult]) -> list[BatchResult]:
    ended: list[BatchResult] = []
    task = asyncio.create_task(all_of(results, ended))
    await clock.run_until(task.done)
    await task
    return ended


@given(
    ends=st.lists(st.tuples(st.floats(0.01, 9), st.sampled_from(["answer", "error"])), max_size=25),
    concurrency=st.integers(1, 8),
    slow_source=st.booleans(),
)
async def test_each_index_comes_once_in_any_order_of_faults(
    ends: list[tuple[float, str]], concurrency: int, *, slow_source: bool
) -> None:
    clock = VirtualClock()
    sender = FakeSender(clock, dict(enumerate(ends)))
    source = asking_slowly(clock, len(ends)) if slow_source else numbered_requests(range(len(ends)))
    ended = await played(clock, in_parallel(sender, source, concurrency=concurrency))
    assert sorted(result.index for result in ended) == list(range(len(ends)))
    for result in ended:
        assert result.request.prompt == str(result.index)
        assert (result.response is None) != (result.error is None)
        assert (result.error is not None) == (ends[result.index][1] == "error")
    assert sender.most <= concurrency


async def test_results_come_in_the_order_of_completion() -> None:
    clock = VirtualClock()
    sender = FakeSender(clock, {0: (3.0, "answer"), 1: (2.0, "error"), 2: (1.0, "answer")})
    ended = await played(clock, in_parallel(sender, numbered_requests(range(3)), concurrency=3))
    assert [result.index for result in ended] == [2, 1, 0]


@given(after=st.integers(0, 12), concurrency=st.integers(1, 6))
async def test_a_failing_source_lets_requests_in_flight_finish_first(after: int, concurrency: int) -> None:
    clock = VirtualClock()
    sender, ended = FakeSender(clock), list[BatchResult]()
    task = asyncio.create_task(all_of(in_parallel(sender, breaking(after), concurrency=concurrency), ended))
    await clock.run_until(task.done)
    assert isinstance(task.exception(), OSError)
    assert sorted(result.index for result in ended) == list(range(after))
    assert all(result.response for result in ended)
    assert sender.cancelled == []


async def test_a_cancellation_inside_the_source_loses_no_result() -> None:
    """It does not cancel the batch: what is in flight is paid for, and ends."""
    clock = VirtualClock()
    sender, ended = FakeSender(clock), list[BatchResult]()

    async def reading() -> AsyncIterator[UnifiedRequest]:
        for number in range(3):
            yield UnifiedRequest(prompt=str(number))
        raise asyncio.CancelledError("the task of the source was cancelled")

    task = asyncio.create_task(all_of(in_parallel(sender, reading(), concurrency=5), ended))
    await clock.run_until(task.done)
    assert task.cancelled()
    assert sorted(result.index for result in ended) == [0, 1, 2]
    assert sender.cancelled == []


async def test_an_unexpected_error_in_one_request_loses_no_other() -> None:
    clock = VirtualClock()
    sender, ended = FakeSender(clock, {1: (0.1, "bug"), 3: (5.0, "answer")}), list[BatchResult]()
    task = asyncio.create_task(all_of(in_parallel(sender, numbered_requests(count()), concurrency=4), ended))
    await clock.run_until(task.done)
    assert isinstance(task.exception(), LookupError)
    assert sorted(result.index for result in ended) == [0, 2, 3]
    assert (sender.cancelled, sender.began) == ([], [0, 1, 2, 3])  # and nothing started after it


@given(wanted=st.integers(0, 10), concurrency=st.integers(1, 6))
async def test_closing_early_cancels_and_awaits_what_runs(wanted: int, concurrency: int) -> None:
    clock = VirtualClock()
    sender, before = FakeSender(clock), asyncio.all_tasks()
    ended: list[int] = []

    async def some() -> None:
        async with aclosing(in_parallel(sender, numbered_requests(count()), concurrency=concurrency)) as results:
            async for result in results:
                ended.append(result.index)
                if len(ended) >= wanted:
                    break
        assert sender.in_flight == 0
        assert asyncio.all_tasks() - before == {asyncio.current_task()}

    task = asyncio.create_task(some())
    await clock.run_until(task.done)
    await task
    assert len(ended) == len(set(ended)) == max(wanted, 1)
    assert not set(ended) & set(sender.cancelled)


async def test_a_batch_cancelled_twice_leaves_nothing_running() -> None:
    clock = VirtualClock()
    sender, before = FakeSender(clock), asyncio.all_tasks()
    task = asyncio.create_task(all_of(in_parallel(sender, numbered_requests(count()), concurrency=5), []))
    await clock.run_until(lambda: sender.in_flight == 5)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert (sender.in_flight, len(sender.cancelled)) == (0, 5)
    assert asyncio.all_tasks() == before


async def test_an_endless_source_is_read_only_as_needed() -> None:
    clock, taken = VirtualClock(), 0

    def endless() -> Iterator[UnifiedRequest]:
        nonlocal taken
        for request in numbered_requests(count()):
            taken += 1
            yield request

    async with aclosing(in_parallel(FakeSender(clock), endless(), concurrency=4)) as results:
        looking = asyncio.create_task(anext(results))
        await clock.run_until(looking.done)
        for _ in range(100):  # the others are not read, so nothing more is taken
            await asyncio.sleep(0)
        assert taken == 4
        for seen in range(1, 500):
            looking = asyncio.create_task(anext(results))
            await clock.run_until(looking.done)
            assert taken <= seen + 4


@pytest.mark.parametrize("concurrency", [0, -1])
async def test_a_concurrency_below_one_is_refused(concurrency: int) -> None:
    with pytest.raises(ValueError, match="concurrency must be at least 1"):
        await played(
            VirtualClock(),
            in_parallel(FakeSender(VirtualClock()), numbered_requests(range(3)), concurrency=concurrency),
        )


async def test_an_empty_batch_ends_at_once() -> None:
    assert await played(VirtualClock(), in_parallel(FakeSender(VirtualClock()), [], concurrency=3)) == []


async def test_a_refusal_is_a_result_too() -> None:
    clock = VirtualClock()
    (result,) = await played(
        clock, in_parallel(FakeSender(clock, {0: (1.0, "error")}), numbered_requests(range(1)), concurrency=9)
    )
    assert isinstance(result.error, ProviderError)
