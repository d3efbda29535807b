"""Each limit ends its kind of silence, and none cuts off an answer that keeps arriving."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing

import pytest

from swebench_providers import (
    ErrorKind,
    Event,
    Finished,
    FinishReason,
    ProviderError,
    TextDelta,
    TimeLimits,
    UnifiedRequest,
)
from swebench_providers.http.deadlines import Deadline
from swebench_providers.http.transport import Transport
from tests.fault_server import Ending, FaultServer, Script
from tests.providers.dialects import error_of, generate, provider_for

TINY = TimeLimits(idle=0.05)
FOR_EVER = 3600.0


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that is bound but not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def never_accepting() -> Iterator[str]:
    """An address whose connection queue is full, so that another connection waits."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = opened.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_refused_connection_says_to_start_the_server(dialect: str, transport: Transport, refusing: str) -> None:
    error = await error_of(provider_for(refusing, dialect, transport))
    assert (error.kind, error.reason, error.retryable) == (ErrorKind.TRANSIENT, "unreachable", True)
    start = "Start it: `ollama serve`." if dialect == "ollama" else "Start the server, or check its port."
    assert error.hint.startswith(start)
    assert "127.0.0.1" in str(error)


async def test_a_connection_not_accepted_ends_at_the_connect_limit(
    dialect: str, transport: Transport, never_accepting: str
) -> None:
    error = await error_of(provider_for(never_accepting, dialect, transport, time_limits=TimeLimits(connect=0.05)))
    assert (error.kind, error.reason) == (ErrorKind.TIMEOUT, "connect")  # nothing was sent, so nothing is charged
    assert str(error) == f"{never_accepting.removeprefix('http://')} did not accept the connection in time"


@pytest.mark.parametrize(
    ("script", "reason", "partial"),
    [
        (Script(before_head=FOR_EVER), "first_token", ""),
        (Script(before_first_token=FOR_EVER), "first_token", ""),
        (Script("a b c", ending=Ending.STALL, after=2), "idle", "a b"),
    ],
    ids=["before the head", "before the first token", "in the middle"],
)
async def test_silence_ends_at_the_limit_and_keeps_what_had_arrived(
    dialect: str, fault_server: FaultServer, transport: Transport, *, script: Script, reason: str, partial: str
) -> None:
    fault_server.default = script
    error = await error_of(provider_for(fault_server.base_url, dialect, transport, time_limits=TINY))
    assert (error.kind, error.reason, error.partial_text) == (ErrorKind.TIMEOUT, reason, partial)
    assert f"raise the time limit `{reason}`" in error.hint
    for request in fault_server.requests:  # none if the limit expired before the request arrived
        await request.client_gone(within=5.0)


async def test_silence_in_one_body_ends_at_the_idle_limit_too(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b", ending=Ending.STALL)
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TINY)
    error = await error_of(provider, UnifiedRequest(model="m", prompt="Say it.", stream=False))
    assert (error.kind, error.reason) == (ErrorKind.TIMEOUT, "idle")


@pytest.mark.parametrize("after", [0, 1])
async def test_keep_alives_do_not_postpone_the_idle_limit(
    dialect: str, fault_server: FaultServer, transport: Transport, after: int
) -> None:
    fault_server.default = Script("a b", ending=Ending.STALL, after=after, keep_alive_every=0.002)
    error = await error_of(provider_for(fault_server.base_url, dialect, transport, time_limits=TINY))
    assert (error.kind, error.reason) == (ErrorKind.TIMEOUT, "idle" if after else "first_token")
    assert error.partial_text == "a"[:after]
    for request in fault_server.requests:  # none if the limit expired before the request arrived
        await request.client_gone(within=5.0)


async def test_keep_alives_within_the_idle_limit_keep_the_response_alive(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b", before_first_token=0.05, keep_alive_every=0.002)
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=5))
    assert (await generate(provider)).content == "a b"


