"""The base of all decoders: events are returned as they are decoded, an error only after those before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Generic, TypeVar

import msgspec

from swebench_providers.protocols import failures
from swebench_providers.types.errors import ErrorKind, ProviderError, incomplete
from swebench_providers.types.events import Event, Finished, Notice, ReasoningDelta, TextDelta, UsageUpdate
from swebench_providers.types.messages import FinishReason, ToolCall
from swebench_providers.types.usage import TokenUsage

MARKER_MISSING: Final = (
    "The server left out the end marker of the stream; its finish reason shows that the answer is complete."
)
ONLY_REASONING: Final = "All output tokens were used for reasoning: raise the output limit or lower the effort."


Record = TypeVar("Record")
T = TypeVar("T")


class StreamDecoder(ABC, Generic[Record]):
    """The state of one response. A subclass splits bytes into records in `_records`, and decodes one in `_read`."""

    def __init__(self) -> None:
        self.saw_terminal = False
        self._failure: ProviderError | None = None
        self._events: list[Event] = []
        self._received_at = 0.0
        self._any_text = False
        self._any_reasoning = False
        self._reason: FinishReason | None = None
        self._raw_reason = ""
        self._refusal: list[str] = []
        self._category = ""
        self._model = ""
        self._request_id: str | None = None
        self._usage: TokenUsage | None = None

    @property
    def ended(self) -> bool:
        return self.saw_terminal or self._failure is not None

    def feed(self, data: bytes, received_at: float) -> list[Event]:
        self._received_at = received_at
        self._events = []
        try:
            records = self._records(data)
        except ProviderError as error:
            self._failure = self._failure or error
            return []
        for record in records:
            if self.saw_terminal:
                break
            try:
                self._read(record)
            except ProviderError as error:
                self._failure = self._failure or error
        if not data and not self.ended and self._is_complete_without_marker():
            self._notice(MARKER_MISSING)
        return self._events

    def finish(self, received_at: float) -> Finished:
        if self._failure is not None:
            raise self._failure
        if not (self.saw_terminal or self._is_complete_without_marker()):
            raise incomplete("the stream ended before its terminal marker")
        tool_calls = self._tool_calls()
        reason = self._outcome(tool_calls)
        return Finished(
            reason=reason,
            time=received_at,
            raw_reason=self._raw_reason,
            refusal="".join(self._refusal),
            category=self._category,
            model=self._model,
            request_id=self._request_id,
            tool_calls=tool_calls,
        )

    def decode_body(self, body: bytes, received_at: float) -> list[Event]:
        """The events of an answer in one body, whose end is its terminal marker."""
        self._received_at = received_at
        self._read_whole(body)
        if not self.saw_terminal:
            self._end()
        return [*self._events, self.finish(received_at)]

    def _is_complete_without_marker(self) -> bool:
        """Whether the records alone prove that the answer is complete. Called only at a clean end of the body."""
        return False

    @abstractmethod
    def _records(self, data: bytes) -> list[Record]: ...

    @abstractmethod
    def _read(self, record: Record) -> None: ...

    @abstractmethod
    def _read_whole(self, body: bytes) -> None: ...

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return ()

    def _outcome(self, tool_calls: tuple[ToolCall, ...]) -> FinishReason:
        """The finish reason, after the end was decoded. An empty response is an error (wire-contracts 10.5 item 11)."""
        if self._refusal or self._reason is FinishReason.REFUSAL:
            return FinishReason.REFUSAL
        if self._reason is FinishReason.ERROR:
            raise ProviderError(
                ErrorKind.TRANSIENT,
                f"the model stopped with {self._raw_reason!r}",
                hint="Run it again.",
                reason="model_error",
            )
        if self._reason in {None, FinishReason.STOP} and not (self._any_text or self._any_reasoning or tool_calls):
            raise ProviderError(
                ErrorKind.INCOMPLETE,
                "empty response: no text and no reasoning",
                hint="The prompt may not fit the window that the server has loaded. Shorten it, or enlarge the window.",
                reason="empty_response",
            )
        return self._reason or FinishReason.STOP

    def _text(self, text: str) -> None:
        if self._failure is None:
            self._any_text = True
            self._events.append(TextDelta(text, self._received_at))

    def _reasoning(self, text: str) -> None:
        if self._failure is None:
            self._any_reasoning = True
            self._events.append(ReasoningDelta(text, self._received_at))

    def _set_usage(self, usage: TokenUsage) -> None:
        self._usage = usage
        self._events.append(UsageUpdate(usage, self._received_at))

    def _notice(self, message: str) -> None:
        self._events.append(Notice(message, self._received_at))

    def _end(self) -> None:
        self.saw_terminal = True
        if self._reason is FinishReason.LENGTH and not self._any_text:
            self._notice(ONLY_REASONING)


def decode(decoder: msgspec.json.Decoder[T], record: bytes) -> T:
    """The struct of a record. Raises `ProviderError` (incomplete) for invalid JSON or a field of another type."""
    try:
        return decoder.decode(record)
    except failures.UNREADABLE as error:
        raise incomplete(f"the server sent an invalid record ({error})", reason="bad_frame") from None
