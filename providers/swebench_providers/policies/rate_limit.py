"""Waits until a request fits into the limits: requests and tokens a minute, and requests at once, taken together.

First come, first served: a large demand is not overtaken by the small ones behind it. What was taken for a request is
settled with what it really used, and the limits follow what the server's headers say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from swebench_providers.clock import Clock, SystemClock, sleep_unless
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.events import (
    Attempt,
    Event,
    Finished,
    LimitsUpdate,
    TextDelta,
    UsageUpdate,
    Waiting,
    WaitReason,
)
from swebench_providers.limits import Dimension, ServerLimit
from swebench_providers.models import TokenUsage, UnifiedRequest
from swebench_providers.policies.concurrency import AdaptiveConcurrency, ConcurrencySettings
from swebench_providers.policies.stack import Streams
from swebench_providers.policies.token_bucket import Bucket

Demand = Mapping[Dimension, float]
"""What a request takes of each limit."""

_NOTHING: Final[Demand] = {"requests": 0.0, "tokens": 0.0, "input_tokens": 0.0, "output_tokens": 0.0}
_REFUSALS: Final = frozenset({ErrorKind.RATE_LIMITED})
_FAULTS: Final = frozenset({ErrorKind.OVERLOADED, ErrorKind.TRANSIENT, ErrorKind.TIMEOUT})


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a user, or a catalog file, says of a provider's limits; None waits for what the server says.

    `shared_as` names a limiter that several keys or models share, as those of one organisation do. `slots` is how many
    requests a local server runs at once: the others wait in a queue here, not in its own.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    input_tokens_per_minute: float | None = None
    output_tokens_per_minute: float | None = None
    concurrency: ConcurrencySettings = ConcurrencySettings()
    slots: int | None = None
    shared_as: str = ""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: what fits into a minute, and what could be taken now."""

    per_minute: float
    available: float


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """How much fits through a limiter now. `paused_for` is in seconds, 0 when it is not."""

    in_flight: int
    at_once: int
    waiting: int
    paused_for: float
    rooms: Mapping[Dimension, Room]


class Permit:
    """The right to send one request. Ends by `release`, once; what follows is ignored."""

    def __init__(self, limiter: TokenBucketLimiter, demand: Demand) -> None:
        self._limiter = limiter
        self._demand: Demand | None = demand

    def release(self, used: Demand | None = None) -> None:
        """Give the place back. `used` is what the request really took; None: all that was taken for it."""
        demand, self._demand = self._demand, None
        if demand is not None:
            self._limiter.give_back(demand, demand if used is None else used)


