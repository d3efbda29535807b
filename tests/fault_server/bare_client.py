"""A minimal HTTP/1.1 client over one connection, which shows each chunk as it was sent."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fault_server.server import FaultServer


class BareClient:
    """One connection. Send a request, then read the body as it arrives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, path: str, *, stream: bool = True, **fields: object) -> tuple[int, dict[str, str]]:
        body = msgspec.json.encode({"model": "m", "stream": stream, **fields})
        return await self.send(f"POST {path} HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    async def get(self, path: str) -> tuple[int, bytes]:
        status, headers = await self.send(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        return status, await self.reader.readexactly(int(headers["content-length"]))

    async def send(self, request: bytes) -> tuple[int, dict[str, str]]:
        """The status and headers of the response."""
        self.writer.write(request)
        status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        return int(status.split(" ")[1]), dict(line.split(": ", 1) for line in lines)

    async def chunk(self) -> bytes:
        """The next HTTP chunk; empty at the end of the body."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def chunks(self) -> list[bytes]:
        """All chunks until the body ends."""
        chunks, ended = await self.chunks_until_broken()
        assert ended is None
        return chunks

    async def chunks_until_broken(self) -> tuple[list[bytes], type[Exception] | None]:
        """All chunks, and how they ended: None at the end of the body, else the exception."""
        chunks: list[bytes] = []
        try:
            while data := await self.chunk():
                chunks.append(data)
        except (OSError, EOFError) as broken:
            return chunks, type(broken)
        return chunks, None


@asynccontextmanager
async def connected(server: FaultServer) -> AsyncIterator[BareClient]:
    """A connection, closed at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield BareClient(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
