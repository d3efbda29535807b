"""HTTP, and the one file that knows the client it is done with.

httpx's API on aiohttp's connections: a quarter of httpx's own CPU per streamed token, and four times its rate with
1,000 requests in flight. Every error of either leaves here as a `ProviderError`. Bodies are handed on as the bytes that
came; lines are never made here, since the client would also split them at U+2028.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from swebench_providers.auth.strategies import AuthStrategy, renew
from swebench_providers.auth.tls import trust
from swebench_providers.config import TimeLimits
from swebench_providers.http.client_library import AiohttpTransport, aiohttp, httpx
from swebench_providers.types.errors import ErrorKind, ProviderError, incomplete

_LOG: Final = logging.getLogger("swebench_providers.http")

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes read of an answer in one body; more is not a chat."""

_DRAIN_SECONDS: Final = 0.25
_KEEP_ALIVE_SECONDS: Final = 4.0  # below the 5 s at which the common local servers close an idle connection
_UNLIMITED: Final = 0  # what aiohttp calls it; how many requests run at once is a policy's business
_HEADERS: Final = {"accept": "*/*", "accept-encoding": "gzip, deflate", "connection": "keep-alive"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class WireResponse:
    """An answer whose head has arrived. `headers` have lower-case names."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers.items())

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body in the pieces it arrives in. Raises `ProviderError` (incomplete, timeout)."""
        with _mapped(self._response.request.url.host, in_body=True):
            async for chunk in self._response.aiter_bytes():
                yield chunk

    async def read(self) -> bytes:
        """The whole body. Raises `ProviderError` as `chunks` does, and where it is longer than `MAX_BODY`."""
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > MAX_BODY:
                raise incomplete(f"the server sent more than {MAX_BODY:,} bytes", reason="bad_frame")
            parts.append(chunk)
        return b"".join(parts)


_Clients = dict[tuple[bool, str | None, bool], httpx.AsyncBaseTransport]
"""By whether they speak TLS, by proxy, and by whether their connections are used again."""


class _Pool(NamedTuple):
    """The clients of one event loop, and what closes them."""

    clients: _Clients
    closing: AsyncGenerator[None, None]


_Pools = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool]


class Transport:
    """Connections, shared by all requests of one event loop; each loop that uses it gets its own.

    `proxy` None takes the environment's proxies, never for this machine itself. `ca_bundle` is a PEM file that
    replaces the system's trust store.
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
        """Send one request and hand out its answer once the head is there; leaving the block gives the connection back.

        Redirects are not followed: they could carry a key to another host. Leaving before the end of the body, by
        cancellation too, closes the socket. Raises `ProviderError` (transient, timeout, bad_endpoint).
        """
        await renew(auth)
        timeout = {"connect": limits.connect, "read": limits.silence, "write": limits.silence, "pool": None}
        with _mapped(urlsplit(url).hostname or "", in_body=False):
            client = await self._client(url, reuse=headers.get("connection") != "close")
            await _what_has_arrived()
            # The key appears in this call and in no variable, so that no traceback with locals can show it.
            request = httpx.Request(
                method,
                _parsed(url),
                headers=auth.prepare_headers({**_HEADERS, **headers}),
                content=body,
                extensions={"timeout": timeout},
            )
            try:
                response = await client.handle_async_request(request)
            except asyncio.CancelledError as cancelled:
                raise cancelled.with_traceback(None) from None  # the client's own frames have the key in theirs
        _LOG.info("HTTP Request: %s %s %d", method, url, response.status_code)
        try:
            yield WireResponse(response)
        finally:
            await response.aclose()

    async def drain(self, chunks: AsyncIterator[bytes]) -> None:
        """Read what follows the end of an answer, so that the connection can be used again; not for long."""
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for _ in chunks:
                    pass
        except (TimeoutError, ProviderError):
            return  # the connection is closed instead

    async def aclose(self) -> None:
        """Close the connections of the running loop. Where `asyncio.run` ends the loop, that does it too."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.closing.aclose()

    async def _client(self, url: str, *, reuse: bool) -> httpx.AsyncBaseTransport:
        kind = secure, proxy, _ = url.startswith("https:"), self._proxy_for(url), reuse
        clients = await self._clients()
        if kind not in clients:
            # Reading the trust store takes tens of milliseconds, and a plain connection needs none.
            verify = await asyncio.to_thread(trust, self._ca_bundle) if secure else False
            clients.setdefault(kind, _new_client(verify, proxy, reuse=reuse))
        return clients[kind]

    async def _clients(self) -> _Clients:
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            clients: _Clients = {}
            closing = _closed_with_the_loop(clients, weakref.ref(self._pools))
            await anext(closing)
            self._pools[loop] = _Pool(clients, closing)
        return self._pools[loop].clients

    def _proxy_for(self, url: str) -> str | None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host in _LOOPBACK:
            return None
        if self._proxy is not None:
            return _proxy_url(self._proxy)
        proxies = {} if proxy_bypass(host) else getproxies()
        return _proxy_url(proxies.get(parts.scheme) or proxies.get("all", ""))


