"""Anthropic Messages (wire-contracts 3.1, 3.3, 4, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.http.framing import ServerSentEvent, SSEAdapter
from swebench_providers.protocols import failures, supported_parameters
from swebench_providers.protocols.base import Decoder, TransformPipeline, WireRequest, json_body
from swebench_providers.protocols.stream import StreamDecoder, decode
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Event
from swebench_providers.types.messages import FinishReason, Message, ToolCall, UnifiedRequest
from swebench_providers.types.models import ModelInfo
from swebench_providers.types.usage import TokenUsage

VERSION: Final = "2026-10-21"
VERSION_WITH_SAMPLING: Final = "2023-06-01"
"""The newer version returns 400 for any sampling parameter, so a request that sets one uses the older (3.3)."""

_DEFAULT_OUTPUT: Final = 8192
"""`max_tokens` is required here: this is sent when neither the request nor the catalog has a limit."""

_THINKING_BUDGET: Final = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 32000}

_FINISH: Final = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "pause_turn": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.REFUSAL,
}


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Block(msgspec.Struct):
    """A content block, or the delta of one; its `type` decides which fields are set."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    id: str | None = None
    name: str | None = None
    input: object = None
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None


class _StopDetails(msgspec.Struct):
    category: str | None = None
    explanation: str | None = None


class _Message(msgspec.Struct):
    type: str = ""
    model: str | None = None
    content: list[_Block] | None = None
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None
    usage: _Usage | None = None
    error: object = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Block | None = None
    usage: _Usage | None = None
    error: object = None


class _Model(msgspec.Struct):
    id: str
    display_name: str = ""
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _Models(msgspec.Struct):
    data: list[_Model] | None = None


_event = msgspec.json.Decoder(_StreamEvent)
_message = msgspec.json.Decoder(_Message)
_models = msgspec.json.Decoder(_Models)


class MessagesTransformer:
    """Writes `POST /v1/messages`."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:  # noqa: ARG002
        supported = supported_parameters.supported(request, profile, seed=False)
        max_tokens = supported.max_tokens or profile.max_output or _DEFAULT_OUTPUT
        body: dict[str, object] = {"model": request.model, "max_tokens": max_tokens}
        if request.system_message:
            body["system"] = _system(request)
        body["messages"] = [_turn(message) for message in _merged(request.conversation())]
        body |= supported_parameters.present(
            {"temperature": supported.temperature, "top_p": supported.top_p, "stop_sequences": supported.stop}
        )
        body |= _thinking(supported.effort, profile, max_tokens)
        body["stream"] = request.stream
        sampling = supported.temperature is not None or supported.top_p is not None
        version = VERSION_WITH_SAMPLING if sampling else VERSION
        return WireRequest("/v1/messages", json_body(body), supported.notices, headers={"anthropic-version": version})


def _system(request: UnifiedRequest) -> str | list[dict[str, object]]:
    if not request.cache_prompt:
        return request.system_message or ""
    return [{"type": "text", "text": request.system_message, "cache_control": {"type": "ephemeral"}}]


def _merged(messages: list[Message]) -> list[Message]:
    """Consecutive messages of one role, merged into one: the roles have to alternate."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            merged[-1] = Message(message.role, f"{merged[-1].content}\n\n{message.content}")
        else:
            merged.append(message)
    return merged


def _turn(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}


def _thinking(effort: str | None, profile: ModelProfile, max_tokens: int) -> dict[str, object]:
    """`thinking` in the form that the model's generation supports; its text is sent only on request (3.3)."""
    if effort is None or profile.thinking == "none":
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if profile.thinking == "budget":
        budget = min(_THINKING_BUDGET[effort], max_tokens - 1)
        return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= 1024 else {}
    return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": effort}}


