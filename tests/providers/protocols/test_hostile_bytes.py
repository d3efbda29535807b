"""Whatever a server sends, reading it gives events or a `ProviderError`, and no other exception."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from swebench_providers import ErrorKind, Finished, ProviderError
from swebench_providers.http.framing import MAX_RECORD
from swebench_providers.http.retry_after import parse_delay, retry_after
from swebench_providers.protocols import PROTOCOLS, Decoder, pipeline
from swebench_providers.protocols.failures import failure_from, read_failure, to_error
from tests.providers import wire
from tests.providers.http.test_framing import cut_anywhere

NOW = datetime(2026, 11, 22, 19, tzinfo=UTC)

# Parts of the formats, so that random records are nearly valid.
PARTS = [
    *(b"data: ", b"event: error\n", b"event: ping\n", b"error: ", b"\n", b"\n\n", b"\r\n\r\n", b": x\n", b"[DONE]"),
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"true", b"-1", b"1e999", b"9" * 400, b"\xff", b"\xe2\x80"),
    *(b'"choices":[{"delta":{"content":', b'"usage":{"prompt_tokens":', b'"finish_reason":', b'"error":'),
    *(b'{"type":"message_start","message":', b'{"type":"content_block_delta","delta":', b'{"type":"message_stop"}'),
    *(b'{"message":{"content":', b'"done":true', b'"done_reason":', b'"tool_calls":[{"function":{"arguments":'),
]
_STRING = rb'"(?:[^"\\]|\\.)*"'
VALUE = re.compile(_STRING + rb"\s*:|(" + _STRING + rb"|-?\d+(?:\.\d+)?|true|false|null)")
"""A key in JSON text, or a value as its group."""

# Unexpected values.
WRONG = [
    *(b"null", b"true", b"-1", b"0.5", b"1e999", b"NaN", b"-Infinity", b"9" * 20, b"9" * 400, b'""', b'"x"', b"[]"),
    *(b"{}", b"[null]", b"[[]]", b'{"a":1}', b'[{"type":7}]', b'["",[1]]', b'"9999999999999999999999"', b'"\\u0000"'),
    *(
        b'"\\ud83d"',
        b'"\\udc1b\\ud83d"',
        b'"\\ud83d\\udc1b"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"[" * 5000,
        b'{"a":' * 5000,
    ),
]
bodies = st.one_of(st.binary(), st.lists(st.sampled_from(PARTS) | st.binary(max_size=3)).map(b"".join))
DEEP = b'{"error":' * 100_000


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """The body with some values of another type, and some lines removed, repeated or moved."""
    for _ in range(draw(st.integers(1, 3))):
        if values := [found.span(1) for found in VALUE.finditer(body) if found[1]]:
            start, end = draw(st.sampled_from(values))
            body = body[:start] + draw(st.sampled_from(WRONG)) + body[end:]
    lines = body.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 2))):
        start, to = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        line = lines.pop(start)
        lines[to:to] = draw(st.sampled_from([[], [line], [line, line], [b"\n"], [line.rstrip()]]))
        lines = lines or [b"\n"]
    return b"".join(lines)


def recorded(name: str) -> list[Path]:
    """The recorded streams of a protocol."""
    if name == "azure_deployments":
        return [path for path in wire.streams() if path.parent.name == "azure"]
    return [path for path in wire.streams() if wire.PROTOCOL_OF[path.parent.name] == name]


def meaning(decoder: Decoder, pieces: list[bytes]) -> tuple[wire.Outcome, str]:
    """The outcome with its error as text."""
    outcome = wire.run(decoder, pieces)
    error, outcome.error = outcome.error, None
    return outcome, repr(error)


def ends(decoder: Decoder, pieces: list[bytes]) -> Finished | ProviderError:
    """The outcome; other exceptions fail the test. Only `finish` may raise."""
    for piece in [*pieces, b""]:
        decoder.feed(piece, 0.0)
    try:
        return decoder.finish(0.0)
    except ProviderError as error:
        return error


@pytest.mark.parametrize("name", PROTOCOLS)
@given(data=st.data(), body=bodies)
@example(data=None, body=b"data: " + DEEP + b"\n\n" + DEEP + b"\n")
@example(data=None, body=b'data: {"error":{"code":"\xc2\xb2\xc2\xb2"}}\n\n{"error":{"code":"\xc2\xb2\xc2\xb2"}}\n')
@example(data=None, body=b'data: {"error":{"code":"' + b"9" * 5000 + b'"}}\n\n')
@example(data=None, body=b'{"error":{"code":"' + b"9" * 5000 + b'"}}\n')
@example(data=None, body=b'event: error\ndata: "\xff"\n\n')
def test_no_bytes_make_a_decoder_raise_anything_else(name: str, data: st.DataObject | None, body: bytes) -> None:
    pieces = data.draw(cut_anywhere(body)) if data else [body]
    outcome = ends(pipeline(name).parser.decoder(), pieces)
    assert isinstance(outcome, Finished) or outcome.hint


@settings(max_examples=200)
@given(path=st.sampled_from(wire.streams()), data=st.data())
def test_a_damaged_stream_ends_in_an_answer_or_our_error(path: Path, data: st.DataObject) -> None:
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        body[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.sampled_from(PARTS))
    outcome = ends(wire.protocol(path).parser.decoder(), data.draw(cut_anywhere(bytes(body))))
    assert isinstance(outcome, Finished) or outcome.hint


@pytest.mark.parametrize("name", PROTOCOLS)
@given(data=st.data())
def test_a_recorded_stream_means_the_same_wherever_it_is_cut(name: str, data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(recorded(name))).read_bytes()
    new = pipeline(name).parser.decoder
    assert meaning(new(), data.draw(cut_anywhere(body))) == meaning(new(), [body])


@pytest.mark.parametrize("name", PROTOCOLS)
@given(data=st.data())
def test_hostile_streams_end_in_an_answer_or_a_provider_error(name: str, data: st.DataObject) -> None:
    body = data.draw(damaged(data.draw(st.sampled_from(recorded(name))).read_bytes()))
    outcome = ends(pipeline(name).parser.decoder(), data.draw(cut_anywhere(body)))
    assert isinstance(outcome, Finished) or outcome.hint


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_line_may_have_ten_megabytes_but_not_be_endless(name: str) -> None:
    text = b"x" * 10_000_000
    assert 2 * len(text) < MAX_RECORD < 4 * len(text)
    for start in (b"data: ", b""):
        outcome = ends(pipeline(name).parser.decoder(), [start + b'{"error":"' + text, b'"}\n\n'])
        assert isinstance(outcome, ProviderError)
        assert len(str(outcome)) <= 700
        outcome = ends(pipeline(name).parser.decoder(), [start, text, text, text, text, b"\n\n"])
        assert isinstance(outcome, ProviderError)
        assert outcome.reason == "bad_frame"


@pytest.mark.parametrize("name", PROTOCOLS)
@given(body=bodies, status=st.integers(300, 599))
@example(body=DEEP, status=400)
@example(body=b'"\xff"', status=500)
def test_no_body_makes_a_parser_raise_anything_else(name: str, body: bytes, status: int) -> None:
    parser = pipeline(name).parser
    for read in (lambda: parser.parse(body, 0.0), lambda: parser.parse_models(body)):
        with suppress(ProviderError):
            read()
    error = parser.classify(status, {}, body)
    assert error.hint
    assert str(error)
    assert len(str(error)) <= 700


@pytest.mark.parametrize("name", PROTOCOLS)
@given(data=st.data())
def test_a_damaged_body_is_read_or_raises_a_provider_error(name: str, data: st.DataObject) -> None:
    parser = pipeline(name).parser
    body = data.draw(damaged(data.draw(st.sampled_from(wire.files("*/*.json"))).read_bytes()))
    for read in (lambda: parser.parse(body, 0.0), lambda: parser.parse_models(body)):
        with suppress(ProviderError):
            read()
    error = parser.classify(data.draw(st.sampled_from([400, 403, 429, 500])), {"retry-after": "1"}, body)
    assert error.hint
    assert error.hint.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "details", "metadata", "detail", "status", "violations"]
            )
            | st.text(max_size=2),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.none() | st.integers(400, 599))
def test_any_json_is_some_error(value: object, status: int | None) -> None:
    error = to_error(failure_from(value, status))
    assert isinstance(error.kind, ErrorKind)
    assert error.retry_after is None or isfinite(error.retry_after)


@given(st.text() | st.from_regex(r"[0-9]{1,400}(ms|us|s|m|h|ns)?([0-9.]+[hms])?", fullmatch=True))
@example("1 Jan 99999999999 00:00:00")
@example(f"{'9' * 400}h")
@example("1e400")
@example("inf")
@example("nan")
@example("-1")
@example("9999-12-31T23:59:59-23:59")
@example("Sun, 06 Nov 1994 08:49:37 +9999")
def test_any_header_is_a_wait_in_seconds_or_none(value: str) -> None:
    seconds = parse_delay(value, now=NOW)
    assert seconds is None or (isfinite(seconds) and seconds >= 0)
    headers: Mapping[str, str] = {"retry-after-ms": value, "retry-after": value, "x-ratelimit-reset": value}
    for name in headers:
        named = retry_after({name: headers[name]}, now=NOW)
        assert named is None or (isfinite(named) and named >= 0)


def test_one_body_that_is_not_finished_is_incomplete() -> None:
    body = b'{"model":"m","message":{"role":"assistant","content":"half of"},"done":false}'
    with pytest.raises(ProviderError, match="not done"):
        pipeline("ollama_chat").parser.parse(body, 0.0)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"data: {}\n\n", b'{"choices":[]}', b'{"content":[]}'])
def test_a_body_that_holds_no_answer_is_incomplete(name: str, body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        pipeline(name).parser.parse(body, 0.0)
    assert caught.value.kind is ErrorKind.INCOMPLETE


@pytest.mark.parametrize("cost", ["NaN", "-1", "Infinity", "-0.5", "1e400", "1e99999999"])
def test_a_reported_cost_that_is_no_price_is_unknown(cost: str) -> None:
    body = msgspec.json.encode(
        {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": {"cost": cost}}
    )
    outcome = wire.fold(pipeline("openai_chat").parser.parse(body, 0.0), None, None, saw_terminal=True)
    assert outcome.usage is not None
    assert outcome.usage.reported_cost is None


def test_html_and_text_are_shown_by_their_beginning() -> None:
    assert read_failure(b"<html>" + b"x" * 900).message == "<html>" + "x" * 194
    assert read_failure(b"x" * 900).message == "x" * 600
    assert read_failure(b"").message == ""
    assert str(to_error(read_failure(b"", 500))) == "the server returned HTTP 500 without an explanation"
