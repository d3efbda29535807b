"""llmock, a scripted server with the formats of OpenAI, Anthropic and Gemini."""

from __future__ import annotations

import pytest

from swebench_providers import Finished, FinishReason, TextDelta, ToolCall, UnifiedRequest
from swebench_providers.http.transport import Transport
from tests.providers.dialects import events_of, provider_at
from tests.third_party.servers import Format, LLMock

HOSTILE = "Zoë says 修复\u2028 [b]not bold[/b] \x1b]0;title\x07\r\nlast line "


async def test_every_character_of_an_answer_arrives_with_its_counts(
    llmock: LLMock, wire: Format, transport: Transport, *, stream: bool
) -> None:
    llmock.script("reply", text=HOSTILE)
    provider = provider_at(f"{llmock.address}{wire.path}", wire.provider, transport)
    answer = await provider.generate_unified(UnifiedRequest(model=wire.model, prompt="Say it.", stream=stream))
    assert (answer.content, answer.finish_reason, answer.model) == (HOSTILE, FinishReason.STOP, wire.model)
    assert answer.usage is not None
    assert answer.usage.source == "exact"
    assert min(answer.usage.prompt_tokens, answer.usage.completion_tokens) > 0
    assert llmock.findings() == []


async def test_a_streamed_answer_arrives_word_by_word(llmock: LLMock, wire: Format, transport: Transport) -> None:
    llmock.script("reply", text="one two three")
    provider = provider_at(f"{llmock.address}{wire.path}", wire.provider, transport)
    events = await events_of(provider, UnifiedRequest(model=wire.model, prompt="Count."))
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["one ", "two ", "three"]
    assert isinstance(events[-1], Finished)


async def test_an_answer_at_the_limit_has_its_finish_reason(
    llmock: LLMock, wire: Format, transport: Transport, *, stream: bool
) -> None:
    llmock.script("reply", text="one two", finish_reason="length")
    provider = provider_at(f"{llmock.address}{wire.path}", wire.provider, transport)
    answer = await provider.generate_unified(UnifiedRequest(model=wire.model, prompt="Count.", stream=stream))
    assert (answer.content, answer.finish_reason) == ("one two", FinishReason.LENGTH)


async def test_a_tool_call_is_not_an_answer(
    llmock: LLMock, wire: Format, transport: Transport, *, stream: bool
) -> None:
    llmock.script("reply", tool_calls=[{"name": "look", "arguments": {"at": "Zoë"}}])
    provider = provider_at(f"{llmock.address}{wire.path}", wire.provider, transport)
    answer = await provider.generate_unified(UnifiedRequest(model=wire.model, prompt="Look.", stream=stream))
    assert (answer.content, answer.finish_reason) == ("", FinishReason.TOOL_CALLS)
    [call] = answer.tool_calls
    assert isinstance(call, ToolCall)
    assert (call.name, "Zoë" in call.arguments or "Zo\\u00eb" in call.arguments) == ("look", True)


@pytest.mark.parametrize("wire", ["openai chat", "anthropic", "gemini"], indirect=True)
async def test_its_models_are_listed(llmock: LLMock, wire: Format, transport: Transport) -> None:
    provider = provider_at(f"{llmock.address}{wire.path}", wire.provider, transport)
    models = [model.id for model in await provider.list_models()]
    assert len(models) > 2
    family = {"openai": "gpt-", "anthropic": "claude-", "gemini": "gemini-"}[wire.provider]
    assert any(model.startswith(family) for model in models)
