"""Providers with all policies on: one call is one answer, whatever it takes.

    coordinator = ProviderCoordinator([Candidate(registry.get_provider("openai"), "gpt-6-sol"),
                                       Candidate(registry.get_provider("anthropic"), "claude-sonnet-5")])
    answer = await coordinator.generate_with_fallback(UnifiedRequest(prompt="..."))

Outermost first, a call goes through: budget, fallback, retry, key choice, circuit breaker, rate limit (see `policies`).
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from swebench_providers.coordinator.in_parallel import BatchResult, in_parallel
from swebench_providers.coordinator.routes import Candidate, RouteBuilder
from swebench_providers.coordinator.selection import LatencyTracker, Selection
from swebench_providers.policies.breaker import Transition
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.budget_policy import BudgetPolicy
from swebench_providers.policies.fallback import Chains, Fallback, Route
from swebench_providers.policies.keys import DisabledKey
from swebench_providers.policies.observer import Observer, Outcome
from swebench_providers.policies.request_log import RequestLog
from swebench_providers.policies.settings import Policies
from swebench_providers.policies.statistics import ProviderHealth, Statistics
from swebench_providers.provider import Provider
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Attempt, Event
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse
from swebench_providers.types.usage import Charge, total_cost
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import Recent

_CALLS: Final = 256
"""Models that requests name, for which the stack of policies is kept."""


class ProviderCoordinator:
    """Asks several candidates as one. Belongs to one event loop.

    `candidates` are tried as `policies.selection` says; `too_long` and `filtered` are asked instead of them after a
    prompt that does not fit, or one that was filtered. `budgets` hold for all calls together, `provider_budgets` for
    those of one provider. A bare provider is a candidate with its default model. Without candidates only `stream_from`
    has anybody to ask; the other calls raise `ValueError`. `on_transition` hears of each change of a circuit breaker,
    `observers` of each attempt, in this loop; what they raise is logged and changes nothing. `draw` is a number from 0
    to 1 for the jitter of the waits.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate | Provider],
        policies: Policies | None = None,
        *,
        too_long: Sequence[Candidate] = (),
        filtered: Sequence[Candidate] = (),
        budgets: Sequence[Budget] = (),
        provider_budgets: Mapping[str, Budget] | None = None,
        on_transition: Callable[[Transition], None] | None = None,
        observers: Sequence[Observer] = (),
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._policies = policies or Policies()
        self._candidates = [_candidate(given) for given in candidates]
        self._too_long, self._filtered = list(too_long), list(filtered)
        self._budgets = budgets
        self._clock = clock or SystemClock()
        self._counts = _Counts()
        speeds = LatencyTracker(clock=self._clock)
        measuring = (speeds,) if self._policies.selection == "fastest" else ()
        self._calls: Recent[str, BudgetPolicy] = Recent(_CALLS)
        self._routes = RouteBuilder(
            self._policies,
            provider_budgets or {},
            within_budgets=bool(budgets),
            observers=(self._counts, *measuring, RequestLog(), *observers),
            on_transition=on_transition,
            clock=self._clock,
            draw=draw,
        )
        self._selection = Selection(self._policies.selection, speeds.rank, self._routes.prices.price_of)

    async def generate_with_fallback(self, request: UnifiedRequest) -> UnifiedResponse:
        """The whole answer of whoever gave one; `cost` is that of all attempts together.

        Raises the last candidate's `ProviderError`, or one of reason `budget`, with the call's cost on it.
        """
        fold = ResponseAccumulator(self._clock.now())
        attempt: Attempt | None = None
        try:
            call = await self._call(request)
            async with aclosing(call.stream_unified(request)) as events:
                async for event in events:
                    fold.add(event)
                    if isinstance(event, Attempt):
                        attempt = event
        except ProviderError as error:
            error.cost = fold.cost(error.charge)
            raise
        provider, model = (attempt.provider, attempt.model) if attempt else ("", request.model)
        return fold.response(provider=provider, model=model, cost=fold.cost(), streamed=request.stream)

    async def stream_with_fallback(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """The answer as it arrives, and what is done to get it: waits, attempts, failures, charges.

        Raises as `generate_with_fallback` does.
        """
        async with aclosing(_costing(await self._call(request), request)) as events:
            async for event in events:
                yield event

    async def stream_from(
        self, candidate: Candidate, request: UnifiedRequest, *, on_charge: Callable[[Charge], None] | None = None
    ) -> AsyncGenerator[Event, None]:
        """As `stream_with_fallback`, of this one alone, who may be none of the candidates.

        It shares limits, circuit breakers, budgets and statistics with all other calls. `on_charge` gets the charge of
        each attempt: also of one that is cancelled, whose charge no event can carry.
        """
        alone = Chains(usual=(await self._routes.route(candidate, request.model, needed=True),))
        async with aclosing(_costing(self._stacked(alone, on_charge), request)) as events:
            async for event in events:
                yield event

    async def process_batch(
        self, requests: Iterable[UnifiedRequest] | AsyncIterable[UnifiedRequest], *, concurrency: int = 100
    ) -> AsyncGenerator[BatchResult, None]:
        """Each request's result as it comes, in the order of their ends; at most `concurrency` are held in memory."""
        async with aclosing(in_parallel(self.generate_with_fallback, requests, concurrency=concurrency)) as results:
            async for result in results:
                yield result

    def health(self) -> dict[str, ProviderHealth]:
        """How each provider fares, by name."""
        names = dict.fromkeys((*(candidate.name for candidate in self._candidates), *self._counts.providers))
        return {
            name: self._counts.of(name).health(self._routes.breakers(name), self._routes.headroom(name))
            for name in names
        }

    def disabled_keys(self, provider: str) -> dict[str, DisabledKey]:
        """The provider's keys that are not used, by label, with the reason."""
        return self._routes.key_health(provider).disabled_keys()

    def enable_key(self, provider: str, key: str) -> None:
        """Use a key again that was set aside."""
        self._routes.key_health(provider).enable(key)

    async def _call(self, request: UnifiedRequest) -> BudgetPolicy:
        """The policies around all routes that this request may take; the same for all requests of one order."""
        known = self._calls.get(request.model)
        if known is not None:
            return known
        if not self._candidates:
            raise ValueError("there is no provider to ask")
        usual, all_known = await self._usual(request)
        chains = Chains(
            usual=await self._selection.order(request, usual),
            too_long=await self._routed(self._too_long, request),
            filtered=await self._routed(self._filtered, request),
        )
        call = self._stacked(chains)
        all_known = all_known and all(route.model for route in (*chains.too_long, *chains.filtered))
        if self._policies.selection == "ordered" and all_known:  # the other orders are made anew for each request
            self._calls.set(request.model, call)
        return call

    def _stacked(self, chains: Chains, on_charge: Callable[[Charge], None] | None = None) -> BudgetPolicy:
        fallback = Fallback(
            chains,
            restart=self._policies.retry.restart,
            max_breaker_wait=self._policies.max_breaker_wait,
            clock=self._clock,
        )
        return BudgetPolicy(
            fallback,
            self._routes.pricing((*chains.usual, *chains.too_long, *chains.filtered)),
            self._budgets,
            unknown_price=self._policies.unknown_price,
            on_charge=self._counts.charged if on_charge is None else _both(self._counts.charged, on_charge),
            clock=self._clock,
        )

    async def _usual(self, request: UnifiedRequest) -> tuple[tuple[Route, ...], bool]:
        """The routes of the candidates, and whether all of them can be asked.

        Where no provider can say which model it would use, they are asked again, as one may be back.
        """
        routes = await self._routed(self._candidates, request)
        if not any(route.model for route in routes):
            routes = await self._routed(self._candidates, request, needed=True)
        return routes, all(route.model for route in routes)

    async def _routed(
        self, candidates: Sequence[Candidate], request: UnifiedRequest, *, needed: bool = False
    ) -> tuple[Route, ...]:
        return tuple([await self._routes.route(candidate, request.model, needed=needed) for candidate in candidates])


class _Counts:
    """Statistics by provider."""

    def __init__(self) -> None:
        self.providers: dict[str, Statistics] = {}

    def of(self, provider: str) -> Statistics:
        if provider not in self.providers:
            self.providers[provider] = Statistics()
        return self.providers[provider]

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:  # noqa: ARG002 - of no use here
        self.of(attempt.provider).in_flight += 1

    def ended(self, outcome: Outcome) -> None:
        statistics = self.of(outcome.provider)
        statistics.in_flight -= 1
        if outcome.retry:
            statistics.retried()
        if outcome.error is not None:
            statistics.failed(outcome.error)
        elif outcome.finished is not None:
            statistics.succeeded(outcome.ended - outcome.began, outcome.first_token)

    def charged(self, charge: Charge) -> None:
        if charge.provider:
            self.of(charge.provider).charged(charge.amount)


async def _costing(call: BudgetPolicy, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
    """The events of a call; an error leaves with what all its attempts cost."""
    charges: list[Charge] = []
    try:
        async with aclosing(call.stream_unified(request)) as events:
            async for event in events:
                if isinstance(event, Charge):
                    charges.append(event)
                yield event
    except ProviderError as error:
        error.cost = total_cost(charges, error.charge)
        raise


def _both(first: Callable[[Charge], None], second: Callable[[Charge], None]) -> Callable[[Charge], None]:
    def call(charge: Charge) -> None:
        first(charge)
        second(charge)

    return call


def _candidate(given: Candidate | Provider) -> Candidate:
    return given if isinstance(given, Candidate) else Candidate(given)