class MessagesDecoder(StreamDecoder[ServerSentEvent]):
    """Reads the named events up to `message_stop`. Usage is cumulative: a field that is present replaces the last."""

    def __init__(self) -> None:
        super().__init__()
        self._adapter = SSEAdapter()
        self._counted = _Usage()
        self._calls: dict[int, tuple[str, str, list[str]]] = {}

    def _records(self, data: bytes) -> list[ServerSentEvent]:
        return self._adapter.feed(data)

    def _read(self, record: ServerSentEvent) -> None:
        if self._failure is not None:
            return
        event = decode(_event, record.data)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._delta(event.index, event.delta)
            case "content_block_start" if event.content_block is not None:
                self._block(event.index, event.content_block)
            case "message_start" if event.message is not None:
                self._model = event.message.model or self._model
                self._count(event.message.usage)
            case "message_delta":
                self._stop(event.delta)
                self._count(event.usage)
            case "message_stop":
                self._end()
        if event.error is not None or record.name == b"error":
            raise failures.to_error(failures.read_failure(record.data))

    def _read_whole(self, body: bytes) -> None:
        message = decode(_message, body)
        if message.error is not None:
            raise failures.to_error(failures.read_failure(body))
        self._model = message.model or ""
        for index, block in enumerate(message.content or ()):
            self._block(index, block)
        self._stop(message)
        self._count(message.usage)

    def _block(self, index: int, block: _Block) -> None:
        """The start of a block, usually empty, or a complete one of an answer in one body."""
        if block.type == "tool_use":
            arguments = [msgspec.json.encode(block.input).decode()] if block.input else []
            self._calls[index] = (block.id or "", block.name or "", arguments)
        else:
            self._delta(index, block)

    def _delta(self, index: int, delta: _Block) -> None:
        if delta.text:
            self._text(delta.text)
        if delta.thinking:
            self._reasoning(delta.thinking)
        if delta.partial_json and index in self._calls:
            self._calls[index][2].append(delta.partial_json)

    def _stop(self, end: _Block | _Message | None) -> None:
        if end is None or end.stop_reason is None:
            return
        self._raw_reason = end.stop_reason
        self._reason = _FINISH.get(end.stop_reason)
        if end.stop_details is not None:
            self._category = end.stop_details.category or ""
            self._refusal = [end.stop_details.explanation or ""]

    def _count(self, usage: _Usage | None) -> None:
        if usage is None:
            return
        for field in _Usage.__struct_fields__:
            value = getattr(usage, field)
            if value is not None:
                setattr(self._counted, field, value)
        self._set_usage(_unified(self._counted))

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(ToolCall(id_, name, "".join(parts) or "{}") for id_, name, parts in self._calls.values())


def _unified(usage: _Usage) -> TokenUsage:
    """Anthropic's `input_tokens` exclude the cached ones; `prompt_tokens` are the whole input (wire-contracts 4.2)."""
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details or _OutputDetails()
    return TokenUsage(
        prompt_tokens=(usage.input_tokens or 0) + read + written,
        completion_tokens=usage.output_tokens or 0,
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=details.thinking_tokens or 0,
    )


class MessagesParser:
    """Reads the responses of `/v1/messages` and `/v1/models`."""

    def decoder(self) -> Decoder:
        return MessagesDecoder()

    def parse(self, body: bytes, received_at: float) -> list[Event]:
        return MessagesDecoder().decode_body(body, received_at)

    def parse_models(self, body: bytes) -> list[ModelInfo]:
        return [
            ModelInfo(
                id=model.id,
                name=model.display_name,
                context_window=model.max_input_tokens,
                max_output=model.max_tokens,
            )
            for model in decode(_models, body).data or ()
        ]

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return failures.from_response(status, headers, body)


ANTHROPIC_MESSAGES: Final = TransformPipeline(
    name="anthropic_messages",
    transformer=MessagesTransformer(),
    parser=MessagesParser(),
    models_path="/v1/models?limit=1000",
    stream_type="text/event-stream",
)
