"""llama.cpp's Responses API gives the same answers as its Chat Completions."""

from __future__ import annotations

import msgspec
import pytest

from swebench_providers import ErrorKind, TextDelta, UnifiedRequest
from swebench_providers.embedded.process import Running
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.providers.dialects import error_of, events_of, provider_at

REQUEST = UnifiedRequest(
    model="smollm2",
    system_message="You are terse.",
    prompt="Count for Zoë 修复 from one to one hundred.",
    max_tokens=8,
    temperature=0,
)


@pytest.fixture
def responses(llamacpp: Running, transport: Transport) -> HTTPProvider:
    return provider_at(
        f"{llamacpp.address}/v1", "llamacpp", transport, api_key=llamacpp.key, protocol="openai_responses"
    )


async def test_a_streamed_answer_arrives_in_pieces(responses: HTTPProvider) -> None:
    assert len([event for event in await events_of(responses, REQUEST) if isinstance(event, TextDelta)]) > 1


async def test_text_and_counts_equal_those_of_chat_completions(
    llamacpp: Running, responses: HTTPProvider, transport: Transport, *, stream: bool
) -> None:
    request = msgspec.structs.replace(REQUEST, stream=stream)
    chat = provider_at(f"{llamacpp.address}/v1", "llamacpp", transport, api_key=llamacpp.key)
    one, other = await chat.generate_unified(request), await responses.generate_unified(request)
    assert one.content == other.content != ""
    assert one.usage is not None
    assert other.usage is not None
    assert (other.usage.prompt_tokens, other.usage.completion_tokens) == (
        one.usage.prompt_tokens,
        one.usage.completion_tokens,
    )


async def test_openai_models_without_chat_completions_use_it(
    llamacpp: Running, transport: Transport, *, stream: bool
) -> None:
    openai = provider_at(f"{llamacpp.address}/v1", "openai", transport, api_key=llamacpp.key)
    request = msgspec.structs.replace(REQUEST, model="gpt-5-codex", temperature=None, stream=stream)
    answer = await openai.generate_unified(request)
    assert answer.content
    assert answer.usage is not None
    assert 1 <= answer.usage.completion_tokens <= 8


async def test_a_prompt_beyond_the_window_is_a_context_overflow(responses: HTTPProvider, *, stream: bool) -> None:
    error = await error_of(responses, msgspec.structs.replace(REQUEST, prompt="word " * 9000, stream=stream))
    assert (error.kind, error.retryable) == (ErrorKind.CONTEXT_OVERFLOW, False)
