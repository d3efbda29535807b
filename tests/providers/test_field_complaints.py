"""What users of other layers complain of, each as a test: the numbers are those of the list in docs/complaints.md.

Numbers that are missing here are about policies (retries, limits, budgets, breakers) and have their tests with those.
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
from swebench_providers.protocols import PROTOCOLS
from swebench_providers.provider import HTTPProvider
from tests.fault_server import Ending, FaultServer, Script, failing
from tests.providers import wire
from tests.providers.dialects import KEY, REQUEST, error_of, generate, provider_at, provider_for, until_text

ROOT = Path(__file__).parents[2]
OLDER_LINE_ENDS = "one\u2028two\u2029three\x85four"  # as they stand in JSON, where they end nothing
PIECES = ("naïve ", "修复 ", "🐛", OLDER_LINE_ENDS)


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """One wire format: where it is asked, and how it says a text, its end, an error and a count of tokens.

    The count is of 100 tokens read, 40 of them from a cache, and of 9 written.
    """

    provider: str
    base: str
    path: str
    text: str
    ends: tuple[str, ...]
    error: str
    count: str

    def said(self, *pieces: str) -> list[bytes]:
        """Records of a whole answer."""
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


TONGUES: Mapping[str, Tongue] = {
    "openai_chat": Tongue(
        provider="compatible",
        base="/v1",
        path="/v1/chat/completions",
        text='{"choices":[{"index":0,"delta":{"content":TEXT}}]}',
        ends=('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', "[DONE]"),
        error='{"error":{"message":"busy","code":529}}',
        count='{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":9,'
        '"prompt_tokens_details":{"cached_tokens":40}}}',
    ),
    "openai_responses": Tongue(
        provider="compatible",
        base="/v1",
        path="/v1/responses",
        text='{"type":"response.output_text.delta","delta":TEXT}',
        ends=('{"type":"response.completed","response":{"status":"completed"}}',),
        error='{"type":"error","code":"server_error","message":"overloaded"}',
        count='{"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":100,'
        '"output_tokens":9,"input_tokens_details":{"cached_tokens":40}}}}',
    ),
    "anthropic_messages": Tongue(
        provider="anthropic",
        base="",
        path="/v1/messages",
        text='{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":TEXT}}',
        ends=('{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', '{"type":"message_stop"}'),
        error='{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
        count='{"type":"message_delta","usage":{"input_tokens":60,"cache_read_input_tokens":40,"output_tokens":9}}',
    ),
    "ollama_chat": Tongue(
        provider="ollama",
        base="",
        path="/api/chat",
        text='{"message":{"role":"assistant","content":TEXT},"done":false}',
        ends=('{"message":{"content":""},"done":true,"done_reason":"stop"}',),
        error='{"error":"server busy, please try again. maximum pending requests exceeded"}',
        count='{"done":true,"done_reason":"stop","prompt_eval_count":100,"eval_count":9}',
    ),
    "gemini": Tongue(
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


@pytest.fixture(params=TONGUES)
def name(request: pytest.FixtureRequest) -> str:
    """Each protocol in turn."""
    return str(request.param)


@pytest.fixture
def tongue(name: str) -> Tongue:
    return TONGUES[name]


@pytest.fixture
def asked(name: str, tongue: Tongue, fault_server: FaultServer, transport: Transport) -> HTTPProvider:
    """A provider of each protocol in turn, at the fault server."""
    address = f"{fault_server.base_url}{tongue.base}"
    return provider_at(address, tongue.provider, transport, protocol=name, base_models={"m": "gpt-5"})


def answer_with(server: FaultServer, tongue: Tongue, records: Sequence[bytes], **script: Any) -> None:
    """Let the server say just these bytes."""
    headers = {"content-type": tongue.stream_type}
    server.by_path[tongue.path] = Script(body=b"".join(records), headers=headers, **script)


async def test_01_an_event_or_a_character_torn_by_a_chunk_edge_is_read_whole(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    answer_with(fault_server, tongue, tongue.said(*PIECES), cut=1)
    assert (await generate(asked)).content == "".join(PIECES)


async def test_02_characters_that_other_readers_take_for_line_ends_are_text(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    records = tongue.said(OLDER_LINE_ENDS)
    assert OLDER_LINE_ENDS.encode() in records[0]  # unescaped, as servers send them
    answer_with(fault_server, tongue, records)
    assert (await generate(asked)).content == OLDER_LINE_ENDS


async def test_03_events_in_every_dress_the_grammar_allows_are_read(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    body = b"".join(tongue.said("a", "b"))
    dressed = [
        body.replace(b"\n", b"\r\n"),
        body.replace(b"\n", b"\n\n\n"),
        *([] if tongue.lines else [body.replace(b"data: ", b"data:"), body.replace(b"data:", b": ping\nid: 7\ndata:")]),
    ]
    for dress in dressed:
        for cut in (1, len(dress)):  # the first also between CR and LF
            answer_with(fault_server, tongue, [dress], cut=cut)
            assert (await generate(asked)).content == "ab", dress


@pytest.mark.parametrize("place", ["first", "last", "beside the text"])
async def test_04_a_chunk_without_choices_is_no_reason_to_fail(
    fault_server: FaultServer, transport: Transport, place: str
) -> None:
    tongue = TONGUES["openai_chat"]
    text, end, done = tongue.said("a")
    filters = tongue.record('{"id":"","model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}')
    counted = tongue.count.replace('"choices":[]', '"choices":[{"delta":{},"finish_reason":"stop"}]')
    records = {
        "first": [filters, text, end, done],
        "last": [text, end, tongue.record(tongue.count), done],
        "beside the text": [text, tongue.record(counted), done],
    }
    answer_with(fault_server, tongue, records[place])
    answer = await generate(provider_at(f"{fault_server.base_url}/v1", "azure", transport))
    assert (answer.content, answer.finish_reason) == ("a", FinishReason.STOP)
    assert (answer.usage is None) == (place == "first")


async def test_05_a_clean_end_of_the_body_without_the_streams_own_end_is_no_whole_answer(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    answer_with(fault_server, tongue, tongue.said("a", "b")[: -len(tongue.ends)])
    error = await error_of(asked)
    assert (error.kind, error.partial_text) == (ErrorKind.INCOMPLETE, "ab")


async def test_06_an_error_inside_a_200_stream_is_the_error_it_would_be_as_a_status(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    answer_with(fault_server, tongue, [*tongue.said("a")[:1], tongue.record(tongue.error)])
    inside = await error_of(asked)
    fault_server.by_path[tongue.path] = Script(status=503, body=tongue.error.encode())
    before = await error_of(asked)
    assert inside.kind is before.kind is ErrorKind.OVERLOADED
    assert inside.retryable is before.retryable is True
    assert (inside.partial_text, before.partial_text) == ("a", "")


async def test_07_an_error_line_in_the_middle_of_an_ollama_answer_is_raised_with_what_had_come(
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


async def test_09_a_model_that_only_thinks_for_longer_than_the_idle_limit_is_alive(
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
async def test_11_the_wait_a_server_names_is_understood_in_every_form(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer, headers: Mapping[str, str], seconds: float | None
) -> None:
    fault_server.by_path[tongue.path] = Script(status=429, body=b"{}", headers=headers)
    assert (await error_of(asked)).retry_after == seconds


async def test_13_cached_tokens_are_part_of_the_prompt_at_every_provider_and_billed_once(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    cached = 0 if tongue.lines else 40  # Ollama does not say
    answer_with(fault_server, tongue, [*tongue.said("a")[:1], tongue.record(tongue.count), *tongue.said()])
    usage = (await generate(asked)).usage
    assert usage == TokenUsage(prompt_tokens=100, cached_tokens=cached, completion_tokens=9)
    openai = provider_spec("openai")
    price = await cost_of(usage, openai, openai.base_url, "gpt-5")
    assert price == Decimal("1.25e-6") * (100 - cached) + Decimal("0.125e-6") * cached + Decimal("10e-6") * 9


@pytest.mark.parametrize("name", ["openai_chat", "anthropic_messages", "gemini"])
async def test_14_counts_that_are_repeated_while_streaming_are_not_added_up(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    running = [tongue.record(tongue.count.replace(":9", f":{written}")) for written in (1, 4, 9)]
    answer_with(fault_server, tongue, [*running[:1], *tongue.said("a")[:1], *running[1:], *tongue.said()])
    usage = (await generate(asked)).usage
    assert usage == TokenUsage(prompt_tokens=100, cached_tokens=40, completion_tokens=9)


async def test_14_what_anthropic_counts_at_the_start_and_at_the_end_is_one_count(
    fault_server: FaultServer, transport: Transport
) -> None:
    tongue = TONGUES["anthropic_messages"]
    counted = '{"input_tokens":60,"cache_read_input_tokens":40,"output_tokens":1}'
    start = f'{{"type":"message_start","message":{{"usage":{counted}}}}}'
    end = '{"type":"message_delta","delta":{},"usage":{"output_tokens":9}}'
    answer_with(fault_server, tongue, [tongue.record(start), *tongue.said("a")[:1], tongue.record(end), *tongue.said()])
    usage = (await generate(provider_at(fault_server.base_url, "anthropic", transport))).usage
    assert usage == TokenUsage(prompt_tokens=100, cached_tokens=40, completion_tokens=9)


async def test_16_a_model_without_a_known_price_costs_an_unknown_amount_and_not_nothing(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("fine")
    provider = provider_at(f"{fault_server.base_url}/v1", "openai", transport)
    answer = await generate(provider, model="gpt-77-nova", max_tokens=16)
    assert (answer.content, answer.cost) == ("fine", None)
    spec = provider_spec("openai")
    assert await cost_of(answer.usage, spec, spec.base_url, "gpt-77-nova") is None


async def test_19_a_token_count_knows_new_models_and_special_words_and_needs_no_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")  # where nobody answers
    registry = ProviderRegistry({})
    text = "a repository may hold <|endoftext|> and <|im_start|>"
    known = await registry.get_provider("openai").count_tokens(text, "gpt-4o")
    new = await registry.get_provider("openai").count_tokens(text, "gpt-77-nova")
    other = await registry.get_provider("anthropic").count_tokens(text, "claude-99")
    await registry.aclose()
    assert (known.source, new.source, other.source) == ("exact", "estimated", "estimated")
    assert min(known.tokens, new.tokens, other.tokens) > 8


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-5", ("max_completion_tokens", None)),
        ("openai", "gpt-4o", ("max_completion_tokens", 0.5)),
        ("vllm", "gpt-5", ("max_tokens", 0.5)),
    ],
)
async def test_20_a_parameter_goes_by_the_name_the_server_knows_or_stays_behind_with_a_note(
    fault_server: FaultServer, transport: Transport, provider: str, model: str, expected: tuple[str, float | None]
) -> None:
    field, temperature = expected
    asked = provider_at(f"{fault_server.base_url}/v1", provider, transport)
    answer = await generate(asked, model=model, max_tokens=100, temperature=0.5)
    sent = msgspec.json.decode(fault_server.requests[0].body)
    names = [name for name in ("max_tokens", "max_completion_tokens") if name in sent]
    assert (names, sent.get("temperature")) == ([field], temperature)
    assert any("temperature left out" in notice for notice in answer.notices) == (temperature is None)


async def test_21_ollama_is_asked_for_a_window_and_doubted_when_it_has_read_too_little(
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
async def test_22_a_refusal_a_filter_or_a_full_window_is_not_an_answer_that_is_done(
    fault_server: FaultServer, transport: Transport, fixture: str, means: FinishReason
) -> None:
    path = wire.FIXTURES / fixture
    name = wire.PROTOCOL_OF[path.parent.name]
    tongue = TONGUES[name]
    answer_with(fault_server, tongue, [path.read_bytes()])
    provider = provider_at(f"{fault_server.base_url}{tongue.base}", tongue.provider, transport, protocol=name)
    assert (await generate(provider)).finish_reason is means


async def test_22_the_servers_own_word_for_the_end_is_kept() -> None:
    words = {"anthropic_messages": "model_context_window_exceeded", "openai_chat": "a_word_of_tomorrow"}
    for name, word in words.items():
        body = b"".join(TONGUES[name].said("a")).replace(b'"end_turn"', b'"%s"' % word.encode())
        body = body.replace(b'"stop"', b'"%s"' % word.encode())
        finished = wire.run(PROTOCOLS[name].parser.decoder(), [body]).finished
        assert finished is not None
        assert finished.raw_reason == word


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


async def test_24_the_key_is_in_one_header_and_in_no_address_and_no_error(
    asked: HTTPProvider, tongue: Tongue, fault_server: FaultServer
) -> None:
    fault_server.by_path[tongue.path] = failing(401, f"Incorrect API key provided: {KEY}")
    error = await error_of(asked)
    [request] = fault_server.requests
    shown_in = [name for name, value in request.headers.items() if KEY in value]
    assert shown_in == ([] if tongue.lines else [request_header(tongue)])
    assert KEY not in f"{request.target} {request.body!r}"
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert KEY not in "".join(told.format()) + repr(vars(error))
    assert KEY not in f"{Secret(KEY)} {Secret(KEY)!r} {asked} {vars(asked)}"


def request_header(tongue: Tongue) -> str:
    return "x-goog-api-key" if tongue.provider == "gemini" else "authorization"


def test_25_importing_the_layer_loads_no_client_and_few_modules() -> None:
    program = (
        "import asyncio, json, sys; before = len(sys.modules); import swebench_providers;"
        "print(len(sys.modules) - before, 'httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    more, client = done.stdout.split()
    assert client == "False"
    assert int(more) <= 200


async def test_25_providers_share_their_connections_instead_of_building_a_client_a_call(
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
