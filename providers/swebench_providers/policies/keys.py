"""Several keys of one provider: which key sends the next request, and which keys are disabled and why.

The key with the most capacity is used. A key that the provider refuses is disabled and the others go on; the last one
never is, so that the provider's own error reaches the user. A key without credit is tried again after a while. If all
keys are disabled, as by several models, a call tries each once; the one that works, or is refused last, is enabled.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

import msgspec

from swebench_providers.policies.interface import CallPath, Streamer
from swebench_providers.policies.limiter import TokenBucketLimiter
from swebench_providers.policies.rate_limits import Demand
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.util.clock import Clock, SystemClock

_DISABLING: Final = frozenset({ErrorKind.AUTH, ErrorKind.QUOTA_EXHAUSTED})
_UNTIL_NEW_CREDIT: Final = 900.0  # seconds
_A_DAY: Final = 86_400.0  # seconds; after so long a key is tried again, whatever its server has announced
_MAX_REMEMBERED: Final = 1_024  # pairs of key and model; one that is forgotten is refused once more
_FOR_ONE_MODEL: Final = 403  # HTTP status: the key may be valid for other models


class DisabledKey(msgspec.Struct, frozen=True):
    """Why a key is disabled, and until when, in monotonic seconds."""

    reason: str
    until: float


class KeyHealth:
    """The disabled keys of a provider, each for all models or for one."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._now = (clock or SystemClock()).now
        self._disabled: dict[tuple[str, str], DisabledKey] = {}

    def disable(self, label: str, model: str, error: ProviderError) -> None:
        """Stop using the key: until its credit may have been renewed, or for good."""
        seconds = float("inf")
        if error.kind is ErrorKind.QUOTA_EXHAUSTED:
            seconds = min(error.retry_after or _UNTIL_NEW_CREDIT, _A_DAY)
        scope = model if error.status == _FOR_ONE_MODEL else ""
        self._disabled[label, scope] = DisabledKey(str(error), self._now() + seconds)
        if len(self._disabled) > _MAX_REMEMBERED:
            del self._disabled[next(iter(self._disabled))]

    @property
    def all_enabled(self) -> bool:
        """Whether no key is disabled."""
        return not self._disabled

    def disabled_reason(self, label: str, model: str = "") -> DisabledKey | None:
        """None if the key may be used for the model."""
        for scope in {"", model}:
            disabled = self._disabled.get((label, scope))
            if disabled is not None and disabled.until > self._now():
                return disabled
            if disabled is not None:
                del self._disabled[label, scope]
        return None

    def disabled_keys(self) -> dict[str, DisabledKey]:
        """The disabled keys by label: for all models, or else for one of them."""
        found: dict[str, DisabledKey] = {}
        for label, scope in sorted(self._disabled):
            disabled = self.disabled_reason(label, scope)
            if disabled is not None:
                found.setdefault(label, disabled)
        return found

    def enable(self, label: str, model: str | None = None) -> None:
        """Use the key again, for all models or for one: the user has changed something, or it has worked."""
        for disabled in list(self._disabled):
            if disabled[0] == label and (model is None or disabled[1] in {"", model}):
                del self._disabled[disabled]


class KeyRoute(msgspec.Struct, frozen=True):
    """The policies around a provider with one of its keys. `label` is the user's name for the key, never the key."""

    label: str
    streamer: Streamer
    limiter: TokenBucketLimiter


class KeyChoice:
    """Sends each request with the enabled key that has the most capacity.

    A key whose limiter blocks, because of a cooldown too long to wait for, comes last.
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
            raise ValueError("at least one key is needed")
        self.routes = tuple(routes)
        self.demand = demand
        self.health = health or KeyHealth(clock=clock)

    def new_call(self) -> CallPath:
        """The keys for a call that has tried none yet."""
        return _KeysOfCall(self)


class _KeysOfCall:
    """The keys as one call uses them."""

    def __init__(self, choice: KeyChoice) -> None:
        self._choice = choice
        self._health = choice.health
        self._route = choice.routes[0]
        self._refused: list[KeyRoute] = []
        self._all_disabled = False
        self._throttled: KeyRoute | None = None

    def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        route = self._route = self._choose(request)
        return route.streamer.stream_unified(request)

    def try_alternative(self, error: ProviderError, request: UnifiedRequest) -> bool:
        """Disable the key if it was refused, unless it is the last one."""
        if error.kind not in _DISABLING or self._route in self._refused:
            return False
        self._refused.append(self._route)
        others = self._usable(request.model)
        if others:
            self._health.disable(self._route.label, request.model, error)
        else:
            self._health.enable(self._route.label, request.model)
        return bool(others)

    def retry_after(self, error: ProviderError, request: UnifiedRequest) -> float | None:
        """The earliest end of a cooldown of any key: each is kept by that key's limiter alone."""
        if error.kind is not ErrorKind.RATE_LIMITED:
            return error.retry_after
        self._throttled = self._route
        if error.retry_after is None:
            return None
        others = [route for route in self._usable(request.model) if route is not self._route]
        return min((error.retry_after, *(other.limiter.cooldown for other in others)))

    def on_success(self, request: UnifiedRequest) -> None:
        """Enable a key that was tried although it was disabled, and worked."""
        if self._all_disabled:
            self._health.enable(self._route.label, request.model)

    def _choose(self, request: UnifiedRequest) -> KeyRoute:
        routes = self._choice.routes
        if len(routes) == 1:
            return routes[0]
        usable = self._usable(request.model)
        if not usable:
            self._all_disabled = True
            usable = self._usable(request.model) or routes
        demand = self._choice.demand(request)
        for route in usable:
            if route is not self._throttled and route.limiter.is_idle(demand):
                return route
        return min(usable, key=lambda route: self._congestion(route, demand))

    def _congestion(self, route: KeyRoute, demand: Demand) -> tuple[bool, float, bool, float]:
        """The lowest has the most capacity."""
        limiter = route.limiter
        return limiter.blocks, limiter.expected_wait(demand), route is self._throttled, limiter.load

    def _usable(self, model: str) -> Sequence[KeyRoute]:
        """The keys that this call has not been refused with and that are enabled; any if all were disabled before."""
        if self._health.all_enabled and not self._refused:
            return self._choice.routes
        untried = [route for route in self._choice.routes if route not in self._refused]
        if self._all_disabled:
            return untried
        return [route for route in untried if self._health.disabled_reason(route.label, model) is None]
