"""A local server gets as many requests as it has slots; the others wait here, and their waiting is reported."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import Event, TextDelta, UnifiedRequest
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.config import ProviderConfig
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.embedded.provider import EmbeddedProvider
from swebench_providers.embedded.server import SLOTS
from swebench_providers.http.transport import Transport
from swebench_providers.policies.concurrency import ConcurrencySettings
from swebench_providers.policies.limiter import Headroom
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.protocols import WireRequest
from swebench_providers.provider import HTTPProvider
from swebench_providers.servers.queries import ServerQueries
from swebench_providers.types.events import Attempt, Waiting
from tests.fault_server import FaultServer, Script, failing, html_page, json_body
from tests.providers.dialects import provider_at
from tests.providers.wire import FIXTURES

REQUEST = UnifiedRequest(model="m", prompt="Say it.")
PROPS = (FIXTURES / "llamacpp" / "props.json").read_bytes()
ONCE = Policies(retry=RetrySettings(attempts=1))


def llamacpp(server: FaultServer, transport: Transport) -> HTTPProvider:
    return provider_at(f"{server.base_url}/v1", "llamacpp", transport)


def count_requests(server: FaultServer, path: str = "/props") -> int:
    return sum(request.path == path for request in server.requests)


async def headroom_of(coordinator: ProviderCoordinator, name: str) -> Headroom:
    [headroom] = coordinator.health()[name].headroom.values()
    return headroom


async def test_llamacpp_reports_its_slots_to_requests_with_a_key(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.by_path["/props"] = Script(body=PROPS)
    assert await llamacpp(fault_server, transport).slots("m") == 1
    [request] = fault_server.requests
    assert (request.method, request.path, "authorization" in request.headers) == ("GET", "/props", True)


@pytest.mark.parametrize(
    "response",
    [
        failing(404),
        failing(401),
        failing(503),
        html_page(),
        json_body({}),
        json_body([]),
        json_body({"total_slots": 0}),
        json_body({"total_slots": -1}),
        json_body({"total_slots": "four"}),
        json_body({"total_slots": True}),
        Script(body=b"\xff\xfe"),
    ],
    ids=["404", "401", "loading", "page", "empty", "list", "none", "negative", "word", "yes", "bytes"],
)
async def test_a_response_without_slots_gives_no_number(
    fault_server: FaultServer, transport: Transport, response: Script
) -> None:
    fault_server.by_path["/props"] = response
    assert await llamacpp(fault_server, transport).slots("m") is None


async def test_an_unreachable_server_gives_no_number(transport: Transport) -> None:
    assert await provider_at("http://127.0.0.1:1/v1", "llamacpp", transport).slots("m") is None


async def test_a_slow_server_is_not_waited_for(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/props"] = Script(before_head=3600)
    assert await llamacpp(fault_server, transport).slots("m", seconds=0.05) is None


async def test_ollama_has_one_slot_unless_the_user_sets_more(fault_server: FaultServer, transport: Transport) -> None:
    provider = provider_at(fault_server.base_url, "ollama", transport)
    assert (await provider.slots("qwen3:8b"), await provider.slots("gpt-oss:120b-cloud")) == (1, None)
    assert fault_server.requests == []
    by_default = ProviderCoordinator([provider], ONCE)
    await by_default.generate_with_fallback(REQUEST)
    assert (await headroom_of(by_default, "ollama")).concurrency == 1
    set_by_user = ProviderCoordinator([provider], Policies(limits={"ollama": RateLimits(slots=4)}))
    await set_by_user.generate_with_fallback(REQUEST)
    assert (await headroom_of(set_by_user, "ollama")).concurrency == 4


async def test_servers_that_report_no_slots_get_no_request(fault_server: FaultServer, transport: Transport) -> None:
    silent = [name for name in provider_names() if provider_spec(name).slots is None]
    assert {"vllm", "lmstudio", "openai", "compatible", "ollama-cloud"} <= set(silent)
    assert await provider_at(f"{fault_server.base_url}/v1", "vllm", transport).slots("m") is None
    assert fault_server.requests == []


async def test_the_embedded_model_knows_its_slots_without_being_started(transport: Transport) -> None:
    server = EmbeddedServer()
    provider = EmbeddedProvider(provider_spec("embedded"), ProviderConfig(name="embedded"), transport, server=server)
    assert await provider.slots("smollm2") == SLOTS
    assert server.running is None


async def test_a_real_llamacpp_reports_the_slots_it_was_started_with(
    transport: Transport, llama_server: EmbeddedServer
) -> None:
    running = llama_server.start()
    provider = provider_at(f"{running.address}/v1", "llamacpp", transport, api_key=running.key)
    assert await provider.slots("smollm2") == SLOTS


async def test_a_real_llamacpp_gets_no_more_requests_than_slots(
    transport: Transport, llama_server: EmbeddedServer
) -> None:
    running = llama_server.start()
    provider = provider_at(f"{running.address}/v1", "llamacpp", transport, api_key=running.key)
    coordinator = ProviderCoordinator([Candidate(provider, "smollm2")], ONCE)
    request = UnifiedRequest(prompt="Count up from one.", max_tokens=8, temperature=0)
    answers = await asyncio.gather(*(events_of(coordinator, request) for _ in range(SLOTS + 2)))
    waited = [[event.reason for event in events if isinstance(event, Waiting)] for events in answers]
    assert sorted(waited) == [[]] * SLOTS + [["queue"]] * 2
    assert (await headroom_of(coordinator, "llamacpp")).concurrency == SLOTS


async def events_of(coordinator: ProviderCoordinator, request: UnifiedRequest) -> list[Event]:
    async with aclosing(coordinator.stream_with_fallback(request)) as events:
        return [event async for event in events]


async def test_waiting_for_a_slot_is_not_time_to_first_token(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/props"] = json_body({"total_slots": 1})
    fault_server.default = Script("a b", before_first_token=0.1)
    coordinator = ProviderCoordinator([Candidate(llamacpp(fault_server, transport), "m")], ONCE)
    answers = await asyncio.gather(*(events_of(coordinator, REQUEST) for _ in range(3)))
    for events in answers[1:]:
        kinds = [type(event) for event in events if isinstance(event, Waiting | Attempt)]
        assert kinds == [Waiting, Attempt]
    for earlier, later in pairwise(answers):  # nobody's attempt began before the last one's end
        assert attempt_of(later).time >= max(event.time for event in earlier if isinstance(event, TextDelta))
    responses = await asyncio.gather(*(coordinator.generate_with_fallback(REQUEST) for _ in range(3)))
    by_wait = sorted(responses, key=lambda response: response.waited_ms)
    assert all(response.ttft_ms is not None and response.ttft_ms > 90 for response in responses)
    assert by_wait[1].waited_ms > 90
    assert by_wait[2].waited_ms > 180
    assert count_requests(fault_server) == 1


def attempt_of(events: list[Event]) -> Attempt:
    return next(event for event in events if isinstance(event, Attempt))


async def test_slots_are_shared_by_all_models_and_keys(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/props"] = json_body({"total_slots": 1})
    fault_server.default = Script("a b", before_first_token=3600)
    provider = llamacpp(fault_server, transport)
    coordinator = ProviderCoordinator([Candidate(provider, more_keys={"second": provider})], ONCE)
    async with aclosing(coordinator.stream_with_fallback(UnifiedRequest(model="m", prompt="?"))) as first:
        assert isinstance(await anext(first), Attempt)
        other = coordinator.stream_with_fallback(UnifiedRequest(model="n", prompt="?"))
        async with aclosing(other):
            waiting = await anext(other)
            assert isinstance(waiting, Waiting)
            assert (waiting.reason, waiting.seconds) == ("queue", None)
            await first.aclose()
            assert isinstance(await anext(other), Attempt)


async def test_reported_slots_keep_the_users_limits(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/props"] = json_body({"total_slots": 50})
    limits = RateLimits(requests_per_minute=600, concurrency=ConcurrencySettings(most=2))
    coordinator = ProviderCoordinator([llamacpp(fault_server, transport)], Policies(limits={"llamacpp": limits}))
    await coordinator.generate_with_fallback(REQUEST)
    headroom = await headroom_of(coordinator, "llamacpp")
    assert (headroom.concurrency, headroom.limits["requests"].per_minute) == (2, 600)


async def test_slots_are_requested_once_even_without_a_result(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/props"] = failing(404)
    coordinator = ProviderCoordinator([llamacpp(fault_server, transport)], ONCE)
    await asyncio.gather(*(coordinator.generate_with_fallback(REQUEST) for _ in range(10)))
    await coordinator.generate_with_fallback(REQUEST)
    assert count_requests(fault_server) == 1


@given(st.dictionaries(st.just("total_slots"), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_any_response_gives_at_least_one_slot_or_none(body: dict[str, object]) -> None:
    async def fetch(_: WireRequest) -> bytes:
        return msgspec.json.encode(body)

    number = asyncio.run(ServerQueries(provider_spec("llamacpp"), fetch).slots("m"))
    assert number is None or number >= 1
