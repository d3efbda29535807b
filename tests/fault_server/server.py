"""The fault server: OpenAI, Anthropic and Ollama chat on a loopback port, with scripts and records."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import msgspec

from tests.fault_server.answer import Body, fixed, streamed, whole
from tests.fault_server.connection import Connection
from tests.fault_server.endpoint_bodies import endpoint_body
from tests.fault_server.formats import ChatRequest, OpenAIChat, WireFormat, format_of
from tests.fault_server.script import Script, failing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.fault_server.http1 import Request

_HOST = "127.0.0.1"


class FaultServer:
    """A server in the running loop; an async context manager. Scripts can be changed, and records read, at any time.

    The script of a chat request is the first available of `by_path[path]`, the next one of `enqueue`, that of the first
    text of `by_text` that its messages contain, `by_model[model]`, a random one of `mix`, and `default`. Other paths
    use `by_path`, else their usual body. `remembered` is how many of the latest requests are kept, None for all: a run
    of hours needs few.
    """

    def __init__(
        self,
        default: Script | None = None,
        *,
        by_model: Mapping[str, Script] | None = None,
        mix: Sequence[Script] = (),
        remembered: int | None = None,
        port: int = 0,
    ) -> None:
        self.default = default or Script()
        self.mix = list(mix)
        self.by_model = dict(by_model or {})
        self.by_path: dict[str, Script] = {}
        self.by_text: dict[str, Script] = {}
        self.requests: list[Request] = []
        self.port = port
        self._remembered = remembered
        self._received = 0
        self._draw = random.Random(0)
        self._queue: deque[Script] = deque()
        self._listener: socket.socket | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._failures: list[BaseException] = []
        self._changed = asyncio.Event()

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`; the OpenAI and Anthropic paths begin with /v1, the Ollama ones with /api."""
        return f"http://{_HOST}:{self.port}"

    @property
    def connections_open(self) -> int:
        """The open connections, including idle ones."""
        return len(self._connections)

    def enqueue(self, *scripts: Script) -> None:
        """Use `scripts` for the next chat requests, in this order."""
        self._queue.extend(scripts)

    async def restart(self) -> None:
        """Listen again, on the same port. Raises OSError if it was taken in the meantime."""
        self._listener = listener = socket.create_server((_HOST, self.port), backlog=1024)
        self.port = listener.getsockname()[1]
        listener.settimeout(0)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def stop_abruptly(self) -> None:
        """Stop listening and reset every connection, then return.

        Raises an exception group of the errors in the server itself, such as a script it cannot play.
        """
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for connection in self._connections.values():
            connection.reset()
        await asyncio.gather(*self._connections, return_exceptions=True)
        failures, self._failures = self._failures, []
        if failures:
            raise BaseExceptionGroup("the fault server itself failed", failures)

    async def received(self, count: int, *, within: float = 2.0) -> list[Request]:
        """Wait for the first `count` requests; AssertionError if fewer arrive within `within` seconds."""
        await self._until(lambda: len(self.requests) >= count, f"{count} requests", within)
        return self.requests[:count]

    @property
    def chats(self) -> list[Request]:
        """The requests for answers, without those for lists and limits of models."""
        return [request for request in self.requests if request.method == "POST"]

    async def received_chats(self, count: int, *, within: float = 10.0) -> list[Request]:
        """As `received`, of the requests for answers."""
        await self._until(lambda: len(self.chats) >= count, f"{count} requests for answers", within)
        return self.chats[:count]

    async def all_closed(self, *, within: float) -> None:
        """Wait until no connection is open; AssertionError after `within` seconds."""
        await self._until(lambda: not self._connections, "every connection closed", within)

    async def __aenter__(self) -> Self:
        await self.restart()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_abruptly()

    async def _until(self, holds: Callable[[], bool], what: str, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                while not holds():
                    await self._changed.wait()
        except TimeoutError:
            state = f"{len(self.requests)} requests, {self.connections_open} connections open"
            raise AssertionError(f"{what}: not within {within:g} s ({state})") from None

    def _accept(self, listener: socket.socket) -> None:
        # Not `asyncio.start_server`: on closing, it loses connections that are being accepted.
        with suppress(BlockingIOError, ConnectionAbortedError):
            client, (_, peer_port) = listener.accept()
            client.settimeout(0)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, peer_port, self._answer_to)
            task = connection.start()
            self._connections[task] = connection
            task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._connections.pop(task).close()
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _answer_to(self, request: Request) -> tuple[Script, Body]:
        self.requests.append(request)
        self._received += 1
        if self._remembered is not None:
            del self.requests[: max(0, len(self.requests) - self._remembered)]
        self._notify()
        wire_type = format_of(request.path) if request.method == "POST" else None
        if wire_type is None:
            return self._information(request)
        script, chat = self._chosen(request)
        if script.echo:
            script = replace(script, text=request.echo())
        return script, _body(wire_type(script, chat, f"req_{self._received}"))

    def _chosen(self, request: Request) -> tuple[Script, ChatRequest]:
        try:
            chat = msgspec.json.decode(request.body, type=ChatRequest)
        except msgspec.DecodeError as error:
            return failing(400, str(error)), ChatRequest()
        if (script := self.by_path.get(request.path)) is not None:
            return script, chat
        if self._queue:
            return self._queue.popleft(), chat
        for text, script in self.by_text.items():
            if msgspec.json.encode(text)[1:-1] in request.body:
                return script, chat
        usual = self._draw.choice(self.mix) if self.mix else self.default
        return self.by_model.get(chat.model, usual), chat

    def _information(self, request: Request) -> tuple[Script, Body]:
        body = endpoint_body(request.path, list(self.by_model) or ["mock-model"]) if request.method == "GET" else None
        script = self.by_path.get(request.path, Script() if body else failing(404, f"there is no {request.path}"))
        if script.body is not None:
            return script, fixed(script.body, script)
        if body is not None and script.status == 200:
            return script, fixed(body, script)
        return script, fixed(OpenAIChat(script, ChatRequest(), "").error(script.status), script)


def _body(wire: WireFormat) -> Body:
    script = wire.script
    if script.body is not None:
        return fixed(script.body, script)
    if script.status != 200:
        return fixed(wire.error(script.status), script, headers={wire.request_id_header: wire.request_id})
    return streamed(wire) if wire.streams else whole(wire)
