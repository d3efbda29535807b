"""OpenAI Chat Completions, and the servers compatible with it (wire-contracts 3.1, 3.2, 4, 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import quote

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.http.framing import ServerSentEvent, SSEAdapter
from swebench_providers.protocols import failures, supported_parameters
from swebench_providers.protocols.base import Decoder, TransformPipeline, WireRequest, json_body
from swebench_providers.protocols.openai_models import parse_models
from swebench_providers.protocols.stream import StreamDecoder, decode
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Event
from swebench_providers.types.messages import FinishReason, ToolCall, UnifiedRequest
from swebench_providers.types.models import ModelInfo
from swebench_providers.types.usage import TokenUsage, is_cost

_FINISH: Final = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "error": FinishReason.ERROR,
    "abort": FinishReason.CANCELLED,
}
_DONE: Final = b"[DONE]"


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Costs(msgspec.Struct):
    upstream_inference_cost: Decimal | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    cost: Decimal | None = None
    cost_details: _Costs | None = None
    is_byok: bool | None = None

    def unified(self) -> TokenUsage:
        prompt = self.prompt_tokens_details or _Details()
        completion = self.completion_tokens_details or _Details()
        return TokenUsage(
            prompt_tokens=self.prompt_tokens or 0,
            completion_tokens=self.completion_tokens or 0,
            cached_tokens=prompt.cached_tokens or 0,
            cache_write_tokens=prompt.cache_write_tokens or 0,
            reasoning_tokens=completion.reasoning_tokens or 0,
            reported_cost=self._charged(),
        )

    def _charged(self) -> Decimal | None:
        """What the user pays: with a key of their own at the upstream, its cost is added to the router's."""
        parts = [self.cost]
        if self.is_byok:
            parts.append(self.cost_details.upstream_inference_cost if self.cost_details else None)
        amounts = [part for part in parts if part is not None and is_cost(part)]
        return sum(amounts, Decimal(0)) if len(amounts) == len(parts) else None


class _Part(msgspec.Struct):
    text: str | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCallDelta(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function | None = None


class _ReasoningDetail(msgspec.Struct):
    text: str | None = None
    summary: str | None = None


class _Delta(msgspec.Struct):
    """The `delta` of a stream, or the `message` of an answer in one body."""

    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[_ReasoningDetail] | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCallDelta] | None = None

    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""

    def thinking(self) -> str:
        """The reasoning. Servers that send two of its names send the same text in both (wire-contracts 5.1, row 2)."""
        if self.reasoning_details and not (self.reasoning_content or self.reasoning):
            return "".join(detail.text or detail.summary or "" for detail in self.reasoning_details)
        return self.reasoning_content or self.reasoning or ""


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    usage: _Usage | None = None


