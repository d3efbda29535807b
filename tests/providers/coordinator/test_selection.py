"""The order of routes by each strategy; a route that only fails does not stay in front."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ModelPrice, ProviderError, UnifiedRequest
from swebench_providers.coordinator.selection import LatencyTracker, Selection
from swebench_providers.policies.fallback import Route
from swebench_providers.policies.observer import Outcome
from swebench_providers.policies.settings import SelectionName
from swebench_providers.types.events import Attempt
from tests.providers.policies.fake_streamer import REQUEST, FakeStreamer, done, error
from tests.providers.policies.virtual_time import VirtualClock

NAMES = ("a", "b", "c")


def routes(*names: str) -> list[Route]:
    return [Route(name, "m", FakeStreamer(VirtualClock(), [done()])) for name in names]


class Selecting:
    """Routes under one strategy, and the outcomes of their attempts."""

    def __init__(self, strategy: SelectionName, prices: dict[str, ModelPrice] | None = None) -> None:
        self.clock = VirtualClock()
        self.speeds = LatencyTracker(clock=self.clock)
        self._prices = prices or {}
        self.selection = Selection(strategy, self.speeds.rank, self._price_of)

    async def _price_of(self, provider: str, model: str) -> ModelPrice | None:  # noqa: ARG002
        return self._prices.get(provider)

    async def order(self, *names: str, request: UnifiedRequest = REQUEST) -> str:
        return "".join(route.provider for route in await self.selection.order(request, routes(*(names or NAMES))))

    def began(self, name: str) -> None:
        self.speeds.began(Attempt(provider=name, model="m", time=self.clock.now()), REQUEST)

    def ended(self, name: str, *, first_token: float | None = None, failure: ProviderError | None = None) -> None:
        self.began(name)
        outcome = Outcome(
            attempt=Attempt(provider=name, model="m", time=self.clock.now()),
            ended=self.clock.now(),
            first_token=first_token,
            retry=False,
            sent=True,
            usage=None,
            finished=None if failure else done(),
            error=failure,
        )
        self.speeds.ended(outcome)


@given(st.permutations(NAMES))
async def test_ordered_keeps_the_listed_order(names: list[str]) -> None:
    assert await Selecting("ordered").order(*names) == "".join(names)


@given(st.integers(1, 3), st.integers(1, 30))
async def test_round_robin_rotates_the_listed_order(count: int, calls: int) -> None:
    selection, names = Selecting("round_robin"), NAMES[:count]
    orders = [await selection.order(*names) for _ in range(calls)]
    firsts = Counter(order[0] for order in orders)
    assert max(firsts.values()) - min(firsts.get(name, 0) for name in names) <= 1
    assert all(order in "".join(names) * 2 for order in orders)


async def test_cheapest_uses_this_requests_cost_and_unknown_prices_last() -> None:
    def price(read: int, written: int) -> ModelPrice:
        return ModelPrice(input=Decimal(read), output=Decimal(written))

    selection = Selecting("cheapest", {"a": price(10, 1), "c": price(1, 10)})
    long_prompt = UnifiedRequest(prompt="word " * 10_000, max_tokens=10)
    assert await selection.order(request=long_prompt) == "cab"
    assert await selection.order(request=UnifiedRequest(prompt="Why?", max_tokens=1_000)) == "acb"


async def test_cheapest_knows_that_long_prompts_cost_more() -> None:
    dear = ModelPrice(input=Decimal(9), output=Decimal(9))
    a = ModelPrice(input=Decimal(1), output=Decimal(1), long_from=10_000, long_prompt=dear)
    selection = Selecting("cheapest", {"a": a, "b": ModelPrice(input=Decimal(2), output=Decimal(2))})
    assert await selection.order("a", "b") == "ab"
    assert await selection.order("a", "b", request=UnifiedRequest(prompt="word " * 10_000, max_tokens=10)) == "ba"


async def test_fastest_is_the_lowest_median_of_measured_models() -> None:
    selection = Selecting("fastest")
    for name, first_tokens in {"a": (1.0, 1.0, 9.0), "b": (0.5, 0.5, 60.0), "c": (0.7, 2.0, 2.0)}.items():
        for first_token in first_tokens:
            selection.ended(name, first_token=first_token)
    assert await selection.order() == "bac"


async def test_an_unmeasured_model_goes_first_for_some_attempts() -> None:
    selection = Selecting("fastest")
    selection.ended("a", first_token=0.5)
    firsts = []
    for _ in range(8):
        firsts.append((await selection.order("a", "b"))[0])
        selection.ended(firsts[-1], first_token=0.5 if firsts[-1] == "a" else None)
    assert "".join(firsts) == "bbbaaaaa"


async def test_parallel_calls_do_not_all_go_to_unmeasured_models() -> None:
    selection, firsts = Selecting("fastest"), list[str]()
    selection.ended("a", first_token=0.5)
    for _ in range(10):
        firsts.append((await selection.order("a", "b"))[0])
        selection.began(firsts[-1])
    assert Counter(firsts) == {"a": 7, "b": 3}


async def test_a_failing_model_ranks_last_longer_each_time() -> None:
    selection = Selecting("fastest")
    selection.ended("b", first_token=5.0)
    tried = []
    for _ in range(2_000):
        if await selection.order("a", "b") == "ab":
            tried.append(selection.clock.now())
            selection.ended("a", failure=error(ErrorKind.TRANSIENT))
        selection.clock.advance(1.0)
    assert tried == [0.0, 15.0, 45.0]  # from then on its trials are used up, and it has shown no first token


async def test_a_fast_model_that_fails_ranks_last_for_a_while() -> None:
    selection = Selecting("fastest")
    selection.ended("a", first_token=0.1)
    selection.ended("b", first_token=5.0)
    selection.ended("a", failure=error(ErrorKind.OVERLOADED))
    assert await selection.order("a", "b") == "ba"
    selection.clock.advance(15.0)
    assert await selection.order("a", "b") == "ab"
    selection.ended("a", failure=error(ErrorKind.OVERLOADED))
    selection.clock.advance(15.0)
    assert await selection.order("a", "b") == "ba"
    selection.ended("a", first_token=0.1)  # as the last one left
    assert await selection.order("a", "b") == "ab"


async def test_failures_in_flight_together_count_once() -> None:
    selection = Selecting("fastest")
    selection.clock.advance(1.0)
    began = selection.clock.now() - 1.0
    for _ in range(100):
        selection.speeds.ended(_failed("a", began, selection.clock.now()))
    selection.ended("b", first_token=5.0)
    selection.clock.advance(15.0)
    assert await selection.order("a", "b") == "ab"


def _failed(name: str, began: float, ended: float) -> Outcome:
    return Outcome(
        attempt=Attempt(provider=name, model="m", time=began),
        ended=ended,
        first_token=None,
        retry=False,
        sent=True,
        usage=None,
        finished=None,
        error=error(ErrorKind.TRANSIENT),
    )


@pytest.mark.parametrize("kind", [ErrorKind.CONTEXT_OVERFLOW, ErrorKind.CONTENT_FILTER, ErrorKind.INVALID_REQUEST])
async def test_a_faulty_request_does_not_affect_the_rank(kind: ErrorKind) -> None:
    selection = Selecting("fastest")
    selection.ended("a", first_token=0.1)
    selection.ended("b", first_token=5.0)
    selection.ended("a", failure=error(kind))
    assert await selection.order("a", "b") == "ab"


@pytest.mark.parametrize("strategy", ["fastest", "cheapest"])
async def test_a_provider_that_cannot_name_a_model_goes_last(strategy: SelectionName) -> None:
    price = ModelPrice(input=Decimal(1), output=Decimal(1))
    selection = Selecting(strategy, {"gone": price, "a": price})
    gone = Route("gone", "", FakeStreamer(VirtualClock(), [done()]))
    ordered = await selection.selection.order(REQUEST, [gone, *routes("a")])
    assert [route.provider for route in ordered] == ["a", "gone"]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), st.floats(0.01, 9), st.just("fails"))), max_size=30
    ),
    st.sampled_from(["ordered", "round_robin", "cheapest", "fastest"]),
)
async def test_each_route_is_in_the_order_exactly_once(
    happened: list[tuple[str, float | str | None]], strategy: SelectionName
) -> None:
    selection = Selecting(strategy)
    for name, outcome in happened:
        if isinstance(outcome, str):
            selection.ended(name, failure=error(ErrorKind.TRANSIENT))
        else:
            selection.ended(name, first_token=outcome)
    assert sorted(await selection.order()) == sorted(NAMES)
