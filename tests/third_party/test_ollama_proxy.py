"""ollama-proxy-plus: Ollama's API in front of a real llama.cpp."""

from __future__ import annotations

import pytest

from swebench_providers import ErrorKind, Finished, TextDelta, UnifiedRequest
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.providers.dialects import error_of, events_of, provider_at

REQUEST = UnifiedRequest(model="rig/smollm2", prompt="Say hello to Zoë.", max_tokens=8, temperature=0)


@pytest.fixture
def provider(ollama_proxy: str, transport: Transport) -> HTTPProvider:
    return provider_at(ollama_proxy, "ollama", transport)


async def test_a_streamed_answer_arrives_in_pieces_and_ends(provider: HTTPProvider) -> None:
    events = await events_of(provider, REQUEST)
    assert len([event for event in events if isinstance(event, TextDelta)]) > 1
    assert isinstance(events[-1], Finished)
    assert events[-1].model == "rig/smollm2"


async def test_an_answer_has_text_and_counts_streamed_or_not(provider: HTTPProvider, *, stream: bool) -> None:
    request = UnifiedRequest(model="rig/smollm2", prompt="Say hello.", max_tokens=8, temperature=0, stream=stream)
    answer = await provider.generate_unified(request)
    assert answer.content.strip()
    assert answer.usage is not None
    assert min(answer.usage.prompt_tokens, answer.usage.completion_tokens) > 0
    assert answer.cost == 0


async def test_the_model_is_among_those_listed(provider: HTTPProvider) -> None:
    assert "rig/smollm2" in [model.id for model in await provider.list_models()]


@pytest.mark.parametrize("stream", [True, False], indirect=True, ids=["in a line of the stream", "in one body"])
async def test_an_error_behind_the_proxy_is_no_answer(provider: HTTPProvider, *, stream: bool) -> None:
    request = UnifiedRequest(model="rig/smollm2", prompt="word " * 9000, stream=stream)
    error = await error_of(provider, request)
    assert (error.kind, error.partial_text) == (ErrorKind.CONTEXT_OVERFLOW, "")


async def test_a_model_of_an_unknown_origin_is_refused(provider: HTTPProvider) -> None:
    error = await error_of(provider, UnifiedRequest(model="nowhere/m", prompt="Hello."))
    assert (error.status, error.retryable) == (400, False)
    assert "nowhere" in str(error)
