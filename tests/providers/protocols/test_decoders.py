"""Decoders and parsers beyond the wire fixtures: tool calls, odd shapes, finish reasons of errors."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from swebench_providers import ErrorKind, Event, Finished, FinishReason, ProviderError, TextDelta, ToolCall, UsageUpdate
from swebench_providers.protocols import PROTOCOLS, pipeline
from tests.providers import wire

CALL = ToolCall("call_1", "search", '{"query":"修复"}')


def sse(*records: dict[str, Any] | str) -> bytes:
    """Server-sent events, each named by its `type` if it has one."""
    lines = [record if isinstance(record, str) else msgspec.json.encode(record).decode() for record in records]
    names = [
        f"event: {record['type']}\n" if isinstance(record, dict) and "type" in record else "" for record in records
    ]
    return "".join(f"{name}data: {line}\n\n" for name, line in zip(names, lines, strict=True)).encode()


def json_lines(*records: dict[str, Any]) -> bytes:
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def finished(protocol: str, body: bytes) -> Finished:
    outcome = wire.run(pipeline(protocol).parser.decoder(), [body])
    assert outcome.finished is not None, outcome.error
    return outcome.finished


def parsed(protocol: str, body: dict[str, Any]) -> list[Event]:
    return pipeline(protocol).parser.parse(msgspec.json.encode(body), 0.0)


def test_an_anthropic_tool_call_is_assembled_from_its_parts() -> None:
    block = {"type": "tool_use", "id": "call_1", "name": "search", "input": {}}
    pieces = ['{"query":', '"修', '复"}']
    body = sse(
        {"type": "message_start", "message": {"model": "m"}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
            for piece in pieces
        ),
        {
            "type": "content_block_delta",
            "index": 7,
            "delta": {"type": "input_json_delta", "partial_json": "of no block"},
        },
        {"type": "content_block_start", "index": 1, "content_block": block | {"id": "call_2"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )
    end = finished("anthropic_messages", body)
    assert end.reason is FinishReason.TOOL_CALLS
    assert end.tool_calls == (CALL, ToolCall("call_2", "search", "{}"))


def test_an_anthropic_tool_call_in_one_body_is_equal() -> None:
    block = {"type": "tool_use", "id": "call_1", "name": "search", "input": {"query": "修复"}}
    *_, end = parsed("anthropic_messages", {"content": [block], "stop_reason": "tool_use"})
    assert isinstance(end, Finished)
    assert end.tool_calls == (CALL,)


def test_a_tool_call_of_ollama_arrives_whole() -> None:
    call = {"id": "call_1", "function": {"name": "search", "arguments": {"query": "修复"}}}
    message = {"content": "", "tool_calls": [call, {"id": "nothing"}, {"function": {"name": "bare"}}]}
    end = finished("ollama_chat", json_lines({"message": message}, {"done": True, "done_reason": "stop"}))
    assert end.tool_calls == (CALL, ToolCall("", "bare", "{}"))


def test_content_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]
    text, end = parsed("openai_chat", {"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]})
    assert isinstance(text, TextDelta)
    assert (text.text, isinstance(end, Finished)) == ("ab", True)


def test_the_usage_of_a_choice_is_used_without_another() -> None:
    choice = {"delta": {"content": "a"}, "finish_reason": "stop", "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    outcome = wire.run(pipeline("openai_chat").parser.decoder(), [sse({"choices": [choice]}, "[DONE]")])
    assert outcome.usage is not None
    assert (outcome.usage.prompt_tokens, outcome.usage.completion_tokens) == (3, 1)


def test_running_totals_are_never_added_up() -> None:
    counts = [{"choices": [{"delta": {"content": "a"}}], "usage": {"completion_tokens": n}} for n in (1, 2, 3)]
    decoder = pipeline("openai_chat").parser.decoder()
    events = decoder.feed(sse(*counts, "[DONE]"), 0.0)
    assert [event.usage.completion_tokens for event in events if isinstance(event, UsageUpdate)] == [1, 2, 3]


def test_a_model_that_says_it_failed_is_an_error() -> None:
    with pytest.raises(ProviderError, match="stopped with 'error'") as caught:
        parsed("openai_chat", {"choices": [{"message": {"content": "half"}, "finish_reason": "error"}]})
    assert caught.value.kind is ErrorKind.TRANSIENT


def test_a_refusal_is_not_a_stop() -> None:
    *_, end = parsed("openai_chat", {"choices": [{"message": {"refusal": "I will not."}, "finish_reason": "stop"}]})
    assert isinstance(end, Finished)
    assert (end.reason, end.refusal) == (FinishReason.REFUSAL, "I will not.")


def test_what_follows_the_end_is_no_part_of_the_answer() -> None:
    ends = {
        "openai_chat": sse({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, "[DONE]"),
        "ollama_chat": json_lines({"message": {"content": "a"}, "done": True, "done_reason": "stop"}),
    }
    more = {
        "openai_chat": sse({"choices": [{"delta": {"content": "b"}}]}, {"error": {"message": "late"}}),
        "ollama_chat": json_lines({"message": {"content": "b"}}, {"error": "late"}),
    }
    for protocol, body in ends.items():
        outcome = wire.run(pipeline(protocol).parser.decoder(), [body, more[protocol], body])
        assert (outcome.text, outcome.error) == ("a", None)


def test_the_first_fault_is_the_one_that_is_told() -> None:
    body = sse({"error": {"message": "first", "code": 429}}, {"error": {"message": "second"}}, "[DONE]")
    outcome = wire.run(pipeline("openai_chat").parser.decoder(), [body])
    assert outcome.error is not None
    assert (str(outcome.error), outcome.error.kind) == ("first", ErrorKind.RATE_LIMITED)


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"request-id": "a", "x-request-id": "b"}, "a"),
        ({"x-request-id": "b"}, "b"),
        ({}, "c"),
    ],
)
def test_an_error_carries_the_id_support_asks_for(headers: dict[str, str], request_id: str) -> None:
    body = b'{"error":{"message":"boom"},"request_id":"c"}'
    for protocol in map(pipeline, PROTOCOLS):
        assert protocol.parser.classify(500, headers, body).request_id == request_id


def test_a_daily_quota_is_not_a_passing_rate_limit() -> None:
    day = {"@type": "QuotaFailure", "violations": [{"quotaId": "RequestsPerDayPerProject"}]}
    wait = {"@type": "RetryInfo", "retryDelay": "34s"}
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota", "details": [day, wait]}}
    error = pipeline("openai_chat").parser.classify(429, {}, msgspec.json.encode(body))
    assert (error.kind, error.retryable, error.retry_after) == (ErrorKind.QUOTA_EXHAUSTED, False, 34.0)
