"""Another model where the first one fails: which one depends on why.

A prompt that is too long goes to the models with larger windows, one that was filtered to those meant for that, and
everything else to the others in order. An answer that broke off is never continued by another model: the next one
starts from nothing, and the user is told. Where a circuit breaker stands in the way of all that is left, its time is
waited for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from swebench_providers.clock import Clock, SystemClock
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    Notice,
    ReasoningDelta,
    TextDelta,
    Waiting,
)
from swebench_providers.models import FinishReason, UnifiedRequest
from swebench_providers.policies.retry import CIRCUIT_OPEN
from swebench_providers.policies.stack import Streams

_FINAL: Final = frozenset({ErrorKind.CANCELLED})
_FILTERED: Final = frozenset({FinishReason.CONTENT_FILTER, FinishReason.REFUSAL})


class Route(msgspec.Struct, frozen=True):
    """A model of a provider, with its own policies around it."""

    provider: str
    model: str
    streams: Streams

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"


Order = Callable[[UnifiedRequest, Sequence[Route]], Sequence[Route]]
"""In which order the routes are tried."""


class Chains(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked, in this order, and who instead after a prompt that is too long, or one that was filtered.

    Without a chain of its own such a failure is final: another model of the same size or strictness would cost the same
    and answer the same. `filtered` holds for refusals in an answer too.
    """

    usual: tuple[Route, ...]
    too_long: tuple[Route, ...] = ()
    filtered: tuple[Route, ...] = ()

    def after(self, kind: ErrorKind) -> tuple[Route, ...]:
        if kind is ErrorKind.CONTEXT_OVERFLOW:
            return self.too_long
        return self.filtered if kind is ErrorKind.CONTENT_FILTER else self.usual


class Fallback:
    """Tries routes until one answers. `patience` is how long, in seconds, it waits for circuits to close again."""

    def __init__(
        self,
        chains: Chains,
        *,
        order: Order | None = None,
        restart: bool = False,
        patience: float = 600.0,
        clock: Clock | None = None,
    ) -> None:
        self._chains = chains
        self._order = order or (lambda _, routes: routes)
        self._restart = restart
        self._patience = patience
        self._clock = clock or SystemClock()

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        usual = self._order(request, self._chains.usual)
        give_up_at = self._clock.now() + self._patience
        call = _Call(usual[0])
        while True:
            tried = call.route
            call.begin()
            asked = msgspec.structs.replace(request, model=tried.model or request.model)
            try:
                async with aclosing(tried.streams.stream_unified(asked)) as events:
                    async for event in events:
                        match event:
                            case TextDelta() | ReasoningDelta():
                                call.shown = True
                            case Attempt():
                                call.model, call.key = event.model, event.key
                            case Finished() if event.reason in _FILTERED and self._chains.filtered:
                                raise _filtered(event)
                        yield event
            except ProviderError as error:
                failure = error
                following = self._next(call, error, usual)
                wait = 0.0 if following else self._until_a_circuit_closes(call, give_up_at)
                if following is None and wait is None:
                    raise
            else:
                return
            at = self._clock.now()
            yield AttemptFailed(
                provider=tried.provider, model=call.model or tried.model, key=call.key, error=failure, at=at
            )
            if following is None:
                message = f"{failure}; no other model is left, so it is waited for"
                yield Waiting(reason="circuit open", message=message, seconds=wait, at=at)
                await self._clock.sleep(wait or 0.0)
                call = _Call(self._order(request, self._chains.usual)[0])
            else:
                yield Notice(f"{following} answers instead of {tried}: {failure}", at)
                call.route = following

    def _next(self, call: _Call, error: ProviderError, usual: Sequence[Route]) -> Route | None:
        call.failed(error)
        if error.kind in _FINAL or (call.shown and not self._restart):
            return None
        chain = self._chains.after(error.kind)
        candidates = usual if chain is self._chains.usual else chain
        return next((route for route in candidates if route not in call.tried), None)

    def _until_a_circuit_closes(self, call: _Call, give_up_at: float) -> float | None:
        """Seconds to wait before all is tried again; None where that is no use, or takes too long."""
        earliest = min(
            (error.retry_after or 0.0 for error in call.errors if error.reason == CIRCUIT_OPEN), default=None
        )
        if earliest is None or (call.shown and not self._restart):
            return None
        return earliest if self._clock.now() + earliest <= give_up_at else None


class _Call:
    """What one call has been through."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.tried: list[Route] = []
        self.errors: list[ProviderError] = []
        self.shown = False
        self.model = self.key = ""

    def begin(self) -> None:
        self.tried.append(self.route)
        self.shown = False
        self.model = self.key = ""

    def failed(self, error: ProviderError) -> None:
        self.errors.append(error)


def _filtered(event: Finished) -> ProviderError:
    what = event.category or event.raw_reason or event.reason.value
    return ProviderError(
        ErrorKind.CONTENT_FILTER,
        f"the model would not answer: {event.refusal or what}",
        hint="Rephrase the prompt or choose another model.",
    )
