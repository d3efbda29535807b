"""A streamer for policies to wrap: it plays the scripts of the test, one for each request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from swebench_providers import ErrorKind, Event, Finished, FinishReason, ProviderError, TextDelta, UnifiedRequest
from swebench_providers.policies.always_fails import copy_error
from swebench_providers.policies.interface import Streamer
from swebench_providers.types.events import Attempt
from swebench_providers.util.clock import Clock

REQUEST = UnifiedRequest(model="m", prompt="Why?", max_tokens=100)

Script = Sequence[Event | ProviderError | asyncio.Event]


class FakeStreamer:
    """Plays one script per request, the last one repeatedly: yields events, raises errors, waits for `asyncio.Event`.

    `announces` is off where the limiter around it yields the `Attempt`.
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
                yield Attempt(provider=self._name, model=request.model, time=self._clock.now())
            for step in script:
                if isinstance(step, ProviderError):
                    self.before_failing()
                    raise copy_error(step)
                if isinstance(step, asyncio.Event):
                    self.waits.set()
                    await step.wait()
                else:
                    yield step
        finally:
            self.open -= 1


def error(kind: ErrorKind, *, after: float | None = None, status: int | None = 500, reason: str = "") -> ProviderError:
    return ProviderError(kind, f"it was {kind.value}", hint="Wait.", retry_after=after, status=status, reason=reason)


def text(content: str = "words", time: float = 0.0) -> TextDelta:
    return TextDelta(content, time)


def done(time: float = 0.0, reason: FinishReason = FinishReason.STOP) -> Finished:
    return Finished(reason=reason, time=time)


async def collect(streamer: Streamer, request: UnifiedRequest = REQUEST) -> list[Event]:
    async with aclosing(streamer.stream_unified(request)) as events:
        return [event async for event in events]


async def collect_with_error(
    streamer: Streamer, request: UnifiedRequest = REQUEST
) -> tuple[list[Event], ProviderError | None]:
    """The events, and the error that ended them."""
    collected: list[Event] = []
    try:
        async with aclosing(streamer.stream_unified(request)) as events:
            while (event := await anext(events, None)) is not None:
                collected.append(event)
    except ProviderError as error:
        return collected, error
    return collected, None
