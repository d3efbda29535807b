"""HTTP for Google's own package, on the thread it fetches tokens on: the standard library, and nothing more.

Of the clients that package has ready-made one brings another HTTP library, with a trust store of its own, and one
speaks no TLS. No redirect is followed here: it could carry what the token is given for to another host.
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

_PATIENCE: Final = 30.0
_MAX_BODY: Final = 1024 * 1024


class Reply:
    """An answer as Google's code reads one. Header names are lower case."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.data = response.read(_MAX_BODY)


class GoogleHTTP(transport.Request):
    """Called by Google's code for each request. `proxy` and `ca_bundle` are as in `Transport`."""

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
    ) -> Reply:
        """Raises Google's `TransportError`, and `ProviderError` (bad_endpoint) for a CA bundle that is none."""
        if not url.startswith(("https://", "http://")):
            raise _failed(f"{url} is no address of the web")
        request = Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310 - checked above
        try:
            with self._opener(url).open(request, timeout=min(timeout or _PATIENCE, _PATIENCE)) as response:
                return Reply(response)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
        raise _failed(f"{request.host}: {reason}")

    def _opener(self, url: str) -> OpenerDirector:
        if not url.startswith("https:"):  # a machine of Google's asks itself; no proxy knows the way there
            return build_opener(ProxyHandler({}), _AsItComes)
        return build_opener(ProxyHandler(self._proxies()), HTTPSHandler(context=trust(self._ca_bundle)), _AsItComes)

    def _proxies(self) -> dict[str, str]:
        known = getproxies()
        proxy = (known.get("https") or known.get("all")) if self._proxy is None else self._proxy
        return {"https": proxy} if proxy else {}


def _failed(what: str) -> TransportError:
    return TransportError(what)  # type: ignore[no-untyped-call]


class _AsItComes(HTTPErrorProcessor):
    """Hands out every answer, errors and redirects too, where its base class would act on them."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:  # noqa: ARG002 - the interface
        return response

    https_response = http_response
