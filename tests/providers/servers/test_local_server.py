"""A stopped local server opens its circuit, and is used again by itself once it is back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from swebench_providers import ErrorKind, ProviderError, UnifiedRequest
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.http.transport import Transport
from swebench_providers.policies.breaker import BreakerSettings, BreakerState, Transition
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from tests.fault_server import FaultServer, Script, json_body
from tests.providers.dialects import provider_at

REQUEST = UnifiedRequest(prompt="Say it.")
LOCAL = {"llamacpp": "/v1", "ollama": "", "lmstudio": "/v1", "vllm": "/v1"}


class Watched:
    """A coordinator for one local server, with the states of its breaker."""

    def __init__(
        self, name: str, server: FaultServer, transport: Transport, *, max_breaker_wait: float, minimum_calls: int = 3
    ) -> None:
        self.name = name
        self.states: list[BreakerState] = []
        self.moved = asyncio.Event()
        policies = Policies(
            retry=RetrySettings(attempts=1),
            breaker=BreakerSettings(minimum_calls=minimum_calls, open_for=0.05, longest_open=0.1, probes=1),
            max_breaker_wait=max_breaker_wait,
        )
        provider = provider_at(f"{server.base_url}{LOCAL[name]}", name, transport)
        self.coordinator = ProviderCoordinator([Candidate(provider, "m")], policies, on_transition=self.went)

    def went(self, transition: Transition) -> None:
        self.states.append(transition.after)
        self.moved.set()

    async def until(self, state: BreakerState) -> None:
        """Wait until the breaker has been in `state`."""
        while state not in self.states:
            self.moved.clear()
            await self.moved.wait()


@pytest.fixture(params=LOCAL)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer(Script("It is here.")) as server:
        server.by_path["/props"] = json_body({"total_slots": 2})
        yield server


async def test_an_unreachable_server_is_an_error_with_a_hint(
    name: str, server: FaultServer, transport: Transport
) -> None:
    await server.stop_abruptly()
    watched = Watched(name, server, transport, max_breaker_wait=0)
    for _ in range(3):
        with pytest.raises(ProviderError, match=r"no connection to .*: connection refused") as caught:
            await watched.coordinator.generate_with_fallback(REQUEST)
        assert (caught.value.kind, caught.value.reason) == (ErrorKind.TRANSIENT, "unreachable")
        assert re.search(r"Start (the server|it: `ollama serve`)", caught.value.hint)
    with pytest.raises(ProviderError, match="no requests to") as left_alone:
        await watched.coordinator.generate_with_fallback(REQUEST)
    assert left_alone.value.reason == "circuit_open"
    assert "tried again automatically" in left_alone.value.hint
    [breaker] = watched.coordinator.health()[name].breakers.values()
    assert (breaker.state, breaker.reason) == (BreakerState.OPEN, "3 of 3 calls failed")


async def test_waiting_calls_are_answered_when_the_server_is_back(
    name: str, server: FaultServer, transport: Transport
) -> None:
    """The first calls fail and open the circuit; later ones wait and succeed."""
    await server.stop_abruptly()
    watched = Watched(name, server, transport, max_breaker_wait=60)
    failed = await asyncio.gather(
        *(watched.coordinator.generate_with_fallback(REQUEST) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(error, ProviderError) for error in failed)
    waiting = [asyncio.create_task(watched.coordinator.generate_with_fallback(REQUEST)) for _ in range(5)]
    await watched.until(BreakerState.HALF_OPEN)  # it was looked for in vain at least once
    await server.restart()
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    successful = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert successful
    assert {answer.content for answer in successful} == {"It is here."}
    assert watched.states[-1] is BreakerState.CLOSED
    [breaker] = watched.coordinator.health()[name].breakers.values()
    [headroom] = watched.coordinator.health()[name].headroom.values()
    assert (breaker.state, headroom.in_flight, headroom.waiting) == (BreakerState.CLOSED, 0, 0)


async def test_slots_are_requested_again_after_a_failure(server: FaultServer, transport: Transport) -> None:
    await server.stop_abruptly()
    watched = Watched("llamacpp", server, transport, max_breaker_wait=0, minimum_calls=20)
    with pytest.raises(ProviderError, match="connection refused"):
        await watched.coordinator.generate_with_fallback(REQUEST)
    await server.restart()
    assert (await watched.coordinator.generate_with_fallback(REQUEST)).content == "It is here."
    [headroom] = watched.coordinator.health()["llamacpp"].headroom.values()
    assert headroom.concurrency == 2
    await server.stop_abruptly()
    with pytest.raises(ProviderError, match="connection refused"):
        await watched.coordinator.generate_with_fallback(REQUEST)
    server.by_path["/props"] = json_body({"total_slots": 7})  # started anew, with more
    await server.restart()
    await watched.coordinator.generate_with_fallback(REQUEST)
    [headroom] = watched.coordinator.health()["llamacpp"].headroom.values()
    assert headroom.concurrency == 7
