"""The transport: TLS with a CA bundle, proxies for other hosts but never for this machine, one pool per loop."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from swebench_providers import ErrorKind, ProviderConfig, TimeLimits
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import FaultServer, Script
from tests.providers.dialects import KEY, REQUEST, error_of, provider_for, raw_server

HOST = "model.example"  # reserved: this host cannot exist
ANSWER = b'data: {"choices":[{"delta":{"content":"over TLS"}}]}\n\ndata: [DONE]\n\n'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Authority(NamedTuple):
    """A self-signed certificate for this machine and for `HOST`."""

    certificate: Path
    server: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"),
            *("-keyout", str(key), "-out", str(certificate)),
            *("-addext", f"subjectAltName=DNS:localhost,DNS:{HOST},IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Authority(certificate, context)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def proxy() -> AsyncIterator[FaultServer]:
    """A server that answers for any host, as a proxy for plain HTTP does."""
    async with FaultServer(Script("from the proxy")) as server:
        yield server


class Tunnel:
    """A TLS proxy that connects to one port of this machine for any host."""

    def __init__(self) -> None:
        self.port = 0
        self.heads: list[bytes] = []
        self._to = 0

    @asynccontextmanager
    async def leading_to(self, port: int) -> AsyncIterator[str]:
        self._to = port
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        there = await asyncio.open_connection("127.0.0.1", self._to)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(self._copy(reader, there[1]), self._copy(there[0], writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()


# TLS


async def test_a_certificate_in_the_configured_bundle_is_trusted(authority: Authority) -> None:
    transport = Transport(ca_bundle=str(authority.certificate))
    async with raw_server(HEAD, ANSWER, tls=authority.server) as address:
        answers = await asyncio.gather(
            *(provider_for(address, "compatible", transport).generate_unified(REQUEST) for _ in "ab")
        )
    assert [answer.content for answer in answers] == ["over TLS"] * 2
    await transport.aclose()


async def test_an_untrusted_certificate_is_refused_with_a_hint(authority: Authority, transport: Transport) -> None:
    async with raw_server(HEAD, ANSWER, tls=authority.server) as address:
        error = await error_of(provider_for(address, "compatible", transport))
    assert (error.kind, error.reason, error.retryable) == (ErrorKind.BAD_ENDPOINT, "tls", False)
    assert "certificate" in str(error)
    assert "CA bundle" in error.hint


async def test_a_certificate_of_another_host_is_refused(authority: Authority) -> None:
    transport = Transport(ca_bundle=str(authority.certificate))
    async with raw_server(HEAD, ANSWER, tls=authority.server) as address:
        error = await error_of(
            provider_for(address.replace("localhost", "[::ffff:127.0.0.1]"), "compatible", transport)
        )
    await transport.aclose()
    assert (error.kind, error.reason) == (ErrorKind.BAD_ENDPOINT, "tls")


async def test_a_server_without_tls_is_refused(transport: Transport) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await error_of(provider_for(f"https://127.0.0.1:{port}", "compatible", transport))
    assert (error.kind, error.reason) == (ErrorKind.BAD_ENDPOINT, "tls")


async def test_a_stalled_tls_handshake_ends_at_the_connect_limit(
    fault_server: FaultServer, transport: Transport
) -> None:
    address = fault_server.base_url.replace("http:", "https:")
    error = await error_of(provider_for(address, "compatible", transport, time_limits=TimeLimits(connect=0.05)))
    assert (error.kind, error.reason) == (ErrorKind.TIMEOUT, "connect")


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\xfe"])
async def test_a_bundle_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    bundle = tmp_path / "company.pem"
    if content is not None:
        bundle.write_bytes(content)
    transport = Transport(ca_bundle=str(bundle))
    error = await error_of(provider_for("https://127.0.0.1:1", "compatible", transport))
    await transport.aclose()
    assert (error.kind, error.reason) == (ErrorKind.BAD_ENDPOINT, "tls")
    assert str(bundle) in str(error)
    assert "PEM" in error.hint


async def test_the_bundle_is_not_read_without_tls(fault_server: FaultServer, tmp_path: Path) -> None:
    transport = Transport(ca_bundle=str(tmp_path / "missing.pem"))
    answer = await provider_for(fault_server.base_url, "compatible", transport).generate_unified(REQUEST)
    await transport.aclose()
    assert answer.content == Script().text


# Proxies


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_the_proxy_of_the_environment_is_used_for_other_hosts(
    monkeypatch: pytest.MonkeyPatch, transport: Transport, proxy: FaultServer, name: str, scheme: str
) -> None:
    if name.isupper() and name.startswith("HTTP"):
        monkeypatch.delenv("REQUEST_METHOD", raising=False)  # in CGI scripts this variable is a header of the client
    monkeypatch.setenv(name, f"{scheme}127.0.0.1:{proxy.port}")
    answer = await provider_for(f"http://{HOST}:8000", "compatible", transport).generate_unified(REQUEST)
    assert answer.content == "from the proxy"
    assert proxy.requests[0].target == f"http://{HOST}:8000/v1/chat/completions"


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # how httpx-aiohttp passes a password
async def test_a_configured_proxy_takes_precedence_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, proxy: FaultServer
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    transport = Transport(proxy=f"http://user:word@127.0.0.1:{proxy.port}")
    answer = await provider_for(f"http://{HOST}", "compatible", transport).generate_unified(REQUEST)
    await transport.aclose()
    assert answer.content == "from the proxy"
    assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
async def test_no_proxy_is_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, fault_server: FaultServer, proxy: FaultServer, host: str
) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.base_url)
    for transport in (Transport(), Transport(proxy=proxy.base_url)):
        answer = await provider_for(f"http://{host}:{fault_server.port}", "compatible", transport).generate_unified(
            REQUEST
        )
        await transport.aclose()
        assert answer.content == Script().text
    assert proxy.requests == []


async def test_a_host_in_no_proxy_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, transport: Transport, fault_server: FaultServer, proxy: FaultServer
) -> None:
    anywhere = "0.0.0.0"  # noqa: S104 - also this machine, but not by a name that the transport treats as loopback
    monkeypatch.setenv("http_proxy", proxy.base_url)
    address = f"http://{anywhere}:{fault_server.port}"
    assert (await provider_for(address, "compatible", transport).generate_unified(REQUEST)).content == "from the proxy"
    monkeypatch.setenv("no_proxy", f"other.example,{anywhere}")
    assert (await provider_for(address, "compatible", transport).generate_unified(REQUEST)).content == Script().text


async def test_an_empty_proxy_in_the_settings_disables_the_environments(
    monkeypatch: pytest.MonkeyPatch, fault_server: FaultServer, proxy: FaultServer
) -> None:
    monkeypatch.setenv("http_proxy", proxy.base_url)
    transport = Transport(proxy="")
    address = f"http://0.0.0.0:{fault_server.port}"
    assert (await provider_for(address, "compatible", transport).generate_unified(REQUEST)).content == Script().text
    await transport.aclose()


async def test_a_tunnel_hides_the_key_from_the_proxy(authority: Authority) -> None:
    tunnel = Tunnel()
    async with (
        raw_server(HEAD, ANSWER, tls=authority.server) as address,
        tunnel.leading_to(int(address.rpartition(":")[2])) as proxy,
    ):
        transport = Transport(proxy=proxy, ca_bundle=str(authority.certificate))
        answer = await provider_for(f"https://{HOST}", "compatible", transport).generate_unified(REQUEST)
        await transport.aclose()
    assert answer.content == "over TLS"
    assert tunnel.heads[0].startswith(f"CONNECT {HOST}:443 ".encode())
    assert KEY.encode() not in b"".join(tunnel.heads)


async def test_a_failing_proxy_is_reported_as_unreachable(proxy: FaultServer) -> None:
    for address in (proxy.base_url, "http://127.0.0.1:1"):
        transport = Transport(proxy=address)
        error = await error_of(provider_for(f"https://{HOST}", "compatible", transport))
        await transport.aclose()
        assert (error.kind, error.reason) == (ErrorKind.TRANSIENT, "unreachable")
        assert error.hint == "Check the network, the proxy and the address."
    assert [request.method for request in proxy.requests] == ["CONNECT"]
    assert KEY not in str(proxy.requests)


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("socks5://user:word@127.0.0.1:1080", "socks5 proxies are not supported"),
        ("ftp://127.0.0.1", "ftp proxies are not supported"),
        ("http://a\x00b", "invalid URL or headers"),
    ],
)
async def test_an_unsupported_proxy_is_refused_not_bypassed(proxy: str, message: str) -> None:
    transport = Transport(proxy=proxy)
    error = await error_of(provider_for(f"http://{HOST}", "compatible", transport))
    assert (error.kind, "word" in str(error)) == (ErrorKind.BAD_ENDPOINT, False)
    assert str(error).startswith(message)


async def test_a_connection_with_close_is_not_reused(transport: Transport) -> None:
    """RFC 9112, 9.6: the server may close the connection although it announced to keep it."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while (head := await reader.read(65_536)) and b"\r\n\r\n" in head:
            writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"data":[]}')
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        for name, expected in (("vllm", 1), ("llamacpp", 3)):
            config = ProviderConfig(name=name, base_url=address, base_url_source="given")
            provider = HTTPProvider(provider_spec(name), config, transport)
            for _ in range(3):
                await provider.list_models()
            assert (name, connections) == (name, expected)
            connections = 0
        await transport.aclose()
