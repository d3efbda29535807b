"""Watches attempts from just outside the retries: statistics, the log, and whoever else listens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

import msgspec

from swebench_providers.clock import Clock, SystemClock
from swebench_providers.errors import ProviderError
from swebench_providers.events import Attempt, AttemptFailed, Event, Finished, ReasoningDelta, TextDelta, UsageUpdate
from swebench_providers.models import TokenUsage, UnifiedRequest
from swebench_providers.policies.stack import Streams


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended: answered (`finished`), failed (`error`), or given up by the caller (neither).

    `began` and `ended` are monotonic seconds; `first_token` is seconds after `began`, None where nothing was streamed;
    `retry` says that one had failed before it. There is no text in it.
    """

    provider: str
    model: str
    key: str
    began: float
    ended: float
    first_token: float | None
    retry: bool
    usage: TokenUsage | None
    finished: Finished | None
    error: ProviderError | None


class Observer(Protocol):
    """Hears of every attempt, in the loop that makes it."""

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        """A request goes out."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """It is over, however it ended."""
        ...


class Observed:
    """Tells observers of the attempts that a call makes."""

    def __init__(self, inner: Streams, observers: Sequence[Observer], *, clock: Clock | None = None) -> None:
        self._inner = inner
        self._observers = observers
        self._now = (clock or SystemClock()).now

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        watch = _Watch(self._observers)
        try:
            async with aclosing(self._inner.stream_unified(request)) as events:
                async for event in events:
                    match event:
                        case TextDelta() | ReasoningDelta():
                            if watch.first is None and request.stream:
                                watch.first = event.at
                        case Attempt():
                            watch.begin(event, request)
                        case UsageUpdate():
                            watch.usage = event.usage
                        case AttemptFailed():
                            watch.end(event.at, error=event.error)
                        case Finished():
                            watch.end(event.at, finished=event)
                    yield event
        except ProviderError as error:
            watch.end(self._now(), error=error)
            raise
        finally:
            watch.end(self._now())


class _Watch:
    """The attempt that is under way."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers
        self._attempt: Attempt | None = None
        self._failed_before = False
        self.first: float | None = None
        self.usage: TokenUsage | None = None

    def begin(self, attempt: Attempt, request: UnifiedRequest) -> None:
        self._attempt, self.first, self.usage = attempt, None, None
        for observer in self._observers:
            observer.began(attempt, request)

    def end(self, at: float, *, finished: Finished | None = None, error: ProviderError | None = None) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            return
        outcome = Outcome(
            provider=attempt.provider,
            model=attempt.model,
            key=attempt.key,
            began=attempt.at,
            ended=at,
            first_token=None if self.first is None else self.first - attempt.at,
            retry=self._failed_before,
            usage=self.usage if error is None or error.usage is None else error.usage,
            finished=finished,
            error=error,
        )
        self._failed_before = self._failed_before or error is not None
        for observer in self._observers:
            observer.ended(outcome)
