"""Responses over real sockets in the three wire formats: the exact text, however its bytes are sent."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from swebench_providers import (
    Finished,
    FinishReason,
    Notice,
    ReasoningDelta,
    TextDelta,
    TokenUsage,
    UnifiedRequest,
    UsageUpdate,
)
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import Cut, FaultServer, Script, UsageSent, json_body
from tests.providers.dialects import (
    REQUEST,
    TickingClock,
    error_of,
    events_of,
    generate,
    provider_at,
    provider_for,
    raw_server,
)

TOKENS = (
    "One naïve",
    "\u2028\u2029\x85\x0b\x0c\x1c",  # line ends of `str.splitlines`
    "\r\n\r\ndata: [DONE]\n\n",
    " 修复 🐛👩\u200d💻\ufeff ",
    '{"error": {"message": "only text"}}',
    "\\u2028\x00\x1b[31m",
)
THOUGHTS = ("First\u2028", "\n\nthen 想")
DRESSES: dict[str, Script] = {
    "plain": Script(),
    "crlf": Script(crlf=True),
    "no space": Script(no_space=True),
    "odd chunks": Script(odd_chunks=True),
    "keep-alives": Script(before_first_token=0.01, keep_alive_every=0.002),
    "all of it": Script(before_first_token=0.01, keep_alive_every=0.002, crlf=True, no_space=True, odd_chunks=True),
}


@pytest.mark.parametrize("cut", [*Cut, 1, 7], ids=str)
@pytest.mark.parametrize("dress", DRESSES)
async def test_the_text_is_exact_however_it_is_framed_and_cut(
    provider: HTTPProvider, fault_server: FaultServer, cut: Cut | int, dress: str
) -> None:
    fault_server.default = replace(DRESSES[dress], text=TOKENS, reasoning=THOUGHTS, cut=cut)
    answer = await provider.generate_unified(REQUEST)
    assert answer.content == "".join(TOKENS)
    assert answer.reasoning == "".join(THOUGHTS)
    assert answer.finish_reason is FinishReason.STOP
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, len(TOKENS) + len(THOUGHTS))


async def test_each_token_is_an_event_and_finished_the_last(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = Script(TOKENS, reasoning=THOUGHTS)
    events = await events_of(provider)
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == list(THOUGHTS)
    assert [event.text for event in events if isinstance(event, TextDelta)] == list(TOKENS)
    *_, usage, finished = events
    assert isinstance(usage, UsageUpdate)
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.model, finished.request_id) == (FinishReason.STOP, "m", "req_1")


async def test_events_carry_the_time_at_which_they_came(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b c", tokens_per_second=500)
    events = await events_of(provider_for(fault_server.base_url, dialect, transport, clock=TickingClock()))
    times = [event.time for event in events]
    assert times == sorted(times)
    assert (
        len({event.time for event in events if isinstance(event, TextDelta)}) == 3
    )  # three chunks, three clock readings


async def test_the_first_token_is_timed_from_the_call(
    dialect: str, fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script("a b c", before_first_token=0.02, tokens_per_second=100)
    answer = await provider_for(fault_server.base_url, dialect, transport).generate_unified(REQUEST)
    assert answer.ttft_ms is not None
    assert 20 <= answer.ttft_ms < answer.latency_ms


async def test_reasoning_is_found_under_its_newer_name_too(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.default = Script("text", reasoning="thought", reasoning_field="reasoning")
    for stream in (True, False):
        answer = await generate(provider_for(fault_server.base_url, "compatible", transport), stream=stream)
        assert (answer.content, answer.reasoning) == ("text", "thought")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
@pytest.mark.parametrize(
    ("dialect", "usage"),
    [
        ("compatible", TokenUsage(prompt_tokens=11, completion_tokens=3, cached_tokens=4, reasoning_tokens=1)),
        ("anthropic", TokenUsage(prompt_tokens=11, completion_tokens=3, cached_tokens=4)),
        ("ollama", TokenUsage(prompt_tokens=11, completion_tokens=3)),
    ],
)
async def test_usage_is_counted_once_and_includes_cached_tokens(
    fault_server: FaultServer, transport: Transport, dialect: str, usage: TokenUsage, *, stream: bool
) -> None:
    fault_server.default = Script("a b", reasoning="c", cached_tokens=4)
    answer = await generate(provider_for(fault_server.base_url, dialect, transport), stream=stream)
    assert answer.usage == usage
    assert answer.usage.total_tokens == 14


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_missing_usage_is_unknown_not_zero(
    provider: HTTPProvider, fault_server: FaultServer, *, stream: bool
) -> None:
    fault_server.default = Script("a", usage=UsageSent.NEVER)
    assert (await generate(provider, stream=stream)).usage is None


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
@pytest.mark.parametrize(
    ("raw_reason", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("a word of the future", FinishReason.STOP),
    ],
)
async def test_the_finish_reason_is_normalised_and_the_servers_kept(
    provider: HTTPProvider, fault_server: FaultServer, raw_reason: str, reason: FinishReason, *, stream: bool
) -> None:
    fault_server.default = Script("a", finish_reason=raw_reason)
    assert (await generate(provider, stream=stream)).finish_reason is reason
    finished = (await events_of(provider))[-1]
    assert isinstance(finished, Finished)
    assert finished.raw_reason in {raw_reason, "end_turn", "max_tokens"}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_output_of_reasoning_alone_gives_a_notice(
    provider: HTTPProvider, fault_server: FaultServer, *, stream: bool
) -> None:
    fault_server.default = Script("", reasoning="hm hm", finish_reason="length")
    answer = await generate(provider, stream=stream)
    assert (answer.content, answer.finish_reason) == ("", FinishReason.LENGTH)
    assert answer.notices == ("All output tokens were used for reasoning: raise the output limit or lower the effort.",)


async def test_an_answer_in_one_body_is_equal_and_kept_raw(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = Script(TOKENS, reasoning=THOUGHTS)
    answer = await generate(provider, stream=False)
    assert fault_server.requests[0].json["stream"] is False
    assert (answer.content, answer.reasoning) == ("".join(TOKENS), "".join(THOUGHTS))
    assert (answer.finish_reason, answer.model, answer.request_id) == (FinishReason.STOP, "m", "req_1")
    assert (answer.ttft_ms, answer.provider) == (None, provider.name)
    assert msgspec.json.decode(answer.raw_response)["model"] == "m"


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
async def test_one_body_instead_of_a_stream_is_understood(
    provider: HTTPProvider, fault_server: FaultServer, content_type: str
) -> None:
    body = (await generate(provider, stream=False)).raw_response
    fault_server.default = Script(body=body, headers={"content-type": content_type})
    answer = await provider.generate_unified(REQUEST)
    assert fault_server.requests[-1].json["stream"] is True
    assert (answer.content, answer.finish_reason) == (Script().text, FinishReason.STOP)


async def test_a_body_may_end_with_the_connection(transport: Transport) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    body = b'data: {"choices":[{"delta":{"content":"whole"}}]}\n\ndata: [DONE]'  # without a line end
    async with raw_server(head, body) as address:
        answer = await provider_for(address, "compatible", transport).generate_unified(REQUEST)
    assert answer.content == "whole"


async def test_an_unsupported_parameter_is_left_out_with_an_early_notice(
    fault_server: FaultServer, transport: Transport
) -> None:
    provider = provider_at(f"{fault_server.base_url}/v1", "openai", transport)
    request = UnifiedRequest(model="gpt-6-astra", prompt="Hi", temperature=0.5)
    first, *_ = await events_of(provider, request)
    assert isinstance(first, Notice)
    assert first.message == "temperature left out: not supported by gpt-6-astra"
    for stream in (True, False):
        answer = await provider.generate_unified(msgspec.structs.replace(request, stream=stream))
        assert answer.notices == (first.message,)
    assert all("temperature" not in request.json for request in fault_server.requests)


async def test_listed_models_keep_their_order_and_the_first_is_default(
    provider: HTTPProvider, fault_server: FaultServer
) -> None:
    fault_server.by_model = {"first": Script("one"), "second": Script("two")}
    assert [model.id for model in await provider.list_models()] == ["first", "second"]
    assert await provider.default_model() == (provider.spec.default_model or "first")


async def test_a_request_without_a_model_uses_the_configured_or_first(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.by_model = {"first": Script("one"), "second": Script("two")}
    unset = provider_for(fault_server.base_url, "compatible", transport)
    assert (await unset.generate_unified(UnifiedRequest(prompt="Hi"))).content == "one"
    assert isinstance((await events_of(unset, UnifiedRequest(prompt="Hi")))[-1], Finished)
    chosen = provider_for(fault_server.base_url, "compatible", transport, model="second")
    assert (await chosen.generate_unified(UnifiedRequest(prompt="Hi"))).content == "two"


async def test_a_server_without_models_is_an_error_with_a_hint(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/v1/models"] = json_body({"data": []})
    error = await error_of(provider_for(fault_server.base_url, "compatible", transport), UnifiedRequest(prompt="Hi"))
    assert (error.kind, error.provider) == ("model_not_found", "compatible")
    assert "Load a model" in error.hint


async def test_configured_headers_replace_ours_but_never_the_key(
    fault_server: FaultServer, transport: Transport
) -> None:
    headers = {"User-Agent": "mine", "X-Title": "tests", "Authorization": "Bearer other"}
    await provider_for(fault_server.base_url, "compatible", transport, headers=headers, api_key=None).generate_unified(
        REQUEST
    )
    await provider_for(fault_server.base_url, "compatible", transport, headers=headers).generate_unified(REQUEST)
    without, keyed = (request.headers for request in fault_server.requests)
    assert (without["user-agent"], without["x-title"], without["authorization"]) == ("mine", "tests", "Bearer other")
    assert "other" not in keyed["authorization"]


@pytest.mark.parametrize("suffix", ["", "/v1"])
async def test_a_version_in_the_base_url_is_not_repeated(
    fault_server: FaultServer, transport: Transport, suffix: str
) -> None:
    provider = provider_at(f"{fault_server.base_url}{suffix}", "anthropic", transport)
    await provider.generate_unified(REQUEST)
    await provider.list_models()
    assert [request.path for request in fault_server.requests] == ["/v1/messages", "/v1/models"]
