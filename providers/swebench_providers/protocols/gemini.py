"""Gemini's `generateContent`, of Google AI and Vertex (wire-contracts 3.1, 3.3, 4, 5.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.http.framing import ServerSentEvent, SSEAdapter
from swebench_providers.protocols import failures, supported_parameters
from swebench_providers.protocols.base import Decoder, TransformPipeline, WireRequest, json_body
from swebench_providers.protocols.stream import StreamDecoder, decode
from swebench_providers.types.errors import ProviderError, incomplete
from swebench_providers.types.events import Event
from swebench_providers.types.messages import FinishReason, Message, ToolCall, UnifiedRequest
from swebench_providers.types.models import ModelInfo
from swebench_providers.types.usage import TokenUsage

_LARGEST_BUDGET: Final = 24576
_THINKING_BUDGET: Final = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192}
"""Tokens, for the models with a budget instead of a level; within the range of each model that lists the effort."""

_FILTERED: Final = (
    "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR LANGUAGE"
    " IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION"
)
_FINISH: Final = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
    **dict.fromkeys(_FILTERED.split(), FinishReason.CONTENT_FILTER),
}
"""Every other reason, known or new, is a failure: only `STOP` means that the model was done."""

_PAUSED: Final = (
    "The provider paused the answer and expects another request to continue it: this is only its first part."
)
_MODELS: Final = "models/"
_GENERATES: Final = "generateContent"


class _Camel(msgspec.Struct, rename="camel"):
    """Field names are in camel case on the wire."""


class _Call(_Camel):
    id: str | None = None
    name: str | None = None
    args: object = None


class _Part(_Camel):
    text: str | None = None
    thought: bool | None = None
    function_call: _Call | None = None


class _Content(_Camel):
    parts: list[_Part] | None = None


class _Candidate(_Camel):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(_Camel):
    block_reason: str | None = None


class _Usage(_Camel):
    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None

    def unified(self) -> TokenUsage:
        thoughts = self.thoughts_token_count or 0
        return TokenUsage(
            prompt_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            completion_tokens=(self.candidates_token_count or 0) + thoughts,
            cached_tokens=self.cached_content_token_count or 0,
            reasoning_tokens=thoughts,
        )


class _Chunk(_Camel):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: object = None


class _Model(_Camel):
    name: str
    display_name: str = ""
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: list[str] | None = None


class _Models(_Camel):
    models: list[_Model] | None = None


_chunk = msgspec.json.Decoder(_Chunk)
_models = msgspec.json.Decoder(_Models)


class GeminiTransformer:
    """Writes `POST /models/MODEL:generateContent`, or its streaming variant: the model is in the path."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:
        supported = supported_parameters.supported(request, profile, any_effort=quirks.any_effort, seed=quirks.seed)
        generation = supported_parameters.present(
            {
                "maxOutputTokens": supported.max_tokens,
                "temperature": supported.temperature,
                "topP": supported.top_p,
                "stopSequences": supported.stop,
                "seed": supported.seed,
                "thinkingConfig": _thinking(supported.effort, profile),
            }
        )
        conversation = request.conversation()
        body: dict[str, object] = {}
        if system := _system(request):
            body["systemInstruction"] = {"parts": system}
        body["contents"] = [_turn(message) for message in conversation if message.role != "system"]
        if generation:
            body["generationConfig"] = generation
        return WireRequest(_path(request), json_body(body | dict(quirks.body)), supported.notices)


def _path(request: UnifiedRequest) -> str:
    model = quote(request.model.removeprefix(_MODELS), safe="", errors="replace")
    method = "streamGenerateContent?alt=sse" if request.stream else _GENERATES
    return f"/{_MODELS}{model}:{method}"


def _system(request: UnifiedRequest) -> list[dict[str, str]]:
    """All system messages of the conversation, which `contents` cannot hold."""
    turns = [message.content for message in request.conversation() if message.role == "system"]
    return [{"text": text} for text in (request.system_message, *turns) if text]


def _turn(message: Message) -> dict[str, object]:
    return {"role": "model" if message.role == "assistant" else "user", "parts": [{"text": message.content}]}


