"""Every kind of failure together, on real sockets: no loss, no overspending, no hammering of a server."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from decimal import Decimal

import msgspec
import pytest

from swebench_providers import (
    ErrorKind,
    ModelPrice,
    ProviderConfig,
    Secret,
    TimeLimits,
    UnifiedRequest,
    UnifiedResponse,
)
from swebench_providers.catalog import provider_spec
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.in_parallel import BatchResult
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.http.transport import Transport
from swebench_providers.policies.breaker import BreakerSettings, BreakerState, Transition
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.concurrency import ConcurrencySettings
from swebench_providers.policies.observer import Outcome
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.provider import HTTPProvider
from swebench_providers.types.events import Attempt, TextDelta
from tests.fault_server import Ending, FaultServer, Script, failing

REQUESTS = 2_000
IN_FLIGHT = 100
DEAD_SECONDS = 5.0
PROBES = 3
PRICE = ModelPrice(input=Decimal(1_000), output=Decimal(2_000))  # USD per million: a token is a tenth of a cent
LIMITS = TimeLimits(connect=2, first_token=0.5, idle=0.5, total=20)
GOOD = Script("An answer in a few words.")
FAULTS = (
    failing(429, retry_after="0.1"),
    failing(500),
    failing(529),
    Script("It breaks off here.", ending=Ending.TRUNCATED, after=2),
    Script("It breaks off here.", ending=Ending.RESET, after=2),
    Script("It falls silent here.", ending=Ending.STALL, after=1),
)

POLICIES = Policies(
    retry=RetrySettings(attempts=4, base=0.02, throttled_base=0.02, longest_backoff=0.2, restart=True),
    breaker=BreakerSettings(open_for=0.5, longest_open=1.0, probes=PROBES, longest_half_open=2.0),
    limits={
        name: RateLimits(concurrency=ConcurrencySettings(start=60, least=8, most=120), requests_per_minute=120_000)
        for name in ("first", "second")
    },
    max_breaker_wait=60.0,
)


class Log:
    """What happened: at the first provider in order, how often each question was sent, how many answers came."""

    def __init__(self) -> None:
        self.entries: list[BreakerState | str] = []
        self.sent_count: Counter[str] = Counter()
        self.answers = 0
        self._since = 0.0

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        self.sent_count[request.prompt] += 1
        if attempt.provider == "first":
            self.entries.append("request")

    def ended(self, outcome: Outcome) -> None:
        """A probe refused with 429 is no evidence: another one takes its place."""
        self.answers += outcome.finished is not None
        refused = outcome.error is not None and outcome.error.kind is ErrorKind.RATE_LIMITED
        if outcome.provider == "first" and refused and outcome.began >= self._since:
            self.entries.append("refused")

    def changed(self, transition: Transition) -> None:
        if transition.name.startswith("first"):
            self.entries.append(transition.after)
            self._since = transition.time

    def requests_by_state(self) -> Iterator[tuple[BreakerState, int]]:
        """How many requests that count were sent in each state of the breaker, in order."""
        state, requests = BreakerState.CLOSED, 0
        for entry in self.entries:
            if entry in {"request", "refused"}:
                requests += 1 if entry == "request" else -1
            else:
                yield state, requests
                state, requests = BreakerState(entry), 0
        yield state, requests


@pytest.fixture
async def second_server() -> AsyncIterator[FaultServer]:
    async with FaultServer(GOOD) as server:
        yield server


def provider_of(
    name: str, server: FaultServer, transport: Transport, key: str = "sk-a", *, limits: TimeLimits = LIMITS
) -> HTTPProvider:
    config = ProviderConfig(
        name=name,
        api_key=Secret(key),
        base_url=f"{server.base_url}/v1",
        base_url_source="given",
        time_limits=limits,
        prices={"m": PRICE},
    )
    return HTTPProvider(provider_spec("compatible"), config, transport)


def coordinator_of(
    first: FaultServer,
    second: FaultServer,
    transport: Transport,
    budget: Budget,
    log: Log,
    *,
    limits: TimeLimits = LIMITS,
) -> ProviderCoordinator:
    """Three keys of one provider, and another provider behind it."""
    more = {f"key {n}": provider_of("first", first, transport, f"sk-{n}", limits=limits) for n in (2, 3)}
    return ProviderCoordinator(
        [
            Candidate(
                provider_of("first", first, transport, "sk-1", limits=limits), "m", label="key 1", more_keys=more
            ),
            Candidate(provider_of("second", second, transport), "m"),
        ],
        POLICIES,
        budgets=[budget],
        observers=[log],
        on_transition=log.changed,
        draw=random.Random(7).random,
    )


def question(number: int) -> str:
    return f"Question {number}."


def requests() -> Iterator[UnifiedRequest]:
    for number in range(REQUESTS):
        yield UnifiedRequest(prompt=question(number), max_tokens=50)


def chaos(seed: int, share: float) -> list[Script]:
    """Answers, a share of them broken."""
    draw = random.Random(seed)
    return [draw.choice(FAULTS) if draw.random() < share else GOOD for _ in range(3 * REQUESTS)]


def cost_of(answer: UnifiedResponse) -> Decimal | None:
    return None if answer.usage is None else PRICE.cost(answer.usage)


async def dead_for_a_while(server: FaultServer) -> None:
    await server.stop_abruptly()
    await asyncio.sleep(DEAD_SECONDS)  # a real outage is tested, and only the real clock ends it
    await server.restart()


async def test_a_batch_survives_everything_at_once(
    fault_server: FaultServer, second_server: FaultServer, transport: Transport
) -> None:
    budget, log = Budget("run", Decimal(10_000)), Log()
    fault_server.enqueue(*chaos(1, 0.25))
    second_server.enqueue(*chaos(2, 0.05))
    coordinator = coordinator_of(fault_server, second_server, transport, budget, log)
    ended: dict[int, int | None] = {}  # attempts that had failed before the answer; None without one
    paid = Decimal(0)
    held: list[int] = []
    async with (
        asyncio.TaskGroup() as group,
        aclosing(coordinator.process_batch(requests(), concurrency=IN_FLIGHT)) as results,
    ):
        async for result in results:
            assert result.index not in ended
            ended[result.index] = None if result.response is None else len(result.response.failed_attempts)
            paid += _paid(result)
            if len(ended) == REQUESTS // 3:
                group.create_task(dead_for_a_while(fault_server))
            if len(ended) in {REQUESTS // 4, REQUESTS}:
                held.append(_held_by_the_layer())

    assert sorted(ended) == list(range(REQUESTS))
    answers = sum(failed is not None for failed in ended.values())
    assert answers >= REQUESTS * 0.98
    assert (budget.spent, budget.reserved) == (paid, Decimal(0))
    assert sum((health.cost for health in coordinator.health().values()), Decimal(0)) == paid
    assert [health.in_flight for health in coordinator.health().values()] == [0, 0]
    for state, sent in log.requests_by_state():
        assert state is not BreakerState.OPEN or sent == 0
        assert state is not BreakerState.HALF_OPEN or sent <= PROBES
    assert BreakerState.OPEN in log.entries
    assert log.answers == answers  # each answered request had at least one, so exactly one, and the others none
    for index, failed in ended.items():
        assert failed is None or log.sent_count[question(index)] <= failed + 1
    # Nothing further inside, such as the HTTP client, retries by itself.
    for prompt, received in _received(fault_server, second_server).items():
        assert received <= log.sent_count[prompt]
    assert held[1] <= held[0]


def _paid(result: BatchResult) -> Decimal:
    """The cost of a result, checked against the answer's tokens if no attempt has failed."""
    if result.response is None:
        assert result.error is not None
        assert result.error.cost is not None
        return result.error.cost
    assert result.response.cost is not None
    if not result.response.failed_attempts:
        assert result.response.cost == cost_of(result.response)
    return result.response.cost


