"""Lets a request out when its limiter does, and tells the limiter what became of it.

What was taken for a request is settled with what it really used, and the limits follow what the server's headers say.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import msgspec

from swebench_providers.policies.interface import Streamer
from swebench_providers.policies.limiter import (
    FAULTS,
    Demand,
    Permit,
    RateLimits,
    TokenBucketLimiter,
    estimate_demand,
)
from swebench_providers.policies.slots import SlotCount
from swebench_providers.provider import Provider
from swebench_providers.servers import reports_slots
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import (
    Attempt,
    Event,
    Finished,
    LimitsUpdate,
    ReasoningDelta,
    TextDelta,
    UsageUpdate,
    Waiting,
)
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.usage import TokenUsage
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import RecentOrHeld

_NOTHING: Final[Demand] = {"requests": 0.0, "tokens": 0.0, "input_tokens": 0.0, "output_tokens": 0.0}


def with_server_scope(limits: RateLimits | None, provider: Provider) -> RateLimits:
    """`limits` as they are for `provider`: a server's slots are for all its models and keys together."""
    limits = limits or RateLimits()
    spec = provider.spec
    if limits.shared_as or not (spec.embedded or reports_slots(spec)):
        return limits
    return msgspec.structs.replace(limits, shared_as=f"the server of {provider.name}")


def usage_demand(usage: TokenUsage) -> Demand:
    """What an answer took. Tokens read from a cache do not count as input (api-contracts 6.4)."""
    prompt, cached, completion = (
        max(0, count) for count in (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
    )
    return {
        "requests": 1.0,
        "tokens": prompt + completion,
        "input_tokens": max(0, prompt - cached),
        "output_tokens": completion,
    }


def _used_by_failure(error: ProviderError) -> Demand | None:
    """A request that never arrived takes nothing, a rejected one counts as a request; of others nobody knows."""
    if error.reason == "unreachable":
        return _NOTHING
    return estimate_demand(0, 0) if error.status is not None else None


_LIMITERS: Final = 1_024  # kept at most where nobody uses them

_Scope = tuple[str, str, str]
"""Provider, model and key; or the name that several of them share."""


class RateLimitCoordinator:
    """The limiters of all providers, keys and models, by the scope they share: those in use, and the latest others."""

    def __init__(self, limits: Callable[[str], RateLimits] | None = None, *, clock: Clock | None = None) -> None:
        self._limits = limits or (lambda _: RateLimits())
        self._clock = clock or SystemClock()
        self._limiters: RecentOrHeld[_Scope, TokenBucketLimiter] = RecentOrHeld(_LIMITERS)
        self._named: dict[str, RecentOrHeld[str, TokenBucketLimiter]] = {}

    async def acquire(self, provider: str, estimated_tokens: float, *, model: str = "", key: str = "") -> Permit:
        """Wait until a request of so many tokens may go to the provider. Raises as `TokenBucketLimiter.acquire`."""
        return await self.limiter(provider, model=model, key=key).acquire(estimate_demand(estimated_tokens, 0))

    def limiter(self, provider: str, *, model: str = "", key: str = "") -> TokenBucketLimiter:
        """The one of this key and model, or the one they share with others."""
        limits = self._limits(provider)
        scope = ("", limits.shared_as, "") if limits.shared_as else (provider, model, key)
        limiter = self._limiters.get_or_add(scope, lambda: TokenBucketLimiter(limits, name=provider, clock=self._clock))
        return self._named.setdefault(provider, RecentOrHeld(_LIMITERS)).set(f"{model} {key}".strip(), limiter)

    def limiters(self, provider: str) -> dict[str, TokenBucketLimiter]:
        """Those of a provider, by model and key."""
        named = self._named.get(provider)
        return {} if named is None else dict(named.items())


class RateLimitPolicy:
    """Lets a request through when there is room for it. The last policy before the request itself."""

    def __init__(
        self,
        inner: Streamer,
        limiter: TokenBucketLimiter,
        *,
        demand: Callable[[UnifiedRequest], Demand],
        provider: str,
        key: str = "",
        slots: SlotCount | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._inner = inner
        self._limiter = limiter
        self._demand = demand
        self._provider = provider
        self._key = key
        self._slots = slots
        self._now = (clock or SystemClock()).now

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        limiter, demand = self._limiter, self._demand(request)
        if self._slots is not None and not self._slots.asked:
            await self._slots.ask(limiter.set_concurrency)
        permit = limiter.acquire_now(demand)
        if permit is None:
            waiting = self._waiting(limiter.expected_wait(demand))
            place = limiter.enqueue(demand)  # before anybody is told, so that nobody comes between
            try:
                yield waiting
                permit = await limiter.turn(place)
            finally:
                limiter.leave(place)
        used: Demand | None = _NOTHING
        try:
            # Whoever listens may still stop it here: the breaker does, where it opened meanwhile.
            yield Attempt(provider=self._provider, model=request.model, key=self._key, at=self._now())
            used = None
            arriving = self._inner.stream_unified(request)
            async with aclosing(_lifting(limiter, arriving) if permit.asks else arriving) as events:
                async for event in events:
                    match event:
                        case TextDelta():
                            pass
                        case LimitsUpdate():
                            limiter.learn(event.limits)
                        case UsageUpdate():
                            used = usage_demand(event.usage)
                        case Finished():
                            limiter.succeeded()
                    yield event
        except ProviderError as error:
            self._failed(error)
            used = used or _used_by_failure(error)
            raise
        finally:
            permit.release(used)

    def _failed(self, error: ProviderError) -> None:
        self._limiter.learn(error.limits)
        self._limiter.failed(error)
        if self._slots is not None and error.kind in FAULTS:
            self._slots.forget()

    def _waiting(self, wait: float) -> Waiting:
        known: float | None = None if wait in {0.0, float("inf")} else wait
        reason = self._limiter.reason_to_wait(wait)
        what = {"queue": "the server is busy with other requests"}.get(reason, "the limits of the provider are used up")
        return Waiting(reason=reason, message=f"{self._provider}: {what}", seconds=known, at=self._now())


async def _lifting(limiter: TokenBucketLimiter, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """The answer to the one that asks whether a long pause is still meant: its first piece says that it is not."""
    paused = True
    async with aclosing(events):
        async for event in events:
            if paused and isinstance(event, TextDelta | ReasoningDelta | Finished):
                paused = False
                limiter.accepted()
            yield event
