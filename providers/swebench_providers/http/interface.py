"""The HTTP that the layer needs, in terms of no HTTP client: `transport.Transport` is the implementation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from swebench_providers.auth.strategies import AuthStrategy
from swebench_providers.config import TimeLimits

USER_AGENT: Final = "swebench-tui/0.1"


class HTTPResponse(Protocol):
    """A response whose status and headers have arrived. Names in `headers` are lower case."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body, in chunks as they arrive. Raises `ProviderError` (incomplete, timeout)."""
        ...

    async def read(self) -> bytes:
        """The whole body."""
        ...


class HTTPTransport(Protocol):
    """Sends requests."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: AuthStrategy,
        body: bytes | None,
        limits: TimeLimits,
    ) -> AbstractAsyncContextManager[HTTPResponse]:
        """Send one request and yield its response; leaving the block releases the connection."""
        ...

    async def drain(self, chunks: AsyncIterator[bytes]) -> None:
        """Read the rest of a body, so that its connection can be reused."""
        ...


def join(base_url: str, path: str) -> str:
    """`path` appended to `base_url`, whose query moves to the end; a version that both name appears once."""
    base_url, _, query = base_url.partition("?")
    if path.startswith("/v1/") and base_url.endswith("/v1"):
        base_url = base_url.removesuffix("/v1")
    return f"{base_url}{path}{'&' if '?' in path else '?'}{query}" if query else f"{base_url}{path}"
