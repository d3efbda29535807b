"""Several providers and keys behind one interface, with every policy applied.

    coordinator = ProviderCoordinator([Candidate(registry.get_provider("openai"), "gpt-6-sol"),
                                       Candidate(registry.get_provider("anthropic"), "claude-sonnet-5")])
    answer = await coordinator.generate_with_fallback(UnifiedRequest(prompt="..."))

Outermost first, a call passes through: budget, fallback, retry, key choice, circuit breaker, rate limit (see
`policies`).
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from swebench_providers.coordinator.in_parallel import BatchResult, in_parallel
from swebench_providers.coordinator.routes import Candidate, RouteBuilder
from swebench_providers.coordinator.selection import Selection
from swebench_providers.coordinator.shared import SharedState
from swebench_providers.policies.breaker import Transition
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.budget_policy import BudgetPolicy
from swebench_providers.policies.fallback import Chains, Fallback, Route
from swebench_providers.policies.keys import DisabledKey
from swebench_providers.policies.observer import Observer
from swebench_providers.policies.request_log import RequestLog
from swebench_providers.policies.settings import Policies
from swebench_providers.policies.statistics import ProviderHealth
from swebench_providers.provider import Provider
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Attempt, Event
from swebench_providers.types.messages import UnifiedRequest, UnifiedResponse
from swebench_providers.types.usage import Charge, total_cost
from swebench_providers.util.clock import Clock
from swebench_providers.util.lru import LRUCache

_STACKS: Final = 256
"""Requested models whose stack of policies is kept."""

_CHUNK: Final = 64
"""Events added to an accumulator together: a call of it takes as long as adding an event."""


class ProviderCoordinator:
    """Sends requests to several candidates as one provider. Belongs to one event loop, and so does `shared`.

    `candidates` are tried in the order of `policies.selection`; `too_long` and `filtered` replace them after a prompt
    that exceeded the context window, or one that a content filter blocked. A bare provider is a candidate with its
    default model. Without candidates only `stream_from` works; the other calls raise `ValueError`.

    `budgets` apply to all calls, `provider_budgets` to those of one provider. `shared` is the state that this
    coordinator shares with others, its own by default; `ValueError` if its rate limits and those of `policies` cannot
    be combined. `on_transition` is called for each transition of a circuit breaker of a provider in use, `observers`
    for each attempt, in this loop; an exception of theirs is logged and changes nothing. `clock` is that of `shared`
    where it is given. `draw` returns a number from 0 to 1 for the jitter of waits.
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
        shared: SharedState | None = None,
        on_transition: Callable[[Transition], None] | None = None,
        observers: Sequence[Observer] = (),
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if shared is not None and clock is not None and clock is not shared.clock:
            raise ValueError("clock has to be that of the shared state")
        self._policies = policies or Policies()
        self._candidates = [_candidate(given) for given in candidates]
        self._too_long, self._filtered = list(too_long), list(filtered)
        self._budgets = budgets
        self._shared = shared or SharedState(clock=clock)
        self._clock = self._shared.clock
        self._statistics = self._shared.statistics
        measuring = (self._shared.latencies,) if self._policies.selection == "fastest" else ()
        self._stacks: LRUCache[str, BudgetPolicy] = LRUCache(_STACKS)
        self._routes = RouteBuilder(
            self._policies,
            provider_budgets or {},
            shared=self._shared,
            within_budgets=bool(budgets),
            observers=(self._statistics, *measuring, RequestLog(), *observers),
            on_transition=on_transition,
            draw=draw,
        )
        self._selection = Selection(self._policies.selection, self._shared.latencies.rank, self._shared.prices.price_of)

    async def generate_with_fallback(self, request: UnifiedRequest) -> UnifiedResponse:
        """The whole answer of the first candidate that gives one; `cost` is that of all attempts together.

        Raises the last candidate's `ProviderError`, or one of reason `budget`, with the call's cost on it.
        """
        accumulator = ResponseAccumulator(self._clock.now())
        arrived: list[Event] = []
        attempt: Attempt | None = None
        try:
            stack = self._stacks.get(request.model) or await self._stack(request)
            async with aclosing(stack.stream_unified(request)) as events:
                async for event in events:
                    arrived.append(event)
                    if type(event) is Attempt:
                        attempt = event
                    if len(arrived) == _CHUNK:
                        accumulator.extend(arrived)
                        arrived.clear()
        except ProviderError as error:
            accumulator.extend(arrived)
            error.cost = accumulator.cost(error.charge)
            raise
        accumulator.extend(arrived)
        provider, model = (attempt.provider, attempt.model) if attempt else ("", request.model)
        return accumulator.response(provider=provider, model=model, cost=accumulator.cost(), streamed=request.stream)

    def stream_with_fallback(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        """The answer as it arrives, and the events on the way to it: waits, attempts, failures, charges.

        Raises as `generate_with_fallback` does.
        """
        return _stream(lambda: self._stack(request), request)

    def stream_from(
        self, candidate: Candidate, request: UnifiedRequest, *, on_charge: Callable[[Charge], None] | None = None
    ) -> AsyncGenerator[Event, None]:
        """As `stream_with_fallback`, from this candidate alone, which need not be one of the coordinator's.

        It shares limits, circuit breakers, budgets and statistics with all other calls. `on_charge` gets the charge of
        each attempt: also of one that is cancelled, whose charge no event can carry.
        """

        async def alone() -> BudgetPolicy:
            route = await self._routes.route(candidate, request.model, required=True)
            return self._around(Chains(primary=(route,)), on_charge)

        return _stream(alone, request)

    async def process_batch(
        self, requests: Iterable[UnifiedRequest] | AsyncIterable[UnifiedRequest], *, concurrency: int = 100
    ) -> AsyncGenerator[BatchResult, None]:
        """The result of each request as it ends; at most `concurrency` requests are held in memory."""
        async with aclosing(in_parallel(self.generate_with_fallback, requests, concurrency=concurrency)) as results:
            async for result in results:
                yield result

    def health(self) -> dict[str, ProviderHealth]:
        """The statistics of each candidate, and of every provider used with the same shared state, by name."""
        return self._shared.health(candidate.name for candidate in self._candidates)

    def disabled_keys(self, provider: str) -> dict[str, DisabledKey]:
        """The keys of a provider that are not used, by label, with the reason."""
        return self._shared.disabled_keys(provider)

    def enable_key(self, provider: str, key: str) -> None:
        """Use a disabled key again."""
        self._shared.enable_key(provider, key)

    async def _stack(self, request: UnifiedRequest) -> BudgetPolicy:
        """The policies around all routes of a request. Kept by model if they are the same for the next request."""
        cached = self._stacks.get(request.model)
        if cached is not None:
            return cached
        if not self._candidates:
            raise ValueError("the coordinator has no candidates")
        primary, all_known = await self._primary(request)
        chains = Chains(
            primary=await self._selection.order(request, primary),
            too_long=await self._routes_of(self._too_long, request),
            filtered=await self._routes_of(self._filtered, request),
        )
        stack = self._around(chains)
        all_known = all_known and all(route.model for route in (*chains.too_long, *chains.filtered))
        if self._policies.selection == "ordered" and all_known:  # the other orders differ from request to request
            self._stacks[request.model] = stack
        return stack

    def _around(self, chains: Chains, on_charge: Callable[[Charge], None] | None = None) -> BudgetPolicy:
        fallback = Fallback(
            chains,
            restart=self._policies.retry.restart,
            max_breaker_wait=self._policies.max_breaker_wait,
            clock=self._clock,
        )
        return BudgetPolicy(
            fallback,
            self._routes.pricing((*chains.primary, *chains.too_long, *chains.filtered)),
            self._budgets,
            unknown_price=self._policies.unknown_price,
            on_charge=self._statistics.charged if on_charge is None else _both(self._statistics.charged, on_charge),
            clock=self._clock,
        )

    async def _primary(self, request: UnifiedRequest) -> tuple[tuple[Route, ...], bool]:
        """The routes of the candidates, and whether every one has a model.

        If no provider can name its default model, all are looked up again at once: one may be back.
        """
        routes = await self._routes_of(self._candidates, request)
        if not any(route.model for route in routes):
            routes = await self._routes_of(self._candidates, request, required=True)
        return routes, all(route.model for route in routes)

    async def _routes_of(
        self, candidates: Sequence[Candidate], request: UnifiedRequest, *, required: bool = False
    ) -> tuple[Route, ...]:
        return tuple(
            [await self._routes.route(candidate, request.model, required=required) for candidate in candidates]
        )


async def _stream(
    make_stack: Callable[[], Awaitable[BudgetPolicy]], request: UnifiedRequest
) -> AsyncGenerator[Event, None]:
    """The events of a call; an error gets the cost of all its attempts."""
    charges: list[Charge] = []
    stack = await make_stack()
    try:
        async with aclosing(stack.stream_unified(request)) as events:
            async for event in events:
                if type(event) is Charge:
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
