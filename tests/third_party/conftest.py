"""Fixtures: each server started once for all tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from swebench_providers.embedded.process import EmbeddedServer, Running
from swebench_providers.http.transport import Transport
from tests.third_party.servers import FORMATS, WINDOW, Format, LLMock, serving


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport()
    yield transport
    await transport.aclose()


@pytest.fixture(params=FORMATS)
def wire(request: pytest.FixtureRequest) -> Format:
    """Each format of llmock in turn."""
    return FORMATS[request.param]


@pytest.fixture(params=[True, False], ids=["streamed", "in one body"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="session")
def llmock_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMock]:
    environ = {"LLMOCK_CONTEXT_WINDOW": str(WINDOW)}
    with (
        serving("llmock.main:app", tmp_path_factory.mktemp("llmock"), environ) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as client,
    ):
        yield LLMock(address, client)


@pytest.fixture
def llmock(llmock_process: LLMock) -> LLMock:
    """llmock, reset between tests."""
    llmock_process.reset()
    return llmock_process


@pytest.fixture(scope="session")
def llamacpp() -> Iterator[Running]:
    """A llama.cpp server with the embedded model."""
    server = EmbeddedServer()
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def ollama_proxy(llamacpp: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ollama-proxy-plus: Ollama's API in front of llama.cpp."""
    environ = {
        "PROVIDERS_RIG_BASE_URL": f"{llamacpp.address}/v1",
        "PROVIDERS_RIG_API_KEY": llamacpp.key.reveal(),
        "EXTRA_MODELS": "rig/smollm2",
    }
    with serving("ollama_proxy.server:app", tmp_path_factory.mktemp("ollama-proxy"), environ) as address:
        yield address
