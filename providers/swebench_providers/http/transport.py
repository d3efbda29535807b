"""The HTTP transport: httpx's API on aiohttp's connections.

Together they take a quarter of httpx's own CPU per streamed token, and have four times its rate with 1,000 requests in
flight. Requests go to httpx's transport without its client, whose redirects, cookies and URL merging are not wanted
here and take a third of a request's time. Every error of either library leaves as a `ProviderError`. A body is yielded
as the bytes that arrive: httpx would also split lines at U+2028.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from swebench_providers.auth.strategies import AuthStrategy, renew
from swebench_providers.auth.tls import trust
from swebench_providers.config import TimeLimits
from swebench_providers.http.client_errors import LOOPBACK, client_errors
from swebench_providers.http.client_library import AiohttpTransport, aiohttp, httpx
from swebench_providers.types.errors import ErrorKind, ProviderError, incomplete

_LOG: Final = logging.getLogger("swebench_providers.http")

MAX_BODY: Final = 64 * 1024 * 1024
"""The longest body of an answer that is not streamed, in bytes; more is not a chat."""

_DRAIN_SECONDS: Final = 0.25
_KEEP_ALIVE_SECONDS: Final = 4.0  # below the 5 s at which the common local servers close an idle connection
_UNLIMITED: Final = 0  # in aiohttp's terms; policies limit the requests in flight
_HEADERS: Final = {"accept": "*/*", "accept-encoding": "gzip, deflate", "connection": "keep-alive"}


class WireResponse:
    """A response whose status and headers have arrived. Names in `headers` are lower case."""

    def __init__(self, response: httpx.Response, url: str) -> None:
        self._response = response
        self._url = url
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers.items())

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body, in chunks as they arrive. Raises `ProviderError` (incomplete, timeout)."""
        with client_errors(self._url, in_body=True):
            async for chunk in self._response.aiter_bytes():
                yield chunk

    async def read(self) -> bytes:
        """The whole body. Raises `ProviderError` as `chunks` does, and for one longer than `MAX_BODY`."""
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > MAX_BODY:
                raise incomplete(f"the server sent more than {MAX_BODY:,} bytes", reason="bad_frame")
            parts.append(chunk)
        return b"".join(parts)


_Clients = dict[tuple[bool, str | None, bool], httpx.AsyncBaseTransport]
"""By whether they use TLS, by proxy, and by whether they reuse connections."""


class _Pool(NamedTuple):
    """The clients of one event loop, and the generator that closes them."""

    clients: _Clients
    closing: AsyncGenerator[None, None]


_Pools = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool]


class Transport:
    """A connection pool per event loop, shared by all its requests.

    If `proxy` is None, the proxies of the environment are used, except for loopback addresses. `ca_bundle` is a PEM
    file that replaces the system's trust store.
    """

    def __init__(self, *, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._pools = _Pools()

    @asynccontextmanager
    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: AuthStrategy,
        body: bytes | None,
        limits: TimeLimits,
    ) -> AsyncGenerator[WireResponse, None]:
        """Send one request and yield its response once the headers have arrived; leaving releases the connection.

        Redirects are not followed: they could carry a key to another host. Leaving before the end of the body, also by
        cancellation, closes the socket. Raises `ProviderError` (transient, timeout, bad_endpoint).
        """
        await renew(auth)
        timeout = {"connect": limits.connect, "read": limits.silence, "write": limits.silence, "pool": None}
        with client_errors(url):
            client = await self._client(url, reuse=headers.get("connection") != "close")
            await _poll_sockets()
            # The key is in this call and in no variable, so that no traceback with locals shows it.
            request = httpx.Request(
                method,
                _parse_url(url),
                headers=auth.prepare_headers({**_HEADERS, **headers}),
                content=body,
                extensions={"timeout": timeout},
            )
            try:
                response = await client.handle_async_request(request)
            except asyncio.CancelledError as cancelled:
                raise cancelled.with_traceback(None) from None  # the frames of the libraries have it in theirs
        _LOG.info("HTTP Request: %s %s %d", method, url, response.status_code)
        try:
            yield WireResponse(response, url)
        finally:
            await response.aclose()

    async def drain(self, chunks: AsyncIterator[bytes]) -> None:
        """Read the rest of a body for a short time, so that its connection can be reused."""
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for _ in chunks:
                    pass
        except (TimeoutError, ProviderError):
            return  # the connection is closed instead

    async def aclose(self) -> None:
        """Close the connections of the running loop. `asyncio.run` closes them too when it ends."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.closing.aclose()

    async def _client(self, url: str, *, reuse: bool) -> httpx.AsyncBaseTransport:
        key = secure, proxy, _ = url.startswith("https:"), self._proxy_for(url), reuse
        clients = await self._clients()
        if key not in clients:
            # Reading the trust store takes tens of milliseconds, and only TLS needs it.
            verify = await asyncio.to_thread(trust, self._ca_bundle) if secure else False
            clients.setdefault(key, _new_client(verify, proxy, reuse=reuse))
        return clients[key]

    async def _clients(self) -> _Clients:
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            clients: _Clients = {}
            closing = _close_with_loop(clients, weakref.ref(self._pools))
            await anext(closing)
            self._pools[loop] = _Pool(clients, closing)
        return self._pools[loop].clients

    def _proxy_for(self, url: str) -> str | None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host in LOOPBACK:
            return None
        if self._proxy is not None:
            return _proxy_url(self._proxy)
        proxies = {} if proxy_bypass(host) else getproxies()
        return _proxy_url(proxies.get(parts.scheme) or proxies.get("all", ""))


async def _close_with_loop(clients: _Clients, pools: weakref.ref[_Pools]) -> AsyncGenerator[None, None]:
    """Suspended at its `yield` until it is closed, by `aclose` or by `asyncio.run`, which closes open generators."""
    try:
        yield
    finally:
        if (live_pools := pools()) is not None:
            live_pools.pop(asyncio.get_running_loop(), None)
        for client in clients.values():
            await client.aclose()


def _proxy_url(address: str) -> str | None:
    """The URL of a proxy as users write it; None for an empty one. Its password stays out of the error."""
    if not address:
        return None
    scheme, separator, _ = address.partition("://")
    if not separator:
        return f"http://{address}"
    if scheme not in {"http", "https"}:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT, f"{scheme} proxies are not supported", hint="Set an http or https proxy, or none."
        )
    return address


@lru_cache(maxsize=256)
def _parse_url(url: str) -> httpx.URL:
    """Cached, since parsing a URL takes longer than writing a request, and a provider has two or three of them."""
    return httpx.URL(url)


async def _poll_sockets() -> None:
    """Let the loop read its sockets, so that no idle connection is reused that the server has closed."""
    await asyncio.sleep(0)  # the reads are queued after this task
    await asyncio.sleep(0)


def _new_client(verify: ssl.SSLContext | bool, proxy: str | None, *, reuse: bool) -> httpx.AsyncBaseTransport:
    """Without `reuse` for requests with `connection: close`, which no other may follow (RFC 9112, 9.6)."""

    def session_without_reuse() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(force_close=True, limit=_UNLIMITED, ssl=transport.ssl_context)
        return aiohttp.ClientSession(connector=connector)

    transport = AiohttpTransport(
        verify=verify,
        limits=httpx.Limits(max_connections=_UNLIMITED, keepalive_expiry=_KEEP_ALIVE_SECONDS),
        proxy=httpx.Proxy(proxy) if proxy else None,
        client=None if reuse else session_without_reuse,
    )
    return transport
