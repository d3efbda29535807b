"""Framing of response bodies: bytes to server-sent events, or to JSON lines. No I/O.

Both adapters take a body in chunks that may be cut anywhere, and never decode text: a record is returned as bytes, so a
character cut in two is complete again before anyone decodes it. `feed(b"")` marks the end of the body. Lines end at LF,
CRLF or CR and nowhere else: U+2028 and its like are legal inside JSON (wire-contracts 5.0).
"""

from __future__ import annotations

import re

import msgspec

from swebench_providers.types.errors import incomplete

MAX_RECORD = 32 * 1024 * 1024
"""The longest record, in bytes. A server that sends more without a line end is not sending a chat."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_DATA = len(b"data: ")


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event: its name (empty if the server sends none) and its data lines, joined by LF."""

    name: bytes
    data: bytes


class _Buffer:
    """The beginning of a line whose end has not arrived. Its parts are joined once: many small ones stay cheap."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def append(self, data: bytes) -> None:
        """Add a part without a line end. Raises `ProviderError` (incomplete) above `MAX_RECORD` bytes."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_RECORD:
            raise incomplete(f"the server sent {self._size:,} bytes without ending a record", reason="bad_frame")

    def pop(self, data: bytes = b"") -> bytes:
        """Empty the buffer, and return its content with `data` appended."""
        if self._parts:
            data = b"".join([*self._parts, data])
            self._parts.clear()
            self._size = 0
        return data


class SSEAdapter:
    """Server-sent events by the WHATWG grammar, with two exceptions for what servers really send.

    A field named `error` is an event of that name (old llama.cpp builds), and the last event needs no blank line (some
    proxies trim it).
    """

    def __init__(self) -> None:
        self._buffer = _Buffer()
        self._started = False
        self._after_cr = False
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that `data` completes. Raises `ProviderError` (incomplete) for a line longer than `MAX_RECORD`."""
        if not data:
            return self._end()
        if self._after_cr:
            self._after_cr = False
            data = data.removeprefix(b"\n")  # the second half of a CRLF cut in two
        if b"\n" not in data and b"\r" not in data:
            self._buffer.append(data)
            return []
        self._after_cr = data.endswith(b"\r")
        lines = self._split(self._buffer.pop(data))
        if rest := lines.pop():
            self._buffer.append(rest)
        return self._events(lines)

    def _end(self) -> list[ServerSentEvent]:
        return self._events([self._buffer.pop(), b""])

    def _split(self, data: bytes) -> list[bytes]:
        if not self._started:
            self._started = True
            data = data.removeprefix(_BOM)
        return _LINE_END.split(data) if b"\r" in data else data.split(b"\n")

    def _events(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(ServerSentEvent(self._name, b"\n".join(self._data)))
                    self._data = []
                self._name = b""
            elif line.startswith(b"data: ") and len(line) > _DATA:  # nearly every line of a stream
                self._data.append(line[_DATA:])
            else:
                self._field(line)
        return events

    def _field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            if value or self._data:
                self._data.append(value)
        elif field == b"event":
            self._name = value
        elif field == b"error":
            self._name = b"error"
            self._data.append(value)


class JSONLinesAdapter:
    """One JSON value per line (`application/x-ndjson`). Only LF ends a line; blank lines are skipped."""

    def __init__(self) -> None:
        self._buffer = _Buffer()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises `ProviderError` (incomplete) for a line longer than `MAX_RECORD`."""
        if not data:
            lines = [self._buffer.pop()]
        elif b"\n" not in data:
            self._buffer.append(data)
            return []
        else:
            *lines, rest = self._buffer.pop(data).split(b"\n")
            if rest:
                self._buffer.append(rest)
        return [line for line in lines if line.strip()]
