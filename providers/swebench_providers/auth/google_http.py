"""HTTP for `google-auth`, on the thread that fetches tokens, with the standard library alone.

Of the clients that `google-auth` brings one needs another HTTP library, with a trust store of its own, and one has no
TLS. Redirects are not followed: one could send the credentials to another host.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Final
from urllib.request import (
    HTTPErrorProcessor,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
    getproxies,
)

from google.auth import transport
from google.auth.exceptions import TransportError

from swebench_providers.auth.tls import trust

_TIMEOUT: Final = 30.0  # seconds
_MAX_BODY: Final = 1024 * 1024


class Response:
    """A response as `google-auth` reads it. Header names are lower case."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.data = response.read(_MAX_BODY)


class GoogleHTTP(transport.Request):
    """Called by `google-auth` for each request. `proxy` and `ca_bundle` are as in `Transport`."""

    def __init__(self, *, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        self._proxy = proxy
        self._ca_bundle = ca_bundle

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> Response:
        """Raises Google's `TransportError`, and `ProviderError` (bad_endpoint) for an invalid CA bundle."""
        if not url.startswith(("https://", "http://")):
            raise _failed(f"{url} is not an http or https address")
        request = Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310 - checked above
        try:
            with self._opener(url).open(request, timeout=min(timeout or _TIMEOUT, _TIMEOUT)) as response:
                return Response(response)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
        raise _failed(f"{request.host}: {reason}")

    def _opener(self, url: str) -> OpenerDirector:
        if not url.startswith("https:"):  # the metadata server, which no proxy can reach
            return build_opener(ProxyHandler({}), _RawResponses)
        return build_opener(ProxyHandler(self._proxies()), HTTPSHandler(context=trust(self._ca_bundle)), _RawResponses)

    def _proxies(self) -> dict[str, str]:
        proxies = getproxies()
        proxy = (proxies.get("https") or proxies.get("all")) if self._proxy is None else self._proxy
        return {"https": proxy} if proxy else {}


def _failed(what: str) -> TransportError:
    return TransportError(what)  # type: ignore[no-untyped-call]


class _RawResponses(HTTPErrorProcessor):
    """Returns every response as it is; the base class raises on errors and follows redirects."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:  # noqa: ARG002 - the interface
        return response

    https_response = http_response
