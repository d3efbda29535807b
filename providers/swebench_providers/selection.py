"""Who is asked first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from itertools import count

from swebench_providers.models import ModelPrice, UnifiedRequest
from swebench_providers.policies.fallback import Route
from swebench_providers.policies.rough import likely_tokens
from swebench_providers.policies.settings import SelectionName

_USUAL_ANSWER = 1_000  # tokens, where the request sets no limit


class Selection:
    """Puts routes in the order of a strategy: those not measured yet first, those without a known price last."""

    def __init__(
        self,
        strategy: SelectionName,
        first_token: Callable[[str, str], float | None],
        price_of: Callable[[str, str], Awaitable[ModelPrice | None]],
    ) -> None:
        self._strategy = strategy
        self._first_token = first_token
        self._price_of = price_of
        self._turn = count()

    async def order(self, request: UnifiedRequest, routes: Sequence[Route]) -> tuple[Route, ...]:
        match self._strategy:
            case "ordered":
                return tuple(routes)
            case "round_robin":
                first = next(self._turn) % len(routes)
                return (*routes[first:], *routes[:first])
            case "fastest":
                return tuple(sorted(routes, key=lambda route: self._first_token(route.provider, route.model) or 0.0))
            case "cheapest":
                costs = {id(route): await self._cost(request, route) for route in routes}
                return tuple(sorted(routes, key=lambda route: costs[id(route)]))

    async def _cost(self, request: UnifiedRequest, route: Route) -> Decimal:
        price = await self._price_of(route.provider, route.model)
        if price is None:
            return Decimal("Infinity")
        return likely_tokens(request) * price.input + (request.max_tokens or _USUAL_ANSWER) * price.output