async def test_the_first_token_may_take_longer_than_the_next_ones(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b", before_first_token=0.3)
    limits = TimeLimits(first_token=30, idle=0.1)
    assert (
        await generate(provider_for(fault_server.base_url, dialect, transport, time_limits=limits))
    ).content == "a b"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_an_endless_answer_ends_at_the_total_limit(
    dialect: str, fault_server: FaultServer, transport: Transport, *, stream: bool
) -> None:
    fault_server.default = Script("a b", ending=Ending.ENDLESS if stream else Ending.STALL, tokens_per_second=200)
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(total=0.2))
    error = await error_of(provider, UnifiedRequest(model="m", prompt="Say it.", stream=stream))
    assert (error.kind, error.reason, error.retryable) == (ErrorKind.TIMEOUT, "total", True)
    assert "longer than 0.2 s" in str(error)


async def test_a_slow_reader_does_not_count_as_silence(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b c")
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=0.05))
    seen = []
    async with aclosing(provider.stream_unified(UnifiedRequest(model="m", prompt="Say it."))) as events:
        async for event in events:
            seen.append(event)
            await asyncio.sleep(0.1 if isinstance(event, TextDelta) else 0)
    assert isinstance(seen[-1], Finished)


class Jumping(asyncio.SelectorEventLoop):
    """An event loop whose time a test can advance."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    async def jump(self, seconds: float) -> None:
        self.ahead += seconds
        for _ in range(10):  # run what is due now
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("busy", "stopped", "silent", "ending"),
    [
        (0.0, 0.0, (299.0,), "whole"),
        (0.0, 0.0, (299.0, 1.5), "idle"),
        (0.0, 1_000.0, (), "whole"),
        (0.0, 1_000.0, (299.0,), "whole"),
        (0.0, 1_000.0, (299.0, 1.5), "idle"),
        (299.0, 0.0, (299.0,), "whole"),
        (300.5, 0.0, (1.2,), "whole"),
        (900.0, 0.0, (299.0,), "whole"),
        (900.0, 0.0, (299.0, 1.5), "idle"),
    ],
)
def test_only_the_time_spent_waiting_counts_as_silence(
    busy: float, stopped: float, silent: tuple[float, ...], ending: str
) -> None:
    """Neither seconds in which the reader was `busy` nor those in which the process was `stopped` count."""

    async def play() -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Jumping)
        more = asyncio.Event()

        async def arriving() -> AsyncGenerator[list[Event], None]:
            yield [TextDelta("a", 0.0)]
            await more.wait()
            yield [Finished(reason=FinishReason.STOP, time=0.0)]

        async with aclosing(arriving()) as source:
            with Deadline(TimeLimits(idle=300.0), "acme") as deadline:
                await deadline.next(source)
                await loop.jump(busy)
                last = asyncio.ensure_future(deadline.next(source))
                await loop.jump(0.0)
                for seconds in (stopped, *silent):
                    await loop.jump(seconds)
                more.set()
                try:
                    await last
                except ProviderError as error:
                    return error.reason
                return "whole"

    with asyncio.Runner(loop_factory=Jumping) as runner:
        assert runner.run(play()) == ending


async def test_a_continuous_answer_may_take_longer_than_the_idle_limit(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b c d e f g h i j k l", tokens_per_second=20)
    answer = await generate(provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=0.4)))
    assert (answer.content, answer.latency_ms > 400) == ("a b c d e f g h i j k l", True)


async def test_no_limit_ends_a_complete_answer_whose_connection_stays_open() -> None:
    """Otherwise the request would be repeated, and paid for twice."""
    ended = asyncio.Event()

    async def arriving() -> AsyncGenerator[list[Event], None]:
        yield [TextDelta("whole", 0.0)]
        yield [Finished(reason=FinishReason.STOP, time=0.0)]
        asyncio.get_running_loop().call_later(5 * TINY.silence, ended.set)
        await ended.wait()

    async with aclosing(arriving()) as source:
        with Deadline(TINY, "acme") as deadline:
            batches = [await deadline.next(source) for _ in range(3)]
    assert [type(events[0]) for events in batches if events] == [TextDelta, Finished]
    assert batches[-1] is None
