"""Another model when one fails; which one depends on the error.

After a prompt that exceeds the context window the models with larger windows are tried, after a filtered one those
meant for that, and after anything else the next one. A prompt keeps what it has been shown to be: once it was too long,
or filtered, the primary models are out, whatever fails after that. An answer that broke off is never continued by
another model: the next one starts from the beginning, and a notice says so. If all remaining routes are behind open
circuit breakers, the call waits for the first of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

import msgspec

from swebench_providers.policies.breaker import CIRCUIT_OPEN
from swebench_providers.policies.interface import Streamer, sentence
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    Notice,
    ReasoningDelta,
    TextDelta,
    Waiting,
)
from swebench_providers.types.messages import FinishReason, UnifiedRequest
from swebench_providers.util.clock import Clock, SystemClock

_FINAL: Final = frozenset({ErrorKind.CANCELLED})
_FILTERED: Final = frozenset({FinishReason.CONTENT_FILTER, FinishReason.REFUSAL})
_SHORTEST_WAIT: Final = 0.05  # seconds; an open breaker is never tried again at once


class Route(msgspec.Struct, frozen=True):
    """A model of a provider, with the policies around it."""

    provider: str
    model: str
    streamer: Streamer

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"


Order = Callable[[UnifiedRequest, Sequence[Route]], Sequence[Route]]
"""The order in which routes are tried for a request."""


class Chains(msgspec.Struct, frozen=True, kw_only=True):
    """The routes to try, in order, and those to try instead after a prompt that is too long, or one that is filtered.

    Without such a chain the failure is final: another model of the same size or strictness would cost the same and give
    the same result. `filtered` applies to refusals in an answer too.
    """

    primary: tuple[Route, ...]
    too_long: tuple[Route, ...] = ()
    filtered: tuple[Route, ...] = ()

    def after(self, kind: ErrorKind, current: Sequence[Route]) -> Sequence[Route]:
        """The chain to go on with after a failure in `current`: the same, unless the failure is about the prompt."""
        if kind is ErrorKind.CONTEXT_OVERFLOW:
            return self.too_long
        return self.filtered if kind is ErrorKind.CONTENT_FILTER else current


class Fallback:
    """Tries routes until one answers.

    It waits up to `max_breaker_wait` seconds for open circuit breakers. After `requests` requests of a call it waits no
    more, so that a breaker which closes only to open again does not keep a call for ever.
    """

    def __init__(
        self,
        chains: Chains,
        *,
        order: Order | None = None,
        restart: bool = False,
        max_breaker_wait: float = 600.0,
        requests: int = 40,
        clock: Clock | None = None,
    ) -> None:
        self._chains = chains
        self._order = order
        self._restart = restart
        self._max_breaker_wait = max_breaker_wait
        self._requests = requests
        self._clock = clock or SystemClock()

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        primary: Sequence[Route] = self._chains.primary
        if self._order is not None:
            primary = self._order(request, primary)
        call = _Call(primary, self._clock.now() + self._max_breaker_wait)
        while True:
            route = call.begin()
            routed = _for_model(request, route.model)
            try:
                events = route.streamer.stream_unified(routed)
                try:
                    async for event in events:
                        if type(event) is TextDelta or type(event) is ReasoningDelta:
                            call.shown = True
                        else:
                            self._inspect(event, call)
                        yield event
                finally:
                    await events.aclose()
            except ProviderError as error:
                failure = error
                following = self._next(call, error)
                if following is None:
                    raise
            else:
                return
            yield self._failed(call, failure)
            yield following.event(self._clock.now())
            if following.wait > 0:
                await self._clock.sleep(following.wait)
            call.route = following.route

    def _inspect(self, event: Event, call: _Call) -> None:
        """Raises `ProviderError` (content_filter) for a refusal if another route can answer instead."""
        if type(event) is Attempt:
            call.attempted(event)
        elif type(event) is Finished and event.reason in _FILTERED and self._has_alternative(call):
            raise _filtered(event)

    def _has_alternative(self, call: _Call) -> bool:
        """Whether another route can answer instead of a model that refuses; else its refusal is the answer."""
        if call.shown and not self._restart:
            return False
        return any(route != call.route and call.may_use(route) for route in self._chains.filtered)

    def _next(self, call: _Call, error: ProviderError) -> _Next | None:
        """The route to use after `error`; None: fail with it."""
        now = self._clock.now()
        call.failed(error, now)
        if error.kind in _FINAL or (call.shown and not self._restart):
            return None
        call.chain = self._chains.after(error.kind, call.chain)
        following = next((route for route in call.chain if call.may_use(route)), None)
        if following is not None:
            restarted = " The partial answer is discarded." if call.shown else ""
            return _Next(following, f"{call.route} failed: {sentence(error)} Trying {following}.{restarted}")
        return self._after_breaker(call, error, now)

    def _after_breaker(self, call: _Call, error: ProviderError, now: float) -> _Next | None:
        """Wait for the first breaker to admit a request; None if that is of no use, or takes too long."""
        blocked = [(opens_at, route) for route, opens_at in call.blocked if route in call.chain]
        if not blocked or call.requests >= self._requests:
            return None
        opens_at, route = min(blocked, key=lambda pair: pair[0])
        wait = max(opens_at - now, _SHORTEST_WAIT)
        if now + wait > call.give_up_at:
            return None
        call.blocked.clear()
        return _Next(route, f"{sentence(error)} Waiting: no other model is left.", wait)

    def _failed(self, call: _Call, error: ProviderError) -> AttemptFailed:
        route, model, key = call.route, call.model or call.route.model, call.key
        return AttemptFailed(provider=route.provider, model=model, key=key, error=error, time=self._clock.now())


class _Next(msgspec.Struct, frozen=True):
    """The next route, the message for the user, and the seconds to wait before."""

    route: Route
    message: str
    wait: float = 0.0

    def event(self, time: float) -> Event:
        if self.wait > 0:
            return Waiting(reason="circuit open", message=self.message, seconds=self.wait, time=time)
        return Notice(self.message, time)


class _Call:
    """The state of one call. A route that failed is not used again; one that a breaker blocked may be."""

    __slots__ = ("_failed", "blocked", "chain", "give_up_at", "key", "model", "requests", "route", "shown")

    def __init__(self, primary: Sequence[Route], give_up_at: float) -> None:
        self.chain = primary
        self.route = primary[0]
        self.give_up_at = give_up_at
        self.requests = 0
        self.blocked: list[tuple[Route, float]] = []  # and when their breakers admit a request, in monotonic seconds
        self._failed: list[Route] = []
        self.shown = False
        self.model = self.key = ""

    def begin(self) -> Route:
        self.shown = False
        self.model = self.key = ""
        return self.route

    def attempted(self, attempt: Attempt) -> None:
        self.requests += 1
        self.model, self.key = attempt.model, attempt.key

    def failed(self, error: ProviderError, now: float) -> None:
        if error.reason == CIRCUIT_OPEN:
            self.blocked.append((self.route, now + (error.retry_after or 0.0)))
        else:
            self._failed.append(self.route)

    def may_use(self, route: Route) -> bool:
        return route not in self._failed and all(route != other for other, _ in self.blocked)


def _for_model(request: UnifiedRequest, model: str) -> UnifiedRequest:
    """The request with the model of the route, which has none where its provider could not name one."""
    return request if not model or model == request.model else msgspec.structs.replace(request, model=model)


def _filtered(event: Finished) -> ProviderError:
    what = event.refusal or event.category or event.raw_reason or event.reason.value
    return ProviderError(
        ErrorKind.CONTENT_FILTER,
        f"the model refused to answer: {what}",
        hint="Rephrase the prompt or use another model.",
    )
