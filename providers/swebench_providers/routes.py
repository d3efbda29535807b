"""Candidates, and the policies around each of their models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

import msgspec

from swebench_providers.catalog import profile_of
from swebench_providers.clock import Clock
from swebench_providers.models import ModelPrice, TokenUsage, UnifiedRequest
from swebench_providers.policies.breaker import BreakerStatistics, Breaking, CircuitBreaker, Transition
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.fallback import Route
from swebench_providers.policies.keys import KeyChoice, KeyHealth, KeyRoute
from swebench_providers.policies.observed import Observed, Observer
from swebench_providers.policies.parameters import RefusedParameters
from swebench_providers.policies.rate_limit import (
    Demand,
    Headroom,
    RateLimit,
    RateLimitCoordinator,
    RateLimits,
    demand_of,
)
from swebench_providers.policies.retry import Retry
from swebench_providers.policies.retry_budget import RetryBudget
from swebench_providers.policies.rough import likely_tokens
from swebench_providers.policies.settings import Policies
from swebench_providers.policies.spending import Spending
from swebench_providers.policies.stack import OneCall, Streams
from swebench_providers.provider import Provider

_USUAL_ANSWER: Final = 1_000  # tokens, where a request sets no limit
_LONGEST_ANSWER: Final = 32_000  # tokens, where neither the request nor the catalog knows


@runtime_checkable
class HasSlots(Protocol):
    """A provider that knows how many requests its server runs at once."""

    async def slots(self) -> int | None:
        """None where the server does not say. Raises nothing for a server that is gone."""
        ...


class Candidate(msgspec.Struct, frozen=True):
    """A model that may be asked: of `provider`, by each key of `more_keys` too, which are by label.

    An empty `model` is the one the request names, else the provider's default.
    """

    provider: Provider
    model: str = ""
    label: str = ""
    more_keys: Mapping[str, Provider] = {}

    @property
    def name(self) -> str:
        return self.provider.name

    def by_key(self) -> dict[str, Provider]:
        """The bare provider of each key, by the key's label."""
        return {self.label: self.provider, **self.more_keys}


class RouteBuilder:
    """Makes routes, and keeps what those of one provider share: limiters, breakers, health of keys, retry budget."""

    def __init__(
        self,
        policies: Policies,
        provider_budgets: Mapping[str, Budget],
        *,
        observers: Sequence[Observer],
        on_transition: Callable[[Transition], None] | None,
        clock: Clock,
        draw: Callable[[], float],
    ) -> None:
        self._policies = policies
        self._provider_budgets = provider_budgets
        self._observers = observers
        self._on_transition = on_transition
        self._clock = clock
        self._draw = draw
        self._providers: dict[str, Provider] = {}
        self._limits = dict(policies.limits)
        self._limiters = RateLimitCoordinator(lambda name: self._limits.get(name, RateLimits()), clock=clock)
        self._shared: dict[str, _Shared] = {}
        self._routes: dict[tuple[int, str], Route] = {}
        self._defaults: dict[int, str] = {}
        self._prices: dict[tuple[str, str], ModelPrice | None] = {}
        self._preparing = asyncio.Lock()

    async def route(self, candidate: Candidate, asked: str) -> Route:
        """The route of a candidate for a request that asks for the model `asked`."""
        model = candidate.model or asked or self._defaults.get(id(candidate), "")
        route = self._routes.get((id(candidate), model)) if model else None
        if route is not None:
            return route
        async with self._preparing:
            return await self._prepared(candidate, model)

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        """USD per million tokens; looked up once."""
        if (provider, model) not in self._prices:
            self._prices[provider, model] = await self._providers[provider].price_of(model)
        return self._prices[provider, model]

    async def cost_of(self, usage: TokenUsage | None, provider: str, model: str) -> Decimal | None:
        return await self._providers[provider].cost_of(usage, model)

    def pricing(self, routes: Sequence[Route]) -> RoutePricing:
        """Prices, as far as they matter for a call that may take any of `routes`."""
        return RoutePricing(self, routes)

    def longest_answer(self, route: Route) -> int:
        """Tokens; by what the catalog knows of the model."""
        spec = self._providers[route.provider].spec
        return profile_of(spec, route.model).max_output or _LONGEST_ANSWER

    def key_health(self, provider: str) -> KeyHealth:
        return self._of(provider).keys

    def breakers(self, provider: str) -> dict[str, BreakerStatistics]:
        """By model."""
        return {model: breaker.statistics() for model, breaker in self._of(provider).breakers.items()}

    def headroom(self, provider: str) -> dict[str, Headroom]:
        """By model, and key where there are several."""
        return {name: limiter.headroom() for name, limiter in self._limiters.of(provider).items()}

    async def _prepared(self, candidate: Candidate, model: str) -> Route:
        self._providers.setdefault(candidate.name, candidate.provider)
        if not model:
            model = self._defaults[id(candidate)] = await candidate.provider.default_model()
        if (id(candidate), model) not in self._routes:
            await self._learn_slots(candidate.provider)
            self._routes[id(candidate), model] = Route(candidate.name, model, self._stack(candidate, model))
        return self._routes[id(candidate), model]

    async def _learn_slots(self, provider: Provider) -> None:
        if provider.name in self._limits or not isinstance(provider, HasSlots):
            return
        slots = await provider.slots()
        self._limits[provider.name] = RateLimits(slots=slots)

    def _stack(self, candidate: Candidate, model: str) -> Streams:
        name, shared, policies = candidate.name, self._of(candidate.name), self._policies
        keys = [
            self._keyed(name, model, label, provider, shared.breaker(model))
            for label, provider in candidate.by_key().items()
        ]
        retry = Retry(
            KeyChoice(keys, demand=_demand, health=shared.keys, clock=self._clock)
            if len(keys) > 1
            else keys[0].streams,
            policies.retry,
            budget=shared.retries,
            refused=shared.refused,
            provider=name,
            clock=self._clock,
            draw=self._draw,
        )
        observed = Observed(retry, self._observers, provider=name, clock=self._clock)
        budget = self._provider_budgets.get(name)
        if budget is None:
            return observed
        pricing = RoutePricing(self, [Route(name, model, observed)])
        return Spending(observed, pricing, [budget], unknown_price=policies.unknown_price, clock=self._clock)

    def _keyed(self, name: str, model: str, label: str, provider: Provider, breaker: CircuitBreaker) -> KeyRoute:
        limiter = self._limiters.limiter(name, model=model, key=label)
        call = OneCall(provider, now=self._clock.now)
        limited = RateLimit(call, limiter, demand=_demand, provider=name, key=label, clock=self._clock)
        return KeyRoute(label, Breaking(limited, breaker), limiter)

    def _of(self, provider: str) -> _Shared:
        if provider not in self._shared:
            self._shared[provider] = _Shared(provider, self._policies, self._clock, self._on_transition)
        return self._shared[provider]


