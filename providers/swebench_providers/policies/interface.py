"""What every policy is, inside and out: something that streams answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, runtime_checkable

from swebench_providers.provider import Provider
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import (
    Event,
    Finished,
    LimitsUpdate,
    Notice,
    ReasoningDelta,
    TextDelta,
    UsageUpdate,
)
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse
from swebench_providers.util.clock import SystemClock


class Streamer(Protocol):
    """A provider's own interface, as far as a policy wraps it."""

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """The answer as it arrives. Raises `ProviderError`, with what had arrived kept on it."""
        ...


class CallPath(Protocol):
    """What one call goes through, and what it remembers of its failures there."""

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """One request. Raises `ProviderError`, also before the first event is asked for."""
        ...

    def try_alternative(self, error: ProviderError, request: UnifiedRequest) -> bool:
        """Told of each failure: whether the same request may go out at once in another way, as with another key."""
        ...

    def retry_after(self, error: ProviderError, request: UnifiedRequest) -> float | None:
        """The seconds to keep to after a failure; None where no time was named."""
        ...

    def on_success(self, request: UnifiedRequest) -> None:
        """Told of the answer."""
        ...


@runtime_checkable
class CallPaths(Protocol):
    """A policy with a memory for each call."""

    def new_call(self) -> CallPath:
        """A new call begins."""
        ...


class SinglePath:
    """Where there is nothing to choose, and nothing to remember."""

    def __init__(self, inner: Streamer) -> None:
        self.stream_unified = inner.stream_unified

    def new_call(self) -> CallPath:
        return self

    def try_alternative(self, error: ProviderError, request: UnifiedRequest) -> bool:  # noqa: ARG002 - there is none
        return False

    def retry_after(self, error: ProviderError, request: UnifiedRequest) -> float | None:  # noqa: ARG002
        return error.retry_after

    def on_success(self, request: UnifiedRequest) -> None:
        """Nothing to learn."""


class DirectCall:
    """The innermost layer: one call is one request, streamed or, where the request says so, in one body."""

    def __init__(self, provider: Provider, *, now: Callable[[], float] | None = None) -> None:
        self._provider = provider
        self._now = now or SystemClock().now

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        return self._provider.stream_unified(request) if request.stream else self._in_one_body(request)

    async def _in_one_body(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        response = await self._provider.generate_unified(request)
        for event in _events(response, self._now()):
            yield event


def _events(response: UnifiedResponse, at: float) -> list[Event]:
    """A whole answer as the events that make it up."""
    events: list[Event] = [Notice(message, at) for message in response.notices]
    if response.limits:
        events.append(LimitsUpdate(response.limits, at))
    if response.reasoning:
        events.append(ReasoningDelta(response.reasoning, at))
    if response.content:
        events.append(TextDelta(response.content, at))
    if response.usage is not None:
        events.append(UsageUpdate(response.usage, at))
    events.append(
        Finished(
            reason=response.finish_reason,
            at=at,
            refusal=response.refusal,
            model=response.model,
            request_id=response.request_id,
            tool_calls=response.tool_calls,
            raw_body=response.raw_response,
        )
    )
    return events
