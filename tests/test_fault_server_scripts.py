"""A bare socket receives what a script says: text, faults, pauses and cuts, in three wire formats."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fault_server import Cut, Ending, FaultServer, Script, UsageSent, failing, html_page, redirect
from tests.fault_server.answer import streamed
from tests.fault_server.bare_client import connected
from tests.fault_server.formats import FORMATS, ChatRequest, WireFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENAI, ANTHROPIC, OLLAMA = PATHS = ["/v1/chat/completions", "/v1/messages", "/api/chat"]
FOUR = Script(("a", "b", "c", "d"))
MARKERS = (b"[DONE]", b"message_stop", b'"done":true')


async def stream_of(script: Script, path: str, *, include_usage: bool = False) -> bytes:
    async with FaultServer(script) as server, connected(server) as client:
        await client.ask(path, stream_options={"include_usage": include_usage})
        return b"".join(await client.chunks())


async def whole_of(script: Script, path: str) -> bytes:
    async with FaultServer(script) as server, connected(server) as client:
        _, headers = await client.ask(path, stream=False)
        return await client.reader.readexactly(int(headers["content-length"]))


def values(wire: bytes, *names: str) -> list[object]:
    """The values of these fields in the records of a body, in their order."""
    lines = (line.removesuffix(b"\r").removeprefix(b"data:").strip(b" ") for line in wire.split(b"\n"))
    records = [msgspec.json.decode(line) for line in lines if line.startswith(b"{")]
    return [value for record in records for value in _under(record, names)]


def _under(tree: object, names: tuple[str, ...]) -> Iterator[object]:
    branches = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, value in branches:
        if name in names and value is not None and not isinstance(value, list):
            yield value
        yield from _under(value, names)


def text(wire: bytes) -> str:
    return "".join(str(value) for value in values(wire, "content", "text"))


def reasoning(wire: bytes) -> str:
    return "".join(value for value in values(wire, "reasoning_content", "thinking") if isinstance(value, str))


# What is answered


@pytest.mark.parametrize("path", PATHS)
async def test_text_and_reasoning_are_those_of_the_script(path: str) -> None:
    script = Script("Grüße, \u2028 世界 🎉", reasoning="let me think")
    stream, answer = await stream_of(script, path), await whole_of(script, path)
    assert text(stream) == text(answer) == "Grüße, \u2028 世界 🎉"
    assert reasoning(stream) == reasoning(answer) == "let me think"
    assert stream.find(b"think") < stream.find(b"Gr")
    assert any(marker in stream.strip().rpartition(b"\n")[2] for marker in MARKERS)


@pytest.mark.parametrize("path", PATHS)
async def test_usage_is_sent_unless_the_script_says_never(path: str) -> None:
    script = Script(("a", "b"), reasoning=("r",), usage=UsageSent.ALWAYS)
    counts = ("completion_tokens", "output_tokens", "eval_count")
    assert values(await stream_of(script, path), *counts)[-1] == 3
    assert values(await whole_of(script, path), *counts) == [3]
    never = replace(script, usage=UsageSent.NEVER)
    assert values(await stream_of(never, path) + b"\n" + await whole_of(never, path), *counts) == []


async def test_openai_streams_usage_only_when_asked_and_null_until_then() -> None:
    assert b"usage" not in await stream_of(FOUR, OPENAI)
    stream = await stream_of(FOUR, OPENAI, include_usage=True)
    assert stream.count(b'"usage":null') == 6
    assert values(stream, "total_tokens") == [15]


async def test_cached_tokens_are_counted_as_each_provider_counts_them() -> None:
    script = Script(prompt_tokens=100, cached_tokens=80)
    assert values(await whole_of(script, OPENAI), "prompt_tokens", "cached_tokens") == [100, 80]
    assert values(await whole_of(script, ANTHROPIC), "input_tokens", "cache_read_input_tokens") == [20, 80]


async def test_anthropic_sends_a_block_for_each_kind_of_content() -> None:
    wire = await stream_of(Script(("a", "b"), reasoning=("r",)), ANTHROPIC)
    start, delta, stop = "content_block_start", "content_block_delta", "content_block_stop"
    events = [line.removeprefix("event: ") for line in wire.decode().split("\n") if line.startswith("event: ")]
    assert events[:2] == ["message_start", "ping"]
    assert events[2:-2] == [start, delta, stop, start, delta, delta, stop]
    assert events[-2:] == ["message_delta", "message_stop"]
    assert values(wire, "index") == [0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(("path", "reasons"), [(OPENAI, ["length"]), (ANTHROPIC, ["max_tokens"]), (OLLAMA, ["length"])])
async def test_a_finish_reason_is_as_the_format_names_it(path: str, reasons: list[str]) -> None:
    names = ("finish_reason", "stop_reason", "done_reason")
    script = Script(finish_reason="length")
    assert values(await stream_of(script, path), *names) == values(await whole_of(script, path), *names) == reasons
    assert values(await stream_of(Script(finish_reason=None), path), *names) == []


@pytest.mark.parametrize("path", PATHS)
async def test_odd_chunks_change_nothing_a_good_reader_sees(path: str) -> None:
    plain, odd = await stream_of(FOUR, path), await stream_of(replace(FOUR, odd_chunks=True), path)
    assert (text(odd), len(odd) > len(plain)) == (text(plain), True)


async def test_odd_chunks_of_openai_have_no_choices_or_null_deltas() -> None:
    odd = await stream_of(Script(odd_chunks=True), OPENAI)
    assert all(part in odd for part in (b'"choices":[]', b'{"role":"assistant","content":null}', b'{"role":null}'))


async def test_ollama_streams_unless_told_otherwise() -> None:
    async with FaultServer(FOUR) as server, connected(server) as client:
        await client.send(b"POST /api/chat HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        assert text(b"".join(await client.chunks())) == "abcd"


async def test_an_echo_says_what_was_sent() -> None:
    async with FaultServer(Script(echo=True)) as server, httpx.AsyncClient(base_url=server.base_url) as client:
        answer = await client.post(
            OPENAI, params={"v": "1"}, json={"model": "m"}, headers={"Authorization": "Bearer k"}
        )
    echoed = msgspec.json.decode(text(answer.content))
    assert (echoed["method"], echoed["target"], echoed["body"]) == ("POST", f"{OPENAI}?v=1", '{"model":"m"}')
    assert echoed["headers"]["authorization"] == "Bearer k"


# What goes wrong


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        (OPENAI, 429, b'"code":"rate_limit_exceeded"'),
        (OPENAI, 500, b'"type":"server_error"'),
        (ANTHROPIC, 429, b'"type":"rate_limit_error"'),
        (ANTHROPIC, 529, b'"type":"overloaded_error"'),
        (OLLAMA, 503, b'{"error":"too busy"}'),
    ],
)
async def test_a_status_comes_with_the_errors_of_its_format(path: str, status: int, kind: bytes) -> None:
    async with FaultServer(failing(status, "too busy", retry_after="2")) as server, connected(server) as client:
        got, headers = await client.ask(path)
        body = await client.reader.readexactly(int(headers["content-length"]))
    assert (got, headers["retry-after"], headers["content-type"]) == (status, "2", "application/json")
    assert kind in body
    assert b"too busy" in body


@pytest.mark.parametrize("status", [200, 502])
async def test_a_proxy_answers_with_a_page(status: int) -> None:
    async with FaultServer(html_page(status)) as server, connected(server) as client:
        got, headers = await client.ask(OPENAI)
        assert (got, headers["content-type"]) == (status, "text/html")
        assert (await client.reader.readexactly(int(headers["content-length"]))).startswith(b"<!doctype html>")


async def test_headers_of_the_script_replace_the_usual_ones() -> None:
    async with FaultServer(Script(headers={"content-type": "text/plain"})) as server, connected(server) as client:
        assert (await client.ask(OPENAI))[1]["content-type"] == "text/plain"


async def test_a_redirect_leads_to_another_origin() -> None:
    async with FaultServer(FOUR) as other, FaultServer() as server, httpx.AsyncClient(follow_redirects=True) as client:
        server.default = redirect(other.base_url + OPENAI)
        answer = await client.post(server.base_url + OPENAI, json={"model": "m"}, headers={"authorization": "k"})
    assert text(answer.content) == "abcd"
    assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("ending", [Ending.ERROR, Ending.TRUNCATED])
async def test_after_n_tokens_the_body_may_end_cleanly_without_marker(path: str, ending: Ending) -> None:
    async with FaultServer() as server, connected(server) as client:
        server.enqueue(replace(FOUR, ending=ending, after=2))
        await client.ask(path)
        broken = b"".join(await client.chunks())
        assert (text(broken), len(values(broken, "error"))) == ("ab", ending is Ending.ERROR)
        assert not any(marker in broken for marker in MARKERS)
        await client.ask(path)
        assert text(b"".join(await client.chunks())) == Script().text  # and the connection is still good


async def test_an_error_record_has_the_form_of_its_format() -> None:
    script = replace(FOUR, ending=Ending.ERROR, after=0, error_message="no")
    assert b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"' in await stream_of(
        script, ANTHROPIC
    )
    assert await stream_of(script, OLLAMA) == b'{"error":"no"}\n'


@pytest.mark.parametrize(("path", "names"), [(OPENAI, ["finish_reason"]), (ANTHROPIC, ["stop_reason"])])
async def test_an_unmarked_answer_lacks_only_its_marker(path: str, names: list[str]) -> None:
    stream = await stream_of(replace(FOUR, ending=Ending.UNMARKED), path)
    assert (text(stream), len(values(stream, *names))) == ("abcd", 1)
    assert not any(marker in stream for marker in MARKERS)


@pytest.mark.parametrize("path", PATHS)
async def test_garbage_stands_between_whole_records(path: str) -> None:
    records = (await stream_of(replace(FOUR, ending=Ending.GARBAGE, after=1), path)).split(b"\n")
    (index,) = [index for index, line in enumerate(records) if line.endswith(b'{"not JSON')]
    rest = b"\n".join(records[:index] + records[index + 1 :])
    assert (text(rest), text(b"\n".join(records[:index]))) == ("abcd", "a")


@pytest.mark.parametrize(
    ("ending", "raised"), [(Ending.RESET, ConnectionResetError), (Ending.MID_CHUNK, asyncio.IncompleteReadError)]
)
async def test_a_connection_breaks_after_n_tokens(ending: Ending, raised: type[Exception]) -> None:
    async with FaultServer(replace(FOUR, ending=ending, after=3)) as server, connected(server) as client:
        await client.ask(OPENAI)
        chunks, ended = await client.chunks_until_broken()
    assert (text(b"".join(chunks)), ended) == ("abc", raised)


@pytest.mark.parametrize("ending", [Ending.TRUNCATED, Ending.RESET, Ending.MID_CHUNK])
async def test_an_unstreamed_answer_breaks_in_the_middle(ending: Ending) -> None:
    async with FaultServer(Script(ending=ending)) as server, connected(server) as client:
        _, headers = await client.ask(OPENAI, stream=False)
        body = await client.reader.readexactly(int(headers["content-length"]) // 2)
        assert body.startswith(b'{"id":')
        with pytest.raises(ConnectionResetError if ending is Ending.RESET else asyncio.IncompleteReadError):
            await client.reader.readexactly(1)


async def test_an_unstreamed_error_has_status_200() -> None:
    assert values(await whole_of(Script(ending=Ending.ERROR, error_message="no"), OLLAMA), "error") == ["no"]


@pytest.mark.parametrize("ending", [Ending.ENDLESS, Ending.ENDLESS_LINE])
@pytest.mark.parametrize("stream", [True, False])
async def test_an_endless_body_goes_on_until_the_client_leaves(ending: Ending, *, stream: bool) -> None:
    async with FaultServer(Script(ending=ending, cut=Cut.JOINED)) as server:
        async with connected(server) as client:
            await client.ask(OPENAI, stream=stream)
            chunks = [await client.chunk() for _ in range(200)]
        assert chunks[-1].endswith(b"\n\n") is (stream and ending is Ending.ENDLESS)
        assert await server.requests[0].client_gone(within=1) < 1
        await server.all_closed(within=1)


# How fast, and in which pieces


async def test_an_endless_stream_keeps_the_pace_of_its_script() -> None:
    async with FaultServer(replace(FOUR, ending=Ending.ENDLESS, tokens_per_second=200)) as server:
        async with connected(server) as client:
            begun = asyncio.get_running_loop().time()
            await client.ask(OLLAMA)
            assert "".join([text(await client.chunk()) for _ in range(9)]) == "abcdddddd"
        assert asyncio.get_running_loop().time() - begun >= 8 / 200


async def test_every_pause_of_a_script_is_taken() -> None:
    paced = replace(FOUR, before_head=0.02, head_takes=0.02, before_first_token=0.02, tokens_per_second=100)
    assert await seconds_of(paced, stream=True) >= 0.02 + 0.02 + 0.02 + 3 * 0.01
    assert await seconds_of(paced, stream=False) >= 0.02 + 0.02 + 0.02 + 4 * 0.01


async def seconds_of(script: Script, *, stream: bool) -> float:
    loop = asyncio.get_running_loop()
    async with FaultServer(script) as server, connected(server) as client:
        begun = loop.time()
        _, headers = await client.ask(OPENAI, stream=stream)
        await (client.chunks() if stream else client.reader.readexactly(int(headers["content-length"])))
        return loop.time() - begun


async def test_a_slow_head_arrives_in_pieces() -> None:
    async with FaultServer(Script(head_takes=0.05)) as server, connected(server) as client:
        client.writer.write(b"POST /api/chat HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        assert len(await client.reader.read(4096)) < len("HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("path", "sign"), [(OPENAI, b": keep-alive\n\n"), (ANTHROPIC, b"event: ping\ndata: {"), (OLLAMA, b"\n")]
)
async def test_a_pause_and_a_stall_carry_keep_alives_when_wanted(path: str, sign: bytes) -> None:
    script = replace(FOUR, before_first_token=0.03, keep_alive_every=0.01, ending=Ending.STALL, after=1)
    async with FaultServer(script) as server, connected(server) as client:
        await client.ask(path)
        got = b""
        while text(got) != "a":
            got += await client.chunk()
        assert sign in got
        assert [(await client.chunk()).startswith(sign) for _ in range(3)] == [True] * 3


async def test_a_stall_without_keep_alives_is_silence() -> None:
    async with FaultServer(replace(FOUR, ending=Ending.STALL, after=1)) as server, connected(server) as client:
        await client.ask(OLLAMA)
        assert text(await client.chunk()) == "a"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.chunk(), 0.05)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cut", [1, 7, Cut.SEAMS, Cut.JOINED])
async def test_however_a_stream_is_cut_its_bytes_are_the_same(path: str, cut: Cut | int) -> None:
    script = Script("naïve 修复 🐛", crlf=True)
    async with FaultServer(script) as server, connected(server) as client:
        await client.ask(path)
        uncut = await client.chunks()
        server.default = replace(script, cut=cut)
        await client.ask(path)
        pieces = await client.chunks()
    assert b"".join(pieces).replace(b"req_2", b"req_1") == b"".join(uncut)
    assert len(pieces) == 1 if cut is Cut.JOINED else len(pieces) > len(uncut)


async def test_pieces_of_one_byte_reach_a_reader_one_by_one() -> None:
    async with FaultServer(Script("ü", cut=1)) as server, connected(server) as client:
        await client.ask(OPENAI)
        assert {len(piece) for piece in await client.chunks()} == {1}


async def test_writes_arrive_separately_on_a_reused_connection_too() -> None:
    async with asyncio.timeout(10), FaultServer(FOUR) as server, connected(server) as client:
        for _ in range(3):
            await client.ask(OLLAMA)
            reads = [await client.reader.read(65536) for _ in range(6)]  # four tokens, the last line, the end
            assert [text(read) for read in reads] == ["a", "b", "c", "d", "", ""]
        server.default = Script(cut=1)
        await client.ask(OPENAI)
        assert max([len(await client.reader.read(65536)) for _ in range(100)]) <= len(b"1\r\nx\r\n")


async def test_joined_records_part_where_the_script_pauses() -> None:
    async with FaultServer(replace(FOUR, cut=Cut.JOINED, tokens_per_second=200)) as server, connected(server) as client:
        await client.ask(ANTHROPIC)
        assert [text(chunk) for chunk in await client.chunks()] == ["a", "b", "c", "d"]


async def test_seams_are_inside_characters_and_between_cr_and_lf() -> None:
    async with FaultServer(Script("é世🐛", crlf=True, cut=Cut.SEAMS)) as server, connected(server) as client:
        await client.ask(OLLAMA)
        pieces = await client.chunks()
    assert sum(piece[-1:] in {b"\xc3", b"\xe4", b"\xf0"} for piece in pieces) == 3
    assert pieces[-2].endswith(b"\r")
    assert pieces[-1] == b"\n"


async def test_the_script_chooses_line_ends_and_the_space() -> None:
    wire = await stream_of(Script("data: event: x", crlf=True, no_space=True), ANTHROPIC)
    assert wire.startswith(b'event:message_start\r\ndata:{"type":"message_start"')
    assert wire.count(b"\n") == wire.count(b"\r\n")
    assert text(wire) == "data: event: x"


@pytest.mark.parametrize("wire_type", FORMATS.values())
@settings(max_examples=50)
@given(answer=st.text(max_size=40), thoughts=st.text(max_size=20), crlf=st.booleans())
def test_any_text_survives_its_wire_format(
    wire_type: type[WireFormat], answer: str, thoughts: str, *, crlf: bool
) -> None:
    body = streamed(wire_type(Script(answer, reasoning=thoughts, crlf=crlf), ChatRequest(stream=True), "req_1"))
    wire = b"".join([*body.opening, *body.tokens, *body.closing])
    assert (text(wire), reasoning(wire)) == (answer, thoughts)