async def _closed_with_the_loop(clients: _Clients, pools: weakref.ref[_Pools]) -> AsyncGenerator[None, None]:
    """Waits at its `yield` to be closed. What nobody closes `asyncio.run` does, as with any generator left open."""
    try:
        yield
    finally:
        if (known := pools()) is not None:
            known.pop(asyncio.get_running_loop(), None)
        for client in clients.values():
            await client.aclose()


def _proxy_url(address: str) -> str | None:
    """A proxy as users write it, with its scheme; None for an empty one. Its password stays out of the error."""
    if not address:
        return None
    scheme, named, _ = address.partition("://")
    if not named:
        return f"http://{address}"
    if scheme not in {"http", "https"}:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT, f"a {scheme} proxy cannot be used", hint="Name an http or https proxy, or none."
        )
    return address


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    """Each provider sends to two or three URLs, and parsing one takes longer than writing the request."""
    return httpx.URL(url)


async def _what_has_arrived() -> None:
    """Let the loop read its sockets, so that an idle connection the server has closed is not taken for a live one."""
    await asyncio.sleep(0)  # the read is queued behind us
    await asyncio.sleep(0)


def _new_client(verify: ssl.SSLContext | bool, proxy: str | None, *, reuse: bool) -> httpx.AsyncBaseTransport:
    """Without `reuse`, for requests that say `connection: close`: no other may follow them there (RFC 9112, 9.6)."""

    def once() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(force_close=True, limit=_UNLIMITED, ssl=transport.ssl_context)
        return aiohttp.ClientSession(connector=connector)

    transport = AiohttpTransport(
        verify=verify,
        limits=httpx.Limits(max_connections=_UNLIMITED, keepalive_expiry=_KEEP_ALIVE_SECONDS),
        proxy=httpx.Proxy(proxy) if proxy else None,
        client=None if reuse else once,
    )
    return transport


@contextmanager
def _mapped(host: str, *, in_body: bool) -> Iterator[None]:
    """The client's errors as ours; the original is not chained, since its request carries the key."""
    try:
        yield
    except httpx.HTTPError as error:
        raise _error(error, host, in_body=in_body) from None
    except aiohttp.ClientError as error:  # what httpx-aiohttp lets through
        raise _dropped(host, str(error) or type(error).__name__) from None
    except (httpx.InvalidURL, ValueError) as error:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"no request can be made of this address or these headers: {error}",
            hint="Check the base URL, the proxy, and the headers in the settings.",
        ) from None


def _error(error: httpx.HTTPError, host: str, *, in_body: bool) -> ProviderError:
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch):
        return ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"no secure connection to {host}: {cause}",
            hint="If a company proxy or an own certificate stands between, name its CA bundle in the settings.",
            reason="tls",
        )
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return ProviderError(
            ErrorKind.TIMEOUT,
            f"{host} did not accept the connection in time",
            hint="Check the address and the network.",
            reason="connect",
        )
    if isinstance(error, httpx.ReadTimeout):
        return ProviderError(
            ErrorKind.TIMEOUT,
            f"{host} was silent for longer than the time limit",
            hint="Try again, or raise the idle time limit for slow models.",
            reason="idle",
        )
    if in_body:
        return incomplete(f"the connection to {host} broke in the middle of the answer")
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError):
        words = str(error) if isinstance(cause, aiohttp.ClientHttpProxyError) else _in_words(cause.os_error)
        return _unreachable(host, words)
    return _dropped(host, str(error) or "it closed the connection before it answered")


def _in_words(error: OSError) -> str:
    """The system's own words: asyncio's give the address again, as a tuple."""
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)


def _unreachable(host: str, what: str) -> ProviderError:
    """There was no connection, so nothing was sent and nothing can cost anything."""
    return ProviderError(
        ErrorKind.TRANSIENT, f"no connection to {host}: {what}", hint=_look_at(host), reason="unreachable"
    )


def _dropped(host: str, what: str) -> ProviderError:
    """There was one, and it ended without an answer: how far the request got, nobody knows."""
    return ProviderError(ErrorKind.TRANSIENT, f"no answer from {host}: {what}", hint=_look_at(host), reason="dropped")


def _look_at(host: str) -> str:
    return (
        "Start the server, or check its port." if host in _LOOPBACK else "Check the network, the proxy and the address."
    )
