"""Progress of a fetch, read from what git writes to standard error."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec

Step = Literal["waiting", "checking", "commits", "files"]
"""Waiting for another process, finding what is missing, fetching commits with their folders, fetching files."""

_LINE_END: Final = re.compile(rb"[\r\n]")
_LONGEST_LINE: Final = 4096  # bytes
_OBJECTS: Final = re.compile(
    rb"Receiving objects: +(\d{1,3})% \(\d+/\d+\)(?:, ([\d.]{1,12}) (bytes|KiB|MiB|GiB))?", re.IGNORECASE
)
_UNITS: Final = {b"bytes": 1, b"kib": 1 << 10, b"mib": 1 << 20, b"gib": 1 << 30}


class FetchProgress(msgspec.Struct, frozen=True):
    """`percent` and `received`, in bytes, are those of the step; None and 0 before the first objects arrive."""

    repo: str
    step: Step
    percent: int | None = None
    received: int = 0


Report = Callable[[FetchProgress], None]
"""Takes progress, in the thread that fetches."""


class ProgressReader:
    """Reports the objects that one git process receives. What a server writes beside that is left out."""

    def __init__(self, repo: str, step: Step, report: Report) -> None:
        self._repo = repo
        self._step = step
        self._report = report
        self._line = b""
        report(FetchProgress(repo, step))

    def __call__(self, chunk: bytes) -> None:
        *lines, rest = _LINE_END.split(self._line + chunk)
        self._line = rest[-_LONGEST_LINE:]
        for line in lines:
            match = _OBJECTS.match(line)
            if match:
                percent, size, unit = match.groups()
                received = int(float(size) * _UNITS[unit.lower()]) if size and size.count(b".") <= 1 else 0
                self._report(FetchProgress(self._repo, self._step, min(int(percent), 100), received))
