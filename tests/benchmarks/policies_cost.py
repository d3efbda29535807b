"""CPU of a call through all policies, against a bare call of the same stand-in for a provider.

    python -m tests.benchmarks.policies_cost [--calls 2000] [--rounds 9] [--json]

The stand-in does no I/O. It is called bare, and through a coordinator with every policy on: three keys, a fallback, a
budget, limits on requests and tokens, each of which is checked to have been at work. Bare and guarded rounds alternate,
and each figure is the best of its rounds. Exit status 1 means that nothing was measured: a call was not answered, or a
policy did nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from decimal import Decimal
from typing import Final

import msgspec

from swebench_providers import (
    Budget,
    Candidate,
    Event,
    Finished,
    FinishReason,
    ModelInfo,
    ModelPrice,
    Policies,
    ProviderCoordinator,
    RateLimits,
    TextDelta,
    TokenUsage,
    UnifiedRequest,
    UnifiedResponse,
    UsageUpdate,
)
from swebench_providers.catalog import provider_spec
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.types.accumulator import ResponseAccumulator
from tests.benchmarks.not_measured import NotMeasuredError

_USAGE: Final = TokenUsage(prompt_tokens=900, completion_tokens=100)
_PRICE: Final = ModelPrice(input=Decimal("1.25"), output=Decimal(10))
_COST: Final = _PRICE.cost(_USAGE) or Decimal(0)
_REQUEST: Final = UnifiedRequest(model="m", prompt="Fix the bug. " * 200, max_tokens=500)
_RATES: Final = {"requests": 10_000_000.0, "tokens": 100_000_000_000.0}

Call = Callable[[UnifiedRequest], Awaitable[UnifiedResponse]]


class StandIn:
    """A provider that answers at once, in so many `pieces` of text."""

    def __init__(self, name: str, pieces: int) -> None:
        self.name = name
        self.spec = provider_spec("compatible")
        self._pieces = pieces

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:
        for _ in range(self._pieces):
            yield TextDelta("word ", time.monotonic())
        yield UsageUpdate(_USAGE, time.monotonic())
        yield Finished(reason=FinishReason.STOP, time=time.monotonic(), model=request.model)

    async def generate_unified(self, request: UnifiedRequest) -> UnifiedResponse:
        accumulator = ResponseAccumulator(time.monotonic())
        async for event in self.stream_unified(request):
            accumulator.add(event)
        return accumulator.response(provider=self.name, model=request.model, cost=_COST, streamed=True)

    async def list_models(self) -> list[ModelInfo]:
        return [ModelInfo(id="m")]

    async def default_model(self) -> str:
        return "m"

    async def count_tokens(self, text: str, model: str = "") -> TokenCount:
        raise NotImplementedError

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        raise NotImplementedError

    async def cost_of(
        self,
        usage: TokenUsage | None,
        model: str,  # noqa: ARG002
        *,
        requested_model: str = "",  # noqa: ARG002
        batch: bool = False,  # noqa: ARG002
    ) -> Decimal | None:
        return None if usage is None else _PRICE.cost(usage)

    async def price_of(self, model: str) -> ModelPrice | None:  # noqa: ARG002
        return _PRICE


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds of CPU per call, for an answer of so many pieces."""

    pieces: int
    bare: float
    guarded: float

    @property
    def ratio(self) -> float:
        """A call through all policies as a multiple of a bare one."""
        return self.guarded / self.bare

    def check(self) -> None:
        """Raise `NotMeasuredError` if a figure stands for nothing."""
        if not 0 < self.bare < self.guarded:
            raise NotMeasuredError(f"a bare call took {self.bare:.1f} us, one through all policies {self.guarded:.1f}")

    def __str__(self) -> str:
        return (
            f"{self.pieces:4d} pieces: bare {self.bare:6.1f} us, with all policies {self.guarded:6.1f} us "
            f"({self.ratio:.1f} x), added {self.guarded - self.bare:6.1f} us"
        )


def with_all_policies(pieces: int, budget: Budget) -> ProviderCoordinator:
    """A coordinator in which every policy is at work."""
    limits = RateLimits(requests_per_minute=_RATES["requests"], tokens_per_minute=_RATES["tokens"])
    more_keys = {label: StandIn("first", pieces) for label in ("second", "third")}
    return ProviderCoordinator(
        [Candidate(StandIn("first", pieces), "m", more_keys=more_keys), Candidate(StandIn("second", pieces), "m")],
        Policies(limits={"first": limits, "second": limits}),
        budgets=[budget],
    )


async def measure(
    *,
    pieces: int,
    calls: int,
    rounds: int,
    make: Callable[[int, Budget], ProviderCoordinator] = with_all_policies,
) -> Measurement:
    """Raises `NotMeasuredError` if a call was not answered in full, or a policy did nothing."""
    budget = Budget("run", Decimal(1_000_000_000))
    coordinator, stand_in = make(pieces, budget), StandIn("first", pieces)
    bare, guarded = list[float](), list[float]()
    for _ in range(rounds):
        bare.append(await _round(stand_in.generate_unified, calls, pieces))
        guarded.append(await _round(coordinator.generate_with_fallback, calls, pieces))
    _check_policies(coordinator, budget, calls * rounds)
    return Measurement(pieces=pieces, bare=min(bare, default=0.0), guarded=min(guarded, default=0.0))


async def _round(call: Call, calls: int, pieces: int) -> float:
    """Microseconds of CPU per call."""
    began = time.process_time()
    answers = [await call(_REQUEST) for _ in range(calls)]
    took = time.process_time() - began
    if not answers or any(answer.content != "word " * pieces for answer in answers):
        raise NotMeasuredError("no calls were made" if not answers else f"an answer is not of {pieces} pieces")
    return took / calls * 1e6


def _check_policies(coordinator: ProviderCoordinator, budget: Budget, calls: int) -> None:
    """Raise `NotMeasuredError` for the first policy that has not seen every call."""
    health = coordinator.health().get("first")
    if health is None or health.succeeded != calls:
        raise NotMeasuredError(f"of {calls} calls {health.succeeded if health else 0} are in the statistics")
    if budget.spent != calls * _COST or budget.reserved:
        raise NotMeasuredError(f"the budget has spent {budget.spent} for {calls} calls, and holds {budget.reserved}")
    if not health.breakers or not all(breaker.calls for breaker in health.breakers.values()):
        raise NotMeasuredError("the circuit breaker has seen no calls")
    limits = [headroom.limits.keys() for headroom in health.headroom.values()]
    if len(limits) != 3 or any(dimensions != _RATES.keys() for dimensions in limits):
        raise NotMeasuredError(f"{len(limits)} keys have limits {limits}, not three of {sorted(_RATES)}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.policies_cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=2_000, help="of a round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object per line")
    options = parser.parse_args(arguments)
    for pieces in (1, 100):
        try:
            measured = asyncio.run(measure(pieces=pieces, calls=options.calls, rounds=options.rounds))
            measured.check()
        except NotMeasuredError as error:
            print(f"not measured: {error}", file=sys.stderr)
            return 1
        print(msgspec.json.encode(measured).decode() if options.as_json else measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
