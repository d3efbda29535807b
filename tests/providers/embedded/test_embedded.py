"""The real embedded model: it answers, ends with its parent however that ends, and shows its key to nobody."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec
import pytest

from swebench_providers import (
    ErrorKind,
    Finished,
    FinishReason,
    Notice,
    ProviderError,
    ProviderRegistry,
    TextDelta,
    UnifiedRequest,
)
from swebench_providers.catalog import provider_spec
from swebench_providers.config import ProviderConfig
from swebench_providers.embedded import weights
from swebench_providers.embedded.process import EmbeddedServer, Running
from swebench_providers.embedded.provider import EmbeddedProvider
from swebench_providers.http.transport import Transport

SHORT = UnifiedRequest(prompt="Say hello.", max_tokens=4, temperature=0)

PARENT = """
import sys
from swebench_providers.embedded.process import EmbeddedServer

print(EmbeddedServer().start().address, flush=True)
sys.stdin.readline()
"""

# A child that prints what it received, then waits for its standard input to close.
MIRROR = """
import json, os, sys

key = sys.stdin.readline()
received = {"argv": sys.orig_argv, "environ": dict(os.environ), "key": key.strip()}
print(json.dumps({"address": json.dumps(received)}), flush=True)
sys.stdin.read()
"""


class Received(msgspec.Struct):
    """What the mirror received."""

    argv: list[str]
    environ: dict[str, str]
    key: str


def child(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    """A server that is not started yet."""
    server = EmbeddedServer()
    yield server
    await asyncio.to_thread(server.stop)


def provider_of(server: EmbeddedServer, transport: Transport) -> EmbeddedProvider:
    return EmbeddedProvider(provider_spec("embedded"), ProviderConfig(name="embedded"), transport, server=server)


def ends(address: str) -> bool:
    """Whether the address stops listening, once waiting connections are closed."""
    endpoint = urlsplit(address).hostname or "", urlsplit(address).port or 0
    for _ in range(3):  # a process that is ending may still accept a connection
        try:
            with socket.create_connection(endpoint, timeout=10) as held:
                held.recv(1)
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            continue
    return False


# Requests


async def test_the_first_request_starts_the_server_and_closing_stops_it() -> None:
    registry = ProviderRegistry({})
    first, second = registry.get_provider("embedded"), registry.get_provider("embedded")
    events = [event async for event in first.stream_unified(SHORT)]
    assert isinstance(events[0], Notice)
    assert "Starting" in events[0].message
    assert isinstance(events[-1], Finished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta))
    again = await second.generate_unified(SHORT)
    assert again.notices == ()
    assert (again.provider, again.model, again.cost) == ("embedded", "smollm2", Decimal(0))
    assert again.usage is not None
    assert (again.usage.completion_tokens, again.finish_reason) == (4, FinishReason.LENGTH)
    assert registry._server is not None
    running = registry._server.running
    assert running is not None
    await registry.aclose()
    assert await asyncio.to_thread(ends, running.address)


async def test_concurrent_and_sequential_requests_are_all_answered(
    llama_server: EmbeddedServer, transport: Transport
) -> None:
    provider = provider_of(llama_server, transport)
    at_once = await asyncio.gather(*(provider.generate_unified(SHORT) for _ in range(4)))
    one_by_one = [await provider.generate_unified(SHORT) for _ in range(8)]
    assert {answer.usage and answer.usage.completion_tokens for answer in [*at_once, *one_by_one]} == {4}


async def test_models_are_listed_without_starting_the_server(server: EmbeddedServer, transport: Transport) -> None:
    provider = provider_of(server, transport)
    [model] = await provider.list_models()
    assert (model.id, model.context_window) == ("smollm2", 8192)
    assert await provider.default_model() == "smollm2"
    assert await provider.cost_of(None, "smollm2") == Decimal(0)
    assert server.running is None


# The process


def test_starting_from_several_threads_starts_one_process(llama_server: EmbeddedServer) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: llama_server.start(), range(8)))
    assert found == {llama_server.running}


def test_stop_ends_the_process_and_is_idempotent() -> None:
    server = EmbeddedServer()
    server.stop()
    address = server.start().address
    server.stop()
    assert server.running is None
    assert ends(address)
    server.stop()


async def test_a_killed_process_is_incomplete_and_restarted_next_time(
    server: EmbeddedServer, transport: Transport
) -> None:
    provider = provider_of(server, transport)
    await asyncio.to_thread(server.start)
    process = server._process
    assert process is not None
    partial: list[str] = []

    async def read_and_kill() -> None:
        async for event in provider.stream_unified(UnifiedRequest(prompt="Count up from one.", max_tokens=4000)):
            if isinstance(event, TextDelta):
                partial.append(event.text)
                process.kill()

    with pytest.raises(ProviderError) as caught:
        await read_and_kill()
    assert (caught.value.kind, caught.value.provider) == (ErrorKind.INCOMPLETE, "embedded")
    assert caught.value.partial_text == "".join(partial) != ""
    await asyncio.to_thread(process.wait)
    assert server.running is None
    assert (await provider.generate_unified(SHORT)).content


@pytest.mark.parametrize("how", ["exits", "is killed"])
def test_the_model_ends_when_its_parent(how: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        address = parent.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        if how == "is killed":
            parent.kill()
        else:
            parent.communicate("\n")
        assert ends(address)


def test_the_child_gets_its_key_by_stdin_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = ("OPENAI_API_KEY", "HF_TOKEN", "aws_secret_access_key", "DB_PASSWORD", "GOOGLE_APPLICATION_CREDENTIALS")
    for name in secrets:
        monkeypatch.setenv(name, "do not pass on")
    server = EmbeddedServer(command=child(MIRROR))
    running = server.start()
    server.stop()
    received = msgspec.json.decode(running.address, type=Received)
    assert received.key == running.key.reveal()
    assert received.argv[-1].endswith(weights.FILE_NAME)
    assert received.key not in f"{received.argv} {received.environ}"
    assert not set(secrets) & received.environ.keys()
    assert "do not pass on" not in received.environ.values()
    assert "PATH" in received.environ


def test_each_start_has_a_key_of_its_own() -> None:
    server = EmbeddedServer(command=child(MIRROR))
    keys = set()
    for _ in range(3):
        keys.add(server.start().key)
        server.stop()
    assert len(keys) == 3
    assert all(len(key.reveal()) >= 32 for key in keys)


def test_the_running_servers_repr_hides_the_key() -> None:
    server = EmbeddedServer(command=child(MIRROR))
    running = server.start()
    server.stop()
    received = msgspec.json.decode(running.address, type=Received)
    assert received.key not in repr(Running("http://127.0.0.1:1", running.key))
