"""Several keys of one provider: which one goes next, and which ones are set aside, and why.

The key with the most room goes next. One that the provider refuses is set aside and the others go on; the last one
never is, so that the provider's own words reach the user. A key without credit is tried again after a while.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from swebench_providers.clock import Clock, SystemClock
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.events import Event
from swebench_providers.models import UnifiedRequest
from swebench_providers.policies.rate_limit import Demand, TokenBucketLimiter
from swebench_providers.policies.retry import KEY_SET_ASIDE
from swebench_providers.policies.stack import Streams

_SET_ASIDE: Final = frozenset({ErrorKind.AUTH, ErrorKind.QUOTA_EXHAUSTED})
_UNTIL_NEW_CREDIT: Final = 900.0  # seconds
_FOR_ONE_MODEL: Final = 403  # the key may be good for others


class SetAside(msgspec.Struct, frozen=True):
    """Why a key is not used, and until when, in monotonic seconds."""

    reason: str
    until: float


class KeyHealth:
    """Which keys of a provider are set aside, for all models or for one."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._now = (clock or SystemClock()).now
        self._aside: dict[tuple[str, str], SetAside] = {}

    def set_aside(self, label: str, model: str, error: ProviderError) -> None:
        """Do not use the key, until its credit may have come back, or for good."""
        seconds = _UNTIL_NEW_CREDIT if error.kind is ErrorKind.QUOTA_EXHAUSTED else float("inf")
        scope = model if error.status == _FOR_ONE_MODEL else ""
        self._aside[label, scope] = SetAside(str(error), self._now() + seconds)

    @property
    def all_well(self) -> bool:
        """Whether no key has been set aside."""
        return not self._aside

    def why_aside(self, label: str, model: str = "") -> SetAside | None:
        """None while the key may be used for the model."""
        for scope in ("", model):
            aside = self._aside.get((label, scope))
            if aside is not None and aside.until > self._now():
                return aside
        return None

    def reinstate(self, label: str) -> None:
        """Use it again, for all models: the user has changed something."""
        self._aside = {scope: aside for scope, aside in self._aside.items() if scope[0] != label}


class KeyRoute(msgspec.Struct, frozen=True):
    """A way to the provider with one of its keys. `label` is the user's name for the key, never the key."""

    label: str
    streams: Streams
    limiter: TokenBucketLimiter


class KeyChoice:
    """Sends each request with the healthy key that has the most room."""

    def __init__(
        self,
        routes: Sequence[KeyRoute],
        *,
        demand: Callable[[UnifiedRequest], Demand],
        health: KeyHealth | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not routes:
            raise ValueError("there is no key to choose from")
        self._routes = list(routes)
        self._demand = demand
        self._health = health or KeyHealth(clock=clock)

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        route = self._choose(request)
        try:
            async with aclosing(route.streams.stream_unified(request)) as events:
                async for event in events:
                    yield event
        except ProviderError as error:
            others = [other for other in self._healthy(request.model) if other is not route]
            if not others:
                raise
            if error.kind in _SET_ASIDE:
                self._health.set_aside(route.label, request.model, error)
                error.reason, error.retryable = KEY_SET_ASIDE, True
            elif error.kind is ErrorKind.RATE_LIMITED:
                # The pause is this key's alone, and its limiter keeps it: the repeat may go out with another one.
                error.retry_after = min(other.limiter.headroom().paused_for for other in others)
            raise

    def _choose(self, request: UnifiedRequest) -> KeyRoute:
        if len(self._routes) == 1:
            return self._routes[0]
        demand = self._demand(request)
        return min(self._healthy(request.model), key=lambda route: _busy(route.limiter, demand))

    def _healthy(self, model: str) -> list[KeyRoute]:
        if self._health.all_well:
            return self._routes
        healthy = [route for route in self._routes if self._health.why_aside(route.label, model) is None]
        return healthy or self._routes


def _busy(limiter: TokenBucketLimiter, demand: Demand) -> tuple[float, float]:
    """How little room there is: the wait, and the share of its places in use."""
    return limiter.expected_wait(demand), limiter.load
