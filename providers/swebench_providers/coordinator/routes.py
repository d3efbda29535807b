"""Candidates, and the policies around each of their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from swebench_providers.catalog import profile_of
from swebench_providers.coordinator.price_book import LONGEST_ANSWER, RoutePricing
from swebench_providers.coordinator.shared import SharedState
from swebench_providers.policies.always_fails import AlwaysFails
from swebench_providers.policies.breaker import CircuitBreaker, Transition
from swebench_providers.policies.breaker_policy import CircuitBreakerPolicy
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.budget_policy import BudgetPolicy, RequirePrice
from swebench_providers.policies.fallback import Route
from swebench_providers.policies.interface import DirectCall, Streamer
from swebench_providers.policies.keys import KeyChoice, KeyRoute
from swebench_providers.policies.limiter import estimate_demand
from swebench_providers.policies.observer import Observer, ObserverPolicy
from swebench_providers.policies.rate_limit_policy import RateLimitPolicy
from swebench_providers.policies.rate_limits import Demand
from swebench_providers.policies.retry import Retry
from swebench_providers.policies.settings import Policies
from swebench_providers.policies.slots import slot_count
from swebench_providers.provider import Provider
from swebench_providers.tokens.quick_estimate import estimate
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.util.lru import LRUCache

_USUAL_ANSWER: Final = 1_000  # tokens, where a request sets no limit
_ROUTES: Final = 1_024  # kept; one that has not been used for a long time is built again


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """A model that may answer. `more_keys` are further providers by the label of their key; `label` is that of the
    key of `provider`.

    An empty `model` is the one that the request names, else the provider's default.
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
    """Builds the routes of one coordinator: its own settings around the shared state."""

    def __init__(
        self,
        policies: Policies,
        provider_budgets: Mapping[str, Budget],
        *,
        shared: SharedState,
        within_budgets: bool,
        observers: Sequence[Observer],
        on_transition: Callable[[Transition], None] | None,
        draw: Callable[[], float],
    ) -> None:
        self._policies = policies
        self._provider_budgets = provider_budgets
        self._shared = shared
        self._require_price = within_budgets and policies.unknown_price == "refuse"
        self._observers = observers
        self._listener = on_transition
        self._draw = draw
        self._demand = _EstimatedDemand()
        self._clock = shared.clock
        self._routes: LRUCache[tuple[Candidate, str], Route] = LRUCache(_ROUTES)
        shared.add_limits(policies.limits)

    async def route(self, candidate: Candidate, requested_model: str, *, required: bool = False) -> Route:
        """The route of a candidate for a request that names `requested_model`, or "".

        If the provider cannot name its default model, the route has no model and fails with the provider's error. The
        lookup is repeated after a while, and at once if the route is `required` because there is no other.
        """
        models = self._shared.default_models
        model = candidate.model or requested_model or models.cached(candidate.provider)
        if not model:
            try:
                model = await models.fetch(candidate.provider, required=required)
            except ProviderError as error:
                return Route(candidate.name, "", AlwaysFails(error))
        return self._routes.get_or_add((candidate, model), lambda: self._build(candidate, model))

    def pricing(self, routes: Sequence[Route]) -> RoutePricing:
        """The prices for a call that may take any of `routes`."""
        return RoutePricing(self._shared.prices, [(route, self.max_output(route)) for route in routes if route.model])

    def max_output(self, route: Route) -> int:
        """The most tokens that the model can write, from the catalog."""
        spec = self._shared.used_provider(route.provider).spec
        return profile_of(spec, route.model).max_output or LONGEST_ANSWER

    def on_transition(self, transition: Transition) -> None:
        """Pass on a transition of a breaker that routes of this coordinator use."""
        if self._listener is not None:
            self._listener(transition)

    def _build(self, candidate: Candidate, model: str) -> Route:
        name, policies, clock = candidate.name, self._policies, self._clock
        limits, state = self._shared.use(candidate.provider), self._shared.provider(candidate.name)
        if self._listener is not None:
            state.add_listener(self)
        first_token = profile_of(candidate.provider.spec, model).first_token
        breaker = state.breaker(model, policies.breaker, first_token)
        keys = [
            self._key_route(Candidate(provider, model, label), name, breaker, has_slots=limits.slots is not None)
            for label, provider in candidate.by_key().items()
        ]
        retry = Retry(
            KeyChoice(keys, demand=self._demand, health=state.keys, clock=clock),
            policies.retry,
            budget=state.retries,
            refused=state.refused,
            provider=name,
            clock=clock,
            draw=self._draw,
        )
        priced: Streamer = RequirePrice(retry, self._shared.prices.price_of, name) if self._require_price else retry
        observed = ObserverPolicy(priced, self._observers, provider=name, clock=clock)
        budget = self._provider_budgets.get(name)
        if budget is None:
            return Route(name, model, observed)
        pricing = self.pricing([Route(name, model, observed)])
        within_budget = BudgetPolicy(
            observed, pricing, [budget], unknown_price=policies.unknown_price, clock=self._clock
        )
        return Route(name, model, within_budget)

    def _key_route(self, candidate: Candidate, name: str, breaker: CircuitBreaker, *, has_slots: bool) -> KeyRoute:
        """The policies around one key. `has_slots`: the user has set the slots, so the server need not report them."""
        provider, model, key = candidate.provider, candidate.model, candidate.label
        limiter = self._shared.limiter(name, model=model, key=key)
        limited = RateLimitPolicy(
            DirectCall(provider, now=self._clock.now),
            limiter,
            demand=self._demand,
            provider=name,
            key=key,
            slots=None if has_slots else slot_count(provider, model),
            clock=self._clock,
        )
        return KeyRoute(key, CircuitBreakerPolicy(limited, breaker), limiter)


class _EstimatedDemand:
    """The demand of a request, kept for the last one: the choice of a key and the limiter both need it."""

    def __init__(self) -> None:
        self._request: UnifiedRequest | None = None
        self._demand: Demand = {}

    def __call__(self, request: UnifiedRequest) -> Demand:
        if request is not self._request:
            self._demand = estimate_demand(estimate(request), request.max_tokens or _USUAL_ANSWER)
            self._request = request
        return self._demand
