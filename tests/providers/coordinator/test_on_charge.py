"""`stream_from(on_charge=...)`: the charge of every attempt, also where no event can carry it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from swebench_providers import ErrorKind, ProviderError, UnifiedRequest
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.types.usage import Charge
from tests.providers.policies.fake_streamer import done, error, text
from tests.providers.policies.virtual_time import VirtualClock
from tests.providers.scripted import Scripted

REQUEST = UnifiedRequest(prompt="Why? " * 700, max_tokens=100)
BROKEN = error(ErrorKind.INCOMPLETE, status=None)
RESTARTING = Policies(retry=RetrySettings(attempts=2, base=0.0, throttled_base=0.0, restart=True))


async def read(coordinator: ProviderCoordinator, provider: Scripted, charges: list[Charge]) -> list[Charge]:
    """The charges among the events of one call."""
    candidate = Candidate(provider, "m")
    async with aclosing(coordinator.stream_from(candidate, REQUEST, on_charge=charges.append)) as events:
        return [event async for event in events if isinstance(event, Charge)]


async def test_charges_of_failed_and_answered_attempts_are_reported() -> None:
    clock = VirtualClock()
    provider = Scripted("acme", clock, [text("half " * 70), BROKEN], [text("whole"), done()])
    charges: list[Charge] = []
    coordinator = ProviderCoordinator([], RESTARTING, clock=clock, draw=lambda: 0.0)
    call = asyncio.create_task(read(coordinator, provider, charges))
    await clock.run_until(call.done)
    assert [charge.exact for charge in charges] == [False, False]
    assert await call == charges


async def test_the_charge_of_a_final_failure_is_reported() -> None:
    clock = VirtualClock()
    provider, charges = Scripted("acme", clock, [text("half " * 70), BROKEN]), list[Charge]()
    with pytest.raises(ProviderError) as raised:
        await read(ProviderCoordinator([], clock=clock), provider, charges)
    assert charges == [raised.value.charge]
    assert raised.value.cost == charges[0].amount


async def test_the_charge_of_a_cancelled_attempt_is_reported() -> None:
    clock = VirtualClock()
    provider, charges = Scripted("acme", clock, [text("half " * 70), 60.0, text("whole"), done()]), list[Charge]()
    coordinator = ProviderCoordinator([], clock=clock)
    call = asyncio.create_task(read(coordinator, provider, charges))
    await clock.run_until(lambda: bool(clock.slept))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    (charge,) = charges
    assert charge.amount
    assert not charge.exact
    assert coordinator.health()["acme"].cost == charge.amount
