"""Leaving a response closes its socket at once, however it is left; one read to its end releases it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from swebench_providers import ProviderError, TextDelta, UnifiedRequest
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import Ending, FaultServer, Script, failing
from tests.providers.dialects import (
    REQUEST,
    error_of,
    events_of,
    generate,
    provider_at,
    provider_for,
    raw_server,
    until_text,
)

AT_ONCE = 0.1  # seconds
PATIENT = 30.0  # seconds; for what has to happen eventually, on a busy machine
FOR_EVER = 3600.0

WAITING = {
    "for the head": Script(before_head=FOR_EVER),
    "for the rest of the head": Script(head_takes=FOR_EVER),
    "for the first token": Script(before_first_token=FOR_EVER),
    "with keep-alives": Script(before_first_token=FOR_EVER, keep_alive_every=0.01),
}
ANSWERING = {
    "in a stall": Script("a b", ending=Ending.STALL, after=1),
    "in a flood": Script("a b", ending=Ending.ENDLESS, after=1),
    "between tokens": Script("a b", tokens_per_second=1 / FOR_EVER),
}


@pytest.mark.parametrize("moment", WAITING)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_cancelling_before_the_first_token_closes_the_socket_at_once(
    provider: HTTPProvider, fault_server: FaultServer, moment: str, *, stream: bool
) -> None:
    fault_server.default = WAITING[moment]
    task = asyncio.create_task(generate(provider, stream=stream))
    [request] = await fault_server.received(1, within=PATIENT)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await request.client_gone(within=AT_ONCE)


@pytest.mark.parametrize("moment", ANSWERING)
async def test_cancelling_a_running_answer_closes_the_socket_at_once(
    provider: HTTPProvider, fault_server: FaultServer, moment: str
) -> None:
    fault_server.default = ANSWERING[moment]
    arrived = asyncio.Event()
    task = asyncio.create_task(until_text(provider, arrived))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await fault_server.requests[0].client_gone(within=AT_ONCE)


@pytest.mark.parametrize("moment", ANSWERING)
async def test_breaking_out_of_the_loop_closes_the_socket_at_once(
    provider: HTTPProvider, fault_server: FaultServer, moment: str
) -> None:
    fault_server.default = ANSWERING[moment]
    async with aclosing(provider.stream_unified(REQUEST)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    await fault_server.requests[0].client_gone(within=AT_ONCE)


async def test_a_timeout_of_the_caller_closes_the_socket(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = ANSWERING["in a stall"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await provider.generate_unified(REQUEST)
    await fault_server.requests[0].client_gone(within=AT_ONCE)


async def test_a_fault_in_a_stream_closes_the_socket_at_once(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = Script("a " * 100, ending=Ending.GARBAGE, after=1, tokens_per_second=50)
    await error_of(provider)
    await fault_server.requests[0].client_gone(within=AT_ONCE)


async def test_a_thousand_answers_cancelled_twice_leave_no_connection_open(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    provider = provider_for(fault_server.base_url, dialect, transport)
    fault_server.default = ANSWERING["in a stall"]
    for batch in range(4):  # of 84 in each of the three wire formats
        arrived = [asyncio.Event() for _ in range(84)]
        tasks = [asyncio.create_task(until_text(provider, event)) for event in arrived]
        await fault_server.received(84 * (batch + 1), within=PATIENT)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*(event.wait() for event in arrived[1::2]))
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    await fault_server.all_closed(within=PATIENT)
    fault_server.default = Script("fine")
    assert (await provider.generate_unified(REQUEST)).content == "fine"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_two_consecutive_answers_share_one_connection(
    provider: HTTPProvider, fault_server: FaultServer, *, stream: bool
) -> None:
    await generate(provider, stream=stream)
    await generate(provider, stream=stream)
    first, second = fault_server.requests
    assert first.peer_port == second.peer_port


async def test_a_connection_is_reused_after_an_error_that_was_read(
    provider: HTTPProvider, fault_server: FaultServer
) -> None:
    fault_server.enqueue(failing(429))
    await error_of(provider)
    await provider.generate_unified(REQUEST)
    first, second = fault_server.requests
    assert first.peer_port == second.peer_port


@pytest.mark.parametrize("ending", [Ending.TRUNCATED, Ending.ERROR, Ending.GARBAGE, Ending.RESET, Ending.MID_CHUNK])
async def test_a_broken_connection_is_not_reused(
    provider: HTTPProvider, fault_server: FaultServer, ending: Ending
) -> None:
    fault_server.enqueue(Script("a b c d", ending=ending, after=1, tokens_per_second=500))
    await error_of(provider)
    assert (await provider.generate_unified(REQUEST)).content == Script().text


async def test_a_server_restart_between_two_answers_causes_no_error(
    provider: HTTPProvider, fault_server: FaultServer
) -> None:
    await provider.generate_unified(REQUEST)
    await fault_server.stop_abruptly()
    await fault_server.restart()
    assert (await provider.generate_unified(REQUEST)).content == Script().text


async def test_a_connection_closed_after_its_answer_is_not_reused(transport: Transport) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    data = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'
    async with raw_server(head, b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)) as address:
        provider = provider_for(address, "compatible", transport)
        assert [(await provider.generate_unified(REQUEST)).content for _ in range(20)] == ["a"] * 20


async def test_connection_close_is_sent_where_the_server_closes_anyway(
    fault_server: FaultServer, transport: Transport
) -> None:
    for name in ("llamacpp", "embedded", "compatible"):
        await provider_at(f"{fault_server.base_url}/v1", name, transport).generate_unified(REQUEST)
    connection_headers = [request.headers.get("connection", "") for request in fault_server.requests]
    assert connection_headers == ["close", "close", "keep-alive"]


@pytest.mark.parametrize(
    ("dialect", "content_type", "answer"),
    [
        ("compatible", "text/event-stream", b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'),
        ("ollama", "application/x-ndjson", b'{"message":{"content":"a"},"done":true,"done_reason":"stop"}\n'),
    ],
)
async def test_an_answer_is_complete_at_its_marker_without_an_end(
    transport: Transport, dialect: str, content_type: str, answer: bytes
) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n".encode()
    async with raw_server(head, answer, then_wait=True) as address:
        assert (await provider_for(address, dialect, transport).generate_unified(REQUEST)).content == "a"


async def test_a_closed_transport_closes_connections_and_can_be_reused(
    provider: HTTPProvider, fault_server: FaultServer, transport: Transport
) -> None:
    await provider.generate_unified(REQUEST)
    assert fault_server.connections_open == 1
    await transport.aclose()
    await fault_server.all_closed(within=5.0)
    await transport.aclose()
    assert (await provider.generate_unified(REQUEST)).content == Script().text


async def test_many_concurrent_answers_need_no_queue(fault_server: FaultServer, transport: Transport) -> None:
    provider = provider_for(fault_server.base_url, "compatible", transport)
    fault_server.default = Script(before_head=FOR_EVER)
    tasks = [asyncio.create_task(events_of(provider)) for _ in range(150)]  # more than the client's default of 100
    await fault_server.received(150, within=PATIENT)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len({request.peer_port for request in fault_server.requests}) == 150


async def test_nothing_is_repeated_by_the_layer_itself(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = failing(503, retry_after="0")
    with pytest.raises(ProviderError):
        await provider.generate_unified(UnifiedRequest(model="m", prompt="Say it."))
    assert len(fault_server.requests) == 1
