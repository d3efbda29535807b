"""A budget's journal as a file of JSON lines. What a killed process had in flight counts as spent afterwards."""

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
    """Appends to `path`, unbuffered, one line per entry: an entry survives the process, however it ends.

    Raises `OSError` if a line could not be written completely, or the file is closed. The rest of it stays as a torn
    line, and the next entry starts a new one.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab+", buffering=0)
        self._torn = bool(self._file.tell()) and not _ends_with_newline(self._file)

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
            raise OSError(errno.EBADF, "the journal is closed")
        line = (b"\n" if self._torn else b"") + msgspec.json.encode(entry) + b"\n"
        self._torn = True  # until the line is complete
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False


def _ends_with_newline(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def spent_according_to(path: Path) -> Decimal:
    """The cost of a journal's calls in USD, with the worst case of those that never ended.

    A torn line is skipped: a reservation is written before its request is sent, and one whose end was not written
    counts as open. Several processes may have written to the file one after the other: each starts its numbers at 1,
    and what one left open when the next one started stays counted.
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
