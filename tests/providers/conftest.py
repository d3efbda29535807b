"""Providers on the fault server, and a real llama.cpp server for the whole session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import FaultServer
from tests.providers.dialects import BASE_PATHS, provider_for


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport()
    yield transport
    await transport.aclose()


@pytest.fixture(params=BASE_PATHS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Each wire format, by the name of a provider with it."""
    return str(request.param)


@pytest.fixture
def provider(dialect: str, fault_server: FaultServer, transport: Transport) -> HTTPProvider:
    """A provider of each wire format, on the fault server."""
    return provider_for(fault_server.base_url, dialect, transport)


@pytest.fixture(scope="session")
def llama_server() -> Iterator[EmbeddedServer]:
    """The server of the embedded model, started once."""
    server = EmbeddedServer()
    server.start()
    yield server
    server.stop()
