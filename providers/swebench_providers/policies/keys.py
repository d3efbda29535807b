"""Several keys of one provider: which one goes next, and which ones are set aside, and why.

The key with the most room goes next. One that the provider refuses is set aside and the others go on; the last one
never is, so that the provider's own words reach the user. A key without credit is tried again after a while. Where all
are set aside, as by several models, a call tries each once, and the one that answers, or is refused last, is back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

import msgspec

from swebench_providers.policies.interface import CallPath, Streamer
from swebench_providers.policies.limiter import Demand, TokenBucketLimiter
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.util.clock import Clock, SystemClock

_SET_ASIDE: Final = frozenset({ErrorKind.AUTH, ErrorKind.QUOTA_EXHAUSTED})
_UNTIL_NEW_CREDIT: Final = 900.0  # seconds
_A_DAY: Final = 86_400.0  # seconds; after so long a key is tried again, whatever its server said
_REMEMBERED: Final = 1_024  # keys set aside for a model; one that is forgotten is refused once more
_FOR_ONE_MODEL: Final = 403  # the key may be good for others


class DisabledKey(msgspec.Struct, frozen=True):
    """Why a key is not used, and until when, in monotonic seconds."""

    reason: str
    until: float


class KeyHealth:
    """Which keys of a provider are set aside, for all models or for one."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._now = (clock or SystemClock()).now
        self._disabled: dict[tuple[str, str], DisabledKey] = {}

    def disable(self, label: str, model: str, error: ProviderError) -> None:
        """Do not use the key, until its credit may have come back, or for good."""
        seconds = float("inf")
        if error.kind is ErrorKind.QUOTA_EXHAUSTED:
            seconds = min(error.retry_after or _UNTIL_NEW_CREDIT, _A_DAY)
        scope = model if error.status == _FOR_ONE_MODEL else ""
        self._disabled[label, scope] = DisabledKey(str(error), self._now() + seconds)
        if len(self._disabled) > _REMEMBERED:
            del self._disabled[next(iter(self._disabled))]

    @property
    def all_enabled(self) -> bool:
        """Whether no key is set aside."""
        return not self._disabled

    def disabled_reason(self, label: str, model: str = "") -> DisabledKey | None:
        """None while the key may be used for the model."""
        for scope in {"", model}:
            aside = self._disabled.get((label, scope))
            if aside is not None and aside.until > self._now():
                return aside
            if aside is not None:
                del self._disabled[label, scope]
        return None

    def disabled_keys(self) -> dict[str, DisabledKey]:
        """The keys that are not used, by label: for all models, or else for one of them."""
        found: dict[str, DisabledKey] = {}
        for label, scope in sorted(self._disabled):
            aside = self.disabled_reason(label, scope)
            if aside is not None:
                found.setdefault(label, aside)
        return found

    def enable(self, label: str, model: str | None = None) -> None:
        """Use it again, for all models or for one: the user has changed something, or it has answered."""
        for scope in list(self._disabled):
            if scope[0] == label and (model is None or scope[1] in {"", model}):
                del self._disabled[scope]


class KeyRoute(msgspec.Struct, frozen=True):
    """A way to the provider with one of its keys. `label` is the user's name for the key, never the key."""

    label: str
    streams: Streamer
    limiter: TokenBucketLimiter


class KeyChoice:
    """Sends each request with the healthy key that has the most room.

    A key whose limiter refuses, because of a pause too long to wait for, comes last.
    """

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
        self.routes = tuple(routes)
        self.demand = demand
        self.health = health or KeyHealth(clock=clock)

    def new_call(self) -> CallPath:
        """A call that has tried no key yet."""
        return _KeysOfACall(self)


class _KeysOfACall:
    """The keys as one call sees them."""

    def __init__(self, choice: KeyChoice) -> None:
        self._choice = choice
        self._health = choice.health
        self._route = choice.routes[0]
        self._refused: list[KeyRoute] = []  # set aside, each once
        self._all_aside = False
        self._throttled: KeyRoute | None = None

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        route = self._route = self._choose(request)
        return route.streams.stream_unified(request)

    def try_alternative(self, error: ProviderError, request: UnifiedRequest) -> bool:
        """Set the key aside where it was refused, unless it is the last one."""
        if error.kind not in _SET_ASIDE or self._route in self._refused:
            return False
        self._refused.append(self._route)
        others = self._open(request.model)
        if others:
            self._health.disable(self._route.label, request.model, error)
        else:
            self._health.enable(self._route.label, request.model)
        return bool(others)

    def retry_after(self, error: ProviderError, request: UnifiedRequest) -> float | None:
        """A pause is of one key alone, and its limiter keeps it: the earliest end of one is what matters."""
        if error.kind is not ErrorKind.RATE_LIMITED:
            return error.retry_after
        self._throttled = self._route
        if error.retry_after is None:
            return None
        others = [route for route in self._open(request.model) if route is not self._route]
        return min((error.retry_after, *(other.limiter.cooldown for other in others)))

    def on_success(self, request: UnifiedRequest) -> None:
        """A key that was tried although it had been set aside is good after all."""
        if self._all_aside:
            self._health.enable(self._route.label, request.model)

    def _choose(self, request: UnifiedRequest) -> KeyRoute:
        routes = self._choice.routes
        if len(routes) == 1:
            return routes[0]
        usable = self._open(request.model)
        if not usable:
            self._all_aside = True
            usable = self._open(request.model) or routes
        demand = self._choice.demand(request)
        return min(usable, key=lambda route: self._room(route, demand))

    def _room(self, route: KeyRoute, demand: Demand) -> tuple[bool, float, bool, float]:
        """How little room a key has."""
        limiter = route.limiter
        return limiter.refuses, limiter.expected_wait(demand), route is self._throttled, limiter.load

    def _open(self, model: str) -> Sequence[KeyRoute]:
        """The keys this call may still use: the healthy ones, or, where all were set aside before, any."""
        if self._health.all_enabled and not self._refused:
            return self._choice.routes
        untried = [route for route in self._choice.routes if route not in self._refused]
        return (
            untried if self._all_aside else [r for r in untried if self._health.disabled_reason(r.label, model) is None]
        )
