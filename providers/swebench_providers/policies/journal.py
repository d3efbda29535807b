"""A budget's journal as a file of JSON lines: what a killed process had in flight counts as spent afterwards."""

from __future__ import annotations

import errno
import os
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    number: int
    reserved: Decimal | None = None
    settled: Decimal | None = None


_entry = msgspec.json.Decoder(_Entry)


class FileJournal:
    """Appends to `path`, a line at a time: what was written survives the process, however it ends.

    Raises `OSError` where a line could not be written whole, a closed file included. What was written of it is a torn
    line, and the next one begins after it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab+", buffering=0)
        self._torn = bool(self._file.tell()) and not _ends_its_last_line(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def reserved(self, number: int, amount: Decimal) -> None:
        self._write(_Entry(number, reserved=amount))

    def settled(self, number: int, cost: Decimal) -> None:
        self._write(_Entry(number, settled=cost))

    def close(self) -> None:
        self._file.close()

    def _write(self, entry: _Entry) -> None:
        if self._file.closed:
            raise OSError(errno.EBADF, "it is closed")
        line = (b"\n" if self._torn else b"") + msgspec.json.encode(entry) + b"\n"
        self._torn = True  # until all of it is there
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False


def _ends_its_last_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def spent_according_to(path: Path) -> Decimal:
    """What the calls of a journal cost, with the worst case of those that never ended. A torn last line is passed over:
    a reservation is written before its request goes out, and one whose end was not written counts as open.

    Several processes may have written to it one after the other: their numbers start again at 1, and what one left open
    when the next one started stays counted.
    """
    spent = Decimal(0)
    open_: dict[int, Decimal] = {}
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for line in filter(None, lines):
        try:
            entry = _entry.decode(line)
        except msgspec.DecodeError:
            continue
        if entry.reserved is not None:
            spent += open_.pop(entry.number, Decimal(0))
            open_[entry.number] = entry.reserved
        elif entry.settled is not None:
            open_.pop(entry.number, None)
            spent += entry.settled
    return spent + sum(open_.values(), Decimal(0))
