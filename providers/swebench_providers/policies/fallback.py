"""Another model where the first one fails: which one depends on why.

A prompt that is too long goes to the models with larger windows, one that was filtered to those meant for that, and
everything else to the others in order. What a prompt has proved to be it stays: once it was too long, or filtered, the
usual models are out, whatever fails after that. An answer that broke off is never continued by another model: the next
one starts from nothing, and the user is told. Where a circuit breaker stands in the way of all that is left, its time
is waited for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from swebench_providers.policies.interface import Streamer
from swebench_providers.policies.retry import CIRCUIT_OPEN
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
_SHORTEST_WAIT: Final = 0.05  # seconds; an open circuit is never asked again at once


class Route(msgspec.Struct, frozen=True):
    """A model of a provider, with its own policies around it."""

    provider: str
    model: str
    streamer: Streamer

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"


Order = Callable[[UnifiedRequest, Sequence[Route]], Sequence[Route]]
"""In which order the routes are tried."""


class Chains(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked, in this order, and who instead after a prompt that is too long, or one that was filtered.

    Without a chain of its own such a failure is final: another model of the same size or strictness would cost the same
    and answer the same. `filtered` holds for refusals in an answer too.
    """

    primary: tuple[Route, ...]
    too_long: tuple[Route, ...] = ()
    filtered: tuple[Route, ...] = ()

    def after(self, kind: ErrorKind, current: Sequence[Route]) -> Sequence[Route]:
        """Where to look after a failure of one of `current`: there too, unless it says something of the prompt."""
        if kind is ErrorKind.CONTEXT_OVERFLOW:
            return self.too_long
        return self.filtered if kind is ErrorKind.CONTENT_FILTER else current


class Fallback:
    """Tries routes until one answers.

    `max_breaker_wait` is how long, in seconds, it waits for circuits to close again. Once `requests` of a call have
    gone out it waits no more, so that a circuit which closes only to open again is not asked without end.
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
        self._order = order or (lambda _, routes: routes)
        self._restart = restart
        self._max_breaker_wait = max_breaker_wait
        self._requests = requests
        self._clock = clock or SystemClock()

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        call = _Call(self._order(request, self._chains.primary), self._clock.now() + self._max_breaker_wait)
        while True:
            tried = call.begin()
            asked = msgspec.structs.replace(request, model=tried.model or request.model)
            try:
                async with aclosing(tried.streamer.stream_unified(asked)) as events:
                    async for event in events:
                        match event:
                            case TextDelta() | ReasoningDelta():
                                call.shown = True
                            case Attempt():
                                call.attempted(event)
                            case Finished() if event.reason in _FILTERED and self._answers_instead(call):
                                raise _filtered(event)
                        yield event
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

    def _answers_instead(self, call: _Call) -> bool:
        """Whether someone can be asked instead of a model that refuses; else its refusal is the answer."""
        if call.shown and not self._restart:
            return False
        return any(route != call.route and call.may_ask(route) for route in self._chains.filtered)

    def _next(self, call: _Call, error: ProviderError) -> _Next | None:
        """Who is asked after `error`; None: nobody."""
        now = self._clock.now()
        call.failed(error, now)
        if error.kind in _FINAL or (call.shown and not self._restart):
            return None
        call.chain = self._chains.after(error.kind, call.chain)
        following = next((route for route in call.chain if call.may_ask(route)), None)
        if following is not None:
            again = ". The answer broke off and starts again" if call.shown else ""
            return _Next(following, f"{following} answers instead of {call.route}: {error}{again}")
        return self._once_a_circuit_closes(call, error, now)

    def _once_a_circuit_closes(self, call: _Call, error: ProviderError, now: float) -> _Next | None:
        """Wait for the first one to close; None where that is no use, or takes too long."""
        shut = [(opens_at, route) for route, opens_at in call.shut if route in call.chain]
        if not shut or call.requests >= self._requests:
            return None
        opens_at, route = min(shut, key=lambda one: one[0])
        wait = max(opens_at - now, _SHORTEST_WAIT)
        if now + wait > call.give_up_at:
            return None
        call.shut.clear()
        return _Next(route, f"{error}; no other model is left, so it is waited for", wait)

    def _failed(self, call: _Call, error: ProviderError) -> AttemptFailed:
        route, model, key = call.route, call.model or call.route.model, call.key
        return AttemptFailed(provider=route.provider, model=model, key=key, error=error, at=self._clock.now())


class _Next(msgspec.Struct, frozen=True):
    """Who is asked next, after how many seconds, and what the user is told."""

    route: Route
    told: str
    wait: float = 0.0

    def event(self, at: float) -> Event:
        if self.wait > 0:
            return Waiting(reason="circuit open", message=self.told, seconds=self.wait, at=at)
        return Notice(self.told, at)


class _Call:
    """What one call has been through. A route that failed is not asked again; one behind an open circuit was not."""

    def __init__(self, usual: Sequence[Route], give_up_at: float) -> None:
        self.chain = usual
        self.route = usual[0]
        self.give_up_at = give_up_at
        self.requests = 0
        self.shut: list[tuple[Route, float]] = []  # and when, in monotonic seconds, their circuits let one through
        self._tried: list[Route] = []
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
            self.shut.append((self.route, now + (error.retry_after or 0.0)))
        else:
            self._tried.append(self.route)

    def may_ask(self, route: Route) -> bool:
        return route not in self._tried and all(route != other for other, _ in self.shut)


def _filtered(event: Finished) -> ProviderError:
    what = event.category or event.raw_reason or event.reason.value
    return ProviderError(
        ErrorKind.CONTENT_FILTER,
        f"the model would not answer: {event.refusal or what}",
        hint="Rephrase the prompt or choose another model.",
    )
