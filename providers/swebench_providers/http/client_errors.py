"""The errors of the HTTP client as `ProviderError`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from swebench_providers.http.client_library import aiohttp, httpx
from swebench_providers.types.errors import ErrorKind, ProviderError, incomplete

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@contextmanager
def client_errors(url: str, *, in_body: bool = False) -> Iterator[None]:
    """Raise every error of the client as a `ProviderError`, without chaining it: its request carries the key.

    `in_body` is for errors after the headers have arrived.
    """
    try:
        yield
    except httpx.HTTPError as error:
        raise _to_error(error, url, in_body=in_body) from None
    except aiohttp.ClientError as error:  # httpx-aiohttp does not map all of them
        raise _dropped(url, str(error) or type(error).__name__) from None
    except (httpx.InvalidURL, ValueError) as error:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"invalid URL or headers: {error}",
            hint="Check the base URL, the proxy, and the headers in the settings.",
        ) from None


def _to_error(error: httpx.HTTPError, url: str, *, in_body: bool) -> ProviderError:
    cause, server = error.__cause__, _server(url)
    if isinstance(cause, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch):
        return ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"no secure connection to {server}: {cause}",
            hint="If the certificate is a company proxy's or self-signed, set its CA bundle in the settings.",
            reason="tls",
        )
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return ProviderError(
            ErrorKind.TIMEOUT,
            f"{server} did not accept the connection in time",
            hint="Check the address and the network.",
            reason="connect",
        )
    if isinstance(error, httpx.ReadTimeout):
        return ProviderError(
            ErrorKind.TIMEOUT,
            f"{server} sent nothing within the time limit",
            hint="Try again, or raise the time limit `idle` for slow models.",
            reason="idle",
        )
    if in_body:
        return incomplete(f"the connection to {server} broke in the middle of the response")
    return _no_response(error, cause, url)


def _no_response(error: httpx.HTTPError, cause: BaseException | None, url: str) -> ProviderError:
    if isinstance(cause, aiohttp.ClientConnectorError):
        return _unreachable(url, _os_message(cause.os_error))
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return _unreachable(url, str(error))
    return _dropped(url, str(error) or "the server closed the connection")


def _server(url: str) -> str:
    """Host and port as the URL names them, without credentials."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _os_message(error: OSError) -> str:
    """The operating system's message alone: asyncio's repeats the address, as a tuple."""
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)


def _unreachable(url: str, message: str) -> ProviderError:
    """The error for no connection: nothing was sent, so nothing is charged."""
    return ProviderError(
        ErrorKind.TRANSIENT, f"no connection to {_server(url)}: {message}", hint=_hint(url), reason="unreachable"
    )


def _dropped(url: str, message: str) -> ProviderError:
    """The error for a connection that ended before a response. It is unknown how much of the request arrived."""
    return ProviderError(
        ErrorKind.TRANSIENT, f"no response from {_server(url)}: {message}", hint=_hint(url), reason="dropped"
    )


def _hint(url: str) -> str:
    if urlsplit(url).hostname in LOOPBACK:
        return "Start the server, or check its port."
    return "Check the network, the proxy and the address."
