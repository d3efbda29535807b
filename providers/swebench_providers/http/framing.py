"""Bytes to records: server-sent events and JSON lines. No I/O.

Both adapters take the body in pieces cut anywhere and never decode text: a record is handed on as bytes, so a
character torn by the network is whole again before anyone reads it. `feed(b"")` says that the body has ended.
Lines end at LF, CRLF or CR and nowhere else: U+2028 and its like are legal inside JSON (api-contracts 5.0).
"""

from __future__ import annotations

import re

import msgspec

from swebench_providers.types.errors import incomplete

MAX_RECORD = 32 * 1024 * 1024
"""Bytes one record may have. A server that sends more without a line end is not sending a chat."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_DATA = len(b"data: ")


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event: its name ("" where the server gives none) and its data lines joined by LF."""

    name: bytes
    data: bytes


class _Lines:
    """Splits on the given line ends; a line is complete when its end has arrived."""

    def __init__(self) -> None:
        self._tail: list[bytes] = []
        self._tail_size = 0

    def hold(self, data: bytes) -> None:
        """Keep a piece without a line end. Pieces are joined once, so a long line in small pieces stays linear."""
        self._tail.append(data)
        self._tail_size += len(data)
        if self._tail_size > MAX_RECORD:
            raise incomplete(f"the server sent {self._tail_size:,} bytes without ending a record", reason="bad_frame")

    def take(self, data: bytes = b"") -> bytes:
        """What was held, with `data` behind it."""
        if self._tail:
            data = b"".join([*self._tail, data])
            self._tail.clear()
            self._tail_size = 0
        return data


class SSEAdapter:
    """Server-sent events by the WHATWG grammar, with two concessions to what servers really send.

    A field named `error` is an event of that name (old llama.cpp builds), and an event whose blank line is missing
    at the end of the body counts (a proxy that trims it).
    """

    def __init__(self) -> None:
        self._lines = _Lines()
        self._started = False
        self._after_cr = False
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that are complete now. Raises `ProviderError` (incomplete) on a line longer than `MAX_RECORD`."""
        if not data:
            return self._end()
        if self._after_cr and data.startswith(b"\n"):  # the second half of a CRLF that was cut in two
            data = data[1:]
        self._after_cr = False
        if b"\n" not in data and b"\r" not in data:
            self._lines.hold(data)
            return []
        self._after_cr = data.endswith(b"\r")
        *lines, rest = self._split(self._lines.take(data))
        if rest:
            self._lines.hold(rest)
        return self._events(lines)

    def _end(self) -> list[ServerSentEvent]:
        return self._events([self._lines.take(), b""])

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
            elif line.startswith(b"data: ") and len(line) > _DATA:  # almost every line of a stream
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
    """One JSON value a line (`application/x-ndjson`). Only LF ends a line; blank lines are passed over."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now. Raises `ProviderError` (incomplete) on a line longer than `MAX_RECORD`."""
        if not data:
            lines = [self._lines.take()]
        elif b"\n" not in data:
            self._lines.hold(data)
            return []
        else:
            *lines, rest = self._lines.take(data).split(b"\n")
            if rest:
                self._lines.hold(rest)
        return [line for line in lines if line.strip()]
