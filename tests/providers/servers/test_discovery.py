"""Local servers are found all at once, with no more probes than it takes, and are never sent a key."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NoReturn

import msgspec
import pytest

from swebench_providers import ErrorKind, ProviderError
from swebench_providers.auth.strategies import AuthStrategy, NoAuth
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.http.transport import Transport
from swebench_providers.servers.discovery import USUAL_PORTS, FoundServer, discover, listening
from tests.fault_server import FaultServer, Script, html_page, json_body, redirect
from tests.providers.dialects import raw_server
from tests.providers.servers.recorded import KINDS, MODELS, UNLISTED, scripts_of
from tests.providers.wire import FIXTURES

FOR_EVER = 3600.0
KEY = "sk-a-key-of-the-environment-0123456789"


@asynccontextmanager
async def serving(*each: Mapping[str, Script]) -> AsyncIterator[list[FaultServer]]:
    """A server for each set of scripts; other paths are 404."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(FaultServer()) for _ in each]
        for server, scripts in zip(servers, each, strict=True):
            server.by_path.update({**UNLISTED, **scripts})
        yield servers


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is bound but not listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_all_servers_are_found_at_once_between_other_services(transport: Transport, closed_port: int) -> None:
    trickling = {path: Script(head_takes=FOR_EVER) for path in ("/v1/models", "/")}
    async with (
        serving(*(scripts_of(name) for name in KINDS), {"/": html_page()}, trickling) as servers,
        raw_server(then_wait=True) as silent,
    ):
        silent_port = int(silent.rpartition(":")[2])
        ports = [closed_port, silent_port, *(server.port for server in servers)]
        found = await discover(transport, ports=ports, probe_seconds=1.0, total_seconds=20)
    by_port = {server.port: name for server, name in zip(servers, KINDS, strict=False)}
    ports_found = [int(re.findall(r":(\d+)", server.base_url)[0]) for server in found]
    assert {by_port[port]: server.kind for port, server in zip(ports_found, found, strict=True)} == {
        name: kind for name, kind in KINDS.items() if kind is not None
    }
    assert ports_found == [port for port in ports if port in ports_found]


def found(kind: str, name: str, base_url: str, *models: str, **fields: Any) -> FoundServer:
    return FoundServer(**{"kind": kind, "name": name, "base_url": base_url, "models": models, **fields})


QWEN = "Qwen/Qwen3-Coder-30B-A3B-Instruct"


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        (
            "ollama",
            {"/api/ps": "ollama/ps.json"},
            found("ollama", "Ollama", "", "qwen3-coder:30b", version="0.33.0", context_window=4096),
        ),
        ("vllm", {}, found("vllm", "vLLM", "/v1", QWEN, version="0.25.2", context_window=65536)),
        ("sglang", {}, found("sglang", "SGLang", "/v1", QWEN, context_window=65536)),
        (
            "llamacpp",
            {},
            found(
                "llamacpp",
                "llama.cpp",
                "/v1",
                "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf",
                version="b9038-abcdef0",
                context_window=32768,
            ),
        ),
        ("llamacpp-with-key", {}, found("llamacpp", "llama.cpp", "/v1", needs_key=True)),
        (
            "lmstudio",
            {},
            found("lmstudio", "LM Studio", "/v1", "qwen/qwen3-coder-30b", context_window=4096),
        ),
        ("fastchat", {}, found("fastchat", "FastChat", "/v1", "vicuna-7b-v1.5")),
        ("unknown-openai-compatible", {}, found("compatible", "OpenAI-compatible server", "/v1", "x")),
    ],
)
async def test_a_found_server_has_all_that_it_reports(
    transport: Transport, name: str, more: Mapping[str, str], expected: FoundServer
) -> None:
    files = {path: Script(body=(FIXTURES / file).read_bytes()) for path, file in more.items()}
    async with serving({**scripts_of(name), **files}) as (server,):
        (result,) = await discover(transport, ports=[server.port])
        assert result == msgspec.structs.replace(expected, base_url=f"{server.base_url}{expected.base_url}")


async def test_a_uvicorn_server_is_recognised_by_its_api_description(transport: Transport) -> None:
    uvicorn = {"server": "uvicorn"}
    described = {
        "/v1/models": Script(body=b'{"data":[]}', headers=uvicorn),
        "/openapi.json": json_body({"paths": {"/api/v1/token_check": {}}}),
    }
    async with serving(described) as (server,):
        (result,) = await discover(transport, ports=[server.port])
    assert (result.kind, result.models) == ("fastchat", ())


async def test_the_version_of_an_sglang_server_is_read(transport: Transport) -> None:
    info = json_body({"version": "0.5.9", "api_key": "not-read"})
    async with serving({**scripts_of("sglang"), "/server_info": info}) as (server,):
        (result,) = await discover(transport, ports=[server.port])
    assert result.version == "0.5.9"


async def test_of_several_loaded_models_the_smallest_window_counts(transport: Transport) -> None:
    sizes = [32768, 4096, None, 0]
    instances = [{"config": {"context_length": size}} for size in sizes]
    loaded = json_body({"models": [{"loaded_instances": instances}, {"loaded_instances": [{}]}]})
    async with serving({**scripts_of("lmstudio"), "/api/v1/models": loaded}) as (server,):
        (result,) = await discover(transport, ports=[server.port])
    assert result.context_window == 4096


async def test_a_real_server_is_recognised_behind_its_key(transport: Transport, llama_server: EmbeddedServer) -> None:
    running = llama_server.start()
    (result,) = await discover(transport, ports=[int(running.address.rpartition(":")[2])])
    assert (result.kind, result.needs_key, result.base_url) == ("llamacpp", True, f"{running.address}/v1")


