"""Faults of llmock: a broken answer is never complete, and each refusal has its kind."""

from __future__ import annotations

import asyncio

import pytest

from swebench_providers import ErrorKind, ProviderError, UnifiedRequest
from swebench_providers.config import TimeLimits
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.providers.dialects import error_of, provider_at
from tests.third_party.servers import FORMATS, WINDOW, Format, LLMock

REFUSALS = {
    400: ErrorKind.INVALID_REQUEST,
    401: ErrorKind.AUTH,
    403: ErrorKind.AUTH,
    500: ErrorKind.TRANSIENT,
    503: ErrorKind.OVERLOADED,
    529: ErrorKind.OVERLOADED,
}
BROKEN = {"truncate": "truncated_stream", "disconnect": "truncated_stream", "malformed": "bad_frame"}


@pytest.fixture
def provider(llmock: LLMock, wire: Format, transport: Transport) -> HTTPProvider:
    return provider_at(f"{llmock.address}{wire.path}", wire.provider, transport)


@pytest.mark.parametrize(("fault", "reason"), BROKEN.items())
async def test_a_broken_stream_is_incomplete_and_keeps_its_text(
    llmock: LLMock, wire: Format, provider: HTTPProvider, fault: str, reason: str
) -> None:
    llmock.script("reply", text="one two three four")
    llmock.script("stream_fault", kind=fault, after_chunks=wire.preamble + 2)
    error = await error_of(provider, UnifiedRequest(model=wire.model, prompt="Count."))
    assert (error.kind, error.reason, error.retryable) == (ErrorKind.INCOMPLETE, reason, True)
    assert error.partial_text == "one two "
    assert [(seen.status, (seen.fault or "").partition("@")[0]) for seen in llmock.seen()] == [(200, f"stream:{fault}")]


async def test_a_stream_that_breaks_before_any_text_is_incomplete(
    llmock: LLMock, wire: Format, provider: HTTPProvider
) -> None:
    llmock.script("stream_fault", kind="truncate", after_chunks=0)
    error = await error_of(provider, UnifiedRequest(model=wire.model, prompt="Count."))
    assert (error.kind, error.partial_text) == (ErrorKind.INCOMPLETE, "")


async def test_a_silent_stream_ends_at_the_time_limit(llmock: LLMock, transport: Transport) -> None:
    async def stalled(wire: Format) -> ProviderError:
        llmock.script("reply", model=wire.model, text="one two three four")
        llmock.script(
            "stream_fault", model=wire.model, kind="stall", after_chunks=wire.preamble + 2, stall_seconds=3600
        )
        limits = TimeLimits(first_token=1.5, idle=1.5)  # the first word must come within it too, on a busy machine
        provider = provider_at(f"{llmock.address}{wire.path}", wire.provider, transport, time_limits=limits)
        return await error_of(provider, UnifiedRequest(model=wire.model, prompt="Count."))

    errors = await asyncio.gather(*map(stalled, FORMATS.values()))
    assert {(error.kind, error.reason, error.partial_text) for error in errors} == {
        (ErrorKind.TIMEOUT, "idle", "one two ")
    }


async def test_a_rate_limit_names_the_seconds_to_wait(
    llmock: LLMock, wire: Format, provider: HTTPProvider, *, stream: bool
) -> None:
    llmock.script("fail", status=429, retry_after=7)
    error = await error_of(provider, UnifiedRequest(model=wire.model, prompt="Count.", stream=stream))
    assert (error.kind, error.status, error.retryable) == (ErrorKind.RATE_LIMITED, 429, True)
    assert error.retry_after == 7


async def test_a_prompt_beyond_the_window_is_a_context_overflow(
    llmock: LLMock, wire: Format, provider: HTTPProvider, *, stream: bool
) -> None:
    request = UnifiedRequest(model=wire.model, prompt="word " * 2 * WINDOW, stream=stream)
    error = await error_of(provider, request)
    assert (error.kind, error.retryable) == (ErrorKind.CONTEXT_OVERFLOW, False)
    assert str(WINDOW) in str(error)
    assert llmock.findings() == []


@pytest.mark.parametrize(("status", "kind"), REFUSALS.items())
async def test_each_status_has_its_kind_and_is_not_retried(
    llmock: LLMock, wire: Format, provider: HTTPProvider, status: int, kind: ErrorKind
) -> None:
    llmock.script("fail", status=status)
    error = await error_of(provider, UnifiedRequest(model=wire.model, prompt="Count."))
    assert (error.kind, error.status, error.provider) == (kind, status, wire.provider)
    assert [seen.status for seen in llmock.seen()] == [status]


async def test_after_a_fault_the_next_request_is_answered(llmock: LLMock, wire: Format, provider: HTTPProvider) -> None:
    llmock.script("stream_fault", kind="disconnect", after_chunks=1)
    request = UnifiedRequest(model=wire.model, prompt="Count.")
    await error_of(provider, request)
    assert (await provider.generate_unified(request)).content
