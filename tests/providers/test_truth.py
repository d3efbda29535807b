"""An incomplete response never passes for complete: each way to end early raises its error, with the partial text."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from swebench_providers import ErrorKind, FinishReason, ProviderError, UnifiedRequest
from swebench_providers.http.framing import MAX_RECORD
from swebench_providers.http.transport import MAX_BODY, Transport
from swebench_providers.protocols.stream import MARKER_MISSING
from swebench_providers.provider import HTTPProvider
from tests.fault_server import Cut, Ending, FaultServer, Script, failing, html_page, redirect
from tests.providers.dialects import REQUEST, error_of, provider_at, provider_for, raw_server

IN_ONE_BODY = UnifiedRequest(model="m", prompt="Say it.", stream=False)
MORE = 16 * 1024 * 1024  # bytes beyond the bound, which the client must not read
REQUESTS = pytest.mark.parametrize("request_", [REQUEST, IN_ONE_BODY], ids=["streamed", "in one body"])


@pytest.mark.parametrize(
    ("ending", "reason", "partial"),
    [
        (Ending.TRUNCATED, "truncated_stream", "a b"),
        (Ending.MID_CHUNK, "truncated_stream", "a b"),
        (Ending.RESET, "truncated_stream", "a b"),
        (Ending.GARBAGE, "bad_frame", "a b"),
    ],
)
async def test_a_broken_stream_is_incomplete_and_keeps_its_text(
    provider: HTTPProvider, fault_server: FaultServer, ending: Ending, reason: str, partial: str
) -> None:
    fault_server.default = Script("a b c d", reasoning="hm", ending=ending, after=3)
    error = await error_of(provider)
    assert (error.kind, error.reason, error.retryable) == (ErrorKind.INCOMPLETE, reason, True)
    assert (error.partial_text, error.partial_reasoning) == (partial, "hm")
    assert (error.provider, error.model, error.status) == (provider.name, "m", None)
    assert "not a whole answer" in error.hint


async def test_an_end_without_marker_is_complete_only_for_chat_completions(
    provider: HTTPProvider, fault_server: FaultServer
) -> None:
    fault_server.default = Script("a b c d", ending=Ending.UNMARKED)
    if provider.spec.protocol == "openai_chat":  # compatible servers are known to leave out `[DONE]`
        answer = await provider.generate_unified(REQUEST)
        assert (answer.content, answer.finish_reason) == ("a b c d", FinishReason.STOP)
        assert MARKER_MISSING in answer.notices
    else:
        error = await error_of(provider)
        assert (error.kind, error.reason, error.partial_text) == (ErrorKind.INCOMPLETE, "truncated_stream", "a b c d")


@pytest.mark.parametrize("after", range(8))
async def test_a_clean_end_before_the_marker_is_never_an_answer(
    provider: HTTPProvider, fault_server: FaultServer, after: int
) -> None:
    fault_server.default = Script("a b c d e f g", ending=Ending.TRUNCATED, after=after)
    error = await error_of(provider)
    assert (error.kind, error.partial_text) == (ErrorKind.INCOMPLETE, "a b c d e f g"[: max(0, 2 * after - 1)])


@pytest.mark.parametrize("ending", [Ending.TRUNCATED, Ending.MID_CHUNK, Ending.RESET, Ending.GARBAGE])
async def test_half_a_body_is_incomplete(provider: HTTPProvider, fault_server: FaultServer, ending: Ending) -> None:
    fault_server.default = Script("a b c d", ending=ending)
    error = await error_of(provider, IN_ONE_BODY)
    assert (error.kind, error.partial_text) == (ErrorKind.INCOMPLETE, "")


@REQUESTS
async def test_an_answer_without_text_and_reasoning_is_an_error(
    provider: HTTPProvider, fault_server: FaultServer, request_: UnifiedRequest
) -> None:
    fault_server.default = Script("")
    error = await error_of(provider, request_)
    assert (error.kind, error.reason) == (ErrorKind.INCOMPLETE, "empty_response")
    assert "window" in error.hint


async def test_a_record_without_end_is_cut_off_at_a_bound(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = Script(
        body=b"{" * (MAX_RECORD + MORE), cut=Cut.JOINED, headers={"content-type": "application/x-ndjson"}
    )
    error = await error_of(provider)
    assert (error.kind, error.reason) == (ErrorKind.INCOMPLETE, "bad_frame")
    await fault_server.all_closed(within=1)


async def test_a_body_without_end_is_cut_off_at_a_bound(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.default = Script(body=b" " * (MAX_BODY + MORE), cut=Cut.JOINED)
    error = await error_of(provider_for(fault_server.base_url, "compatible", transport), IN_ONE_BODY)
    assert (error.kind, error.reason) == (ErrorKind.INCOMPLETE, "bad_frame")
    await fault_server.all_closed(within=1)


@REQUESTS
async def test_a_web_page_is_reported_as_a_wrong_address(
    provider: HTTPProvider, fault_server: FaultServer, request_: UnifiedRequest
) -> None:
    fault_server.default = html_page()
    error = await error_of(provider, request_)
    assert (error.kind, error.retryable) == (ErrorKind.BAD_ENDPOINT, False)
    assert "base URL" in error.hint
    fault_server.by_path = {path: html_page() for path in ("/v1/models", "/api/tags")}
    with pytest.raises(ProviderError) as caught:
        await provider.list_models()
    assert (caught.value.kind, caught.value.provider) == (ErrorKind.BAD_ENDPOINT, provider.name)


@pytest.mark.parametrize(
    ("dialect", "sent"),
    [
        ("compatible", (429, "rate_limit_exceeded", "slow down")),
        ("compatible", (429, "insufficient_quota", "no credit")),
        ("compatible", (400, "context_length_exceeded", "too long")),
        ("compatible", (400, "content_filter", "blocked")),
        ("compatible", (401, "invalid_api_key", "no")),
        ("compatible", (404, "model_not_found", "gone")),
        ("anthropic", (529, "overloaded_error", "Overloaded")),
        ("anthropic", (429, "rate_limit_error", "slow down")),
        ("anthropic", (500, "api_error", "internal")),
        ("anthropic", (401, "authentication_error", "no")),
        ("anthropic", (400, "invalid_request_error", "prompt is too long: 9 > 8")),
        ("ollama", (500, "", "model requires more system memory (9 GiB) than is available (8 GiB)")),
        ("ollama", (400, "", "the prompt exceeds the context length")),
        ("ollama", (500, "", "boom")),
    ],
)
async def test_an_error_inside_a_stream_is_classified_as_before_it(
    fault_server: FaultServer, transport: Transport, dialect: str, sent: tuple[int, str, str]
) -> None:
    status, code, message = sent
    provider = provider_for(fault_server.base_url, dialect, transport)
    refused = replace(failing(status, message), error_code=code)
    fault_server.enqueue(refused, replace(refused, status=200, text="a b", ending=Ending.ERROR, after=1))
    before, inside = await error_of(provider), await error_of(provider)
    assert (inside.kind, inside.reason, inside.retryable) == (before.kind, before.reason, before.retryable)
    assert str(inside) == str(before) == message
    assert (before.status, inside.status) == (status, None)
    assert (before.partial_text, inside.partial_text) == ("", "a")


@REQUESTS
@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, ErrorKind.INVALID_REQUEST, False),
        (401, ErrorKind.AUTH, False),
        (402, ErrorKind.QUOTA_EXHAUSTED, False),
        (403, ErrorKind.AUTH, False),
        (408, ErrorKind.TIMEOUT, True),
        (429, ErrorKind.RATE_LIMITED, True),
        (500, ErrorKind.TRANSIENT, True),
        (502, ErrorKind.OVERLOADED, True),
        (503, ErrorKind.OVERLOADED, True),
        (529, ErrorKind.OVERLOADED, True),
    ],
)
async def test_an_http_status_becomes_its_kind_with_a_hint(
    provider: HTTPProvider,
    fault_server: FaultServer,
    status: int,
    kind: ErrorKind,
    request_: UnifiedRequest,
    *,
    retryable: bool,
) -> None:
    fault_server.default = failing(status, "as told")
    error = await error_of(provider, request_)
    assert (error.kind, error.retryable, error.status) == (kind, retryable, status)
    assert (str(error), error.provider, error.model, error.request_id) == ("as told", provider.name, "m", "req_1")
    assert error.hint


async def test_a_missing_model_differs_from_a_missing_path(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = failing(404, "model 'm' not found, try pulling it first")
    assert (await error_of(provider)).kind is ErrorKind.MODEL_NOT_FOUND
    fault_server.default = Script(status=404, body=b"404 page not found", headers={"content-type": "text/plain"})
    error = await error_of(provider)
    assert (error.kind, str(error)) == (ErrorKind.BAD_ENDPOINT, "404 page not found")
    assert "/v1" in error.hint


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
async def test_the_wait_a_server_names_is_on_the_error(
    provider: HTTPProvider, fault_server: FaultServer, headers: dict[str, str], seconds: float | None
) -> None:
    fault_server.default = replace(failing(429), headers=headers)
    assert (await error_of(provider)).retry_after == seconds


@pytest.mark.parametrize(("sent", "retryable"), [("true", True), ("false", False)])
@pytest.mark.parametrize("status", [400, 500])
async def test_a_server_that_says_whether_to_repeat_is_believed(
    provider: HTTPProvider, fault_server: FaultServer, status: int, sent: str, *, retryable: bool
) -> None:
    fault_server.default = replace(failing(status), headers={"x-should-retry": sent})
    assert (await error_of(provider)).retryable is retryable


@REQUESTS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_so_that_no_key_travels(
    provider: HTTPProvider, fault_server: FaultServer, status: int, request_: UnifiedRequest
) -> None:
    async with FaultServer() as other:
        fault_server.default = redirect(f"{other.base_url}/v1/chat/completions", status)
        error = await error_of(provider, request_)
        assert (error.kind, error.status) == (ErrorKind.BAD_ENDPOINT, status)
        assert other.requests == []


async def test_a_wrong_content_encoding_is_incomplete(provider: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = Script("a b", headers={"content-encoding": "gzip"})
    assert (await error_of(provider)).kind is ErrorKind.INCOMPLETE


@pytest.mark.parametrize("sent", [b"", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], ids=["nothing", "another protocol"])
async def test_a_response_that_is_not_http_is_transient(dialect: str, transport: Transport, sent: bytes) -> None:
    async with raw_server(sent) as address:
        error = await error_of(provider_for(address, dialect, transport))
    assert (error.kind, error.reason) == (ErrorKind.TRANSIENT, "dropped")


@REQUESTS
async def test_far_fewer_prompt_tokens_than_sent_give_a_notice(
    fault_server: FaultServer, transport: Transport, request_: UnifiedRequest
) -> None:
    fault_server.default = Script("a b", prompt_tokens=2050)
    ollama = provider_at(fault_server.base_url, "ollama", transport)
    long = msgspec.structs.replace(request_, prompt="a word after another " * 2_000)
    answer = await ollama.generate_unified(long)
    assert any("2,050 read: the server may have cut the prompt" in notice for notice in answer.notices)
    short = await ollama.generate_unified(request_)
    assert short.notices == ()
