"""The fault server: the script of a request, the records, and the end of connections."""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from tests.fault_server import (
    Ending,
    FaultServer,
    FaultServerProcess,
    FaultServerThread,
    Script,
    failing,
    json_body,
)
from tests.fault_server.bare_client import BareClient, connected
from tests.fault_server.http1 import MAX_BODY, MAX_HEAD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAT = "/v1/chat/completions"
STALLED = Script(("a", "b"), ending=Ending.STALL, after=1)


async def answer(client: BareClient, model: str = "m") -> str:
    _, headers = await client.ask("/api/chat", stream=False, model=model)
    body = await client.reader.readexactly(int(headers["content-length"]))
    return str(msgspec.json.decode(body)["message"]["content"])


# Which script


async def test_scripts_are_chosen_from_queue_then_model_then_default() -> None:
    async with FaultServer(Script("default"), by_model={"fast": Script("fast")}) as server, connected(server) as client:
        server.enqueue(Script("first"), Script("second"))
        assert [await answer(client, model) for model in ("fast", "slow", "fast", "slow")] == [
            "first",
            "second",
            "fast",
            "default",
        ]


async def test_the_script_of_a_path_precedes_all_others() -> None:
    async with FaultServer(Script("default")) as server, connected(server) as client:
        server.enqueue(Script("queued"))
        server.by_path["/api/chat"] = Script("of the path")
        assert [await answer(client), await answer(client)] == ["of the path"] * 2
        del server.by_path["/api/chat"]
        assert await answer(client) == "queued"


async def test_the_paths_beside_chat_tell_models_version_and_health() -> None:
    async with FaultServer(by_model={"fast": Script()}) as server, connected(server) as client:
        responses = [await client.get(path) for path in ("/v1/models", "/api/tags", "/api/version", "/health")]
    assert [status for status, _ in responses] == [200] * 4
    models, tags, version, health = (msgspec.json.decode(body) for _, body in responses)
    assert (models["data"][0]["id"], tags["models"][0]["name"], health) == ("fast", "fast", {"status": "ok"})
    assert set(version) == {"version"}


async def test_the_paths_beside_chat_follow_a_script_too() -> None:
    async with FaultServer() as server, connected(server) as client:
        server.by_path = {"/health": failing(503, "loading"), "/props": json_body({"n_ctx": 4096})}
        server.by_path["/v1/models"] = Script(ending=Ending.STALL)
        status, body = await client.get("/health")
        assert (status, b"loading" in body) == (503, True)
        assert await client.get("/props") == (200, b'{"n_ctx":4096}')
        assert (await client.get("/nowhere"))[0] == 404
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get("/v1/models"), 0.05)


# What is recorded


async def test_a_request_is_recorded_as_it_came() -> None:
    async with FaultServer() as server:
        before = asyncio.get_running_loop().time()
        async with httpx.AsyncClient(base_url=server.base_url) as client:
            await client.post(CHAT, params={"a": "1"}, json={"model": "m"}, headers={"X-Trace": "T"})
            await client.get("/health")
        await server.all_closed(within=0.5)
    first, second = server.requests
    assert (first.method, first.path, first.target) == ("POST", CHAT, f"{CHAT}?a=1")
    assert (first.headers["x-trace"], first.body, first.json) == ("T", b'{"model":"m"}', {"model": "m"})
    assert first.peer_port == second.peer_port  # kept alive
    assert first.answered_at is not None
    assert before <= first.received_at <= first.answered_at <= second.received_at
    assert (first.closed_by_client_at, second.closed_by_client_at) == (None, None)


async def test_a_body_may_come_in_chunks() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"model":'
        yield b'"m"}'

    async with FaultServer() as server, httpx.AsyncClient() as client:
        assert (await client.post(server.base_url + CHAT, content=pieces())).status_code == 200
    assert server.requests[0].json == {"model": "m"}


