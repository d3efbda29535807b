"""A fake network for hosts that tests must not contact, and providers on it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from swebench_providers import ProviderRegistry, UnifiedRequest
from swebench_providers.auth.strategies import AuthStrategy, renew
from swebench_providers.catalog import provider_spec
from swebench_providers.config import TimeLimits
from swebench_providers.provider import HTTPProvider

SYSTEM = "You fix bugs. Answer with one unified diff."
PROMPT = "Issue: add() subtracts. Repository file calc.py follows."
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://my-res.openai.azure.com/", "AZURE_OPENAI_API_KEY": "EXAMPLE"}
VERTEX = {
    "GOOGLE_CLOUD_PROJECT": "my-proj",
    "GOOGLE_CLOUD_QUOTA_PROJECT": "my-proj",
    "GOOGLE_OAUTH_ACCESS_TOKEN": "ya29.EXAMPLE",
}


@dataclass
class SentRequest:
    """One request as it was sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class CannedResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        yield self.body

    async def read(self) -> bytes:
        return self.body


@dataclass
class Network:
    """A transport that records requests and responds with `body`."""

    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: list[SentRequest] = field(default_factory=list)

    @asynccontextmanager
    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: AuthStrategy,
        body: bytes | None,
        limits: TimeLimits,  # noqa: ARG002 - the interface
    ) -> AsyncIterator[CannedResponse]:
        await renew(auth)
        self.sent.append(
            SentRequest(method, url, auth.prepare_headers(headers), msgspec.json.decode(body) if body else None)
        )
        yield CannedResponse(200, {"content-type": "text/event-stream", **self.headers}, self.body)

    async def drain(self, chunks: AsyncIterator[bytes]) -> None:
        async for _ in chunks:
            pass


def provider_on(name: str, environ: Mapping[str, str], network: Network, **changes: Any) -> HTTPProvider:
    """The provider as `environ` configures it, with `changes` to its configuration."""
    config = msgspec.structs.replace(ProviderRegistry(environ).configure(name), **changes)
    return HTTPProvider(provider_spec(name), config, network)


def request_for(model: str, **fields: Any) -> UnifiedRequest:
    return UnifiedRequest(**{"model": model, "system_message": SYSTEM, "prompt": PROMPT, **fields})