class _Chunk(msgspec.Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None
    error_code: int | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class ChatTransformer:
    """Writes `POST /chat/completions`."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:
        body, notices = _body(request, profile, quirks)
        return WireRequest("/chat/completions", json_body(body), notices)


class DeploymentTransformer:
    """Writes Azure's older form: the deployment in the path, the API version in the URL (wire-contracts 1.1)."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:
        body, notices = _body(request, profile, msgspec.structs.replace(quirks, usage_in_stream="never"))
        del body["model"]
        path = f"/deployments/{quote(request.model, safe='', errors='replace')}/chat/completions"
        return WireRequest(path, json_body(body), notices)


def _body(request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> tuple[dict[str, object], tuple[str, ...]]:
    """The fields of a request, and the notices about those that were left out."""
    supported = supported_parameters.supported(
        request, profile, any_effort=quirks.any_effort, seed=quirks.seed, grammar=quirks.grammar
    )
    body: dict[str, object] = {"model": request.model, "messages": _messages(request, profile, quirks)}
    body |= supported_parameters.present(
        {
            quirks.max_tokens_field: supported.max_tokens,
            "temperature": supported.temperature,
            "top_p": supported.top_p,
            "stop": supported.stop,
            "seed": supported.seed,
            quirks.effort_field: _effort(supported.effort, quirks),
            "store": quirks.store,
            "grammar": supported.grammar,
        }
    )
    body["stream"] = request.stream
    if request.stream and quirks.usage_in_stream == "on_request":
        body["stream_options"] = {"include_usage": True}
    return body | dict(quirks.body), supported.notices


def _messages(request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> list[dict[str, str]]:
    messages = [{"role": message.role, "content": message.content} for message in request.conversation()]
    if request.system_message:
        role = profile.system_role if quirks.developer_role else "system"
        messages.insert(0, {"role": role, "content": request.system_message})
    return messages


def _effort(effort: str | None, quirks: Quirks) -> str | dict[str, str] | None:
    return {"effort": effort} if effort and quirks.effort_field == "reasoning" else effort


class ChatDecoder(StreamDecoder[ServerSentEvent]):
    """Reads `chat.completion.chunk` events up to `[DONE]`."""

    def __init__(self) -> None:
        super().__init__()
        self._adapter = SSEAdapter()
        self._calls: dict[int, dict[str, str]] = {}

    def _is_complete_without_marker(self) -> bool:
        """Some compatible servers leave out `[DONE]`; their finish reason shows that the answer is complete."""
        return bool(self._raw_reason)

    def _records(self, data: bytes) -> list[ServerSentEvent]:
        return self._adapter.feed(data)

    def _read(self, record: ServerSentEvent) -> None:
        if record.data.startswith(_DONE):
            self._end()
        elif record.name == b"error":
            raise failures.to_error(failures.read_failure(record.data))
        elif self._failure is None:
            self._chunk(record.data)

    def _read_whole(self, body: bytes) -> None:
        self._chunk(body)

    def _chunk(self, record: bytes) -> None:
        chunk = decode(_chunk, record)
        if chunk.model:
            self._model = chunk.model
        usage = chunk.usage
        for choice in chunk.choices or ():
            self._choice(choice)
            usage = usage or choice.usage
        if usage is not None:
            self._set_usage(usage.unified())
        if chunk.error is not None or chunk.error_code is not None:
            raise failures.to_error(failures.read_failure(record))

    def _choice(self, choice: _Choice) -> None:
        delta = choice.delta or choice.message
        if delta is not None:
            if thinking := delta.thinking():
                self._reasoning(thinking)
            if text := delta.text():
                self._text(text)
            if delta.refusal:
                self._refusal.append(delta.refusal)
            for call in delta.tool_calls or ():
                self._tool_call(call)
        if choice.finish_reason:
            self._raw_reason = choice.finish_reason
            self._reason = _FINISH.get(choice.finish_reason)

    def _tool_call(self, call: _ToolCallDelta) -> None:
        entry = self._calls.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
        entry["id"] = call.id or entry["id"]
        if call.function is not None:
            entry["name"] += call.function.name or ""
            entry["arguments"] += call.function.arguments or ""

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(ToolCall(**call) for _, call in sorted(self._calls.items()))


class ChatParser:
    """Reads the responses of `/chat/completions` and `/models`."""

    def decoder(self) -> Decoder:
        return ChatDecoder()

    def parse(self, body: bytes, received_at: float) -> list[Event]:
        return ChatDecoder().decode_body(body, received_at)

    def parse_models(self, body: bytes) -> list[ModelInfo]:
        return parse_models(body)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return failures.from_response(status, headers, body)


OPENAI_CHAT: Final = TransformPipeline(
    name="openai_chat",
    transformer=ChatTransformer(),
    parser=ChatParser(),
    models_path="/models",
    stream_type="text/event-stream",
)

AZURE_DEPLOYMENTS: Final = msgspec.structs.replace(
    OPENAI_CHAT, name="azure_deployments", transformer=DeploymentTransformer()
)