async def test_requests_can_be_waited_for() -> None:
    async with FaultServer() as server, connected(server) as client:
        waiting = asyncio.create_task(server.received(2))
        await client.get("/health")
        assert not waiting.done()
        await client.get("/health")
        assert len(await waiting) == 2
        with pytest.raises(AssertionError, match=r"3 requests: not within 0.01 s \(2 requests, 1 connections open\)"):
            await server.received(3, within=0.01)


# How connections end


@pytest.mark.parametrize(
    "script", [STALLED, Script(before_head=60), Script(before_first_token=60), Script("a b", tokens_per_second=0.01)]
)
async def test_a_client_that_leaves_is_noticed_at_once(script: Script) -> None:
    async with FaultServer(script) as server:
        async with connected(server) as client:
            asking = asyncio.create_task(client.ask(CHAT))
            (request,) = await server.received(1)
            assert server.connections_open == 1
        assert await request.client_gone(within=0.1) < 0.1
        await server.all_closed(within=0.1)
        assert (request.answered_at, server.connections_open) == (None, 0)
        await asyncio.wait([asking])
        asking.exception()


async def test_a_cancelled_httpx_stream_is_noticed() -> None:
    async with FaultServer(STALLED) as server, httpx.AsyncClient() as client:
        async with client.stream("POST", server.base_url + CHAT, json={"stream": True}) as response:
            await anext(response.aiter_raw())
        assert await server.requests[0].client_gone(within=0.1) < 0.1


async def test_a_client_leaving_before_its_request_is_read_is_noticed() -> None:
    async with FaultServer(STALLED) as server:
        async with connected(server) as client:
            client.writer.write(b"POST /api/chat HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        (request,) = await server.received(1)
        assert await request.client_gone(within=0.1) < 0.1


async def test_a_client_that_stops_reading_and_leaves_is_noticed() -> None:
    async with FaultServer(Script(("x" * 10_000_000,))) as server:
        async with connected(server) as client:
            await client.ask(CHAT, stream=False)
        await server.requests[0].client_gone(within=0.5)
        await server.all_closed(within=0.5)


async def test_waiting_for_a_client_that_stays_fails_and_is_repeatable() -> None:
    async with FaultServer(STALLED) as server, connected(server) as client:
        await client.get("/health")
        await client.ask(CHAT)
        whole, stalled = server.requests
        with pytest.raises(
            AssertionError, match=r"GET /health: no close within 0\.01 s; the answer had been sent whole"
        ):
            await whole.client_gone(within=0.01)
        with pytest.raises(AssertionError, match="its connection is still open"):
            await stalled.client_gone(within=0.01)
        with pytest.raises(AssertionError, match="every connection closed"):
            await server.all_closed(within=0.01)
        client.writer.close()
        assert await stalled.client_gone(within=0.1) < 0.1


async def test_an_abrupt_stop_resets_streams_and_can_be_undone() -> None:
    async with FaultServer(STALLED) as server:
        async with connected(server) as client, connected(server) as idle:
            await client.ask(CHAT)
            port = server.port
            await server.stop_abruptly()
            assert (await client.chunks_until_broken())[1] is ConnectionResetError
            with pytest.raises(ConnectionResetError):
                await idle.get("/health")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
        assert (server.connections_open, server.requests[0].closed_by_client_at) == (0, None)
        await server.restart()
        async with connected(server) as client:
            assert (server.port, (await client.get("/health"))[0]) == (port, 200)


@pytest.mark.parametrize("turns", range(6))
async def test_an_abrupt_stop_drops_clients_that_are_still_connecting(turns: int) -> None:
    async with FaultServer() as server:
        opening = [asyncio.open_connection("127.0.0.1", server.port) for _ in range(30)]
        opened = asyncio.gather(*opening, return_exceptions=True)
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.stop_abruptly()
        for connection in await opened:
            if isinstance(connection, tuple):
                reader, writer = connection
                with suppress(ConnectionError):
                    assert await asyncio.wait_for(reader.read(), 1) == b""
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
        assert server.connections_open == 0


async def test_connection_close_is_honoured_after_the_last_byte() -> None:
    async with FaultServer(Script(("x" * 9_000,) * 1_000)) as server, connected(server) as client:
        await client.send(b"POST /api/chat HTTP/1.1\r\nConnection: close\r\ncontent-length: 2\r\n\r\n{}")
        assert sum(chunk.count(b"x") for chunk in await client.chunks()) == 9_000_000
        assert await client.reader.read() == b""


# What is refused


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n" % (MAX_BODY + 1), 413),
        (b"GET / HTTP/1.1\r\nx: " + b"x" * MAX_HEAD, 431),
    ],
)
async def test_a_request_that_is_malformed_or_too_large_is_refused(wire: bytes, status: int) -> None:
    async with FaultServer() as server, connected(server) as client:
        assert (await client.send(wire))[0] == status
        assert (await client.reader.read(), server.requests) == (b"", [])


