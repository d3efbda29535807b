"""Tests for the complaints about other clients, with the numbers of docs/complaints.md.

The missing numbers are about policies (retries, limits, budgets, breakers), and are tested there.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from swebench_providers import ErrorKind, FinishReason, ProviderRegistry, Secret, TimeLimits, TokenUsage
from swebench_providers import UnifiedRequest as Request
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.pricing.prices import cost_of
from swebench_providers.protocols import pipeline
from swebench_providers.provider import HTTPProvider
from tests.fault_server import Ending, FaultServer, Script, failing
from tests.providers import wire
from tests.providers.dialects import KEY, REQUEST, error_of, generate, provider_at, provider_for, until_text

ROOT = Path(__file__).parents[2]
OLDER_LINE_ENDS = "one\u2028two\u2029three\x85four"  # unescaped, as JSON allows them
PIECES = ("naïve ", "修复 ", "🐛", OLDER_LINE_ENDS)


@dataclass(frozen=True, kw_only=True)
class WireFormat:
    """One wire format: its provider, and its records of a text, its end, an error, and usage.

    The usage is 100 prompt tokens, 40 of them cached, and 9 completion tokens.
    """

    provider: str
    base: str
    path: str
    text: str
    ends: tuple[str, ...]
    error: str
    count: str

    def stream(self, *pieces: str) -> list[bytes]:
        """The records of a whole response."""
        texts = [self.text.replace("TEXT", msgspec.json.encode(piece).decode()) for piece in pieces]
        return [self.record(record) for record in (*texts, *self.ends)]

    def record(self, data: str) -> bytes:
        return f"{data}\n".encode() if self.lines else f"data: {data}\n\n".encode()

    @property
    def lines(self) -> bool:
        return self.provider == "ollama"

    @property
    def stream_type(self) -> str:
        return "application/x-ndjson" if self.lines else "text/event-stream"


WIRE_FORMATS: Mapping[str, WireFormat] = {
    "openai_chat": WireFormat(
        provider="compatible",
        base="/v1",
        path="/v1/chat/completions",
        text='{"choices":[{"index":0,"delta":{"content":TEXT}}]}',
        ends=('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', "[DONE]"),
        error='{"error":{"message":"busy","code":529}}',
        count='{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":9,'
        '"prompt_tokens_details":{"cached_tokens":40}}}',
    ),
    "openai_responses": WireFormat(
        provider="compatible",
        base="/v1",
        path="/v1/responses",
        text='{"type":"response.output_text.delta","delta":TEXT}',
        ends=('{"type":"response.completed","response":{"status":"completed"}}',),
        error='{"type":"error","code":"server_error","message":"overloaded"}',
        count='{"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":100,'
        '"output_tokens":9,"input_tokens_details":{"cached_tokens":40}}}}',
    ),
    "anthropic_messages": WireFormat(
        provider="anthropic",
        base="",
        path="/v1/messages",
        text='{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":TEXT}}',
        ends=('{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', '{"type":"message_stop"}'),
        error='{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
        count='{"type":"message_delta","usage":{"input_tokens":60,"cache_read_input_tokens":40,"output_tokens":9}}',
    ),
    "ollama_chat": WireFormat(
        provider="ollama",
        base="",
        path="/api/chat",
        text='{"message":{"role":"assistant","content":TEXT},"done":false}',
        ends=('{"message":{"content":""},"done":true,"done_reason":"stop"}',),
        error='{"error":"server busy, please try again. maximum pending requests exceeded"}',
        count='{"done":true,"done_reason":"stop","prompt_eval_count":100,"eval_count":9}',
    ),
    "gemini": WireFormat(
        provider="gemini",
        base="/v1beta",
        path="/v1beta/models/m:streamGenerateContent",
        text='{"candidates":[{"content":{"role":"model","parts":[{"text":TEXT}]}}]}',
        ends=('{"candidates":[{"finishReason":"STOP"}]}',),
        error='{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}',
        count='{"candidates":[],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":40,'
        '"candidatesTokenCount":9}}',
    ),
}


@pytest.fixture(params=WIRE_FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    """Each protocol."""
    return str(request.param)


@pytest.fixture
def wire_format(name: str) -> WireFormat:
    return WIRE_FORMATS[name]


@pytest.fixture
def provider(name: str, wire_format: WireFormat, fault_server: FaultServer, transport: Transport) -> HTTPProvider:
    """A provider of each protocol, on the fault server."""
    address = f"{fault_server.base_url}{wire_format.base}"
    return provider_at(address, wire_format.provider, transport, protocol=name, base_models={"m": "gpt-5"})


def answer_with(server: FaultServer, wire_format: WireFormat, records: Sequence[bytes], **script: Any) -> None:
    """Let the server send exactly these bytes."""
    headers = {"content-type": wire_format.stream_type}
    server.by_path[wire_format.path] = Script(body=b"".join(records), headers=headers, **script)


async def test_01_events_and_characters_cut_by_chunks_are_read_whole(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    answer_with(fault_server, wire_format, wire_format.stream(*PIECES), cut=1)
    assert (await generate(provider)).content == "".join(PIECES)


async def test_02_unicode_line_separators_are_text(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    records = wire_format.stream(OLDER_LINE_ENDS)
    assert OLDER_LINE_ENDS.encode() in records[0]  # unescaped, as servers send them
    answer_with(fault_server, wire_format, records)
    assert (await generate(provider)).content == OLDER_LINE_ENDS


async def test_03_events_in_every_dress_the_grammar_allows_are_read(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    body = b"".join(wire_format.stream("a", "b"))
    dressed = [
        body.replace(b"\n", b"\r\n"),
        body.replace(b"\n", b"\n\n\n"),
        *(
            []
            if wire_format.lines
            else [body.replace(b"data: ", b"data:"), body.replace(b"data:", b": ping\nid: 7\ndata:")]
        ),
    ]
    for dress in dressed:
        for cut in (1, len(dress)):  # the first size also cuts between CR and LF
            answer_with(fault_server, wire_format, [dress], cut=cut)
            assert (await generate(provider)).content == "ab", dress


@pytest.mark.parametrize("place", ["first", "last", "beside the text"])
async def test_04_a_chunk_without_choices_is_no_reason_to_fail(
    fault_server: FaultServer, transport: Transport, place: str
) -> None:
    wire_format = WIRE_FORMATS["openai_chat"]
    text, end, done = wire_format.stream("a")
    filters = wire_format.record('{"id":"","model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}')
    counted = wire_format.count.replace('"choices":[]', '"choices":[{"delta":{},"finish_reason":"stop"}]')
    records = {
        "first": [filters, text, end, done],
        "last": [text, end, wire_format.record(wire_format.count), done],
        "beside the text": [text, wire_format.record(counted), done],
    }
    answer_with(fault_server, wire_format, records[place])
    answer = await generate(provider_at(f"{fault_server.base_url}/v1", "azure", transport))
    assert (answer.content, answer.finish_reason) == ("a", FinishReason.STOP)
    assert (answer.usage is None) == (place == "first")


async def test_05_a_clean_end_without_the_marker_is_incomplete(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    answer_with(fault_server, wire_format, wire_format.stream("a", "b")[: -len(wire_format.ends)])
    error = await error_of(provider)
    assert (error.kind, error.partial_text) == (ErrorKind.INCOMPLETE, "ab")


async def test_06_an_error_inside_a_stream_is_classified_alike(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    answer_with(fault_server, wire_format, [*wire_format.stream("a")[:1], wire_format.record(wire_format.error)])
    inside = await error_of(provider)
    fault_server.by_path[wire_format.path] = Script(status=503, body=wire_format.error.encode())
    before = await error_of(provider)
    assert inside.kind is before.kind is ErrorKind.OVERLOADED
    assert inside.retryable is before.retryable is True
    assert (inside.partial_text, before.partial_text) == ("a", "")


async def test_07_an_ollama_error_line_keeps_the_text_before_it(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script(
        "a b c", ending=Ending.ERROR, after=2, error_message="model requires more system memory"
    )
    error = await error_of(provider_for(fault_server.base_url, "ollama", transport))
    assert (error.reason, error.partial_text) == ("out_of_memory", "a b")


async def test_08_keep_alives_do_not_keep_a_hung_stream_alive(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b", ending=Ending.STALL, after=1, keep_alive_every=0.005)
    error = await error_of(provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=0.1)))
    assert (error.kind, error.partial_text) == (ErrorKind.TIMEOUT, "a")


async def test_09_reasoning_alone_keeps_a_response_alive(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    thoughts = "thinking " * 20
    fault_server.default = Script("a", reasoning=thoughts, tokens_per_second=25)
    answer = await generate(provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=0.7)))
    assert (answer.content, answer.reasoning) == ("a", thoughts)
    assert answer.latency_ms > 700


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2s"}, 62.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6ms"}, 0.006),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "1970-01-01T00:00:00Z",
            },
            None,
        ),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
    ],
    ids=str,
)
async def test_11_retry_delays_are_parsed_in_every_form(
    provider: HTTPProvider,
    wire_format: WireFormat,
    fault_server: FaultServer,
    headers: Mapping[str, str],
    seconds: float | None,
) -> None:
    fault_server.by_path[wire_format.path] = Script(status=429, body=b"{}", headers=headers)
    assert (await error_of(provider)).retry_after == seconds


async def test_13_cached_tokens_are_part_of_the_prompt_billed_once(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    cached = 0 if wire_format.lines else 40  # Ollama does not report it
    answer_with(
        fault_server,
        wire_format,
        [*wire_format.stream("a")[:1], wire_format.record(wire_format.count), *wire_format.stream()],
    )
    usage = (await generate(provider)).usage
    assert usage == TokenUsage(prompt_tokens=100, cached_tokens=cached, completion_tokens=9)
    openai = provider_spec("openai")
    price = await cost_of(usage, openai, openai.base_url, "gpt-5")
    assert price == Decimal("1.25e-6") * (100 - cached) + Decimal("0.125e-6") * cached + Decimal("10e-6") * 9


@pytest.mark.parametrize("name", ["openai_chat", "anthropic_messages", "gemini"])
async def test_14_repeated_usage_is_not_added_up(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    running = [wire_format.record(wire_format.count.replace(":9", f":{written}")) for written in (1, 4, 9)]
    answer_with(
        fault_server, wire_format, [*running[:1], *wire_format.stream("a")[:1], *running[1:], *wire_format.stream()]
    )
    usage = (await generate(provider)).usage
    assert usage == TokenUsage(prompt_tokens=100, cached_tokens=40, completion_tokens=9)


async def test_14_anthropics_first_and_last_usage_are_one_count(
    fault_server: FaultServer, transport: Transport
) -> None:
    wire_format = WIRE_FORMATS["anthropic_messages"]
    counted = '{"input_tokens":60,"cache_read_input_tokens":40,"output_tokens":1}'
    start = f'{{"type":"message_start","message":{{"usage":{counted}}}}}'
    end = '{"type":"message_delta","delta":{},"usage":{"output_tokens":9}}'
    answer_with(
        fault_server,
        wire_format,
        [wire_format.record(start), *wire_format.stream("a")[:1], wire_format.record(end), *wire_format.stream()],
    )
    usage = (await generate(provider_at(fault_server.base_url, "anthropic", transport))).usage
    assert usage == TokenUsage(prompt_tokens=100, cached_tokens=40, completion_tokens=9)


async def test_16_an_unknown_price_gives_an_unknown_cost_not_zero(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("fine")
    provider = provider_at(f"{fault_server.base_url}/v1", "openai", transport)
    answer = await generate(provider, model="gpt-77-nova", max_tokens=16)
    assert (answer.content, answer.cost) == ("fine", None)
    spec = provider_spec("openai")
    assert await cost_of(answer.usage, spec, spec.base_url, "gpt-77-nova") is None


async def test_19_token_counts_know_new_models_without_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")  # where nothing listens
    registry = ProviderRegistry({})
    text = "a repository may hold <|endoftext|> and <|im_start|>"
    known = await registry.get_provider("openai").count_tokens(text, "gpt-4o")
    new = await registry.get_provider("openai").count_tokens(text, "gpt-77-nova")
    other = await registry.get_provider("anthropic").count_tokens(text, "claude-99")
    await registry.aclose()
    assert (known.source, new.source, other.source) == ("exact", "estimated", "estimated")
    assert min(known.tokens, new.tokens, other.tokens) > 8


@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("openai", "gpt-5", ("max_completion_tokens", None)),
        ("openai", "gpt-4o", ("max_completion_tokens", 0.5)),
        ("vllm", "gpt-5", ("max_tokens", 0.5)),
    ],
)
async def test_20_a_parameter_is_renamed_or_dropped_with_a_notice(
    fault_server: FaultServer, transport: Transport, name: str, model: str, expected: tuple[str, float | None]
) -> None:
    field, temperature = expected
    provider = provider_at(f"{fault_server.base_url}/v1", name, transport)
    answer = await generate(provider, model=model, max_tokens=100, temperature=0.5)
    sent = msgspec.json.decode(fault_server.requests[0].body)
    names = [name for name in ("max_tokens", "max_completion_tokens") if name in sent]
    assert (names, sent.get("temperature")) == ([field], temperature)
    assert any("temperature left out" in notice for notice in answer.notices) == (temperature is None)


async def test_21_ollama_gets_a_window_and_cut_prompts_are_reported(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a", prompt_tokens=2050)
    answer = await generate(
        provider_for(fault_server.base_url, "ollama", transport), prompt="a word after another " * 4_000
    )
    sent = msgspec.json.decode(fault_server.requests[0].body)
    assert sent["options"]["num_ctx"] >= 16_000
    assert any("may have cut the prompt" in notice for notice in answer.notices)


@pytest.mark.parametrize(
    ("fixture", "means"),
    [
        ("openai-chat/stream-refusal.sse", FinishReason.REFUSAL),
        ("openai-chat/stream-length-no-text.sse", FinishReason.LENGTH),
        ("azure/stream-content-filter.sse", FinishReason.CONTENT_FILTER),
        ("openai-responses/stream-refusal.sse", FinishReason.REFUSAL),
        ("openai-responses/stream-incomplete.sse", FinishReason.LENGTH),
        ("anthropic/stream-refusal.sse", FinishReason.REFUSAL),
        ("gemini/stream-prompt-blocked.sse", FinishReason.CONTENT_FILTER),
        ("gemini/stream-max-tokens-no-text.sse", FinishReason.LENGTH),
    ],
)
async def test_22_refusals_filters_and_full_windows_are_not_complete_answers(
    fault_server: FaultServer, transport: Transport, fixture: str, means: FinishReason
) -> None:
    path = wire.FIXTURES / fixture
    name = wire.PROTOCOL_OF[path.parent.name]
    wire_format = WIRE_FORMATS[name]
    answer_with(fault_server, wire_format, [path.read_bytes()])
    provider = provider_at(f"{fault_server.base_url}{wire_format.base}", wire_format.provider, transport, protocol=name)
    assert (await generate(provider)).finish_reason is means


async def test_22_the_servers_own_word_for_the_end_is_kept() -> None:
    reasons = {"anthropic_messages": "model_context_window_exceeded", "openai_chat": "a_word_of_tomorrow"}
    for name, reason in reasons.items():
        body = b"".join(WIRE_FORMATS[name].stream("a")).replace(b'"end_turn"', b'"%s"' % reason.encode())
        body = body.replace(b'"stop"', b'"%s"' % reason.encode())
        finished = wire.run(pipeline(name).parser.decoder(), [body]).finished
        assert finished is not None
        assert finished.raw_reason == reason


async def test_23_a_thousand_answers_cancelled_twice_leave_no_connection_behind(
    fault_server: FaultServer, transport: Transport
) -> None:
    provider = provider_for(fault_server.base_url, "compatible", transport)
    fault_server.default = Script("a b", ending=Ending.STALL, after=1)
    for _ in range(5):
        arrived = [asyncio.Event() for _ in range(200)]
        tasks = [asyncio.create_task(until_text(provider, event)) for event in arrived]
        await asyncio.gather(*(event.wait() for event in arrived))
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    assert len(fault_server.requests) == 1_000
    await fault_server.all_closed(within=30)
    fault_server.default = Script("fine")
    assert (await provider.generate_unified(REQUEST)).content == "fine"


async def test_24_the_key_is_in_one_header_and_nowhere_else(
    provider: HTTPProvider, wire_format: WireFormat, fault_server: FaultServer
) -> None:
    fault_server.by_path[wire_format.path] = failing(401, f"Incorrect API key provided: {KEY}")
    error = await error_of(provider)
    [request] = fault_server.requests
    shown_in = [name for name, value in request.headers.items() if KEY in value]
    assert shown_in == ([] if wire_format.lines else [request_header(wire_format)])
    assert KEY not in f"{request.target} {request.body!r}"
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert KEY not in "".join(shown.format()) + repr(vars(error))
    assert KEY not in f"{Secret(KEY)} {Secret(KEY)!r} {provider} {vars(provider)}"


def request_header(wire_format: WireFormat) -> str:
    return "x-goog-api-key" if wire_format.provider == "gemini" else "authorization"


def test_25_importing_the_layer_loads_no_client_and_few_modules() -> None:
    program = (
        "import asyncio, json, sys; before = len(sys.modules); import swebench_providers;"
        "print(len(sys.modules) - before, 'httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    more, client = done.stdout.split()
    assert client == "False"
    assert int(more) <= 200


async def test_25_providers_share_connections(
    fault_server: FaultServer,
) -> None:
    registry = ProviderRegistry({"COMPATIBLE_BASE_URL": fault_server.base_url, "OLLAMA_HOST": fault_server.base_url})
    for provider in ("compatible", "ollama", "compatible"):
        await registry.get_provider(provider).generate_unified(Request(model="m", prompt="Say it."))
    await registry.aclose()
    assert len({request.peer_port for request in fault_server.requests}) == 1


def test_each_test_that_the_list_of_complaints_names_exists() -> None:
    listed = (ROOT / "docs" / "complaints.md").read_text("utf-8")
    sources = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = {test for source in sources for test in re.findall(r"def (test_\w+)", source)}
    named = set(re.findall(r"`(test_\w+)`", listed))
    own = set(re.findall(r"def (test_\d\d_\w+)", Path(__file__).read_text("utf-8")))
    assert named - there == set()
    assert own - named == set()
    rows = [int(number) for number in re.findall(r"^\| (\d+) \|", listed, re.MULTILINE)]
    assert rows == list(range(1, 26))
