"""A scripted response in each wire format: OpenAI chat completions, Anthropic messages, Ollama chat. No I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import msgspec

from tests.fault_server.script import UsageSent

if TYPE_CHECKING:
    from tests.fault_server.script import Script

_encode = msgspec.json.encode  # unescaped UTF-8: U+2028 stays a character


class StreamOptions(msgspec.Struct):
    """The field of `stream_options` that changes the response."""

    include_usage: bool = False


class ChatRequest(msgspec.Struct):
    """The fields of a request body that change the response."""

    model: str = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None


@dataclass(frozen=True, slots=True)
class WireFormat(ABC):
    """Renders `script` as the response to `request`. Each bytes object is one or more whole records."""

    script: Script
    request: ChatRequest
    request_id: str

    content_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    request_id_header: ClassVar[str] = "x-request-id"
    streams_by_default: ClassVar[bool] = False
    record_start: ClassVar[bytes] = b"data: "
    record_end: ClassVar[bytes] = b"\n\n"
    keep_alive: ClassVar[bytes] = b": keep-alive\n\n"

    @property
    def streams(self) -> bool:
        """Whether the request wants a stream."""
        return self.streams_by_default if self.request.stream is None else self.request.stream

    @abstractmethod
    def opening(self) -> list[bytes]:
        """The records before the first token."""

    @abstractmethod
    def tokens(self) -> list[bytes]:
        """One item per token."""

    @abstractmethod
    def closing(self) -> list[bytes]:
        """The records after the last token; the last one is the terminal marker."""

    @abstractmethod
    def whole(self) -> bytes:
        """The response in one body."""

    @abstractmethod
    def error(self, status: int) -> bytes:
        """The error object for an HTTP status."""

    def error_record(self) -> bytes:
        """The error object inside a stream."""
        return self.record_start + self.error(529) + self.record_end


class OpenAIChat(WireFormat):
    """`POST /v1/chat/completions`."""

    errors: ClassVar[dict[int, tuple[str, str | None]]] = {
        400: ("invalid_request_error", None),
        401: ("invalid_request_error", "invalid_api_key"),
        404: ("invalid_request_error", "model_not_found"),
        429: ("requests", "rate_limit_exceeded"),
    }

    def opening(self) -> list[bytes]:
        role = self._delta({"role": "assistant", "content": ""})
        if not self.script.odd_chunks:
            return [role]
        return [self._chunk([]), role, self._delta({"role": "assistant", "content": None}), self._delta({"role": None})]

    def tokens(self) -> list[bytes]:
        reasoning = [self._delta({self.script.reasoning_field: token}) for token in self.script.reasoning_tokens]
        return reasoning + [self._delta({"content": token}) for token in self.script.text_tokens]

    def closing(self) -> list[bytes]:
        finish = self._delta({}, self.script.finish_reason)
        usage = [self._chunk([], self._usage())] if self._counts else []
        return [finish, *usage, b"data: [DONE]\n\n"]

    def whole(self) -> bytes:
        message = {"role": "assistant", "content": "".join(self.script.text_tokens), "refusal": None}
        if self.script.reasoning_tokens:
            message[self.script.reasoning_field] = "".join(self.script.reasoning_tokens)
        choice = {"index": 0, "message": message, "finish_reason": self.script.finish_reason}
        usage = {} if self.script.usage is UsageSent.NEVER else {"usage": self._usage()}
        return _encode({**self._base("chat.completion"), "choices": [choice], **usage})

    def error(self, status: int) -> bytes:
        kind, code = self.errors.get(status, ("server_error", None))
        error = {
            "message": self.script.error_message,
            "type": kind,
            "param": None,
            "code": self.script.error_code or code,
        }
        return _encode({"error": error})

    @property
    def _counts(self) -> bool:
        if self.script.usage is UsageSent.AS_REQUESTED:
            return self.request.stream_options is not None and self.request.stream_options.include_usage
        return self.script.usage is UsageSent.ALWAYS

    def _base(self, kind: str) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{self.request_id}",
            "object": kind,
            "created": 1_760_000_000,
            "model": self.request.model,
        }

    def _chunk(self, choices: list[object], usage: dict[str, object] | None = None) -> bytes:
        counted = {"usage": usage} if self._counts else {}  # null until the last chunk, as in the real API
        chunk = _encode({**self._base("chat.completion.chunk"), "choices": choices, **counted})
        return self.record_start + chunk + self.record_end

    def _delta(self, delta: dict[str, str | None], finish_reason: str | None = None) -> bytes:
        return self._chunk([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def _usage(self) -> dict[str, object]:
        script = self.script
        return {
            "prompt_tokens": script.prompt_tokens,
            "completion_tokens": script.completion_tokens,
            "total_tokens": script.prompt_tokens + script.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": script.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": len(script.reasoning_tokens)},
        }


class AnthropicMessages(WireFormat):
    """`POST /v1/messages`. Reasoning is a thinking block before the text block."""

    request_id_header: ClassVar[str] = "request-id"
    keep_alive: ClassVar[bytes] = b'event: ping\ndata: {"type":"ping"}\n\n'
    finish_reasons: ClassVar[dict[str, str]] = {"stop": "end_turn", "length": "max_tokens"}
    errors: ClassVar[dict[int, str]] = {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        529: "overloaded_error",
    }

    def opening(self) -> list[bytes]:
        message = self._message([], stop_reason=None, usage=self._usage(output_tokens=1))
        odd = [self._event("event_of_the_future", answer=42)] if self.script.odd_chunks else []
        return [self._event("message_start", message=message), self.keep_alive, *odd]

    def tokens(self) -> list[bytes]:
        return [
            record for index, (kind, tokens) in enumerate(self._blocks()) for record in self._block(index, kind, tokens)
        ]

    def closing(self) -> list[bytes]:
        usage = (
            {} if self.script.usage is UsageSent.NEVER else {"usage": {"output_tokens": self.script.completion_tokens}}
        )
        delta = {"stop_reason": self._stop_reason(), "stop_sequence": None}
        return [self._event("message_delta", delta=delta, **usage), self._event("message_stop")]

    def whole(self) -> bytes:
        content: list[object] = [{"type": kind, kind: "".join(tokens)} for kind, tokens in self._blocks()]
        usage = self._usage(output_tokens=self.script.completion_tokens)
        return _encode(self._message(content, stop_reason=self._stop_reason(), usage=usage))

    def error(self, status: int) -> bytes:
        kind = self.script.error_code or self.errors.get(status, "api_error")
        error = {"type": kind, "message": self.script.error_message}
        return _encode({"type": "error", "error": error, "request_id": self.request_id})

    def error_record(self) -> bytes:
        return b"event: error\n" + super().error_record()

    def _blocks(self) -> list[tuple[str, tuple[str, ...]]]:
        blocks = [("thinking", self.script.reasoning_tokens), ("text", self.script.text_tokens)]
        return [(kind, tokens) for kind, tokens in blocks if tokens]

    def _block(self, index: int, kind: str, tokens: tuple[str, ...]) -> list[bytes]:
        """One item per token: the first also opens the content block, the last also closes it."""
        deltas = [
            self._event("content_block_delta", index=index, delta={"type": f"{kind}_delta", kind: token})
            for token in tokens
        ]
        deltas[0] = self._event("content_block_start", index=index, content_block={"type": kind, kind: ""}) + deltas[0]
        deltas[-1] += self._event("content_block_stop", index=index)
        return deltas

    def _event(self, name: str, **fields: object) -> bytes:
        return (
            b"event: " + name.encode() + b"\n" + self.record_start + _encode({"type": name, **fields}) + self.record_end
        )

    def _message(
        self, content: list[object], *, stop_reason: str | None, usage: dict[str, object]
    ) -> dict[str, object]:
        base = {"id": f"msg_{self.request_id}", "type": "message", "role": "assistant", "model": self.request.model}
        return {**base, "content": content, "stop_reason": stop_reason, "stop_sequence": None, **usage}

    def _stop_reason(self) -> str | None:
        reason = self.script.finish_reason
        return None if reason is None else self.finish_reasons.get(reason, reason)

    def _usage(self, *, output_tokens: int) -> dict[str, object]:
        if self.script.usage is UsageSent.NEVER:
            return {}
        cached = self.script.cached_tokens
        counts = {"input_tokens": self.script.prompt_tokens - cached, "output_tokens": output_tokens}
        return {"usage": {**counts, "cache_creation_input_tokens": 0, "cache_read_input_tokens": cached}}


class OllamaChat(WireFormat):
    """`POST /api/chat`: JSON lines, streamed by default; the last line has `done: true`."""

    content_type: ClassVar[str] = "application/x-ndjson"
    streams_by_default: ClassVar[bool] = True
    record_start: ClassVar[bytes] = b""
    record_end: ClassVar[bytes] = b"\n"
    keep_alive: ClassVar[bytes] = b"\n"

    def opening(self) -> list[bytes]:
        return [self._line({"content": "", "thinking": None, "new_field": None})] if self.script.odd_chunks else []

    def tokens(self) -> list[bytes]:
        reasoning = [self._line({"content": "", "thinking": token}) for token in self.script.reasoning_tokens]
        return reasoning + [self._line({"content": token}) for token in self.script.text_tokens]

    def closing(self) -> list[bytes]:
        return [self._line({"content": ""}, self._end())]

    def whole(self) -> bytes:
        message: dict[str, str | None] = {"content": "".join(self.script.text_tokens)}
        if self.script.reasoning_tokens:
            message["thinking"] = "".join(self.script.reasoning_tokens)
        return self._line(message, self._end()).rstrip()

    def error(self, status: int) -> bytes:  # noqa: ARG002  Ollama's error is the same sentence for every status
        return _encode({"error": self.script.error_message})

    def _line(self, message: dict[str, str | None], end: dict[str, object] | None = None) -> bytes:
        line = {"model": self.request.model, "created_at": "2026-01-01T00:00:00.000000Z"}
        return (
            _encode({**line, "message": {"role": "assistant", **message}, **(end or {"done": False})}) + self.record_end
        )

    def _end(self) -> dict[str, object]:
        script = self.script
        end: dict[str, object] = {"done": True}
        if script.finish_reason is not None:
            end["done_reason"] = script.finish_reason
        if script.usage is UsageSent.NEVER:
            return end
        durations = {"total_duration": 9_000_000, "load_duration": 1_000_000}
        prompt = {"prompt_eval_count": script.prompt_tokens, "prompt_eval_duration": 3_000_000}
        return {**end, **durations, **prompt, "eval_count": script.completion_tokens, "eval_duration": 5_000_000}


FORMATS: dict[str, type[WireFormat]] = {
    "/chat/completions": OpenAIChat,
    "/messages": AnthropicMessages,
    "/api/chat": OllamaChat,
}


def format_of(path: str) -> type[WireFormat] | None:
    """The wire format of a request path, by its end."""
    return next((wire for suffix, wire in FORMATS.items() if path.endswith(suffix)), None)
