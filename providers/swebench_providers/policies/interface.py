"""The interfaces of policies: a policy streams an answer and wraps something that streams one.

A policy closes what it wraps with `try` and `finally`, as `aclosing` takes half as long again as the rest of a layer
does for a short answer. It compares types of events by identity: `isinstance` takes three times as long with a class
made by msgspec, whose metaclass it asks.
"""

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
    """The part of a provider's interface that policies wrap, and have themselves."""

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """The answer as it arrives. Raises `ProviderError`, with what had arrived kept on it."""
        ...


class CallPath(Protocol):
    """The path that the requests of one call take, with what the call has learned from its failures there."""

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """One request. Raises `ProviderError`, also before the first event is requested."""
        ...

    def try_alternative(self, error: ProviderError, request: UnifiedRequest) -> bool:
        """Record a failure. Whether the request may be repeated at once on another path, as with another key."""
        ...

    def retry_after(self, error: ProviderError, request: UnifiedRequest) -> float | None:
        """Seconds to wait after a failure; None if no time was named."""
        ...

    def on_success(self, request: UnifiedRequest) -> None:
        """Record a complete answer."""
        ...


@runtime_checkable
class CallPaths(Protocol):
    """A policy that keeps state for each call."""

    def new_call(self) -> CallPath:
        """The path of a new call."""
        ...


class SinglePath:
    """The path without a choice and without state."""

    def __init__(self, inner: Streamer) -> None:
        self.stream_unified = inner.stream_unified

    def new_call(self) -> CallPath:
        return self

    def try_alternative(self, error: ProviderError, request: UnifiedRequest) -> bool:  # noqa: ARG002 - there is none
        return False

    def retry_after(self, error: ProviderError, request: UnifiedRequest) -> float | None:  # noqa: ARG002
        return error.retry_after

    def on_success(self, request: UnifiedRequest) -> None:
        """Nothing to record."""


class DirectCall:
    """The innermost layer: one request to the provider, streamed or, if the request says so, in one body."""

    def __init__(self, provider: Provider, *, now: Callable[[], float] | None = None) -> None:
        self._provider = provider
        self._now = now or SystemClock().now

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        return self._provider.stream_unified(request) if request.stream else self._generate(request)

    async def _generate(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        response = await self._provider.generate_unified(request)
        for event in _events(response, self._now()):
            yield event


def sentence(error: ProviderError) -> str:
    """The message of an error with one full stop at its end."""
    return f"{str(error).rstrip('.')}."


def _events(response: UnifiedResponse, time: float) -> list[Event]:
    """A complete response as events."""
    events: list[Event] = [Notice(message, time) for message in response.notices]
    if response.limits:
        events.append(LimitsUpdate(response.limits, time))
    if response.reasoning:
        events.append(ReasoningDelta(response.reasoning, time))
    if response.content:
        events.append(TextDelta(response.content, time))
    if response.usage is not None:
        events.append(UsageUpdate(response.usage, time))
    events.append(
        Finished(
            reason=response.finish_reason,
            time=time,
            refusal=response.refusal,
            model=response.model,
            request_id=response.request_id,
            tool_calls=response.tool_calls,
            raw_body=response.raw_response,
        )
    )
    return events
