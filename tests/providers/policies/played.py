"""The inner side of a policy: it plays what the test wrote, one script for each attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from swebench_providers import ErrorKind, Event, Finished, FinishReason, ProviderError, TextDelta, UnifiedRequest
from swebench_providers.policies.interface import Streamer
from swebench_providers.types.events import Attempt
from swebench_providers.util.clock import Clock

ASKED = UnifiedRequest(model="m", prompt="Why?", max_tokens=100)

Script = Sequence[Event | ProviderError | asyncio.Event]


class Played:
    """Plays one script per request, the last one again and again; what is an event is yielded, an error raised.

    `announces` is off where the limiter around it says that a request goes out.
    """

    def __init__(self, clock: Clock, *scripts: Script, name: str = "acme", announces: bool = True) -> None:
        self._clock, self._scripts, self._name, self._announces = clock, list(scripts), name, announces
        self.requests: list[UnifiedRequest] = []
        self.began_at: list[float] = []
        self.open = 0
        self.waits = asyncio.Event()
        self.before_failing: Callable[[], None] = lambda: None

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.requests.append(request)
        self.began_at.append(self._clock.now())
        self.open += 1
        try:
            if self._announces:
                yield Attempt(provider=self._name, model=request.model, at=self._clock.now())
            for step in script:
                if isinstance(step, ProviderError):
                    self.before_failing()
                    raise failing_like(step)
                if isinstance(step, asyncio.Event):
                    self.waits.set()
                    await step.wait()
                else:
                    yield step
        finally:
            self.open -= 1


def failing_like(error: ProviderError) -> ProviderError:
    """The same error anew: policies write on those that pass through them."""
    return ProviderError(
        error.kind,
        str(error),
        hint=error.hint,
        reason=error.reason,
        retry_after=error.retry_after,
        status=error.status,
        parameter=error.parameter,
    )


def error(kind: ErrorKind, *, after: float | None = None, status: int | None = 500, reason: str = "") -> ProviderError:
    return ProviderError(kind, f"it was {kind.value}", hint="Wait.", retry_after=after, status=status, reason=reason)


def text(words: str = "words", at: float = 0.0) -> TextDelta:
    return TextDelta(words, at)


def done(at: float = 0.0, reason: FinishReason = FinishReason.STOP) -> Finished:
    return Finished(reason=reason, at=at)


async def collect(streams: Streamer, request: UnifiedRequest = ASKED) -> list[Event]:
    async with aclosing(streams.stream_unified(request)) as events:
        return [event async for event in events]


async def told(streams: Streamer, request: UnifiedRequest = ASKED) -> tuple[list[Event], ProviderError | None]:
    """All that came, and the error that ended it."""
    events: list[Event] = []
    try:
        async with aclosing(streams.stream_unified(request)) as arriving:
            while (event := await anext(arriving, None)) is not None:
                events.append(event)
    except ProviderError as error:
        return events, error
    return events, None
