"""Ollama's own `/api/chat`, in JSON lines (wire-contracts 2.2, 3.1, 4, 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.http.framing import JSONLinesAdapter
from swebench_providers.protocols import failures, supported_parameters
from swebench_providers.protocols.base import Decoder, TransformPipeline, WireRequest, json_body
from swebench_providers.protocols.stream import StreamDecoder, decode
from swebench_providers.types.errors import ProviderError, incomplete
from swebench_providers.types.events import Event
from swebench_providers.types.messages import FinishReason, ToolCall, UnifiedRequest
from swebench_providers.types.models import ModelInfo
from swebench_providers.types.usage import TokenUsage

_KEEP_ALIVE: Final = "15m"
"""How long the model stays loaded after a response: a comparison uses it again soon."""

_SMALLEST_WINDOW: Final = 8192
_CHARACTERS_A_TOKEN: Final = 3  # code is denser than prose, so this errs on the high side

_FINISH: Final = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "": FinishReason.CANCELLED,
}


class _Function(msgspec.Struct):
    name: str = ""
    arguments: object = None


class _ToolCall(msgspec.Struct):
    id: str = ""
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Line(msgspec.Struct):
    model: str | None = None
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: object = None


class _Tag(msgspec.Struct):
    name: str
    capabilities: list[str] | None = None


class _Tags(msgspec.Struct):
    models: list[_Tag] | None = None


_line = msgspec.json.Decoder(_Line)
_tags = msgspec.json.Decoder(_Tags)


class OllamaTransformer:
    """Writes `POST /api/chat` with a context window: the server's default cuts long prompts silently."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:
        supported = supported_parameters.supported(request, profile, any_effort=quirks.any_effort)
        messages = [{"role": message.role, "content": message.content} for message in request.conversation()]
        if request.system_message:
            messages.insert(0, {"role": "system", "content": request.system_message})
        body: dict[str, object] = {"model": request.model, "messages": messages, "stream": request.stream}
        if supported.effort is not None:
            body["think"] = _think(supported.effort, profile)
        body["keep_alive"] = _KEEP_ALIVE
        body["options"] = supported_parameters.present(
            {
                "num_ctx": profile.context_window or _window(request),
                "num_predict": supported.max_tokens,
                "temperature": supported.temperature,
                "top_p": supported.top_p,
                "stop": supported.stop,
                "seed": supported.seed,
            }
        )
        return WireRequest("/api/chat", json_body(body), supported.notices)


def _window(request: UnifiedRequest) -> int:
    """A window, in tokens, for prompt and answer. The server's default may hold a twentieth of the prompt."""
    characters = len(request.system_message or "") + sum(len(turn.content) for turn in request.conversation())
    needed = characters // _CHARACTERS_A_TOKEN + (request.max_tokens or _SMALLEST_WINDOW // 2)
    return max(_SMALLEST_WINDOW, 1 << (needed - 1).bit_length())


def _think(effort: str, profile: ModelProfile) -> bool | str:
    if effort == "none":
        return False
    return effort if profile.effort_style == "level" else True


class OllamaDecoder(StreamDecoder[bytes]):
    """Reads lines up to the one with `done: true`."""

    def __init__(self) -> None:
        super().__init__()
        self._adapter = JSONLinesAdapter()
        self._calls: list[ToolCall] = []

    def _records(self, data: bytes) -> list[bytes]:
        return self._adapter.feed(data)

    def _read_whole(self, body: bytes) -> None:
        self._read(body)
        if not self.saw_terminal:
            raise incomplete("the response is marked as not done")

    def _read(self, record: bytes) -> None:
        line = decode(_line, record)
        if line.error is not None:
            raise failures.to_error(failures.read_failure(record))
        self._model = line.model or self._model
        if line.message is not None:
            self._message(line.message)
        if line.done:
            self._done(line)

    def _message(self, message: _Message) -> None:
        if message.thinking:
            self._reasoning(message.thinking)
        if message.content:
            self._text(message.content)
        for call in message.tool_calls or ():
            if call.function is not None:
                arguments = msgspec.json.encode(call.function.arguments or {}).decode()
                self._calls.append(ToolCall(call.id, call.function.name, arguments))

    def _done(self, line: _Line) -> None:
        self._raw_reason = line.done_reason or ""
        self._reason = _FINISH.get(self._raw_reason)
        if line.eval_count is not None or line.prompt_eval_count is not None:
            self._set_usage(
                TokenUsage(prompt_tokens=line.prompt_eval_count or 0, completion_tokens=line.eval_count or 0)
            )
            if line.prompt_eval_count is None:
                self._notice("The server did not report the prompt tokens.")
        self._end()

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(self._calls)


class OllamaParser:
    """Reads the responses of `/api/chat` and `/api/tags`."""

    def decoder(self) -> Decoder:
        return OllamaDecoder()

    def parse(self, body: bytes, received_at: float) -> list[Event]:
        return OllamaDecoder().decode_body(body, received_at)

    def parse_models(self, body: bytes) -> list[ModelInfo]:
        tags = decode(_tags, body).models or ()
        return [ModelInfo(id=tag.name, capabilities=tuple(tag.capabilities or ())) for tag in tags]

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return failures.from_response(status, headers, body)


OLLAMA_CHAT: Final = TransformPipeline(
    name="ollama_chat",
    transformer=OllamaTransformer(),
    parser=OllamaParser(),
    models_path="/api/tags",
    stream_type="application/x-ndjson",
    commands={
        "unreachable": "Start it: `ollama serve`. If it is running, check its address and port.",
        "model_not_found": "Pull it first: `ollama pull {model}`. `ollama list` shows the installed models.",
    },
)