def _received(*servers: FaultServer) -> Counter[str]:
    """How often each question reached a server.

    What a server has sent is no measure of that: an answer in transit when the connection was cut, or after the time
    limit, was not received, and has to be requested again.
    """
    return Counter(
        msgspec.json.decode(request.body)["messages"][-1]["content"]
        for server in servers
        for request in server.requests
    )


def _held_by_the_layer() -> int:
    """The number of live objects of the layer's own types: calls, permits, events, errors."""
    gc.collect()
    return sum(str(type(thing).__module__).startswith("swebench_providers") for thing in gc.get_objects())


async def test_streams_cancelled_twice_leave_nothing_behind(
    fault_server: FaultServer, second_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script(" word" * 40, tokens_per_second=400)
    budget, log, draw = Budget("run", Decimal(10_000)), Log(), random.Random(3)
    coordinator = coordinator_of(fault_server, second_server, transport, budget, log, limits=TimeLimits())
    baseline = asyncio.all_tasks()
    flowing = asyncio.Event()

    async def one() -> None:
        async with aclosing(coordinator.stream_with_fallback(UnifiedRequest(prompt="?", max_tokens=50))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    flowing.set()

    async def cancelled_twice() -> None:
        task = asyncio.create_task(one())
        if draw.random() < 0.8:  # the others are cancelled before anything arrives, or soon after
            await flowing.wait()
        await asyncio.sleep(draw.random() * 0.3)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async with asyncio.TaskGroup() as group:
        for _ in range(1_000):
            group.create_task(cancelled_twice())

    health = coordinator.health()["first"]
    # Far more than the limiter's slots: most of them were cancelled in its queue.
    assert 0 < len(fault_server.requests) < 1_000
    assert health.in_flight == 0
    assert [(room.in_flight, room.waiting) for room in health.headroom.values()] == [(0, 0)] * 3
    assert budget.reserved == 0
    await transport.aclose()
    await fault_server.all_closed(within=1.0)
    assert asyncio.all_tasks() == baseline
