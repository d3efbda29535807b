"""Candidates, and the policies around each of their models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from swebench_providers.catalog import profile_of
from swebench_providers.coordinator.default_models import DefaultModels
from swebench_providers.coordinator.price_book import LONGEST_ANSWER, PriceBook, RoutePricing
from swebench_providers.policies.always_fails import AlwaysFails
from swebench_providers.policies.breaker import (
    BreakerSettings,
    BreakerStatistics,
    CircuitBreaker,
    CircuitBreakerPolicy,
    Transition,
)
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.budget_policy import BudgetPolicy, RequirePrice
from swebench_providers.policies.fallback import Route
from swebench_providers.policies.interface import DirectCall, Streamer
from swebench_providers.policies.keys import KeyChoice, KeyHealth, KeyRoute
from swebench_providers.policies.limiter import Demand, Headroom, RateLimits, estimate_demand
from swebench_providers.policies.observer import Observer, ObserverPolicy
from swebench_providers.policies.parameters import RefusedParameters
from swebench_providers.policies.rate_limit_policy import RateLimitCoordinator, RateLimitPolicy, with_server_scope
from swebench_providers.policies.retry import Retry
from swebench_providers.policies.retry_budget import RetryBudget
from swebench_providers.policies.settings import Policies
from swebench_providers.policies.slots import slot_count
from swebench_providers.provider import Provider
from swebench_providers.tokens.quick_estimate import estimate_prompt
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.util.clock import Clock
from swebench_providers.util.lru import Recent, RecentOrHeld

_USUAL_ANSWER: Final = 1_000  # tokens, where a request sets no limit
_ROUTES: Final = 1_024  # kept at most; a route is made anew where a model has not been asked for a long time


class Candidate(msgspec.Struct, frozen=True, eq=False):
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
        within_budgets: bool,
        observers: Sequence[Observer],
        on_transition: Callable[[Transition], None] | None,
        clock: Clock,
        draw: Callable[[], float],
    ) -> None:
        self._policies = policies
        self._only_priced = within_budgets and policies.unknown_price == "refuse"
        self._provider_budgets = provider_budgets
        self._observers = observers
        self._on_transition = on_transition
        self._clock = clock
        self._draw = draw
        self._providers: dict[str, Provider] = {}
        self._limits = dict(policies.limits)
        self._limiters = RateLimitCoordinator(lambda name: self._limits.get(name, RateLimits()), clock=clock)
        self._shared: dict[str, _Shared] = {}
        self._routes: Recent[tuple[Candidate, str], Route] = Recent(_ROUTES)
        self._defaults = DefaultModels(clock=clock)
        self._preparing: dict[str, asyncio.Lock] = {}
        self.prices = PriceBook(self._providers, clock=clock)

    async def route(self, candidate: Candidate, asked: str, *, needed: bool = False) -> Route:
        """The route of a candidate for a request that asks for the model `asked`.

        Where its provider cannot name its default model, the route has no model and fails with the reason. The provider
        is asked again after a while, and at once where the route is `needed` because there is no other.
        """
        model = candidate.model or asked or self._defaults.known(candidate.provider)
        if not model:
            try:
                model = await self._defaults.of(candidate.provider, needed=needed)
            except ProviderError as error:
                return Route(candidate.name, "", AlwaysFails(error))
        route = self._routes.get((candidate, model))
        return await self._prepared(candidate, model) if route is None else route

    def pricing(self, routes: Sequence[Route]) -> RoutePricing:
        """Prices, as far as they matter for a call that may take any of `routes`."""
        return RoutePricing(self.prices, [(route, self.longest_answer(route)) for route in routes if route.model])

    def longest_answer(self, route: Route) -> int:
        """Tokens; by what the catalog knows of the model."""
        spec = self._providers[route.provider].spec
        return profile_of(spec, route.model).max_output or LONGEST_ANSWER

    def key_health(self, provider: str) -> KeyHealth:
        return self._of(provider).keys

    def breakers(self, provider: str) -> dict[str, BreakerStatistics]:
        """By model."""
        return {model: breaker.statistics() for model, breaker in self._of(provider).breakers.items()}

    def headroom(self, provider: str) -> dict[str, Headroom]:
        """By model, and key where there are several."""
        return {name: limiter.headroom() for name, limiter in self._limiters.limiters(provider).items()}

    async def _prepared(self, candidate: Candidate, model: str) -> Route:
        async with self._preparing.setdefault(candidate.name, asyncio.Lock()):
            route = self._routes.get((candidate, model))
            if route is None:
                self._providers[candidate.name] = candidate.provider  # the latest: its key or address may be new
                self._limits[candidate.name] = with_server_scope(self._limits.get(candidate.name), candidate.provider)
                route = Route(candidate.name, model, self._stack(candidate, model))
                self._routes.set((candidate, model), route)
            return route

    def _stack(self, candidate: Candidate, model: str) -> Streamer:
        name, shared, policies = candidate.name, self._of(candidate.name), self._policies
        breaker = shared.breaker(model, profile_of(candidate.provider.spec, model).first_token)
        keys = [self._keyed(name, model, label, provider, breaker) for label, provider in candidate.by_key().items()]
        retry = Retry(
            KeyChoice(keys, demand=_demand, health=shared.keys, clock=self._clock),
            policies.retry,
            budget=shared.retries,
            refused=shared.refused,
            provider=name,
            clock=self._clock,
            draw=self._draw,
        )
        asked: Streamer = RequirePrice(retry, self.prices.price_of, name) if self._only_priced else retry
        observed = ObserverPolicy(asked, self._observers, provider=name, clock=self._clock)
        budget = self._provider_budgets.get(name)
        if budget is None:
            return observed
        pricing = self.pricing([Route(name, model, observed)])
        return BudgetPolicy(observed, pricing, [budget], unknown_price=policies.unknown_price, clock=self._clock)

    def _keyed(self, name: str, model: str, label: str, provider: Provider, breaker: CircuitBreaker) -> KeyRoute:
        limiter = self._limiters.limiter(name, model=model, key=label)
        slots = slot_count(provider, model) if self._limits[name].slots is None else None
        call = DirectCall(provider, now=self._clock.now)
        limited = RateLimitPolicy(
            call, limiter, demand=_demand, provider=name, key=label, slots=slots, clock=self._clock
        )
        return KeyRoute(label, CircuitBreakerPolicy(limited, breaker), limiter)

    def _of(self, provider: str) -> _Shared:
        if provider not in self._shared:
            self._shared[provider] = _Shared(provider, self._policies, self._clock, self._on_transition)
        return self._shared[provider]


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
        self.breakers: RecentOrHeld[str, CircuitBreaker] = RecentOrHeld(_ROUTES)

    def breaker(self, model: str, first_token: float | None) -> CircuitBreaker:
        """`first_token`: seconds that the model's family may be silent at first, where that is longer than others."""
        return self.breakers.get_or_add(
            model,
            lambda: CircuitBreaker(
                f"{self._name}:{model}",
                _patient(self._settings, first_token or 0.0),
                clock=self._clock,
                on_transition=self._on_transition,
            ),
        )


def _patient(settings: BreakerSettings, seconds: float) -> BreakerSettings:
    """With a first token within `seconds` no model is slow, and no probe without a sign of life."""
    return msgspec.structs.replace(
        settings,
        slow_first_token=max(settings.slow_first_token, seconds),
        longest_half_open=max(settings.longest_half_open, seconds),
    )


def _demand(request: UnifiedRequest) -> Demand:
    return estimate_demand(estimate_prompt(request), request.max_tokens or _USUAL_ANSWER)
