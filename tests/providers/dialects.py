"""Providers with the three wire formats, and a server that sends exactly the bytes of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any

import pytest

from swebench_providers import (
    Event,
    ProviderConfig,
    ProviderError,
    Secret,
    TextDelta,
    UnifiedRequest,
    UnifiedResponse,
)
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from swebench_providers.util.clock import Clock

BASE_PATHS: Mapping[str, str] = {"compatible": "/v1", "anthropic": "", "ollama": ""}
"""A provider for each protocol, and the path of its base URL."""

KEY = "sk-proj-Zm9yIHRlc3RzIG9ubHk-0123456789"
REQUEST = UnifiedRequest(model="m", prompt="Say it.")


class TickingClock:
    """A clock that advances by `step` seconds on each reading, and by the requested time on sleeping."""

    def __init__(self, step: float = 1.0) -> None:
        self._step, self._now = step, 0.0

    def now(self) -> float:
        self._now += self._step
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds


def provider_at(
    base_url: str, name: str, transport: Transport, *, clock: Clock | None = None, **fields: Any
) -> HTTPProvider:
    """The catalog's provider `name` with the key of the tests; `fields` replace those of its configuration."""
    config = ProviderConfig(
        **{"name": name, "api_key": Secret(KEY), "base_url": base_url, "base_url_source": "given", **fields}
    )
    return HTTPProvider(provider_spec(name), config, transport, clock=clock)


def provider_for(
    address: str, name: str, transport: Transport, *, clock: Clock | None = None, **fields: Any
) -> HTTPProvider:
    """`provider_at` for an address, to which the path of the base URL is added."""
    return provider_at(f"{address}{BASE_PATHS[name]}", name, transport, clock=clock, **fields)


async def events_of(provider: HTTPProvider, request: UnifiedRequest = REQUEST) -> list[Event]:
    """All events of a response."""
    async with aclosing(provider.stream_unified(request)) as events:
        return [event async for event in events]


async def error_of(provider: HTTPProvider, request: UnifiedRequest = REQUEST) -> ProviderError:
    """The error of a request; fails the test if there is none."""
    with pytest.raises(ProviderError) as caught:
        await provider.generate_unified(request)
    return caught.value


@asynccontextmanager
async def raw_server(*pieces: bytes, then_wait: bool = False, tls: SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that sends `pieces` for any request, then closes or waits for the client to close."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if then_wait:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        scheme = "https" if tls else "http"
        yield f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"


async def generate(provider: HTTPProvider, **fields: Any) -> UnifiedResponse:
    """The response to the usual request with `fields` replaced."""
    return await provider.generate_unified(UnifiedRequest(**{"model": "m", "prompt": "Say it.", **fields}))


async def until_text(provider: HTTPProvider, arrived: asyncio.Event, request: UnifiedRequest = REQUEST) -> None:
    """Read a response to its end; `arrived` is set with its first text."""
    async with aclosing(provider.stream_unified(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                arrived.set()