def _thinking(effort: str | None, profile: ModelProfile) -> dict[str, object] | None:
    """A level or a budget, as the model's generation supports; both together are rejected (3.3)."""
    if effort is None:
        return None
    if profile.thinking == "budget":
        budget = _THINKING_BUDGET.get(effort, _LARGEST_BUDGET)
        return {"thinkingBudget": budget, "includeThoughts": budget > 0}
    return {"thinkingLevel": effort.upper(), "includeThoughts": True}


class GeminiDecoder(StreamDecoder[ServerSentEvent]):
    """Reads events, each a response of its own, up to the one with a `finishReason` or a blocked prompt."""

    def __init__(self) -> None:
        super().__init__()
        self._adapter = SSEAdapter()
        self._calls: list[ToolCall] = []

    def _records(self, data: bytes) -> list[ServerSentEvent]:
        return self._adapter.feed(data)

    def _read(self, record: ServerSentEvent) -> None:
        if self._failure is None:
            self._chunk(record.data, failed=record.name == b"error")

    def _read_whole(self, body: bytes) -> None:
        self._chunk(body)
        if not self.saw_terminal:
            raise incomplete("the response has no finish reason")

    def _chunk(self, record: bytes, *, failed: bool = False) -> None:
        chunk = decode(_chunk, record)
        if failed or chunk.error is not None:
            raise failures.to_error(failures.read_failure(record))
        self._model = chunk.model_version or self._model
        self._request_id = chunk.response_id or self._request_id
        if chunk.usage_metadata is not None:
            self._count(chunk.usage_metadata.unified())
        if chunk.candidates:
            self._candidate(chunk.candidates[0])
        elif chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self._stop(FinishReason.CONTENT_FILTER, chunk.prompt_feedback.block_reason)

    def _count(self, usage: TokenUsage) -> None:
        """Each event repeats the usage; only a change is reported."""
        if usage != self._usage:
            self._set_usage(usage)

    def _candidate(self, candidate: _Candidate) -> None:
        for part in (candidate.content and candidate.content.parts) or ():
            self._part(part)
        if not candidate.finish_reason:
            return
        if candidate.finish_reason == "CONTINUATION":
            self._notice(_PAUSED)
        reason = _FINISH.get(candidate.finish_reason, FinishReason.ERROR)
        calls_tools = bool(self._calls) and reason is FinishReason.STOP
        self._stop(FinishReason.TOOL_CALLS if calls_tools else reason, candidate.finish_reason)

    def _part(self, part: _Part) -> None:
        if part.text:
            if part.thought:
                self._reasoning(part.text)
            else:
                self._text(part.text)
        if part.function_call is not None:
            call = part.function_call
            arguments = msgspec.json.encode(call.args or {}).decode()
            self._calls.append(ToolCall(call.id or "", call.name or "", arguments))

    def _stop(self, reason: FinishReason, raw_reason: str) -> None:
        self._reason, self._raw_reason = reason, raw_reason
        if reason is FinishReason.CONTENT_FILTER:
            self._category = raw_reason
        self._end()

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(self._calls)


class GeminiParser:
    """Reads the responses of `generateContent` and `/models`."""

    def decoder(self) -> Decoder:
        return GeminiDecoder()

    def parse(self, body: bytes, received_at: float) -> list[Event]:
        return GeminiDecoder().decode_body(body, received_at)

    def parse_models(self, body: bytes) -> list[ModelInfo]:
        """The models that generate text; the list has others too."""
        return [
            ModelInfo(
                id=model.name.removeprefix(_MODELS),
                name=model.display_name,
                context_window=model.input_token_limit,
                max_output=model.output_token_limit,
            )
            for model in decode(_models, body).models or ()
            if model.supported_generation_methods is None or _GENERATES in model.supported_generation_methods
        ]

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return failures.from_response(status, headers, body)


GEMINI: Final = TransformPipeline(
    name="gemini",
    transformer=GeminiTransformer(),
    parser=GeminiParser(),
    models_path="/models?pageSize=1000",
    stream_type="text/event-stream",
)
