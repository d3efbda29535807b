"""A real llama.cpp server, in both of its wire formats, through each provider one might choose for it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from swebench_providers import ErrorKind, Finished, FinishReason, Secret, TextDelta, UnifiedRequest
from swebench_providers.embedded.process import EmbeddedServer, Running
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.providers.dialects import error_of, events_of, provider_at, until_text

QUESTION = UnifiedRequest(
    model="smollm2", system_message="You are terse.", prompt="Say hello to Zoë 修复.", max_tokens=6, temperature=0
)
PROVIDERS = {"compatible": "/v1", "llamacpp": "/v1", "openai": "/v1", "anthropic": ""}


@pytest.fixture
def running(llama_server: EmbeddedServer) -> Running:
    return llama_server.start()


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, running: Running, transport: Transport) -> HTTPProvider:
    base_url = f"{running.address}{PROVIDERS[request.param]}"
    return provider_at(base_url, request.param, transport, api_key=running.key)


@pytest.fixture
def llamacpp(running: Running, transport: Transport) -> HTTPProvider:
    return provider_at(f"{running.address}/v1", "llamacpp", transport, api_key=running.key)


async def test_a_streamed_answer_arrives_in_pieces_with_usage_and_reason(provider: HTTPProvider) -> None:
    events = await events_of(provider, QUESTION)
    text = [event.text for event in events if isinstance(event, TextDelta)]
    finished = events[-1]
    assert len(text) > 1
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.model) == (FinishReason.LENGTH, "smollm2")


async def test_an_answer_in_one_body_is_the_streamed_one(provider: HTTPProvider) -> None:
    whole = await provider.generate_unified(msgspec.structs.replace(QUESTION, stream=False))
    assert whole.content
    assert (whole.finish_reason, whole.model) == (FinishReason.LENGTH, "smollm2")
    assert whole.usage is not None
    assert (whole.usage.completion_tokens, whole.usage.prompt_tokens > 20) == (6, True)


async def test_both_formats_stream_the_same_text_and_usage(running: Running) -> None:
    answers = []
    for name in ("compatible", "anthropic"):
        transport = Transport()  # of its own: the server closes after a stream without having said so
        provider = provider_at(f"{running.address}{PROVIDERS[name]}", name, transport, api_key=running.key)
        answers.append(await provider.generate_unified(QUESTION))
        await transport.aclose()
    first, second = answers
    assert first.content == second.content
    assert first.usage is not None
    assert second.usage is not None
    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (
        second.usage.prompt_tokens,
        second.usage.completion_tokens,
    )


async def test_the_model_is_listed(provider: HTTPProvider) -> None:
    assert [model.id for model in await provider.list_models()] == ["smollm2"]


async def test_answers_in_sequence_survive_a_server_that_closes_connections(llamacpp: HTTPProvider) -> None:
    for _ in range(10):
        assert (await llamacpp.generate_unified(msgspec.structs.replace(QUESTION, max_tokens=1))).content


async def test_a_stop_sequence_ends_the_answer_before_it(llamacpp: HTTPProvider) -> None:
    whole = await llamacpp.generate_unified(msgspec.structs.replace(QUESTION, max_tokens=12))
    stop = whole.content.split()[1]
    answer = await llamacpp.generate_unified(msgspec.structs.replace(QUESTION, max_tokens=12, stop_sequences=(stop,)))
    assert (answer.finish_reason, stop in answer.content) == (FinishReason.STOP, False)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_a_prompt_beyond_the_window_is_a_context_overflow(provider: HTTPProvider, *, stream: bool) -> None:
    error = await error_of(provider, msgspec.structs.replace(QUESTION, prompt="word " * 9000, stream=stream))
    assert (error.kind, error.retryable) == (ErrorKind.CONTEXT_OVERFLOW, False)


async def test_a_wrong_key_is_an_error_that_hides_it(running: Running, transport: Transport) -> None:
    for name, path in PROVIDERS.items():
        wrong = provider_at(f"{running.address}{path}", name, transport, api_key=Secret("wrong-key"))
        error = await error_of(wrong, QUESTION)
        assert (error.kind, error.status) == (ErrorKind.AUTH, 401)
        assert "wrong-key" not in f"{error}{vars(error)}"


async def test_a_cancelled_answer_gives_its_slot_back(llamacpp: HTTPProvider) -> None:
    endless = msgspec.structs.replace(QUESTION, prompt="Count up from one.", max_tokens=4000)
    started = [asyncio.Event() for _ in range(4)]  # all the slots there are
    tasks = [asyncio.create_task(until_text(llamacpp, event, endless)) for event in started]
    await asyncio.gather(*(event.wait() for event in started))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(20):
        assert (await llamacpp.generate_unified(QUESTION)).content
