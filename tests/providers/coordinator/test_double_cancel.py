"""A thousand streams cancelled twice, each at another moment, hold nothing afterwards: no money, slot or socket.

No answer here ever ends, so every slot that becomes free was freed by a cancellation, and every connection that is
closed was closed by one. A moment is a number of events, or of iterations of the loop: not a time, which would differ
from machine to machine. Some tasks are cancelled before their first step, some twice in a row, some the second time
during their cleanup.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import pytest

from swebench_providers import ModelPrice, ProviderError, UnifiedRequest
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.http.transport import Transport
from swebench_providers.policies.breaker import BreakerSettings, BreakerState
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.concurrency import ConcurrencySettings
from swebench_providers.policies.journal import FileJournal, spent_according_to
from swebench_providers.policies.observer import Outcome
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.types.events import Attempt, Waiting
from tests.fault_server import Ending, FaultServer, Script, failing
from tests.providers.dialects import provider_for
from tests.providers.policies.virtual_time import VirtualClock

STREAMS = 1_000
PATIENT = 30.0  # seconds; for what only has to happen, on any busy machine
NAME = "compatible"
PRICE = ModelPrice(input=Decimal(1_000), output=Decimal(2_000))  # USD per million tokens
REQUEST = UnifiedRequest(model="m", prompt="?", max_tokens=5_000)  # slightly above $10 at worst
EVENTS = 3  # an attempt and two pieces of text: as many as every admitted stream receives
NEVER_ENDING = Script("word word word", ending=Ending.STALL, after=2)
PROBES = 3


class Open:
    """An observer that counts the attempts in progress."""

    def __init__(self) -> None:
        self.attempts: set[int] = set()
        self.sent = 0

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:  # noqa: ARG002
        self.attempts.add(id(attempt))

    def ended(self, outcome: Outcome) -> None:
        self.attempts.remove(id(outcome.attempt))
        self.sent += outcome.sent


class Rig:
    """One provider with three keys and every policy, and what may be left over in them."""

    def __init__(self, server: FaultServer, transport: Transport, folder: Path) -> None:
        self.server = server
        self.clock = VirtualClock()  # stands still, so that no time limit ends anything
        self.observer = Open()
        self.waits: Counter[str] = Counter()
        self._keys = [
            provider_for(server.base_url, NAME, transport, clock=self.clock, prices={"m": PRICE}) for _ in range(3)
        ]
        self._paths = [folder / f"{name}.jsonl" for name in ("run", "provider")]
        self._journals = [FileJournal(path) for path in self._paths]

    def set_up(self, *, places: int, cap: Decimal) -> None:
        """So many slots for each key, and so many USD for all."""
        self._budgets = [Budget("a", cap, journal=journal) for journal in self._journals]
        first, second, third = self._keys
        self.coordinator = ProviderCoordinator(
            [Candidate(first, "m", label="first", more_keys={"second": second, "third": third})],
            Policies(
                retry=RetrySettings(attempts=1),
                breaker=BreakerSettings(minimum_calls=2, open_for=60.0, probes=PROBES),
                limits={NAME: RateLimits(concurrency=ConcurrencySettings(start=places, least=places, most=places))},
                max_breaker_wait=0.0,
            ),
            budgets=self._budgets[:1],
            provider_budgets={NAME: self._budgets[1]},
            observers=[self.observer],
            clock=self.clock,
        )

    async def stream(self, received: asyncio.Semaphore) -> None:
        """Read until cancelled; `received` is released for each event of the attempt."""
        async with aclosing(self.coordinator.stream_with_fallback(REQUEST)) as events:
            async for event in events:
                if isinstance(event, Waiting):
                    self.waits[event.reason] += 1
                else:
                    received.release()

    async def nothing_is_held(self) -> None:
        await self.server.all_closed(within=PATIENT)  # the transport was not closed: only cancellation can have
        health = self.coordinator.health()[NAME]
        assert health.in_flight == 0
        assert [(room.in_flight, room.waiting) for room in health.headroom.values()] == [(0, 0)] * 3
        assert [budget.reserved for budget in self._budgets] == [0, 0]
        assert [spent_according_to(path) for path in self._paths] == [budget.spent for budget in self._budgets]
        assert self.observer.attempts == set()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def close(self) -> None:
        for journal in self._journals:
            journal.close()


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def cancelled_twice(rig: Rig, draw: random.Random) -> None:
    """A stream, cancelled after some events or iterations of the loop, and again before or after it has ended."""
    received = asyncio.Semaphore(0)
    task = asyncio.create_task(rig.stream(received))
    if draw.random() < 0.5:
        for _ in range(draw.randint(1, EVENTS)):
            listening = asyncio.create_task(received.acquire())
            await asyncio.wait([task, listening], return_when=asyncio.FIRST_COMPLETED)
            listening.cancel()
    await turns(draw.choice([0, 1, 2, 5, 20, 100, 400]))
    task.cancel()
    await turns(draw.choice([0, 0, 1, 2, 3, 5, 10]))
    task.cancel()
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError | ProviderError)
    assert not isinstance(outcome, ProviderError) or outcome.reason == "circuit_open"


async def all_cancelled_twice(rig: Rig, streams: int, draw: random.Random) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(streams):
            group.create_task(cancelled_twice(rig, draw))


@pytest.fixture(params=[1, 2])
def draw(request: pytest.FixtureRequest) -> random.Random:
    """A random generator, for several seeds."""
    return random.Random(request.param)


@pytest.fixture
async def rig(fault_server: FaultServer, transport: Transport, tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(fault_server, transport, tmp_path)
    yield rig
    rig.close()


FULL = {"rate limit": (20, Decimal(100_000)), "budget": (1_000, Decimal(400))}
"""Where all have to wait: places for each key, and the cap in USD."""


@pytest.mark.parametrize("line", FULL)
async def test_queued_streams_cancelled_twice_leave_nothing_behind(line: str, draw: random.Random, rig: Rig) -> None:
    places, cap = FULL[line]
    rig.set_up(places=places, cap=cap)
    rig.server.default = NEVER_ENDING
    await all_cancelled_twice(rig, STREAMS, draw)
    assert set(rig.waits) == {line}
    assert rig.waits[line] > STREAMS / 2
    assert 0 < len(rig.server.requests) <= rig.observer.sent < STREAMS
    await rig.nothing_is_held()
    rig.server.default = Script("fine")
    assert (await rig.coordinator.generate_with_fallback(REQUEST)).content == "fine"


async def test_probes_cancelled_twice_are_returned_to_the_breaker(
    draw: random.Random, rig: Rig, transport: Transport
) -> None:
    rig.set_up(places=20, cap=Decimal(100_000))
    rig.server.default = failing(500)
    for _ in range(2):
        with pytest.raises(ProviderError):
            await rig.coordinator.generate_with_fallback(REQUEST)
    await transport.aclose()  # two complete answers have left a connection for reuse
    rig.clock.advance(60.0)
    rig.server.default = NEVER_ENDING
    for _ in range(STREAMS // 5):
        await all_cancelled_twice(rig, 5, draw)
    assert rig.coordinator.health()[NAME].breakers["m"].state is BreakerState.HALF_OPEN
    assert rig.observer.sent > STREAMS / 4  # a probe that is not returned is missing from the next round on
    await rig.nothing_is_held()
    rig.server.default = Script("fine")
    answers = await asyncio.gather(*(rig.coordinator.generate_with_fallback(REQUEST) for _ in range(PROBES)))
    assert [answer.content for answer in answers] == ["fine"] * PROBES
    assert rig.coordinator.health()[NAME].breakers["m"].state is BreakerState.CLOSED
