"""The order in which the routes of a call are tried."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from itertools import count
from statistics import median
from typing import Final

from swebench_providers.policies.fallback import Route
from swebench_providers.policies.observer import Outcome
from swebench_providers.policies.settings import SelectionName
from swebench_providers.tokens.quick_estimate import estimate
from swebench_providers.types.errors import ErrorKind
from swebench_providers.types.events import Attempt
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import TokenUsage
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import LRUCache

_USUAL_ANSWER: Final = 1_000  # tokens, where the request sets no limit
_SAMPLES: Final = 64  # times to first token kept of a model: the latest
_TRIALS: Final = 3  # attempts in which a model is measured before those already measured go first again
_FIRST_PENALTY: Final = 15.0  # seconds that a model which failed ranks last; doubled by each failure
_LONGEST_PENALTY: Final = 600.0
_MAX_FAILURES: Final = 16  # counted; the penalty is at its longest long before
_REQUEST_FAULTS: Final = frozenset(
    {ErrorKind.CONTEXT_OVERFLOW, ErrorKind.CONTENT_FILTER, ErrorKind.INVALID_REQUEST, ErrorKind.CANCELLED}
)
"""Failures that are no evidence about how the model would handle another request."""

_MODELS: Final = 1_024  # kept


class _Latency:
    """The measurements of one model."""

    def __init__(self) -> None:
        self.first_tokens: deque[float] = deque(maxlen=_SAMPLES)
        self.trials = 0
        self.failures = 0
        self.failed_at = float("-inf")
        self.penalty_until = float("-inf")


class LatencyTracker:
    """An observer that measures each model's time to first token and knows which ones fail at present."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._now = (clock or SystemClock()).now
        self._models: LRUCache[tuple[str, str], _Latency] = LRUCache(_MODELS)

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:  # noqa: ARG002 - any request is a trial
        self._latency(attempt.provider, attempt.model).trials += 1

    def ended(self, outcome: Outcome) -> None:
        latency = self._latency(outcome.provider, outcome.model)
        if outcome.finished is not None:
            latency.failures, latency.penalty_until = 0, float("-inf")
            if outcome.first_token is not None:
                latency.first_tokens.append(outcome.first_token)
        elif outcome.error is not None and outcome.error.kind not in _REQUEST_FAULTS:
            if outcome.began >= latency.failed_at:  # requests that were in flight together count as one failure
                latency.failures = min(latency.failures + 1, _MAX_FAILURES)
                latency.failed_at = outcome.ended
            penalty = min(_FIRST_PENALTY * 2.0 ** (latency.failures - 1), _LONGEST_PENALTY)
            latency.penalty_until = self._now() + penalty

    def rank(self, provider: str, model: str) -> tuple[int, float]:
        """The sort key of a model, the best lowest.

        First come models to be measured, then measured ones by their median, then those that have shown no first token
        in their trials, and last those that failed recently.
        """
        latency = self._models.get((provider, model))
        if latency is None:
            return 0, 0.0
        if latency.penalty_until > self._now():
            return 3, latency.penalty_until
        if latency.first_tokens:
            return 1, median(latency.first_tokens)
        return (0, 0.0) if latency.trials < _TRIALS else (2, 0.0)

    def _latency(self, provider: str, model: str) -> _Latency:
        return self._models.get_or_add((provider, model), _Latency)


class Selection:
    """Sorts routes by a strategy. A route without a known price counts as the most expensive."""

    def __init__(
        self,
        strategy: SelectionName,
        rank: Callable[[str, str], tuple[int, float]],
        price_of: Callable[[str, str], Awaitable[ModelPrice | None]],
    ) -> None:
        self._strategy = strategy
        self._rank = rank
        self._price_of = price_of
        self._calls = count()

    async def order(self, request: UnifiedRequest, routes: Sequence[Route]) -> tuple[Route, ...]:
        match self._strategy:
            case "ordered":
                return tuple(routes)
            case "round_robin":
                first = next(self._calls) % len(routes)
                return (*routes[first:], *routes[:first])
            case "fastest":
                return tuple(sorted(routes, key=self._speed))
            case "cheapest":
                costs = {id(route): await self._cost(request, route) for route in routes}
                return tuple(sorted(routes, key=lambda route: costs[id(route)]))

    def _speed(self, route: Route) -> tuple[int, float]:
        """A route without a model fails at once: its provider could not name one."""
        return self._rank(route.provider, route.model) if route.model else (3, float("inf"))

    async def _cost(self, request: UnifiedRequest, route: Route) -> Decimal:
        price = await self._price_of(route.provider, route.model) if route.model else None
        if price is None:
            return Decimal("Infinity")
        usual = TokenUsage(prompt_tokens=estimate(request), completion_tokens=request.max_tokens or _USUAL_ANSWER)
        return price.cost(usual) or Decimal(0)