class RoutePricing:
    """The prices of some routes; see `spending.Pricing`."""

    def __init__(self, builder: RouteBuilder, routes: Sequence[Route]) -> None:
        self._builder = builder
        self._routes = routes
        self._dearest: list[tuple[Decimal, Decimal, int]] | None = None

    async def price_of(self, provider: str, model: str) -> ModelPrice | None:
        return await self._builder.price_of(provider, model)

    async def cost_of(self, usage: TokenUsage | None, provider: str, model: str) -> Decimal | None:
        return await self._builder.cost_of(usage, provider, model)

    async def worst_case(self, prompt_tokens: int, request: UnifiedRequest) -> Decimal:
        """USD for the dearest of the routes whose price is known."""
        if self._dearest is None:
            self._dearest = [await self._rates(route) for route in self._routes]
        asked, worst = request.max_tokens, Decimal(0)
        for read, written, longest in self._dearest:
            worst = max(worst, prompt_tokens * read + (asked or longest) * written)
        return worst.scaleb(-6)

    async def _rates(self, route: Route) -> tuple[Decimal, Decimal, int]:
        """USD per million tokens read and written, and the most that may be written."""
        price = await self._builder.price_of(route.provider, route.model)
        if price is None:
            return Decimal(0), Decimal(0), 0
        return max(price.input, price.cache_write or price.input), price.output, self._builder.longest_answer(route)


class _Shared:
    """What all routes of one provider share."""

    def __init__(
        self, name: str, policies: Policies, clock: Clock, on_transition: Callable[[Transition], None] | None
    ) -> None:
        self._name = name
        self._settings = policies.breaker
        self._clock = clock
        self._on_transition = on_transition
        self.keys = KeyHealth(clock=clock)
        self.retries = RetryBudget()
        self.refused = RefusedParameters()
        self.breakers: dict[str, CircuitBreaker] = {}

    def breaker(self, model: str) -> CircuitBreaker:
        if model not in self.breakers:
            self.breakers[model] = CircuitBreaker(
                f"{self._name}:{model}", self._settings, clock=self._clock, on_transition=self._on_transition
            )
        return self.breakers[model]


def _demand(request: UnifiedRequest) -> Demand:
    return demand_of(likely_tokens(request), request.max_tokens or _USUAL_ANSWER)
