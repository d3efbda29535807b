"""Responses of OpenAI Responses and Gemini: an incomplete one never passes for complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, Finished, FinishReason, ProviderError, ToolCall
from swebench_providers.protocols import pipeline
from tests.providers import wire
from tests.providers.http.test_framing import cut_anywhere

RESPONSES, GEMINI = pipeline("openai_responses"), pipeline("gemini")
BOTH = pytest.mark.parametrize("folder", ["openai-responses", "gemini"])
ANSWER = "--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"


def event(**fields: object) -> bytes:
    return b"data: " + msgspec.json.encode(fields) + b"\n\n"


def numbered(*events: Mapping[str, object]) -> bytes:
    """A Responses stream of these events, numbered from 0."""
    return b"".join(event(sequence_number=number, **fields) for number, fields in enumerate(events))


def text_delta(text: str, output_index: int = 0) -> dict[str, object]:
    return {"type": "response.output_text.delta", "output_index": output_index, "delta": text}


def ended(status: str = "completed", **response: object) -> dict[str, object]:
    return {"type": f"response.{status}", "response": {"status": status, "model": "m", **response}}


def candidate(*parts: Mapping[str, object], finish: str | None = None, **fields: object) -> bytes:
    """One event of a Gemini stream."""
    content = {"content": {"role": "model", "parts": parts}} if parts else {}
    return event(candidates=[{**content, **({"finishReason": finish} if finish else {})}], **fields)


def streamed(folder: str, *pieces: bytes) -> wire.Outcome:
    return wire.run(pipeline(wire.PROTOCOL_OF[folder]).parser.decoder(), list(pieces))


def in_one_body(folder: str, body: object) -> wire.Outcome:
    parser = pipeline(wire.PROTOCOL_OF[folder]).parser
    try:
        *events, finished = parser.parse(msgspec.json.encode(body), 0.0)
    except ProviderError as error:
        return wire.fold([], None, error, saw_terminal=False)
    assert isinstance(finished, Finished)
    return wire.fold(events, finished, None, saw_terminal=True)


# Ends


@BOTH
def test_no_beginning_of_a_stream_passes_for_an_answer(folder: str) -> None:
    data = (wire.FIXTURES / folder / "stream.sse").read_bytes()
    whole = len(data.rstrip())
    for kept in [*range(0, whole, 53), *range(whole - 40, whole)]:
        outcome = streamed(folder, data[:kept])
        assert outcome.error is not None, kept
        assert (outcome.error.kind, outcome.saw_terminal) == (ErrorKind.INCOMPLETE, False)
        assert ANSWER.startswith(outcome.text)


def test_a_missing_event_in_a_responses_stream_is_an_error() -> None:
    data = (wire.FIXTURES / "openai-responses" / "stream.sse").read_bytes()
    events = [record + b"\n\n" for record in data.strip().split(b"\n\n")]
    for lost in range(len(events)):
        outcome = streamed("openai-responses", *events[:lost], *events[lost + 1 :])
        assert outcome.error is not None, lost
        assert outcome.error.kind is ErrorKind.INCOMPLETE
        assert outcome.text == streamed("openai-responses", *events[:lost]).text  # nothing from after the gap


def test_a_repeated_event_is_an_error() -> None:
    twice = event(sequence_number=1, **text_delta("a"))
    outcome = streamed("openai-responses", event(sequence_number=0), twice, twice, event(sequence_number=2, **ended()))
    assert (outcome.text, outcome.error and outcome.error.reason) == ("a", "truncated_stream")


def test_a_stream_that_starts_late_has_lost_its_beginning() -> None:
    data = (wire.FIXTURES / "openai-responses" / "stream.sse").read_bytes()
    events = [record + b"\n\n" for record in data.strip().split(b"\n\n")]
    for lost in range(1, len(events)):
        error = streamed("openai-responses", *events[lost:]).error
        assert error is not None
        assert f"start of the stream is missing: the first event received is number {lost}" in str(error)


@pytest.mark.parametrize("numbers", [(1, 2, 3), (7, 8, 9), (None, 0, 1), (None, 1, 2), (0, None, 1)], ids=str)
def test_a_server_may_count_its_events_in_its_own_way(numbers: Sequence[int | None]) -> None:
    answer: list[Mapping[str, object]] = [{"type": "response.created"}, text_delta("a"), ended()]
    events = (event(sequence_number=number, **fields) for number, fields in zip(numbers, answer, strict=True))
    outcome = streamed("openai-responses", *events)
    assert (outcome.text, outcome.finish) == ("a", "stop")


def test_a_server_that_does_not_number_its_events_is_understood() -> None:
    body = b"".join(event(**fields) for fields in (text_delta("a"), text_delta("b"), ended())) + b"data: [DONE]\n\n"
    assert (streamed("openai-responses", body).text, streamed("openai-responses", body).finish) == ("ab", "stop")


def test_done_is_not_what_ends_a_responses_stream() -> None:
    outcome = streamed("openai-responses", numbered(text_delta("a")), b"data: [DONE]\n\n")
    assert (outcome.error and outcome.error.kind, outcome.saw_terminal) == (ErrorKind.INCOMPLETE, False)


@pytest.mark.parametrize(
    ("reason", "means"),
    [
        ("max_output_tokens", "length"),
        ("max_messages", "length"),
        ("content_filter", "content_filter"),
        ("steered", "cancelled"),
    ],
)
def test_an_incomplete_response_says_what_stopped_it(reason: str, means: str) -> None:
    details = {"incomplete_details": {"reason": reason}}
    for outcome in (
        streamed("openai-responses", numbered(text_delta("half"), ended("incomplete", **details))),
        in_one_body("openai-responses", {"status": "incomplete", "output": [message("half")], **details}),
    ):
        assert (outcome.text, outcome.finish, outcome.finished and outcome.finished.raw_reason) == (
            "half",
            means,
            reason,
        )


def message(text: str, **fields: object) -> dict[str, object]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}], **fields}


@pytest.mark.parametrize("details", [None, {}, {"reason": "a word of the future"}])
def test_a_response_incomplete_for_an_unknown_reason_is_an_error(details: object) -> None:
    outcome = streamed(
        "openai-responses", numbered(text_delta("half"), ended("incomplete", incomplete_details=details))
    )
    assert (outcome.text, outcome.error and outcome.error.kind) == ("half", ErrorKind.TRANSIENT)


@pytest.mark.parametrize("status", ["in_progress", "queued", "", None])
def test_a_response_that_is_still_worked_on_is_no_answer(status: str | None) -> None:
    outcome = in_one_body("openai-responses", {"status": status, "output": [message("half")]})
    assert (outcome.error and outcome.error.kind) is ErrorKind.INCOMPLETE


def test_a_response_that_was_cancelled_says_so() -> None:
    assert in_one_body("openai-responses", {"status": "cancelled", "output": [message("half")]}).finish == "cancelled"


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (500, "server_error", "The model failed."),
        (429, "rate_limit_exceeded", "Slow down."),
        (429, "insufficient_quota", "No credit."),
        (400, "invalid_prompt", "Blocked."),
        (400, "bio_policy", "Blocked."),
        (400, "misalignment_policy_violation", "Blocked."),
        (400, "context_length_exceeded", "Too long."),
        (404, "model_not_found", "Gone."),
    ],
)
def test_a_failure_inside_a_responses_stream_is_classified_alike(status: int, code: str, text: str) -> None:
    named = {"code": code, "message": text}
    before = RESPONSES.parser.classify(status, {}, msgspec.json.encode({"error": named}))
    lasts: list[Mapping[str, object]] = [{"type": "error", **named}, {"type": "error", "error": named}]
    for last in [ended("failed", error=named), *lasts]:
        outcome = streamed("openai-responses", numbered(text_delta("par"), last))
        assert outcome.error is not None
        assert (outcome.error.kind, outcome.error.reason) == (before.kind, before.reason)
        assert (str(outcome.error), outcome.error.code, outcome.text) == (text, code, "par")
        assert outcome.saw_terminal


@pytest.mark.parametrize("error", [None, "text", {"message": "text"}])
def test_a_failed_response_is_an_error_however_little_it_says(error: object) -> None:
    for outcome in (
        streamed("openai-responses", numbered(ended("failed", error=error))),
        in_one_body("openai-responses", {"status": "failed", "output": [message("half")], "error": error}),
    ):
        assert outcome.error is not None
        assert outcome.error.kind is ErrorKind.TRANSIENT
        assert str(outcome.error) in {"text", "the model failed"}


@pytest.mark.parametrize(
    ("finish_word", "means"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        *((word, FinishReason.CONTENT_FILTER) for word in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT")),
        *((word, FinishReason.CONTENT_FILTER) for word in ("SPII", "IMAGE_SAFETY", "MODEL_ARMOR", "LANGUAGE")),
    ],
)
def test_geminis_word_for_the_end_is_one_of_ours(finish_word: str, means: FinishReason) -> None:
    for outcome in (
        streamed("gemini", candidate({"text": "par"}), candidate({"text": "t"}, finish=finish_word)),
        in_one_body(
            "gemini", {"candidates": [{"content": {"parts": [{"text": "part"}]}, "finishReason": finish_word}]}
        ),
    ):
        assert outcome.finished is not None
        assert (outcome.text, outcome.finished.reason, outcome.finished.raw_reason) == ("part", means, finish_word)
        assert outcome.finished.category == (finish_word if means is FinishReason.CONTENT_FILTER else "")


@pytest.mark.parametrize(
    "word",
    [
        *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
        *("MALFORMED_RESPONSE", "OTHER", "A_WORD_OF_THE_FUTURE"),
    ],
)
def test_any_other_finish_reason_of_gemini_is_retryable(word: str) -> None:
    outcome = streamed("gemini", candidate({"text": "par"}, finish=word))
    assert outcome.error is not None
    assert (outcome.text, outcome.error.kind, outcome.error.retryable) == ("par", ErrorKind.TRANSIENT, True)
    assert word in str(outcome.error)


def test_an_answer_that_gemini_paused_is_not_finished() -> None:
    decoder = GEMINI.parser.decoder()
    events = decoder.feed(candidate({"text": "par"}, finish="CONTINUATION"), 0.0)
    assert decoder.finish(0.0).reason is FinishReason.LENGTH
    assert "only its first part" in str(events)


def test_a_prompt_gemini_blocked_is_filtered_in_one_body_too() -> None:
    outcome = in_one_body("gemini", {"promptFeedback": {"blockReason": "SAFETY"}})
    assert (outcome.finish, outcome.finished and outcome.finished.category) == ("content_filter", "SAFETY")


@pytest.mark.parametrize("body", [{}, {"candidates": []}, {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}])
def test_a_gemini_body_without_a_finish_reason_is_incomplete(body: object) -> None:
    outcome = in_one_body("gemini", body)
    assert (outcome.error and outcome.error.kind) is ErrorKind.INCOMPLETE


@BOTH
def test_an_end_without_any_text_is_an_error(folder: str) -> None:
    ends = {"openai-responses": numbered(ended(output=[])), "gemini": candidate(finish="STOP")}
    outcome = streamed(folder, ends[folder])
    assert (outcome.error and outcome.error.reason) == "empty_response"


@pytest.mark.parametrize("stream", ["openai-responses/stream-incomplete.sse", "gemini/stream-max-tokens-no-text.sse"])
def test_output_of_reasoning_alone_gives_a_notice(stream: str) -> None:
    path = wire.FIXTURES / stream
    events = wire.protocol(path).parser.decoder().feed(path.read_bytes(), 0.0)
    assert "raise the output limit" in str(events)


# Text, reasoning, calls


def test_work_notes_are_not_part_of_the_answer() -> None:
    notes = {"type": "response.output_item.added", "output_index": 0, "item": {"phase": "commentary"}}
    item = {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message"}}
    body = numbered(notes, text_delta("I look into it."), item, text_delta("Done.", 1), ended())
    assert streamed("openai-responses", body).text == "Done."
    output = [message("I look into it.", phase="commentary"), message("Done.", phase="final_answer")]
    assert in_one_body("openai-responses", {"status": "completed", "output": output}).text == "Done."


def test_thoughts_in_several_parts_stay_apart_streamed_or_not() -> None:
    def thought(text: str, part: int) -> dict[str, object]:
        return {"type": "response.reasoning_summary_text.delta", "summary_index": part, "delta": text}

    raw = {"type": "response.reasoning_text.delta", "output_index": 1, "content_index": 0, "delta": "c"}
    body = numbered(thought("a", 0), thought("a", 0), thought("b", 1), raw, text_delta("x", 2), ended())
    summary = [{"type": "summary_text", "text": "aa"}, {"type": "summary_text", "text": "b"}]
    output = [
        {"type": "reasoning", "summary": summary},
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "c"}]},
        message("x"),
    ]
    for outcome in (
        streamed("openai-responses", body),
        in_one_body("openai-responses", {"status": "completed", "output": output}),
    ):
        assert (outcome.reasoning, outcome.text) == ("aa\n\nb\n\nc", "x")


def test_a_refusal_in_one_body_is_a_refusal() -> None:
    output = [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]
    outcome = in_one_body("openai-responses", {"status": "completed", "output": output})
    assert (outcome.finish, outcome.refusal, outcome.text) == ("refusal", "No.", "")


def test_calls_of_functions_are_handed_on_as_they_came() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}
    expected = (ToolCall("c1", "f", '{"a": 1}'),)
    for output, finish in (([call], "tool_calls"), ([call, message("x")], "stop")):
        for outcome in (
            streamed("openai-responses", numbered(text_delta("x"), ended(output=output))),
            in_one_body("openai-responses", {"status": "completed", "output": output}),
        ):
            assert outcome.finished is not None
            assert (outcome.finish, outcome.finished.tool_calls) == (finish, expected)
    part = {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}
    called = streamed("gemini", candidate(part), candidate(finish="STOP"))
    assert called.finished is not None
    assert (called.finish, called.finished.tool_calls) == ("tool_calls", (ToolCall("c1", "f", '{"a":1}'),))


def test_what_gemini_repeats_in_every_event_is_told_once() -> None:
    usage = {"promptTokenCount": 5, "toolUsePromptTokenCount": 2, "thoughtsTokenCount": 3, "candidatesTokenCount": 4}
    first = candidate({"text": "a"}, usageMetadata=usage)
    outcome = streamed("gemini", first, first, candidate(finish="STOP", usageMetadata=usage, responseId="r1"))
    decoder = GEMINI.parser.decoder()
    assert len(decoder.feed(first, 0.0) + decoder.feed(first, 0.0)) == 3  # two texts, one count
    assert outcome.usage is not None
    assert (outcome.usage.prompt_tokens, outcome.usage.completion_tokens, outcome.usage.reasoning_tokens) == (7, 7, 3)
    assert outcome.finished is not None
    assert outcome.finished.request_id == "r1"


texts = st.lists(st.text(min_size=1), min_size=1, max_size=6)


@given(texts, st.data())
@example(["\u2028", "\r\n\ndata: [DONE]\n\n", '{"error": 1}', "修\x00"], None)
def test_any_text_arrives_whole_however_it_is_cut(pieces: Sequence[str], data: st.DataObject | None) -> None:
    bodies = {
        "openai-responses": numbered(*(text_delta(piece) for piece in pieces), ended()),
        "gemini": b"".join(candidate({"text": piece}) for piece in pieces) + candidate(finish="STOP"),
    }
    for folder, body in bodies.items():
        outcome = streamed(folder, *(data.draw(cut_anywhere(body)) if data else [body]))
        assert (outcome.text, outcome.finish) == ("".join(pieces), "stop")


# Parts of these two formats, so that random records are nearly valid.
PARTS = [
    *(b"data: ", b"event: error\n", b"event: response.completed\n", b"\n\n", b"\r\n\r\n", b": x\n", b"[DONE]"),
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"true", b"-1", b"1e999", b"9" * 400, b"\xff", b'"a"'),
    *(b'{"type":"response.completed","response":', b'"status":"completed"', b'"status":"failed"', b'"error":'),
    *(b'{"type":"response.output_text.delta","delta":', b'"sequence_number":', b'"output":[{"type":"message",'),
    *(b'"content":[{"type":"output_text","text":', b'"incomplete_details":{"reason":', b'"summary":[{"text":'),
    *(b'{"candidates":[{"content":{"parts":[{"text":', b'"finishReason":"STOP"', b'"functionCall":{"args":'),
    *(b'"usageMetadata":{"promptTokenCount":', b'"promptFeedback":{"blockReason":', b'"data":[{"id":', b'"models":[{'),
    *(b'"pricing":{"prompt":', b'"providers":[{"provider":"a","pricing":{"input":', b"1e999999", b"NaN"),
]


@pytest.mark.parametrize("name", ["openai_responses", "gemini", "openai_chat"])
@given(data=st.data(), body=st.lists(st.sampled_from(PARTS) | st.binary(max_size=3)).map(b"".join))
def test_no_bytes_make_reading_raise_anything_but_our_error(name: str, data: st.DataObject, body: bytes) -> None:
    parser = pipeline(name).parser
    outcome = wire.run(parser.decoder(), data.draw(cut_anywhere(body)))
    assert outcome.finished or (outcome.error and outcome.error.hint)
    for read in (lambda: parser.parse(body, 0.0), lambda: parser.parse_models(body)):
        with suppress(ProviderError):
            read()
