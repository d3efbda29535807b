"""Sends a request only if its circuit breaker admits it, and reports the outcome to the breaker."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from swebench_providers.policies.breaker import Admission, CircuitBreaker
from swebench_providers.policies.interface import Streamer
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Attempt, Event, Finished, ReasoningDelta, TextDelta
from swebench_providers.types.messages import UnifiedRequest


class CircuitBreakerPolicy:
    """Checks the breaker twice: at once, so that an open one takes no place in the limiter's queue, and again
    when the request is about to go out, since it may have opened in the meantime.
    """

    def __init__(self, inner: Streamer, breaker: CircuitBreaker) -> None:
        self._inner = inner
        self._breaker = breaker

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        self._breaker.check()
        call = _Call(self._breaker, streamed=request.stream)
        try:
            events = self._inner.stream_unified(request)
            try:
                async for event in events:
                    if type(event) is TextDelta or type(event) is ReasoningDelta:
                        if call.first is None:
                            call.responded(event.time)
                    elif type(event) is Attempt:
                        call.admit(event)
                    elif type(event) is Finished:
                        call.finished()
                    yield event
            finally:
                await events.aclose()
        except ProviderError as error:
            call.failed(error)
            raise
        finally:
            call.ended()


class _Call:
    """A request, once it is admitted; `first` is when the first piece of its answer arrived, in monotonic seconds."""

    __slots__ = ("_admission", "_began", "_breaker", "_streamed", "first")

    def __init__(self, breaker: CircuitBreaker, *, streamed: bool) -> None:
        self._breaker = breaker
        self._streamed = streamed
        self._admission: Admission | None = None
        self._began = 0.0
        self.first: float | None = None

    def admit(self, attempt: Attempt) -> None:
        """Raises `ProviderError` if the breaker has opened."""
        if self._admission is None:
            self._admission, self._began = self._breaker.admit(streamed=self._streamed), attempt.time

    def responded(self, time: float) -> None:
        self.first = time
        if self._admission is not None:
            self._admission.responded()

    def finished(self) -> None:
        if self._admission is not None:
            first = self.first if self._streamed else None
            self._admission.succeeded(None if first is None else first - self._began)

    def failed(self, error: ProviderError) -> None:
        if self._admission is not None:
            self._admission.failed(error)

    def ended(self) -> None:
        if self._admission is not None:
            self._admission.abandoned()
