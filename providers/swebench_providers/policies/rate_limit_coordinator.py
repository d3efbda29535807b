"""The limiters of all providers, models and keys, each made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from swebench_providers.policies.limiter import Permit, TokenBucketLimiter, estimate_demand
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import WeakLRUCache

_LIMITERS: Final = 1_024  # kept when nothing uses them

_Scope = tuple[str, str, str]
"""Provider, model and key; or the name that several of them share, between empty strings."""


class RateLimitCoordinator:
    """Limiters by scope: all that are in use, and the most recently used of the others.

    `limits` gives the rate limits of a provider, by its name. A limiter that several providers share has the strictest
    limits of all of them.
    """

    def __init__(self, limits: Callable[[str], RateLimits] | None = None, *, clock: Clock | None = None) -> None:
        self._limits = limits or (lambda _: RateLimits())
        self._clock = clock or SystemClock()
        self._limiters: WeakLRUCache[_Scope, TokenBucketLimiter] = WeakLRUCache(_LIMITERS)
        self._by_provider: dict[str, WeakLRUCache[str, TokenBucketLimiter]] = {}

    async def acquire(self, provider: str, estimated_tokens: float, *, model: str = "", key: str = "") -> Permit:
        """Wait until a request of so many tokens may go to the provider. Raises as `TokenBucketLimiter.acquire`."""
        return await self.limiter(provider, model=model, key=key).acquire(estimate_demand(estimated_tokens, 0))

    def limiter(self, provider: str, *, model: str = "", key: str = "") -> TokenBucketLimiter:
        """The limiter of a model and key, or the one they share with others."""
        limits = self._limits(provider)
        scope = ("", limits.shared_as, "") if limits.shared_as else (provider, model, key)
        limiter = self._limiters.get_or_add(scope, lambda: TokenBucketLimiter(limits, name=provider, clock=self._clock))
        limiter.tighten(limits)
        self._by_provider.setdefault(provider, WeakLRUCache(_LIMITERS))[f"{model} {key}".strip()] = limiter
        return limiter

    def limiters(self, provider: str) -> dict[str, TokenBucketLimiter]:
        """The limiters of a provider, by model and key."""
        by_name = self._by_provider.get(provider)
        return {} if by_name is None else dict(by_name.items())

    def tighten(self, provider: str) -> None:
        """Apply limits that have become stricter to the provider's existing limiters."""
        for limiter in self.limiters(provider).values():
            limiter.tighten(self._limits(provider))