class TokenBucketLimiter:
    """The limits of one key and model, or of all that share a name."""

    def __init__(self, limits: RateLimits | None = None, *, clock: Clock | None = None) -> None:
        limits = limits or RateLimits()
        self._clock = clock or SystemClock()
        self._local = limits.slots is not None
        self._concurrency = AdaptiveConcurrency(_slots(limits.slots) if limits.slots else limits.concurrency)
        self._most = _rates(limits)
        self._buckets = {name: Bucket(rate, self._clock.now()) for name, rate in self._most.items()}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._in_flight = 0
        self._waiting = 0
        self._paused_until = float("-inf")

    def acquire_now(self, demand: Demand) -> Permit | None:
        """Take it where nobody waits and there is room; None where it has to be waited for."""
        return None if self._turn.locked() or self._wait(demand) else self._take(demand)

    async def acquire(self, demand: Demand) -> Permit:
        """Wait for a turn and for room, then take it."""
        self._waiting += 1
        try:
            async with self._turn:
                while wait := self._wait(demand):
                    self._changed.clear()
                    await sleep_unless(self._clock, wait, self._changed)
                return self._take(demand)
        finally:
            self._waiting -= 1

    def expected_wait(self, demand: Demand) -> float:
        """Seconds until it would be given, were it first in line; infinite while it waits for another's end."""
        return self._wait(demand)

    @property
    def load(self) -> float:
        """The share of its places that are taken or waited for."""
        return (self._in_flight + self._waiting) / self._concurrency.limit

    @property
    def paused_for(self) -> float:
        """Seconds; 0 when it is not."""
        return max(0.0, self._paused_until - self._clock.now())

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return self._waiting

    @property
    def wait_reason(self) -> WaitReason:
        return "queue" if self._local else "rate limit"

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long: the server asked for it."""
        self._paused_until = max(self._paused_until, self._clock.now() + seconds)

    def learn(self, limits: Sequence[ServerLimit]) -> None:
        """Follow what the server says of its limits, but never beyond those the user has set."""
        now = self._clock.now()
        for said in limits:
            bucket = self._buckets.get(said.dimension)
            if said.limit:
                rate = min(said.limit, self._most.get(said.dimension, said.limit))
                bucket = bucket or self._buckets.setdefault(said.dimension, Bucket(rate, now))
                bucket.resize(rate, now)
            if bucket is not None and said.remaining is not None:
                bucket.no_more_than(said.remaining, now)
        self._changed.set()

    def succeeded(self) -> None:
        self._concurrency.succeeded(self._in_flight, self._clock.now())

    def failed(self, error: ProviderError) -> None:
        """Learn from a failure: fewer at once after a refusal, a pause where one was asked for."""
        if error.kind in _REFUSALS:
            self._concurrency.refused(self._clock.now())
            if error.retry_after:
                self.pause(error.retry_after)
        elif error.kind in _FAULTS:
            self._concurrency.faulted(self._clock.now())

    def headroom(self) -> Headroom:
        now = self._clock.now()
        return Headroom(
            in_flight=self._in_flight,
            at_once=self._concurrency.limit,
            waiting=self._waiting,
            paused_for=self.paused_for,
            rooms={
                name: Room(per_minute=bucket.per_minute, available=max(0.0, bucket.level(now)))
                for name, bucket in self._buckets.items()
            },
        )

    def give_back(self, taken: Demand, used: Demand) -> None:
        """End of a request: its place, and the difference between what it took and what it used."""
        now = self._clock.now()
        self._in_flight -= 1
        for name, bucket in self._buckets.items():
            bucket.give_back(taken.get(name, 0.0) - used.get(name, taken.get(name, 0.0)), now)
        self._changed.set()

    def _wait(self, demand: Demand) -> float:
        """Seconds; infinite while only the end of another request helps."""
        if self._in_flight >= self._concurrency.limit:
            return float("inf")
        now = self._clock.now()
        wait = max(self._paused_until - now, 0.0)
        for name, bucket in self._buckets.items():
            wait = max(wait, bucket.wait(demand.get(name, 0.0), now))
        return wait

    def _take(self, demand: Demand) -> Permit:
        now = self._clock.now()
        for name, bucket in self._buckets.items():
            bucket.take(demand.get(name, 0.0), now)
        self._in_flight += 1
        return Permit(self, demand)


def demand_of(prompt_tokens: float, max_tokens: float) -> Demand:
    """What a request may take of every limit there is, in tokens."""
    total = prompt_tokens + max_tokens
    return {"requests": 1.0, "tokens": total, "input_tokens": prompt_tokens, "output_tokens": max_tokens}


def used_by(usage: TokenUsage) -> Demand:
    """What an answer took. Tokens read from a cache do not count as input (api-contracts 6.4)."""
    read = usage.prompt_tokens - usage.cached_tokens
    return {
        "requests": 1.0,
        "tokens": usage.total_tokens,
        "input_tokens": read,
        "output_tokens": usage.completion_tokens,
    }


def _used_by_failure(error: ProviderError) -> Demand | None:
    """A request that never arrived takes nothing, a rejected one counts as a request; of others nobody knows."""
    if error.reason == "unreachable":
        return _NOTHING
    return demand_of(0, 0) if error.status is not None else None


_Scope = tuple[str, str, str]
"""Provider, model and key; or the name that several of them share."""


class RateLimitCoordinator:
    """The limiters of all providers, keys and models, by the scope they share."""

    def __init__(self, limits: Callable[[str], RateLimits] | None = None, *, clock: Clock | None = None) -> None:
        self._limits = limits or (lambda _: RateLimits())
        self._clock = clock or SystemClock()
        self._limiters: dict[_Scope, TokenBucketLimiter] = {}
        self._scopes: dict[str, dict[str, _Scope]] = {}

    async def acquire(self, provider: str, estimated_tokens: float, *, model: str = "", key: str = "") -> Permit:
        """Wait until a request of so many tokens may go to the provider."""
        return await self.limiter(provider, model=model, key=key).acquire(demand_of(estimated_tokens, 0))

    def limiter(self, provider: str, *, model: str = "", key: str = "") -> TokenBucketLimiter:
        """The one of this key and model, or the one they share with others."""
        limits = self._limits(provider)
        scope = ("", limits.shared_as, "") if limits.shared_as else (provider, model, key)
        self._scopes.setdefault(provider, {})[f"{model} {key}".strip()] = scope
        if scope not in self._limiters:
            self._limiters[scope] = TokenBucketLimiter(limits, clock=self._clock)
        return self._limiters[scope]

    def of(self, provider: str) -> dict[str, TokenBucketLimiter]:
        """Those of a provider, by model and key."""
        return {name: self._limiters[scope] for name, scope in self._scopes.get(provider, {}).items()}


class RateLimit:
    """Lets a request through when there is room for it. The last policy before the request itself."""

    def __init__(
        self,
        inner: Streams,
        limiter: TokenBucketLimiter,
        *,
        demand: Callable[[UnifiedRequest], Demand],
        provider: str,
        key: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._inner = inner
        self._limiter = limiter
        self._demand = demand
        self._provider = provider
        self._key = key
        self._now = (clock or SystemClock()).now

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        limiter, demand = self._limiter, self._demand(request)
        permit = limiter.acquire_now(demand)
        if permit is None:
            yield self._waiting(limiter.expected_wait(demand))
            permit = await limiter.acquire(demand)
        used: Demand | None = _NOTHING
        try:
            # Whoever listens may still stop it here: the breaker does, where it opened meanwhile.
            yield Attempt(provider=self._provider, model=request.model, key=self._key, at=self._now())
            used = None
            async with aclosing(self._inner.stream_unified(request)) as events:
                async for event in events:
                    match event:
                        case TextDelta():
                            pass
                        case LimitsUpdate():
                            limiter.learn(event.limits)
                        case UsageUpdate():
                            used = used_by(event.usage)
                        case Finished():
                            limiter.succeeded()
                    yield event
        except ProviderError as error:
            limiter.learn(error.limits)
            limiter.failed(error)
            used = used or _used_by_failure(error)
            raise
        finally:
            permit.release(used)

    def _waiting(self, wait: float) -> Waiting:
        known: float | None = None if wait in {0.0, float("inf")} else wait
        reason = self._limiter.wait_reason
        what = {"queue": "the server is busy with other requests"}.get(reason, "the limits of the provider are used up")
        return Waiting(reason=reason, message=f"{self._provider}: {what}", seconds=known, at=self._now())


def _slots(number: int) -> ConcurrencySettings:
    return ConcurrencySettings(start=number, least=number, most=number)


def _rates(limits: RateLimits) -> dict[Dimension, float]:
    given: dict[Dimension, float | None] = {
        "requests": limits.requests_per_minute,
        "tokens": limits.tokens_per_minute,
        "input_tokens": limits.input_tokens_per_minute,
        "output_tokens": limits.output_tokens_per_minute,
    }
    return {name: rate for name, rate in given.items() if rate is not None}
