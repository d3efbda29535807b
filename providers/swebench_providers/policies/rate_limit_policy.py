"""Sends a request when its limiter grants a permit, and reports the outcome to the limiter.

The demand that was taken for a request is settled with what it used. The limiter follows the server's rate-limit
headers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import msgspec

from swebench_providers.policies.interface import Streamer
from swebench_providers.policies.limiter import FAULTS, TokenBucketLimiter, estimate_demand
from swebench_providers.policies.rate_limits import Demand, RateLimits
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

_NOTHING: Final[Demand] = {"requests": 0.0, "tokens": 0.0, "input_tokens": 0.0, "output_tokens": 0.0}


def with_server_scope(limits: RateLimits, provider: Provider) -> RateLimits:
    """`limits` with one limiter for all models and keys of a server that runs a fixed number of requests."""
    spec = provider.spec
    if limits.shared_as or not (spec.embedded or reports_slots(spec)):
        return limits
    return msgspec.structs.replace(limits, shared_as=f"the server of {provider.name}")


def usage_demand(usage: TokenUsage) -> Demand:
    """What an answer took of each limit. Tokens read from a cache are no input (wire-contracts 6.4)."""
    prompt, cached, completion = usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens
    if prompt < 0 or cached < 0 or completion < 0:  # some servers report impossible counts
        prompt, cached, completion = max(0, prompt), max(0, cached), max(0, completion)
    return {
        "requests": 1.0,
        "tokens": prompt + completion,
        "input_tokens": max(0, prompt - cached),
        "output_tokens": completion,
    }


def _failure_demand(error: ProviderError) -> Demand | None:
    """Nothing for a request that was not sent, one request for a rejected one; None when it is unknown."""
    if error.reason == "unreachable":
        return _NOTHING
    return estimate_demand(0, 0) if error.status is not None else None


class RateLimitPolicy:
    """The innermost policy: acquires a permit before the request and releases it when the answer has ended."""

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
        if self._slots is not None and not self._slots.is_current:
            await self._slots.fetch(limiter.set_concurrency)
        permit = limiter.acquire_now(demand)
        if permit is None:
            waiting = self._waiting(limiter.expected_wait(demand))
            ticket = limiter.enqueue(demand)  # before the event, so that no other request gets between
            try:
                yield waiting
                permit = await limiter.wait(ticket)
            finally:
                limiter.dequeue(ticket)
        used: Demand | None = _NOTHING
        try:
            # The reader may still stop it here: the breaker does, if it has opened in the meantime.
            yield Attempt(provider=self._provider, model=request.model, key=self._key, time=self._now())
            used = None
            events = self._inner.stream_unified(request)
            if permit.is_probe:
                events = _clearing(limiter, events)
            try:
                async for event in events:
                    if type(event) is TextDelta:
                        pass
                    elif type(event) is UsageUpdate:
                        used = usage_demand(event.usage)
                    elif type(event) is Finished:
                        limiter.succeeded()
                    elif type(event) is LimitsUpdate:
                        limiter.learn(event.limits)
                    yield event
            finally:
                await events.aclose()
        except ProviderError as error:
            self._failed(error)
            used = used or _failure_demand(error)
            raise
        finally:
            permit.release(used)

    def _failed(self, error: ProviderError) -> None:
        self._limiter.learn(error.limits)
        self._limiter.failed(error)
        if self._slots is not None and error.kind in FAULTS:
            self._slots.forget()

    def _waiting(self, wait: float) -> Waiting:
        seconds: float | None = None if wait in {0.0, float("inf")} else wait
        reason = self._limiter.wait_reason(wait)
        what = "all slots of the server are in use" if reason == "queue" else "the rate limit is used up"
        return Waiting(reason=reason, message=f"{self._provider}: {what}", seconds=seconds, time=self._now())


async def _clearing(limiter: TokenBucketLimiter, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """The answer to a probe: its first piece shows that the cooldown no longer applies."""
    cleared = False
    async with aclosing(events):
        async for event in events:
            if not cleared and isinstance(event, TextDelta | ReasoningDelta | Finished):
                cleared = True
                limiter.clear_cooldown()
            yield event
