"""llama.cpp's own Responses API: what Chat Completions gives, in the other format."""

from __future__ import annotations

import msgspec
import pytest

from swebench_providers import ErrorKind, TextDelta, UnifiedRequest
from swebench_providers.embedded.process import Running
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.providers.dialects import error_of, events_of, provider_at

QUESTION = UnifiedRequest(
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
    assert len([event for event in await events_of(responses, QUESTION) if isinstance(event, TextDelta)]) > 1


async def test_it_says_and_counts_the_same_as_chat_completions(
    llamacpp: Running, responses: HTTPProvider, transport: Transport, *, stream: bool
) -> None:
    question = msgspec.structs.replace(QUESTION, stream=stream)
    chat = provider_at(f"{llamacpp.address}/v1", "llamacpp", transport, api_key=llamacpp.key)
    one, other = await chat.generate_unified(question), await responses.generate_unified(question)
    assert one.content == other.content != ""
    assert one.usage is not None
    assert other.usage is not None
    assert (other.usage.prompt_tokens, other.usage.completion_tokens) == (
        one.usage.prompt_tokens,
        one.usage.completion_tokens,
    )


async def test_openais_models_without_chat_completions_are_asked_there(
    llamacpp: Running, transport: Transport, *, stream: bool
) -> None:
    openai = provider_at(f"{llamacpp.address}/v1", "openai", transport, api_key=llamacpp.key)
    question = msgspec.structs.replace(QUESTION, model="gpt-5-codex", temperature=None, stream=stream)
    answer = await openai.generate_unified(question)
    assert answer.content
    assert answer.usage is not None
    assert 1 <= answer.usage.completion_tokens <= 8


async def test_a_prompt_beyond_the_window_is_a_context_overflow(responses: HTTPProvider, *, stream: bool) -> None:
    error = await error_of(responses, msgspec.structs.replace(QUESTION, prompt="word " * 9000, stream=stream))
    assert (error.kind, error.retryable) == (ErrorKind.CONTEXT_OVERFLOW, False)
