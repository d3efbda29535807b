"""What the layer needs of HTTP, in terms that know no client: see `transport.Transport` for the one there is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from swebench_providers.auth.strategies import AuthStrategy
from swebench_providers.config import TimeLimits

USER_AGENT: Final = "swebench-tui/0.1"


class HTTPResponse(Protocol):
    """An HTTP answer whose head has arrived. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body in the pieces it arrives in. Raises `ProviderError` (incomplete, timeout)."""
        ...

    async def read(self) -> bytes:
        """The whole body."""
        ...


class HTTPTransport(Protocol):
    """Sends one request and hands out its answer; leaving the block gives the connection back."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: AuthStrategy,
        body: bytes | None,
        limits: TimeLimits,
    ) -> AbstractAsyncContextManager[HTTPResponse]: ...

    async def drain(self, chunks: AsyncIterator[bytes]) -> None: ...


def join(base_url: str, path: str) -> str:
    """`path` below `base_url`, whose query goes to the end; a version both of them name stands once."""
    base_url, _, query = base_url.partition("?")
    if path.startswith("/v1/") and base_url.endswith("/v1"):
        base_url = base_url.removesuffix("/v1")
    return f"{base_url}{path}{'&' if '?' in path else '?'}{query}" if query else f"{base_url}{path}"
