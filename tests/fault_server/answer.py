"""Sends one response: renders its records, writes them at the pace of the script, and ends as the script says."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fault_server import http1
from tests.fault_server.script import Cut, Ending

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket
    from collections.abc import Mapping, Sequence

    from tests.fault_server.formats import WireFormat
    from tests.fault_server.script import Script

STALL_LIMIT = 3600.0  # seconds; long enough for every test, and finite
ENDLESS_LIMIT = 10_000_000  # writes
# One iteration of the loop for the socket of a reader in the same loop, one for its task, so that it reads each write
# separately. They also let the server notice that a client has closed.
TURNS_BETWEEN_WRITES = 2
_FIELD_NAME = re.compile(rb"^(data|event): ", re.MULTILINE)
_SEAM = re.compile(rb"(?<=[\xc0-\xff])|(?<=\r)(?=\n)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body, in the chunks in which it is sent. `length` is None for a chunked body."""

    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    opening: Sequence[bytes] = ()
    tokens: Sequence[bytes] = ()
    closing: Sequence[bytes] = ()
    filler: bytes = b" " * 1024  # what an endless response repeats
    keep_alive: bytes = b""
    length: int | None = None
    generated_in: float = 0  # seconds before the headers


def streamed(wire: WireFormat) -> Body:
    """A streamed response in a format, up to where its ending cuts it."""
    script = wire.script
    tokens = wire.tokens()
    sent, rest = tokens[: script.after], tokens[len(tokens[: script.after]) :]
    filler = (sent or tokens or [wire.keep_alive])[-1]
    closing: list[bytes] = []
    match script.ending:
        case Ending.COMPLETE:
            sent, closing = tokens, wire.closing()
        case Ending.UNMARKED:
            sent, closing = tokens, wire.closing()[:-1]
        case Ending.GARBAGE:
            garbage = wire.record_start + b'{"not JSON' + wire.record_end
            sent, closing = [*sent, garbage, *rest], wire.closing()
        case Ending.ERROR:
            closing = [wire.error_record()]
        case Ending.ENDLESS_LINE:
            closing, filler = [wire.record_start + b'{"'], b"x" * 1024
    return Body(
        content_type=wire.content_type,
        headers={wire.request_id_header: wire.request_id},
        opening=[_dressed(record, script) for record in wire.opening()],
        tokens=[_dressed(record, script) for record in sent],
        closing=[_dressed(record, script) for record in closing],
        filler=_dressed(filler, script),
        keep_alive=_dressed(wire.keep_alive, script),
    )


def whole(wire: WireFormat) -> Body:
    """A response that is not streamed; it takes as long as the stream would."""
    script = wire.script
    content = {Ending.ERROR: wire.error(529), Ending.GARBAGE: b'{"not JSON'}.get(script.ending, wire.whole())
    pace = script.completion_tokens / script.tokens_per_second if script.tokens_per_second else 0
    headers = {wire.request_id_header: wire.request_id}
    return fixed(content, script, headers=headers, generated_in=script.before_first_token + pace)


def fixed(content: bytes, script: Script, *, headers: Mapping[str, str] | None = None, generated_in: float = 0) -> Body:
    """A body of known length; an ending that cuts it sends the first half."""
    half = len(content) // 2
    is_whole = script.ending in {Ending.COMPLETE, Ending.UNMARKED, Ending.ERROR, Ending.GARBAGE}
    is_endless = script.ending in {Ending.ENDLESS, Ending.ENDLESS_LINE}
    return Body(
        headers=headers or {},
        opening=[content] if is_whole else [content[:half]],
        length=None if is_endless else len(content),
        generated_in=generated_in,
    )


class Answer:
    """Writes one body to one client. Cancel `play` to stop early."""

    def __init__(self, script: Script, body: Body, writer: asyncio.StreamWriter) -> None:
        self._script, self._body, self._writer = script, body, writer
        self._now = asyncio.get_running_loop().time
        self._held = bytearray()  # what Cut.JOINED has yet to write
        self._sent = 0
        self._gap = 1 / script.tokens_per_second if script.tokens_per_second else 0

    async def play(self) -> bool:
        """Write all of it. Returns whether the connection can be reused."""
        await asyncio.sleep(self._script.before_head + self._body.generated_in)
        await self._send_head()
        for record in self._body.opening:
            await self._send(record)
        await self._send_tokens()
        for record in self._body.closing:
            await self._send(record)
        await self._flush()
        return await self._end()

    async def _send_head(self) -> None:
        length = self._body.length
        framing = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
        headers = {"content-type": self._body.content_type, **self._body.headers, **framing, **self._script.headers}
        head = http1.head(self._script.status, headers)
        takes = self._script.head_takes
        pieces = [head[start : start + 1] for start in range(len(head))] if takes else [head]
        began = self._now()
        for n, piece in enumerate(pieces, start=1):
            await asyncio.sleep(began + takes * n / len(pieces) - self._now())
            await self._write(piece)

    async def _send_tokens(self) -> None:
        first_due = self._now() + self._script.before_first_token
        for n, record in enumerate(self._body.tokens):
            await self._wait_until(first_due + n * self._gap)
            await self._send(record)

    async def _end(self) -> bool:
        match self._script.ending:
            case Ending.STALL:
                await self._wait_until(self._now() + STALL_LIMIT)
                return False
            case Ending.ENDLESS | Ending.ENDLESS_LINE:
                for _ in range(ENDLESS_LIMIT):
                    await self._wait_until(self._now() + self._gap)
                    await self._send(self._body.filler)
                    await self._flush()
                return False
            case Ending.MID_CHUNK:
                await self._write(b"" if self._body.length else b"40\r\nfewer than the 64 bytes promised")
                return False
            case Ending.RESET:
                reset_at_close(self._writer.get_extra_info("socket"))
                return False
        if self._body.length is None:
            await self._write(http1.chunk(b""))
            return True
        return self._sent == self._body.length

    async def _wait_until(self, due: float) -> None:
        """Wait, sending keep-alives if the script has them."""
        if self._now() < due:
            await self._flush()
        while (left := due - self._now()) > 0:
            every = self._script.keep_alive_every
            if not every or left <= every or not self._body.keep_alive:
                await asyncio.sleep(left)
                return
            await asyncio.sleep(every)
            await self._send(self._body.keep_alive)
            await self._flush()

    async def _send(self, record: bytes) -> None:
        match self._script.cut:
            case Cut.JOINED:
                self._held += record
            case Cut.EVENTS:
                await self._write_body(record)
            case Cut.SEAMS:
                for piece in _SEAM.split(record):
                    await self._write_body(piece)
            case size:
                for start in range(0, len(record), size):
                    await self._write_body(record[start : start + size])

    async def _flush(self) -> None:
        held, self._held = bytes(self._held), bytearray()
        await self._write_body(held)

    async def _write_body(self, data: bytes) -> None:
        if data:
            self._sent += len(data)
            await self._write(http1.chunk(data) if self._body.length is None else data)

    async def _write(self, data: bytes) -> None:
        for _ in range(TURNS_BETWEEN_WRITES):
            await asyncio.sleep(0)
        self._writer.write(data)
        await self._writer.drain()


def reset_at_close(connection: socket.socket | TransportSocket) -> None:
    """Close with RST: data that has not reached the client is lost, and its next read fails."""
    if connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _dressed(record: bytes, script: Script) -> bytes:
    if script.no_space:
        record = _FIELD_NAME.sub(rb"\1:", record)
    return record.replace(b"\n", b"\r\n") if script.crlf else record
