"""OpenAI Responses (wire-contracts 3.1, 3.3, 4, 5.2), for models and efforts that Chat Completions does not support.

Compatible servers have it too, but it is used there only if the user chooses it: llama.cpp reports an answer that it
cut off at the output limit as `completed` (measured 2026-11-22), which its Chat Completions does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.http.framing import ServerSentEvent, SSEAdapter
from swebench_providers.protocols import failures, supported_parameters
from swebench_providers.protocols.base import Decoder, TransformPipeline, WireRequest, json_body
from swebench_providers.protocols.openai_models import parse_models
from swebench_providers.protocols.stream import StreamDecoder, decode
from swebench_providers.types.errors import ProviderError, incomplete
from swebench_providers.types.events import Event
from swebench_providers.types.messages import FinishReason, Message, ToolCall, UnifiedRequest
from swebench_providers.types.models import ModelInfo
from swebench_providers.types.usage import TokenUsage

_INCOMPLETE: Final = {
    "max_output_tokens": FinishReason.LENGTH,
    "max_messages": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "steered": FinishReason.CANCELLED,
}


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None

    def unified(self) -> TokenUsage:
        cache = self.input_tokens_details or _InputDetails()
        output = self.output_tokens_details or _OutputDetails()
        return TokenUsage(
            prompt_tokens=self.input_tokens or 0,
            completion_tokens=self.output_tokens or 0,
            cached_tokens=cache.cached_tokens or 0,
            cache_write_tokens=cache.cache_write_tokens or 0,
            reasoning_tokens=output.reasoning_tokens or 0,
        )


class _Part(msgspec.Struct):
    """Part of a message or of reasoning; its `type` decides which fields are set."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct):
    """A message, reasoning, or a function call. Messages of the phase `commentary` are work notes."""

    type: str = ""
    phase: str | None = None
    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _IncompleteDetails(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    status: str | None = None
    model: str | None = None
    output: list[_Item] | None = None
    incomplete_details: _IncompleteDetails | None = None
    error: object = None
    usage: _Usage | None = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    sequence_number: int | None = None
    output_index: int = 0
    summary_index: int = 0
    content_index: int = 0
    delta: object = None
    item: _Item | None = None
    response: _Response | None = None
    error: object = None


_event = msgspec.json.Decoder(_StreamEvent)
_response = msgspec.json.Decoder(_Response)


class ResponsesTransformer:
    """Writes `POST /responses`. The provider stores nothing unless a quirk allows it, which would be its default."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:
        efforts = (*profile.efforts, *profile.responses_efforts)
        profile = msgspec.structs.replace(profile, efforts=efforts, stop=False)
        supported = supported_parameters.supported(request, profile, any_effort=quirks.any_effort, seed=False)
        body: dict[str, object] = {"model": request.model, "input": [_turn(turn) for turn in request.conversation()]}
        body |= supported_parameters.present(
            {
                "instructions": request.system_message or None,
                "max_output_tokens": supported.max_tokens,
                "temperature": supported.temperature,
                "top_p": supported.top_p,
                "reasoning": _reasoning(supported.effort),
            }
        )
        body |= {"stream": request.stream, "store": bool(quirks.store), **quirks.body}
        return WireRequest("/responses", json_body(body), supported.notices)


def _turn(message: Message) -> dict[str, object]:
    kind = "output_text" if message.role == "assistant" else "input_text"
    return {"role": message.role, "content": [{"type": kind, "text": message.content}]}


def _reasoning(effort: str | None) -> dict[str, str] | None:
    """The effort, and a request for a summary of the reasoning, which is not sent otherwise."""
    if effort is None:
        return None
    return {"effort": effort} if effort == "none" else {"effort": effort, "summary": "auto"}


class ResponsesDecoder(StreamDecoder[ServerSentEvent]):
    """Reads the numbered events up to the one with the whole response. A missing number means a lost event.

    Numbers start at 0, or at that of `response.created`, the first event. A stream that starts with another event and a
    higher number is missing its beginning. A server may omit the numbers of some or all events.
    """

    def __init__(self) -> None:
        super().__init__()
        self._adapter = SSEAdapter()
        self._number: int | None = None
        self._seen = 0
        self._commentary: set[int] = set()
        self._reasoning_part: tuple[int, ...] = ()
        self._calls: tuple[ToolCall, ...] = ()

    def _records(self, data: bytes) -> list[ServerSentEvent]:
        return self._adapter.feed(data)

    def _read(self, record: ServerSentEvent) -> None:
        if self._failure is not None:
            return
        event = decode(_event, record.data)
        if event.type == "error" or record.name == b"error" or event.error is not None:
            self.saw_terminal = True
            raise failures.to_error(failures.read_failure(record.data))
        self._count(event)
        if isinstance(event.delta, str) and event.delta:
            self._delta(event, event.delta)
        elif event.type == "response.output_item.added" and event.item and event.item.phase == "commentary":
            self._commentary.add(event.output_index)
        elif event.type in {"response.completed", "response.incomplete", "response.failed"}:
            response = event.response or _Response()
            # vLLM's last event is `completed` even if the status of its response is `incomplete` (measured 2026-11-22).
            status = event.type.removeprefix("response.")
            self._conclude("incomplete" if response.status == "incomplete" else status, response)

    def _read_whole(self, body: bytes) -> None:
        response = decode(_response, body)
        for index, item in enumerate(response.output or ()):
            self._item(index, item)
        self._conclude("failed" if response.error is not None else response.status or "", response)

    def _count(self, event: _StreamEvent) -> None:
        number, opens = event.sequence_number, event.type == "response.created"
        if number is not None:
            if self._number is None and number > self._seen and not opens:
                raise incomplete(f"the start of the stream is missing: the first event received is number {number}")
            if self._number is not None and number != self._number + 1:
                raise incomplete(f"the stream lost events: number {self._number} was followed by number {number}")
            self._number = number
        self._seen += 1

    def _delta(self, event: _StreamEvent, delta: str) -> None:
        match event.type:
            case "response.output_text.delta" if event.output_index not in self._commentary:
                self._text(delta)
            case "response.reasoning_summary_text.delta":
                self._think(delta, (event.output_index, 0, event.summary_index))
            case "response.reasoning_text.delta":
                self._think(delta, (event.output_index, 1, event.content_index))
            case "response.refusal.delta":
                self._refusal.append(delta)

    def _item(self, index: int, item: _Item) -> None:
        for part_index, part in enumerate(item.summary or ()):
            self._think(part.text or "", (index, 0, part_index))
        for part_index, part in enumerate(item.content or ()):
            if part.refusal:
                self._refusal.append(part.refusal)
            elif item.type == "reasoning":
                self._think(part.text or "", (index, 1, part_index))
            elif part.text and item.phase != "commentary":
                self._text(part.text)

    def _think(self, text: str, part: tuple[int, ...]) -> None:
        """Reasoning arrives in independent parts, which an empty line separates."""
        if not text:
            return
        separator = "\n\n" if self._any_reasoning and part != self._reasoning_part else ""
        self._reasoning_part = part
        self._reasoning(separator + text)

    def _conclude(self, status: str, response: _Response) -> None:
        self._model = response.model or self._model
        if response.usage is not None:
            self._set_usage(response.usage.unified())
        self._raw_reason = status
        match status:
            case "completed":
                self._complete(response.output or [])
            case "incomplete":
                details = response.incomplete_details or _IncompleteDetails()
                self._raw_reason = details.reason or status
                self._reason = _INCOMPLETE.get(self._raw_reason, FinishReason.ERROR)
            case "cancelled":
                self._reason = FinishReason.CANCELLED
            case "failed":
                self.saw_terminal = True
                raise failures.to_error(failures.failure_from({"error": response.error or "the model failed"}))
            case _:
                raise incomplete("the response is marked as not done")
        self._end()

    def _complete(self, output: list[_Item]) -> None:
        calls = [item for item in output if item.type == "function_call"]
        self._calls = tuple(ToolCall(call.call_id or "", call.name or "", call.arguments or "{}") for call in calls)
        calls_tools = bool(calls) and output[-1] is calls[-1]
        self._reason = FinishReason.TOOL_CALLS if calls_tools else FinishReason.STOP

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return self._calls


class ResponsesParser:
    """Reads the responses of `/responses` and `/models`."""

    def decoder(self) -> Decoder:
        return ResponsesDecoder()

    def parse(self, body: bytes, received_at: float) -> list[Event]:
        return ResponsesDecoder().decode_body(body, received_at)

    def parse_models(self, body: bytes) -> list[ModelInfo]:
        return parse_models(body)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return failures.from_response(status, headers, body)


OPENAI_RESPONSES: Final = TransformPipeline(
    name="openai_responses",
    transformer=ResponsesTransformer(),
    parser=ResponsesParser(),
    models_path="/models",
    stream_type="text/event-stream",
)
