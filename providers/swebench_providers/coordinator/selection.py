"""Who is asked first."""

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
from swebench_providers.tokens.quick_estimate import estimate_prompt
from swebench_providers.types.errors import ErrorKind
from swebench_providers.types.events import Attempt
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import TokenUsage
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import Recent

_USUAL_ANSWER: Final = 1_000  # tokens, where the request sets no limit
_MEASURED: Final = 64  # first tokens of a model that are remembered: the latest
_TRIALS: Final = 3  # attempts in which a model may show how fast it is before the measured ones go first again
_FIRST_PAUSE: Final = 15.0  # seconds that a model which failed stands behind the others; doubled by each failure
_LONGEST_PAUSE: Final = 600.0
_FAILURES_COUNTED: Final = 16  # the pause has long been at its longest
_OF_THE_REQUEST: Final = frozenset(
    {ErrorKind.CONTEXT_OVERFLOW, ErrorKind.CONTENT_FILTER, ErrorKind.INVALID_REQUEST, ErrorKind.CANCELLED}
)
"""Failures that say nothing about whether the model would answer another request."""

_MODELS: Final = 1_024  # remembered at most


class _Speed:
    """What is known of one model."""

    def __init__(self) -> None:
        self.first_tokens: deque[float] = deque(maxlen=_MEASURED)
        self.trials = 0
        self.failures = 0
        self.failed_at = float("-inf")
        self.behind_until = float("-inf")


class LatencyTracker:
    """How soon each model begins to answer, and which ones fail now. Hears of every attempt as an `Observer`."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._now = (clock or SystemClock()).now
        self._models: Recent[tuple[str, str], _Speed] = Recent(_MODELS)

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:  # noqa: ARG002 - any request is a trial
        self._of(attempt.provider, attempt.model).trials += 1

    def ended(self, outcome: Outcome) -> None:
        speed = self._of(outcome.provider, outcome.model)
        if outcome.finished is not None:
            speed.failures, speed.behind_until = 0, float("-inf")
            if outcome.first_token is not None:
                speed.first_tokens.append(outcome.first_token)
        elif outcome.error is not None and outcome.error.kind not in _OF_THE_REQUEST:
            if outcome.began >= speed.failed_at:  # what was in flight together fails once
                speed.failures = min(speed.failures + 1, _FAILURES_COUNTED)
                speed.failed_at = outcome.ended
            speed.behind_until = self._now() + min(_FIRST_PAUSE * 2.0 ** (speed.failures - 1), _LONGEST_PAUSE)

    def rank(self, provider: str, model: str) -> tuple[int, float]:
        """Where it stands, the first one lowest: models to be tried, then measured ones by their median, then those
        that have shown no first token in their trials, and last those that failed a moment ago.
        """
        speed = self._models.get((provider, model))
        if speed is None:
            return 0, 0.0
        if speed.behind_until > self._now():
            return 3, speed.behind_until
        if speed.first_tokens:
            return 1, median(speed.first_tokens)
        return (0, 0.0) if speed.trials < _TRIALS else (2, 0.0)

    def _of(self, provider: str, model: str) -> _Speed:
        return self._models.get_or_add((provider, model), _Speed)


class Selection:
    """Puts routes in the order of a strategy; those without a known price are the dearest."""

    def __init__(
        self,
        strategy: SelectionName,
        rank: Callable[[str, str], tuple[int, float]],
        price_of: Callable[[str, str], Awaitable[ModelPrice | None]],
    ) -> None:
        self._strategy = strategy
        self._rank = rank
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
        usual = TokenUsage(
            prompt_tokens=estimate_prompt(request), completion_tokens=request.max_tokens or _USUAL_ANSWER
        )
        return price.cost(usual) or Decimal(0)
