"""Framing and decoding of bodies that are cut anywhere, without sockets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import JSONLinesAdapter, ProviderError, ServerSentEvent, SSEAdapter, TextDelta
from swebench_providers.http.framing import MAX_RECORD
from swebench_providers.protocols import pipeline
from tests.fault_server import Script
from tests.fault_server.formats import FORMATS, ChatRequest
from tests.providers import wire

Adapter = SSEAdapter | JSONLinesAdapter


def cut_anywhere(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """`data` in pieces, cut at drawn places."""
    places = st.lists(st.integers(0, len(data)), max_size=12).map(sorted)
    return places.map(lambda cuts: [data[start:end] for start, end in pairwise([0, *cuts, len(data)]) if start < end])


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def read(adapter: Adapter, pieces: list[bytes]) -> list[ServerSentEvent | bytes]:
    return [record for piece in [*pieces, b""] for record in adapter.feed(piece)]


@given(
    st.data(),
    st.lists(st.lists(st.text().filter(lambda text: not set(text) & {"\r", "\n"}), min_size=1, max_size=3), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_events_are_the_same_however_they_are_cut(
    data: st.DataObject,
    events: list[list[str]],
    line_end: str,
    space: bool,
) -> None:
    mark = "data: " if space else "data:"
    body = "".join("".join(f"{mark}{line}{line_end}" for line in lines) + line_end for lines in events).encode()
    expected = read(SSEAdapter(), [body])
    assert read(SSEAdapter(), data.draw(cut_anywhere(body))) == expected
    assert read(SSEAdapter(), byte_by_byte(body)) == expected
    if space:  # an empty first line is ignored: some servers send `data:` to keep alive
        wanted = ["\n".join(lines) for lines in ([*drop_leading_empty(lines)] for lines in events) if lines]
        assert expected == [ServerSentEvent(b"", text.encode()) for text in wanted]


def drop_leading_empty(lines: list[str]) -> list[str]:
    first = next((n for n, line in enumerate(lines) if line), len(lines))
    return lines[first:]


def test_a_byte_order_mark_is_not_part_of_a_field() -> None:
    body = b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"
    for pieces in ([body], byte_by_byte(body)):
        assert read(SSEAdapter(), pieces) == [ServerSentEvent(b"", b"a")]


@given(st.data(), st.lists(st.text().filter(lambda text: "\n" not in text), max_size=8))
def test_json_lines_are_the_same_however_they_are_cut(data: st.DataObject, lines: list[str]) -> None:
    body = "".join(f"{line}\n" for line in lines).encode()
    expected = [line.encode() for line in lines if line.encode().strip()]
    assert read(JSONLinesAdapter(), [body]) == expected
    assert read(JSONLinesAdapter(), data.draw(cut_anywhere(body))) == expected
    assert read(JSONLinesAdapter(), byte_by_byte(body)) == expected


@given(st.data(), st.binary())
def test_any_bytes_are_the_same_records_however_they_are_cut(data: st.DataObject, body: bytes) -> None:
    for adapter in (SSEAdapter, JSONLinesAdapter):
        assert read(adapter(), data.draw(cut_anywhere(body))) == read(adapter(), [body] if body else [])
        assert read(adapter(), byte_by_byte(body)) == read(adapter(), [body] if body else [])


@pytest.mark.parametrize("path", FORMATS)
@given(
    data=st.data(),
    tokens=st.lists(st.text(min_size=1), min_size=1, max_size=6).map(tuple),
    thoughts=st.lists(st.text(min_size=1), max_size=3).map(tuple),
)
def test_any_text_passes_a_decoder_unchanged_however_it_is_cut(
    path: str, data: st.DataObject, tokens: tuple[str, ...], thoughts: tuple[str, ...]
) -> None:
    answer = FORMATS[path](Script(tokens, reasoning=thoughts), ChatRequest(model="m", stream=True), "req_1")
    body = b"".join([*answer.opening(), *answer.tokens(), *answer.closing()])
    name = {"/chat/completions": "openai_chat", "/messages": "anthropic_messages", "/api/chat": "ollama_chat"}[path]
    outcome = wire.run(pipeline(name).parser.decoder(), data.draw(cut_anywhere(body)))
    assert (outcome.text, outcome.reasoning, outcome.finish) == ("".join(tokens), "".join(thoughts), "stop")
    assert outcome.saw_terminal


@pytest.mark.parametrize("path", FORMATS)
def test_an_event_comes_out_with_the_piece_that_completes_it(path: str) -> None:
    answer = FORMATS[path](Script(("one", "two")), ChatRequest(model="m", stream=True), "req_1")
    name = {"/chat/completions": "openai_chat", "/messages": "anthropic_messages", "/api/chat": "ollama_chat"}[path]
    decoder = pipeline(name).parser.decoder()
    for piece in answer.opening():
        decoder.feed(piece, 0.0)
    for index, (piece, text) in enumerate(zip(answer.tokens(), ("one", "two"), strict=True)):
        assert decoder.feed(piece, float(index)) == [TextDelta(text, float(index))]


@pytest.mark.parametrize("adapter", [SSEAdapter, JSONLinesAdapter])
def test_a_record_may_not_be_longer_than_the_bound(adapter: type[Adapter]) -> None:
    piece, pieces = b"x" * (MAX_RECORD // 4), 4
    fits, too_long = adapter(), adapter()
    for _ in range(pieces):
        fits.feed(piece)
        too_long.feed(piece)
    assert fits.feed(b"\n") == ([piece * pieces] if adapter is JSONLinesAdapter else [])
    with pytest.raises(ProviderError, match="without ending a record"):
        too_long.feed(b"x")


@pytest.mark.parametrize("adapter", [SSEAdapter, JSONLinesAdapter])
def test_the_bound_applies_to_one_record_not_the_whole_answer(adapter: type[Adapter]) -> None:
    reader = adapter()
    line = b"data: " + b"x" * (MAX_RECORD // 4) + b"\n\n"
    for _ in range(5):
        assert len(reader.feed(line)) == 1


@pytest.mark.parametrize("adapter", [SSEAdapter, JSONLinesAdapter])
def test_a_long_line_in_small_chunks_is_scanned_once(adapter: type[Adapter]) -> None:
    # A reader that scanned its whole buffer for each piece would touch 2 * 10^12 bytes here and never finish.
    reader, piece, pieces = adapter(), b"data" * 32, 200_000
    for _ in range(pieces):
        assert reader.feed(piece) == []
    [record] = reader.feed(b"\ndata: x\n\n" if adapter is SSEAdapter else b"\n")
    assert record == (ServerSentEvent(b"", b"x") if adapter is SSEAdapter else piece * pieces)