async def test_a_request_that_is_not_json_gets_a_400() -> None:
    async with FaultServer() as server, connected(server) as client:
        status, headers = await client.send(b"POST /v1/messages HTTP/1.1\r\ncontent-length: 1\r\n\r\n{")
        body = await client.reader.readexactly(int(headers["content-length"]))
    assert (status, msgspec.json.decode(body)["error"]["type"]) == (400, "invalid_request_error")


async def test_a_script_the_server_cannot_play_fails_its_test() -> None:
    server = FaultServer(Script(headers={"x": "\u2028"}))
    await server.restart()
    async with connected(server) as client:
        with pytest.raises(asyncio.IncompleteReadError):
            await client.ask(CHAT)
    with pytest.raises(BaseExceptionGroup, match="the fault server itself failed") as failed:
        await server.stop_abruptly()
    assert failed.group_contains(UnicodeEncodeError)


# In a thread, in a process, by hand


def post(base_url: str, **fields: object) -> str:
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=5)
    try:
        connection.request("POST", "/api/chat", body=msgspec.json.encode({"stream": False, **fields}))
        return str(msgspec.json.decode(connection.getresponse().read())["message"]["content"])
    finally:
        connection.close()


def test_in_a_thread_it_serves_a_blocking_client() -> None:
    with FaultServerThread(Script("default")) as thread:
        thread.server.enqueue(Script("queued"))
        assert [post(thread.base_url), post(thread.base_url)] == ["queued", "default"]
        assert len(thread.call(thread.server.received(2))) == 2
        thread.call(thread.server.stop_abruptly())
        with pytest.raises(ConnectionRefusedError):
            post(thread.base_url)


async def test_in_a_thread_another_loop_learns_that_a_client_left() -> None:
    with FaultServerThread(STALLED) as thread:
        async with connected(thread.server) as client:
            await client.ask(CHAT)
        assert await thread.server.requests[0].client_gone(within=0.5) < 0.5


def test_in_a_process_it_serves_until_the_block_ends() -> None:
    with FaultServerProcess(Script("default"), by_model={"fast": Script("fast", tokens_per_second=1000)}) as server:
        assert [post(server.base_url, model=model) for model in ("fast", "other")] == ["fast", "default"]
    with pytest.raises(ConnectionRefusedError):
        post(server.base_url)


def test_a_mix_is_answered_by_chance() -> None:
    with FaultServerProcess(mix=[Script("one"), Script("other")]) as server:
        assert {post(server.base_url) for _ in range(40)} == {"one", "other"}


async def test_the_server_can_keep_only_the_latest_requests() -> None:
    async with FaultServer(remembered=2) as server, connected(server) as client:
        for model in ("a", "b", "c"):
            await answer(client, model)
        assert [request.json["model"] for request in server.requests] == ["b", "c"]


def test_the_command_prints_its_url_and_takes_script_options() -> None:
    command = [sys.executable, "-m", "tests.fault_server", "--text", "by hand", "--script", '{"reasoning": "so"}']
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert post(process.stdout.readline().strip()) == "by hand"
        finally:
            process.terminate()
