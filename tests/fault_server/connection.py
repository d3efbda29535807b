"""One client's connection: requests in, answers out, and an eye on the client all the while."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.fault_server import http1
from tests.fault_server.answer import Answer, Body, reset
from tests.fault_server.http1 import RefusedError, Request, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fault_server.script import Script


class WatchedReader(asyncio.StreamReader):
    """Calls `at_end` the moment the client closes or resets, also while nobody reads."""

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
    """Serves one client, request after request. A client that closes its writing side counts as gone."""

    def __init__(self, answer_to: Callable[[Request], tuple[Script, Body]]) -> None:
        self.reader = WatchedReader(self._client_left)
        self._answer_to = answer_to
        self._request: Request | None = None  # being answered
        self._serving: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, writer: asyncio.StreamWriter) -> None:
        """Answer until the client leaves or a script ends the connection."""
        self._serving, self._writer = asyncio.current_task(), writer
        writer.transport.set_write_buffer_limits(high=0)  # what was sent has left, so aborting loses none of it
        try:
            with suppress(ConnectionError):
                while await self._serve_one(writer):
                    pass
        finally:
            self._serving = None  # nothing left to cancel, and a failure on its way must not be hidden by it
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def reset(self) -> None:
        """Break it off with RST, whatever is going on; not the client's doing."""
        self._request = None
        if self._writer is not None:
            reset(self._writer)
        if self._serving is not None:
            self._serving.cancel()

    async def _serve_one(self, writer: asyncio.StreamWriter) -> bool:
        try:
            request = await read_request(self.reader, writer.get_extra_info("peername")[1])
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
