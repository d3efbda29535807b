"""Each limit ends its own kind of waiting, and an answer that keeps coming is never cut off by one."""

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
from swebench_providers.http.deadlines import enforce_limits
from swebench_providers.http.transport import Transport
from tests.fault_server import Ending, FaultServer, Script
from tests.providers.dialects import error_of, generate, provider_for

TINY = TimeLimits(idle=0.05)
FOR_EVER = 3600.0


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def never_accepting() -> Iterator[str]:
    """An address whose queue of connections is full, so that a further one waits."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = opened.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_server_that_is_not_running_is_said_to_need_a_start(
    dialect: str, transport: Transport, refusing: str
) -> None:
    error = await error_of(provider_for(refusing, dialect, transport))
    assert (error.kind, error.reason, error.retryable) == (ErrorKind.TRANSIENT, "unreachable", True)
    start = "Start it: `ollama serve`." if dialect == "ollama" else "Start the server, or check its port."
    assert error.hint.startswith(start)
    assert "127.0.0.1" in str(error)


async def test_a_server_that_does_not_accept_ends_at_the_connect_limit(
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
    for request in fault_server.requests:  # none where the limit was over before the request had arrived
        await request.client_gone(within=5.0)


async def test_silence_in_an_answer_in_one_body_ends_at_the_idle_limit_too(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b", ending=Ending.STALL)
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TINY)
    error = await error_of(provider, UnifiedRequest(model="m", prompt="Say it.", stream=False))
    assert (error.kind, error.reason) == (ErrorKind.TIMEOUT, "idle")


@pytest.mark.parametrize("after", [0, 1])
async def test_keep_alives_are_no_answer_and_do_not_hold_the_idle_limit_back(
    dialect: str, fault_server: FaultServer, transport: Transport, after: int
) -> None:
    fault_server.default = Script("a b", ending=Ending.STALL, after=after, keep_alive_every=0.002)
    error = await error_of(provider_for(fault_server.base_url, dialect, transport, time_limits=TINY))
    assert (error.kind, error.reason) == (ErrorKind.TIMEOUT, "idle" if after else "first_token")
    assert error.partial_text == "a"[:after]
    for request in fault_server.requests:  # none where the limit was over before the request had arrived
        await request.client_gone(within=5.0)


async def test_keep_alives_carry_a_wait_that_is_within_the_idle_limit(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b", before_first_token=0.05, keep_alive_every=0.002)
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=5))
    assert (await generate(provider)).content == "a b"


async def test_a_model_may_think_longer_before_its_first_token_than_between_two(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b", before_first_token=0.3)
    limits = TimeLimits(first_token=30, idle=0.1)
    assert (
        await generate(provider_for(fault_server.base_url, dialect, transport, time_limits=limits))
    ).content == "a b"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_an_answer_that_never_ends_is_ended_by_the_total_limit(
    dialect: str, fault_server: FaultServer, transport: Transport, *, stream: bool
) -> None:
    fault_server.default = Script("a b", ending=Ending.ENDLESS if stream else Ending.STALL, tokens_per_second=200)
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(total=0.2))
    error = await error_of(provider, UnifiedRequest(model="m", prompt="Say it.", stream=stream))
    assert (error.kind, error.reason, error.retryable) == (ErrorKind.TIMEOUT, "total", True)
    assert "longer than 0.2 s" in str(error)


async def test_a_reader_who_takes_his_time_is_no_silence_of_the_server(
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
    """A loop whose time passes at once where a test says so."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    async def jump(self, seconds: float) -> None:
        self.ahead += seconds
        for _ in range(10):  # what is due now runs
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
def test_only_what_is_waited_for_is_silence(
    busy: float, stopped: float, silent: tuple[float, ...], ending: str
) -> None:
    """Not the seconds in which the reader was `busy` with a piece, nor those in which the process was `stopped`."""

    async def play() -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Jumping)
        more = asyncio.Event()

        async def arriving() -> AsyncGenerator[list[Event], None]:
            yield [TextDelta("a", 0.0)]
            await more.wait()
            yield [Finished(reason=FinishReason.STOP, at=0.0)]

        async with (
            aclosing(arriving()) as source,
            aclosing(enforce_limits(TimeLimits(idle=300.0), source, "acme")) as events,
        ):
            await anext(events)
            await loop.jump(busy)
            last = asyncio.ensure_future(anext(events))
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


async def test_an_answer_may_take_longer_than_the_idle_limit_as_long_as_it_keeps_coming(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b c d e f g h i j k l", tokens_per_second=20)
    answer = await generate(provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=0.4)))
    assert (answer.content, answer.latency_ms > 400) == ("a b c d e f g h i j k l", True)


async def test_no_limit_ends_an_answer_that_is_whole_however_long_its_connection_takes_to_end() -> None:
    """Else it would be asked for, and paid for, twice."""
    ended = asyncio.Event()

    async def arriving() -> AsyncGenerator[list[Event], None]:
        yield [TextDelta("whole", 0.0)]
        yield [Finished(reason=FinishReason.STOP, at=0.0)]
        asyncio.get_running_loop().call_later(5 * TINY.silence, ended.set)
        await ended.wait()

    async with aclosing(arriving()) as source:
        batches = [batch async for batch in enforce_limits(TINY, source, "acme")]
    assert isinstance(batches[-1][-1], Finished)
