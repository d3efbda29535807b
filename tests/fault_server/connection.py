"""The connection of one client: reads requests, sends responses, and watches for the client to close."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.fault_server import http1
from tests.fault_server.answer import Answer, Body, reset_at_close
from tests.fault_server.http1 import RefusedError, Request, read_request

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.fault_server.script import Script


class WatchedReader(asyncio.StreamReader):
    """Calls `at_end` as soon as the client closes or resets, even while nothing is read."""

    def __init__(self, at_end: Callable[[], None]) -> None:
        super().__init__(limit=http1.MAX_HEAD)
        self._at_end = at_end

    def feed_eof(self) -> None:
        super().feed_eof()
        self._at_end()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self._at_end()


class Connection:
    """Serves one client, one request after another. A client that closes its writing side counts as gone."""

    def __init__(
        self, client: socket.socket, peer_port: int, answer_to: Callable[[Request], tuple[Script, Body]]
    ) -> None:
        self._socket, self._peer_port, self._answer_to = client, peer_port, answer_to
        self._request: Request | None = None  # the one being answered
        self._serving: asyncio.Task[None] | None = None  # while it may be cancelled

    def start(self) -> asyncio.Task[None]:
        """Serve in a task until the client leaves or a script ends the connection."""
        self._serving = asyncio.get_running_loop().create_task(self._serve())
        return self._serving

    def reset(self) -> None:
        """Reset the connection from the server's side."""
        reset_at_close(self._socket)
        if self._serving is not None:
            self._serving.cancel()

    def close(self) -> None:
        """Close the socket after the task, which may have been cancelled before it started."""
        self._socket.close()

    async def _serve(self) -> None:
        reader, writer = await self._open()
        try:
            with suppress(ConnectionError):
                while await self._serve_one(reader, writer):
                    pass
        finally:
            self._serving = None  # an exception must not be hidden by a cancellation
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = WatchedReader(self._client_left)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, self._socket)
        transport.set_write_buffer_limits(high=0)  # everything has been sent, so aborting loses nothing
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            request = await read_request(reader, self._peer_port)
        except RefusedError as refused:
            writer.write(http1.head(refused.status, {"content-length": "0", "connection": "close"}))
            return False
        if request is None:
            return False
        self._request = request
        script, body = self._answer_to(request)
        again = await Answer(script, body, writer).play()
        request.answered_at = asyncio.get_running_loop().time()
        self._request = None
        return again and request.headers.get("connection", "").lower() != "close"

    def _client_left(self) -> None:
        request, self._request = self._request, None
        if request is not None and self._serving is not None:
            request.mark_gone(asyncio.get_running_loop().time())
            self._serving.cancel()
