"""Who may send a request, and when: requests and tokens a minute, and requests at once, taken together.

First come, first served: a large demand is not overtaken by the small ones behind it. A pause that a server asks for is
waited for, unless it is a long one (see `pause`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from swebench_providers.policies.concurrency import AdaptiveConcurrency, ConcurrencySettings
from swebench_providers.policies.cooldown import Cooldown
from swebench_providers.policies.token_bucket import Bucket
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import WaitReason
from swebench_providers.types.limits import Dimension, ServerLimit
from swebench_providers.util.clock import Clock, SystemClock, sleep_unless

Demand = Mapping[Dimension, float]
"""What a request takes of each limit."""

_REFUSALS: Final = frozenset({ErrorKind.RATE_LIMITED})
FAULTS: Final = frozenset({ErrorKind.OVERLOADED, ErrorKind.TRANSIENT, ErrorKind.TIMEOUT})
"""What says that something is wrong with a server."""


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a user, or a catalog file, says of a provider's limits; None waits for what the server says.

    `shared_as` names a limiter that several keys or models share, as those of one organisation do. `slots` is how many
    requests a local server runs at once: the others wait in a queue here, not in its own. `longest_pause` is how many
    seconds of a pause that the server asks for are waited for. `ValueError` for numbers that would let nothing through.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    input_tokens_per_minute: float | None = None
    output_tokens_per_minute: float | None = None
    concurrency: ConcurrencySettings = ConcurrencySettings()
    slots: int | None = None
    shared_as: str = ""
    longest_pause: float = 120.0

    def __post_init__(self) -> None:
        for number in (self.slots, *_rates(self).values()):
            if number is not None and not 0 < number < float("inf"):
                raise ValueError(f"a limit of {number} lets nothing through")


class LimitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: what fits into a minute, and what could be taken now."""

    per_minute: float
    available: float


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """How much fits through a limiter now. `cooldown` is in seconds, 0 when it is not."""

    in_flight: int
    concurrency: int
    waiting: int
    cooldown: float
    limits: Mapping[Dimension, LimitStatus]


_Buckets = Mapping[Dimension, Bucket]


class Permit:
    """The right to send one request. Ends by `release`, once; what follows is ignored."""

    __slots__ = ("_buckets", "_demand", "_limiter", "asks")

    def __init__(self, limiter: TokenBucketLimiter, demand: Demand, buckets: _Buckets, *, asks: bool) -> None:
        self._limiter = limiter
        self._demand = demand
        self._buckets: _Buckets | None = buckets
        self.asks = asks  # whether a long pause is still meant

    def release(self, used: Demand | None = None) -> None:
        """Give the place back. `used` is what the request really took; None: all that was taken for it."""
        buckets, self._buckets = self._buckets, None
        if buckets is not None:
            self._limiter.give_back(buckets, self._demand, used, asked=self.asks)


class Ticket:
    """One that waits, in the line of a limiter."""

    __slots__ = ("demand", "woken")

    def __init__(self, demand: Demand) -> None:
        self.demand = demand
        self.woken = asyncio.Event()


