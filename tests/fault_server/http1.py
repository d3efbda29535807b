"""The HTTP/1.1 that a loopback test server needs: bounded requests, response heads, chunked bodies."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.client import responses
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_HEAD = 64 * 1024
MAX_BODY = 32 * 1024 * 1024
MAX_CHUNKS = 100_000


class RefusedError(Exception):
    """A request that this server refuses with `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(responses[status])
        self.status = status


@dataclass(eq=False, kw_only=True)
class Request:
    """A request as received. Header names are lower case; times are `loop.time()`, in seconds.

    `peer_port` identifies the connection. `answered_at` is set when the script has been played to its end,
    `closed_by_client_at` if the client closes before that.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer_port: int
    received_at: float
    answered_at: float | None = None
    closed_by_client_at: float | None = None
    _gone: Future[float] = field(default_factory=Future, repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def json(self) -> dict[str, object]:
        """The body as a JSON object; raises `msgspec.DecodeError` for others."""
        return msgspec.json.decode(self.body, type=dict[str, object])

    async def client_gone(self, *, within: float) -> float:
        """Seconds until the client closes, 0 if it already has; AssertionError after `within` seconds.

        Can be awaited in any loop. A client that closes after the whole response was sent does not count.
        """
        started = asyncio.get_running_loop().time()
        try:
            gone_at = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._gone)), within)
        except TimeoutError:
            state = "the answer had been sent whole" if self.answered_at else "its connection is still open"
            raise AssertionError(f"{self.method} {self.path}: no close within {within:g} s; {state}") from None
        return max(0.0, gone_at - started)

    def echo(self) -> str:
        """The request as JSON text: method, target, headers, and the body as text."""
        text = self.body.decode(errors="replace")
        return msgspec.json.encode(
            {"method": self.method, "target": self.target, "headers": self.headers, "body": text}
        ).decode()

    def mark_gone(self, closed_at: float) -> None:
        """Record that the client closed at `closed_at`."""
        self.closed_by_client_at = closed_at
        self._gone.set_result(closed_at)


async def read_request(reader: asyncio.StreamReader, peer_port: int) -> Request | None:
    """The next request, None at the end. Raises RefusedError for one that is malformed or too large."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise RefusedError(400) from end
        return None
    except asyncio.LimitOverrunError as overrun:
        raise RefusedError(431) from overrun
    method, target, headers = _parse_head(head)
    body = await _read_body(reader, headers)
    return Request(
        method=method,
        target=target,
        headers=headers,
        body=body,
        peer_port=peer_port,
        received_at=asyncio.get_running_loop().time(),
    )


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers, with the empty line after them."""
    lines = [
        f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; without data, the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    request_line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = request_line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise RefusedError(400)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise RefusedError(400)
        earlier = headers.get(name.lower())
        headers[name.lower()] = value.strip() if earlier is None else f"{earlier}, {value.strip()}"
    return parts[0], parts[1], headers


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await _read_chunks(reader)
        return await _read_bounded(reader, int(headers.get("content-length", "0")), MAX_BODY)
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise RefusedError(400) from error


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    for _ in range(MAX_CHUNKS):
        size = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
        body += await _read_bounded(reader, size, MAX_BODY - len(body))
        await reader.readuntil(b"\r\n")
        if size == 0:
            return bytes(body)
    raise RefusedError(413)


async def _read_bounded(reader: asyncio.StreamReader, size: int, bound: int) -> bytes:
    if size > bound:
        raise RefusedError(413)
    return await reader.readexactly(size)