async def test_only_get_requests_without_a_key_are_sent(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "LLAMA_API_KEY", "VLLM_API_KEY", "LM_API_TOKEN", "COMPATIBLE_API_KEY"):
        monkeypatch.setenv(variable, KEY)
    async with serving(*(scripts_of(name) for name in KINDS)) as servers:
        await discover(transport, ports=[server.port for server in servers])
        requests = [request for server in servers for request in server.requests]
    assert {request.method for request in requests} == {"GET"}
    assert not any(request.body for request in requests)
    sent = {name for request in requests for name in request.headers}
    assert sent.isdisjoint({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization"})
    assert not any(KEY in f"{request.target}{request.headers}" for request in requests)


async def test_a_redirect_is_not_followed(transport: Transport) -> None:
    async with serving(scripts_of("vllm")) as (elsewhere,):
        away = redirect(f"{elsewhere.base_url}/v1/models")
        async with serving({"/v1/models": away, "/": away}) as (server,):
            assert await discover(transport, ports=[server.port]) == []
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("scripts", "paths"),
    [
        ({"/": html_page()}, {"/v1/models", "/"}),
        (scripts_of("vllm"), {"/v1/models", "/", "/version"}),
        (scripts_of("ollama"), {"/v1/models", "/", "/api/version", "/api/ps"}),
    ],
    ids=["a page", "vLLM", "Ollama"],
)
async def test_no_more_probes_are_sent_than_it_takes(
    transport: Transport, scripts: Mapping[str, Script], paths: set[str]
) -> None:
    async with serving(scripts) as (server,):
        server.by_path["/v1/models"] = scripts.get("/v1/models", html_page(404))
        await discover(transport, ports=[server.port])
        assert sorted(request.path for request in server.requests) == sorted(paths)


async def test_when_time_is_over_the_responses_so_far_decide(transport: Transport) -> None:
    stalling = {
        "/v1/models": json_body(MODELS),
        **dict.fromkeys(("/", "/props", "/version", "/ping", "/health"), Script(before_head=FOR_EVER)),
    }
    async with serving(stalling, scripts_of("vllm")) as servers, raw_server(then_wait=True) as silent:
        ports = [int(silent.rpartition(":")[2]), *(server.port for server in servers)]
        result = await discover(transport, ports=ports, probe_seconds=FOR_EVER, total_seconds=1.0)
    assert [server.kind for server in result] == ["compatible", "vllm"]


async def test_one_silent_probe_does_not_delay_the_others(transport: Transport) -> None:
    async with serving({**scripts_of("llamacpp"), "/": Script(before_head=FOR_EVER)}) as (server,):
        (result,) = await discover(transport, ports=[server.port], probe_seconds=0.5, total_seconds=FOR_EVER)
    assert (result.kind, result.context_window) == ("llamacpp", 32768)


async def test_an_endless_list_is_ignored(transport: Transport) -> None:
    endless = Script(body=b'{"data":[' + b'{"id":"x"},' * 500_000)
    async with serving({"/v1/models": endless}) as (server,):
        assert await discover(transport, ports=[server.port], probe_seconds=FOR_EVER, total_seconds=FOR_EVER) == []


OTHER_TONGUES = {
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "noise": bytes(range(256)) * 40,
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "no status": b"HTTP/1.1 none\r\n\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    "no chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "no gzip": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n{{{{",
    "a short body": b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data":[]}',
    "nothing": b"",
}


@pytest.mark.parametrize("tongue", OTHER_TONGUES)
async def test_a_service_without_http_is_skipped(transport: Transport, tongue: str) -> None:
    async with raw_server(OTHER_TONGUES[tongue]) as address:
        assert await discover(transport, ports=[int(address.rpartition(":")[2])]) == []


class Refusing:
    """A transport to unreachable servers that records the requested URLs."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def send(self, method: str, url: str, *, auth: AuthStrategy, **_: Any) -> NoReturn:
        assert (method, type(auth)) == ("GET", NoAuth)
        self.paths.append(url)
        raise ProviderError(ErrorKind.TRANSIENT, "nobody is there", hint="Start one.")

    async def drain(self, chunks: AsyncIterator[bytes]) -> None:
        raise NotImplementedError


async def test_only_this_machine_is_probed_unless_a_host_is_named() -> None:
    transport = Refusing()
    assert await discover(transport) == []
    first = ("/v1/models", "/")
    assert sorted(transport.paths) == sorted(f"http://127.0.0.1:{port}{path}" for port in USUAL_PORTS for path in first)


async def test_a_named_host_is_probed_at_its_own_address() -> None:
    transport = Refusing()
    assert await discover(transport, hosts=["gpu-box", "::1"], ports=[8000]) == []
    assert transport.paths[::2] == ["http://gpu-box:8000/v1/models", "http://[::1]:8000/v1/models"]


async def test_ports_that_accept_no_connection_are_left_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there, socket.create_server(("127.0.0.1", 0)) as left:
        closed, accepting = left.getsockname()[1], there.getsockname()[1]
        left.close()
        assert await listening(ports=(closed, accepting)) == [accepting]


def test_scanning_closed_ports_loads_no_http_client() -> None:
    looking = """
import asyncio, socket, sys
from swebench_providers.servers.discovery import listening
with socket.create_server(("127.0.0.1", 0)) as left:
    port = left.getsockname()[1]
assert asyncio.run(listening(ports=[port])) == []
assert not {"httpx", "aiohttp"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", looking], check=True)
