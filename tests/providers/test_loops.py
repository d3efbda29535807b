"""Each event loop has and closes its own connections, and `run_sync` serves callers without one."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from swebench_providers import ProviderError, run_sync
from swebench_providers.http.transport import Transport
from tests.fault_server import FaultServerThread, Script
from tests.providers.dialects import REQUEST, provider_for


@pytest.fixture
def threaded() -> Iterator[FaultServerThread]:
    with FaultServerThread(Script("a")) as server:
        yield server


def test_run_sync_works_without_a_running_loop(threaded: FaultServerThread) -> None:
    provider = provider_for(threaded.base_url, "ollama", Transport())
    assert [run_sync(provider.generate_unified(REQUEST)).content for _ in range(2)] == ["a", "a"]


async def test_run_sync_in_a_running_loop_shares_its_transport(
    threaded: FaultServerThread,
) -> None:
    provider = provider_for(threaded.base_url, "ollama", Transport())
    assert (await provider.generate_unified(REQUEST)).content == "a"
    assert run_sync(provider.generate_unified(REQUEST)).content == "a"
    assert (await provider.generate_unified(REQUEST)).content == "a"


async def test_run_sync_raises_what_the_coroutine_raises() -> None:
    provider = provider_for("http://127.0.0.1:1", "ollama", Transport())
    with pytest.raises(ProviderError, match="no connection"):
        run_sync(provider.generate_unified(REQUEST))
    with pytest.raises(ProviderError, match="no connection"):
        await asyncio.to_thread(lambda: run_sync(provider.generate_unified(REQUEST)))


def test_each_loop_has_and_closes_its_own_connections(threaded: FaultServerThread) -> None:
    transport = Transport()
    provider = provider_for(threaded.base_url, "compatible", transport)

    async def twice() -> None:
        await provider.generate_unified(REQUEST)
        await provider.generate_unified(REQUEST)

    for _ in range(3):
        asyncio.run(twice())
    threaded.call(threaded.server.all_closed(within=1))
    assert len({request.peer_port for request in threaded.server.requests}) == 3


def test_a_loop_that_has_ended_is_forgotten(threaded: FaultServerThread) -> None:
    transport = Transport()
    provider = provider_for(threaded.base_url, "compatible", transport)
    for _ in range(3):
        asyncio.run(provider.generate_unified(REQUEST))
    gc.collect()
    assert len(transport._pools) == 0


def test_loops_in_several_threads_may_share_a_transport(threaded: FaultServerThread) -> None:
    transport = Transport()
    provider = provider_for(threaded.base_url, "compatible", transport)

    async def main() -> list[str]:
        async def fetch() -> str:
            return (await provider.generate_unified(REQUEST)).content

        inside = asyncio.gather(*(fetch() for _ in range(5)))
        other = asyncio.to_thread(lambda: [asyncio.run(fetch()) for _ in range(5)])
        return [*await inside, *await other]

    assert asyncio.run(main()) == ["a"] * 10