class TokenBucketLimiter:
    """The limits of one key and model, or of all that share a name. `name` is for those who are told of them."""

    def __init__(self, limits: RateLimits | None = None, *, name: str = "", clock: Clock | None = None) -> None:
        limits = limits or RateLimits()
        self._name = name
        self._clock = clock or SystemClock()
        self._now = self._clock.now
        self._max_concurrency = limits.concurrency.most
        self._local = False
        self._concurrency = AdaptiveConcurrency(limits.concurrency)
        self._most = _rates(limits)
        # Replaced, never changed: a permit gives back to the buckets it has taken from, and to no later one.
        self._buckets: _Buckets = {name: Bucket(rate, self._now()) for name, rate in self._most.items()}
        self._line = OrderedDict[Ticket, None]()
        self._ahead: dict[Dimension, float] = {}
        self._in_flight = 0
        self._pause = Cooldown(limits.longest_pause)
        if limits.slots is not None:
            self.set_concurrency(limits.slots)

    def acquire_now(self, demand: Demand) -> Permit | None:
        """Take it where nobody waits and there is room, else None. Raises as `acquire` does."""
        now = self._now()
        self._check_pause(now)
        return None if self._line or self._wait(demand, now) else self._take(demand, now)

    async def acquire(self, demand: Demand) -> Permit:
        """Wait for a turn and for room, then take it. Raises `ProviderError` (rate_limited) during a long pause."""
        if (permit := self.acquire_now(demand)) is not None:
            return permit
        place = self.enqueue(demand)
        try:
            return await self.turn(place)
        finally:
            self.leave(place)

    def enqueue(self, demand: Demand) -> Ticket:
        """A place behind all that wait. Whoever takes one leaves it, after its turn or without one."""
        place = Ticket(demand)
        self._line[place] = None
        for name, amount in demand.items():
            self._ahead[name] = self._ahead.get(name, 0.0) + amount
        return place

    async def turn(self, place: Ticket) -> Permit:
        """Wait until it is this one's turn and there is room, then take it. Raises as `acquire` does."""
        while True:
            place.woken.clear()
            if next(iter(self._line)) is not place:
                await place.woken.wait()
                continue
            now = self._now()
            self._check_pause(now)
            wait = self._wait(place.demand, now)
            if not wait:
                return self._take(place.demand, now)
            await sleep_unless(self._clock, wait, place.woken)

    def leave(self, place: Ticket) -> None:
        """Out of the line, wherever one stood in it, and the next one looks."""
        del self._line[place]
        for name, amount in place.demand.items():
            self._ahead[name] -= amount
        if not self._line:
            self._ahead.clear()  # and what rounding left in it
        self._wake()

    def expected_wait(self, demand: Demand) -> float:
        """Seconds until it would be given behind all that wait; infinite while only another's end helps."""
        if self._in_flight >= self._concurrency.limit:
            return float("inf")
        now = self._now()
        wait = self._pause.left(now) if self._pause.refuses(now) else self._pause.wait(now)
        for name, bucket in self._buckets.items():
            wait = max(wait, bucket.wait(demand.get(name, 0.0), now, ahead=self._ahead.get(name, 0.0)))
        return wait

    @property
    def load(self) -> float:
        """The share of its places that are taken or waited for."""
        return (self._in_flight + len(self._line)) / self._concurrency.limit

    @property
    def cooldown(self) -> float:
        """Seconds until the server's pause is over; 0 when it is."""
        return self._pause.left(self._now())

    @property
    def refuses(self) -> bool:
        """Whether the pause is too long to be waited for, and nobody's turn to ask."""
        return self._pause.refuses(self._now())

    def reason_to_wait(self, wait: float) -> WaitReason:
        """Why an `expected_wait` has to be waited for: without a time it is for a place."""
        return "queue" if self._local and wait in {0.0, float("inf")} else "rate limit"

    def set_concurrency(self, slots: int) -> None:
        """What a server says of itself, or its user: so many requests, and the others wait here."""
        self._local = True
        self._concurrency = AdaptiveConcurrency(_slots(min(slots, self._max_concurrency)))
        self._wake()

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long: the server asked for it."""
        self._pause.begin(seconds, self._now())
        self._wake()

    def learn(self, limits: Sequence[ServerLimit]) -> None:
        """Follow what the server says of its limits, but never beyond those the user has set."""
        now = self._now()
        for said in limits:
            bucket = self._buckets.get(said.dimension)
            if said.limit:
                rate = min(said.limit, self._most.get(said.dimension, said.limit))
                if bucket is None:
                    bucket = Bucket(rate, now)
                    self._buckets = {**self._buckets, said.dimension: bucket}
                bucket.resize(rate, now)
            if bucket is not None and said.remaining is not None:
                bucket.cap_at(said.remaining, now)
        self._wake()

    def accepted(self) -> None:
        """The request that asked whether a long pause is still meant is being answered."""
        self._pause.lift()
        self._wake()

    def succeeded(self) -> None:
        """A request was answered: where all places were taken, there may be more of them."""
        self._concurrency.succeeded(self._in_flight, self._now())

    def failed(self, error: ProviderError) -> None:
        """Learn from a failure: fewer at once after a refusal, a pause where one was asked for."""
        if error.kind in _REFUSALS:
            self._concurrency.refused(self._now())
            if error.retry_after:
                self.pause(error.retry_after)
        elif error.kind in FAULTS:
            self._concurrency.faulted(self._now())

    def headroom(self) -> Headroom:
        """A snapshot."""
        now = self._now()
        return Headroom(
            in_flight=self._in_flight,
            concurrency=self._concurrency.limit,
            waiting=len(self._line),
            cooldown=self.cooldown,
            limits={
                name: LimitStatus(per_minute=bucket.per_minute, available=max(0.0, bucket.level(now)))
                for name, bucket in self._buckets.items()
            },
        )

    def give_back(self, buckets: _Buckets, taken: Demand, used: Demand | None, *, asked: bool) -> None:
        """End of a request: its place, and the difference between what it took and what it used."""
        self._in_flight -= 1
        if asked:
            self._pause.asked()
        if used is not None:
            now = self._now()
            for name, bucket in buckets.items():
                amount = taken.get(name, 0.0)
                bucket.give_back(amount - used.get(name, amount), now)
        self._wake()

    def _wake(self) -> None:
        """The first in line looks again."""
        if self._line:
            next(iter(self._line)).woken.set()

    def _check_pause(self, now: float) -> None:
        if now < self._pause.until and self._pause.refuses(now):
            raise self._pause.refusal(self._name, now)

    def _wait(self, demand: Demand, now: float) -> float:
        """Seconds; infinite while only the end of another request helps."""
        if self._in_flight >= self._concurrency.limit:
            return float("inf")
        wait = self._pause.wait(now) if now < self._pause.until else 0.0
        for name, bucket in self._buckets.items():
            wait = max(wait, bucket.wait(demand.get(name, 0.0), now))
        return wait

    def _take(self, demand: Demand, now: float) -> Permit:
        for name, bucket in self._buckets.items():
            bucket.take(demand.get(name, 0.0), now)
        self._in_flight += 1
        return Permit(self, demand, self._buckets, asks=now < self._pause.until and self._pause.asks(now))


def estimate_demand(prompt_tokens: float, max_tokens: float) -> Demand:
    """What a request may take of every limit there is, in tokens."""
    total = prompt_tokens + max_tokens
    return {"requests": 1.0, "tokens": total, "input_tokens": prompt_tokens, "output_tokens": max_tokens}


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
