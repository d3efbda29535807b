"""A limiter: requests and tokens per minute, and parallel requests, acquired together.

Strictly first in, first out: a large demand is not overtaken by small ones behind it. A cooldown that the server asks
for is waited out, unless it is a long one (see `cooldown`). A limiter belongs to one event loop and is not thread-safe:
its state changes only between two awaits.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from swebench_providers.policies.concurrency import AdaptiveConcurrency, ConcurrencySettings
from swebench_providers.policies.cooldown import Cooldown
from swebench_providers.policies.rate_limits import Demand, RateLimits
from swebench_providers.policies.token_bucket import Bucket
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import WaitReason
from swebench_providers.types.limits import Dimension, ServerLimit
from swebench_providers.util.clock import Clock, SystemClock, sleep_unless

FAULTS: Final = frozenset({ErrorKind.OVERLOADED, ErrorKind.TRANSIENT, ErrorKind.TIMEOUT})
"""Kinds of errors that mean a fault of the server."""

_REFUSALS: Final = frozenset({ErrorKind.RATE_LIMITED})


class LimitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: its rate per minute, and how much of it is available now."""

    per_minute: float
    available: float


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a limiter. `concurrency` is the limit on parallel requests, `waiting` the length of the queue.

    `cooldown` is the seconds until the server's cooldown ends, 0 without one.
    """

    in_flight: int
    concurrency: int
    waiting: int
    cooldown: float
    limits: Mapping[Dimension, LimitStatus]


_Buckets = Mapping[Dimension, Bucket]


class Permit:
    """The right to send one request. The first `release` ends it, further ones do nothing.

    `is_probe` marks the request that probes whether a long cooldown still applies.
    """

    __slots__ = ("_buckets", "_demand", "_limiter", "is_probe")

    def __init__(self, limiter: TokenBucketLimiter, demand: Demand, buckets: _Buckets, *, is_probe: bool) -> None:
        self._limiter = limiter
        self._demand = demand
        self._buckets: _Buckets | None = buckets
        self.is_probe = is_probe

    def release(self, used: Demand | None = None) -> None:
        """Return the slot. `used` is the actual demand, whose difference is refunded; None refunds nothing."""
        buckets, self._buckets = self._buckets, None
        if buckets is not None:
            self._limiter.release(buckets, self._demand, used, is_probe=self.is_probe)


class Ticket:
    """A place in the queue of a limiter."""

    __slots__ = ("demand", "woken")

    def __init__(self, demand: Demand) -> None:
        self.demand = demand
        self.woken = asyncio.Event()


class TokenBucketLimiter:
    """The limits of one key and model, or of all that share a name. `name` is the provider's, for error messages."""

    def __init__(self, limits: RateLimits | None = None, *, name: str = "", clock: Clock | None = None) -> None:
        self._limits = limits = limits or RateLimits()
        self._name = name
        self._clock = clock or SystemClock()
        self._now = self._clock.now
        self._max_concurrency = limits.concurrency.most
        self._has_slots = False
        self._concurrency = AdaptiveConcurrency(limits.concurrency)
        self._max_rates = limits.per_minute()
        # Replaced, never mutated: a permit refunds the buckets it has taken from, and no bucket added later.
        self._buckets: _Buckets = {name: Bucket(rate, self._now()) for name, rate in self._max_rates.items()}
        self._queue = OrderedDict[Ticket, None]()
        self._queued: dict[Dimension, float] = {}
        self._in_flight = 0
        self._cooldown = Cooldown(limits.longest_pause)
        if limits.slots is not None:
            self.set_concurrency(limits.slots)

    def acquire_now(self, demand: Demand) -> Permit | None:
        """A permit if the queue is empty and there is capacity, else None. Raises as `acquire` does."""
        now = self._now()
        self._check_cooldown(now)
        return None if self._queue or self._wait(demand, now) else self._take(demand, now)

    async def acquire(self, demand: Demand) -> Permit:
        """Queue for a permit. Raises `ProviderError` (rate_limited) during a long cooldown."""
        if (permit := self.acquire_now(demand)) is not None:
            return permit
        ticket = self.enqueue(demand)
        try:
            return await self.wait(ticket)
        finally:
            self.dequeue(ticket)

    def enqueue(self, demand: Demand) -> Ticket:
        """Join the end of the queue. `dequeue` must follow, whether or not `wait` succeeds."""
        ticket = Ticket(demand)
        self._queue[ticket] = None
        for name, amount in demand.items():
            self._queued[name] = self._queued.get(name, 0.0) + amount
        return ticket

    async def wait(self, ticket: Ticket) -> Permit:
        """Wait until the ticket is first in the queue and there is capacity. Raises as `acquire` does."""
        while True:
            ticket.woken.clear()
            if next(iter(self._queue)) is not ticket:
                await ticket.woken.wait()
                continue
            now = self._now()
            self._check_cooldown(now)
            wait = self._wait(ticket.demand, now)
            if not wait:
                return self._take(ticket.demand, now)
            await sleep_unless(self._clock, wait, ticket.woken)

    def dequeue(self, ticket: Ticket) -> None:
        """Remove a ticket from anywhere in the queue, and wake the first one."""
        del self._queue[ticket]
        for name, amount in ticket.demand.items():
            self._queued[name] -= amount
        if not self._queue:
            self._queued.clear()  # with what rounding left in it
        self._wake()

    def expected_wait(self, demand: Demand) -> float:
        """Seconds until a permit behind all queued demands; infinite while all slots are taken."""
        if self._in_flight >= self._concurrency.limit:
            return float("inf")
        now = self._now()
        cooldown = self._cooldown
        wait = 0.0
        if now < cooldown.until:
            wait = cooldown.remaining(now) if cooldown.blocks(now) else cooldown.wait(now)
        for name, bucket in self._buckets.items():
            needed = bucket.wait(demand.get(name, 0.0), now, ahead=self._queued.get(name, 0.0))
            wait = max(wait, needed)
        return wait

    def is_idle(self, demand: Demand) -> bool:
        """Whether nothing is in flight or queued and a permit would be granted at once."""
        return not (self._in_flight or self._queue or self._wait(demand, self._now()))

    @property
    def load(self) -> float:
        """Requests in flight and queued, as a share of the limit on parallel requests."""
        return (self._in_flight + len(self._queue)) / self._concurrency.limit

    @property
    def cooldown(self) -> float:
        """Seconds until the server's cooldown ends; 0 without one."""
        return self._cooldown.remaining(self._now())

    @property
    def blocks(self) -> bool:
        """Whether a cooldown applies that is too long to wait for, and no probe is due."""
        return self._cooldown.blocks(self._now())

    def wait_reason(self, wait: float) -> WaitReason:
        """What an `expected_wait` waits for: one without a time is for a slot of the server."""
        return "queue" if self._has_slots and wait in {0.0, float("inf")} else "rate limit"

    def set_concurrency(self, slots: int) -> None:
        """Fix the limit on parallel requests to the number that the server runs; further ones queue here."""
        self._has_slots = True
        number = min(slots, self._max_concurrency)
        self._concurrency = AdaptiveConcurrency(ConcurrencySettings(start=number, least=number, most=number))
        self._wake()

    def tighten(self, limits: RateLimits) -> None:
        """Apply limits where they are lower than the present ones. What has been taken stays taken."""
        if limits == self._limits:
            return
        self._limits = limits
        now = self._now()
        for name, given in limits.per_minute().items():
            rate = self._max_rates[name] = min(given, self._max_rates.get(name, given))
            bucket = self._buckets.get(name)
            if bucket is None:
                self._buckets = {**self._buckets, name: Bucket(rate, now)}
            elif rate < bucket.per_minute:
                bucket.resize(rate, now)
        maximum = limits.concurrency.most if limits.slots is None else min(limits.slots, limits.concurrency.most)
        if maximum < self._max_concurrency:
            self._max_concurrency = maximum
            self._concurrency.cap_at(maximum)
        if limits.slots is not None and not self._has_slots:
            self.set_concurrency(limits.slots)
        self._cooldown.max_wait = min(self._cooldown.max_wait, limits.longest_pause)
        self._wake()

    def start_cooldown(self, seconds: float) -> None:
        """Grant no permit for so long: the server asked for it."""
        self._cooldown.start(seconds, self._now())
        self._wake()

    def clear_cooldown(self) -> None:
        """End the cooldown: the probe is being answered."""
        self._cooldown.clear()
        self._wake()

    def learn(self, limits: Sequence[ServerLimit]) -> None:
        """Adopt the limits that the server reports, but none above those the user has set."""
        now = self._now()
        for reported in limits:
            bucket = self._buckets.get(reported.dimension)
            if reported.limit:
                rate = min(reported.limit, self._max_rates.get(reported.dimension, reported.limit))
                if bucket is None:
                    bucket = Bucket(rate, now)
                    self._buckets = {**self._buckets, reported.dimension: bucket}
                bucket.resize(rate, now)
            if bucket is not None and reported.remaining is not None:
                bucket.cap_at(reported.remaining, now)
        self._wake()

    def succeeded(self) -> None:
        """Record a success: with all slots in use, the limit on parallel requests may grow."""
        self._concurrency.succeeded(self._in_flight, self._now())

    def failed(self, error: ProviderError) -> None:
        """Record a failure: a 429 lowers the limit on parallel requests, and starts the cooldown it names."""
        if error.kind in _REFUSALS:
            self._concurrency.refused(self._now())
            if error.retry_after:
                self.start_cooldown(error.retry_after)
        elif error.kind in FAULTS:
            self._concurrency.faulted(self._now())

    def headroom(self) -> Headroom:
        """A snapshot."""
        now = self._now()
        return Headroom(
            in_flight=self._in_flight,
            concurrency=self._concurrency.limit,
            waiting=len(self._queue),
            cooldown=self.cooldown,
            limits={
                name: LimitStatus(per_minute=bucket.per_minute, available=max(0.0, bucket.level(now)))
                for name, bucket in self._buckets.items()
            },
        )

    def release(self, buckets: _Buckets, taken: Demand, used: Demand | None, *, is_probe: bool) -> None:
        """End a request: free its slot, and refund what it took and did not use. Called by `Permit.release`."""
        self._in_flight -= 1
        if is_probe:
            self._cooldown.end_probe()
        if used is not None:
            now = self._now()
            for name, bucket in buckets.items():
                amount = taken.get(name, 0.0)
                bucket.refund(amount - used.get(name, amount), now)
        self._wake()

    def _wake(self) -> None:
        """Let the first in the queue check again."""
        if self._queue:
            next(iter(self._queue)).woken.set()

    def _check_cooldown(self, now: float) -> None:
        if now < self._cooldown.until and self._cooldown.blocks(now):
            raise self._cooldown.error(self._name, now)

    def _wait(self, demand: Demand, now: float) -> float:
        """Seconds until there is capacity; infinite while all slots are taken."""
        if self._in_flight >= self._concurrency.limit:
            return float("inf")
        wait = self._cooldown.wait(now) if now < self._cooldown.until else 0.0
        for name, bucket in self._buckets.items():
            needed = bucket.wait(demand.get(name, 0.0), now)
            wait = max(wait, needed)
        return wait

    def _take(self, demand: Demand, now: float) -> Permit:
        for name, bucket in self._buckets.items():
            bucket.take(demand.get(name, 0.0), now)
        self._in_flight += 1
        is_probe = now < self._cooldown.until and self._cooldown.begin_probe(now)
        return Permit(self, demand, self._buckets, is_probe=is_probe)


def estimate_demand(prompt_tokens: float, max_tokens: float) -> Demand:
    """The most that a request takes of each limit."""
    total = prompt_tokens + max_tokens
    return {"requests": 1.0, "tokens": total, "input_tokens": prompt_tokens, "output_tokens": max_tokens}
