"""Reports attempts to observers from just outside the retries: to statistics, the log, and the caller's own."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final, Protocol, runtime_checkable

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

_LOG: Final = logging.getLogger(__name__)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended: complete (`finished`), failed (`error`), or given up by the caller (neither).

    `ended` is monotonic seconds, as `attempt.at` is; `first_token` is seconds after the latter, None if nothing was
    streamed. `retry` is True after a failed attempt of the same call. `sent` is False if the request never went out,
    and so cost nothing. It holds no text of prompt or answer, but in `error`: the server's message may quote both, and
    the error keeps what had arrived.
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
        """The label of the key, empty if there is only one or none had been chosen yet."""
        return self.attempt.key

    @property
    def began(self) -> float:
        return self.attempt.time


class Observer(Protocol):
    """Called for every attempt, in the loop and the context of the task that makes it.

    The attempt passed to `began` is the `attempt` of exactly one `Outcome`, the same object. An exception of an
    observer is logged and changes nothing.
    """

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        """A request goes out."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """An attempt is over, however it ended."""
        ...


@runtime_checkable
class UnsentObserver(Protocol):
    """An observer of calls, too, that ended before their first attempt."""

    def unsent(self, outcome: Outcome) -> None:
        """A circuit breaker refused the call, or it was cancelled in a queue. Its `attempt` is when it was made."""
        ...


class ObserverPolicy:
    """Reports the attempts of calls to observers. `provider` is the one whose attempts they are."""

    def __init__(
        self, inner: Streamer, observers: Sequence[Observer], *, provider: str = "", clock: Clock | None = None
    ) -> None:
        self._inner = inner
        self._observers = observers
        self._provider = provider
        self._now = (clock or SystemClock()).now

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        watch = _Watch(self._observers, self._provider, request, self._now())
        streamed = request.stream
        try:
            events = self._inner.stream_unified(request)
            try:
                async for event in events:
                    if type(event) is TextDelta or type(event) is ReasoningDelta:
                        if watch.first is None and streamed:
                            watch.first = event.time
                        yield event
                        continue
                    if type(event) is Attempt:
                        watch.begin(event)
                    elif type(event) is UsageUpdate:
                        watch.usage = event.usage
                    elif type(event) is AttemptFailed:
                        watch.end(event.time, error=event.error)
                    elif type(event) is Finished:
                        watch.end(event.time, finished=event)
                    yield event
                    watch.sent = True  # the reader has had the chance to stop an attempt before its request went out
            finally:
                await events.aclose()
        except ProviderError as error:
            watch.end(self._now(), error=error)
            raise
        finally:
            watch.close(self._now)


class _Watch:
    """The attempt in progress. `made_at` is when the call was made, in case it has no attempt."""

    __slots__ = (
        "_attempt",
        "_failed_before",
        "_made_at",
        "_observers",
        "_provider",
        "_reported",
        "_request",
        "first",
        "sent",
        "usage",
    )

    def __init__(self, observers: Sequence[Observer], provider: str, request: UnifiedRequest, made_at: float) -> None:
        self._observers = observers
        self._provider = provider
        self._request = request
        self._made_at = made_at
        self._attempt: Attempt | None = None
        self._reported = False
        self._failed_before = False
        self.first: float | None = None
        self.usage: TokenUsage | None = None
        self.sent = False

    def begin(self, attempt: Attempt) -> None:
        self._attempt, self.first, self.usage, self.sent = attempt, None, None, False
        for observer in self._observers:
            try:
                observer.began(attempt, self._request)
            except Exception:  # noqa: BLE001 - the observer is the caller's, and no answer may be lost for it
                _log_fault(observer)

    def end(self, time: float, *, finished: Finished | None = None, error: ProviderError | None = None) -> None:
        attempt, self._attempt = self._attempt, None
        outcome = Outcome(
            attempt=attempt or Attempt(provider=self._provider, model=self._request.model, time=self._made_at),
            ended=time,
            first_token=None if self.first is None or attempt is None else self.first - attempt.time,
            retry=self._failed_before,
            sent=attempt is not None and (self.sent or error is not None),
            usage=(self.usage if attempt else None) if error is None or error.usage is None else error.usage,
            finished=finished,
            error=error,
        )
        self._failed_before = self._failed_before or error is not None
        self._reported = True
        for observer in self._observers:
            try:
                if attempt is not None:
                    observer.ended(outcome)
                elif isinstance(observer, UnsentObserver):
                    observer.unsent(outcome)
            except Exception:  # noqa: BLE001 - as above
                _log_fault(observer)

    def close(self, now: Callable[[], float]) -> None:
        """The call is over: report an attempt that was given up, or a call that never had one."""
        if self._attempt is not None or not self._reported:
            self.end(now())


def _log_fault(observer: Observer) -> None:
    _LOG.exception("an observer of requests failed: %s", type(observer).__qualname__)
