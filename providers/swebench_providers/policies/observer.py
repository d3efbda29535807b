"""Watches attempts from just outside the retries: statistics, the log, and whoever else listens."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol, runtime_checkable

import msgspec

from swebench_providers.policies.interface import Streamer
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    ReasoningDelta,
    TextDelta,
    UsageUpdate,
)
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.usage import TokenUsage
from swebench_providers.util.clock import Clock, SystemClock

_log = logging.getLogger(__name__)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended: answered (`finished`), failed (`error`), or given up by the caller (neither).

    `ended` is monotonic seconds, as `attempt.at` is; `first_token` is seconds after the latter, None where nothing was
    streamed. `retry` says that one had failed before it. `sent` is False where the request never went out, and so cost
    nothing. There is no text of prompt or answer in it, but in `error`: its words are the server's, which may quote
    both, and what had arrived.
    """

    attempt: Attempt
    ended: float
    first_token: float | None
    retry: bool
    sent: bool
    usage: TokenUsage | None
    finished: Finished | None
    error: ProviderError | None

    @property
    def provider(self) -> str:
        return self.attempt.provider

    @property
    def model(self) -> str:
        return self.attempt.model

    @property
    def key(self) -> str:
        """The label of the key, empty where there is one only or none had been chosen yet."""
        return self.attempt.key

    @property
    def began(self) -> float:
        return self.attempt.at


class Observer(Protocol):
    """Hears of every attempt, in the loop and the context of the task that makes it.

    What `began` was told of is the `attempt` of exactly one `Outcome`, the very object. What an observer raises is
    logged and changes nothing.
    """

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        """A request goes out."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """It is over, however it ended."""
        ...


@runtime_checkable
class ObserverOfUnsent(Protocol):
    """An observer that also wants to hear of calls that ended before there was an attempt."""

    def unsent(self, outcome: Outcome) -> None:
        """A circuit breaker refused it, or it was cancelled in a line. Its `attempt` is when it was asked for."""
        ...


class ObserverPolicy:
    """Tells observers of the attempts that a call makes. `provider` is who would be asked."""

    def __init__(
        self, inner: Streamer, observers: Sequence[Observer], *, provider: str = "", clock: Clock | None = None
    ) -> None:
        self._inner = inner
        self._observers = observers
        self._provider = provider
        self._now = (clock or SystemClock()).now

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        watch = _Watch(self._observers, Attempt(provider=self._provider, model=request.model, at=self._now()))
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
                    watch.sent = True  # whoever listens had a chance to stop an attempt before its request went out
        except ProviderError as error:
            watch.end(self._now(), error=error)
            raise
        finally:
            watch.close(self._now())


class _Watch:
    """The attempt that is under way. `asked` stands for the call as long as there is none."""

    def __init__(self, observers: Sequence[Observer], asked: Attempt) -> None:
        self._observers = observers
        self._asked = asked
        self._attempt: Attempt | None = None
        self._told = False
        self._failed_before = False
        self.first: float | None = None
        self.usage: TokenUsage | None = None
        self.sent = False

    def begin(self, attempt: Attempt, request: UnifiedRequest) -> None:
        self._attempt, self.first, self.usage, self.sent = attempt, None, None, False
        for observer in self._observers:
            try:
                observer.began(attempt, request)
            except Exception:  # noqa: BLE001 - whoever listens is not ours, and no answer may be lost for it
                _log_fault(observer)

    def end(self, at: float, *, finished: Finished | None = None, error: ProviderError | None = None) -> None:
        attempt, self._attempt = self._attempt, None
        outcome = Outcome(
            attempt=attempt or self._asked,
            ended=at,
            first_token=None if self.first is None or attempt is None else self.first - attempt.at,
            retry=self._failed_before,
            sent=attempt is not None and (self.sent or error is not None),
            usage=(self.usage if attempt else None) if error is None or error.usage is None else error.usage,
            finished=finished,
            error=error,
        )
        self._failed_before = self._failed_before or error is not None
        self._told = True
        for observer in self._observers:
            try:
                if attempt is not None:
                    observer.ended(outcome)
                elif isinstance(observer, ObserverOfUnsent):
                    observer.unsent(outcome)
            except Exception:  # noqa: BLE001 - as above
                _log_fault(observer)

    def close(self, at: float) -> None:
        """The call is over. What is under way was given up, and so was a call that got no further than a line."""
        if self._attempt is not None or not self._told:
            self.end(at)


def _log_fault(observer: Observer) -> None:
    _log.exception("an observer of requests failed: %s", type(observer).__qualname__)
