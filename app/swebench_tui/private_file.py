"""New files that only their owner can read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path


def write_new(folder: Path, stem: str, suffix: str, text: str) -> Path:
    """Write `text` to a new file of mode 0600, named after `stem` and the time. Blocks; raises `OSError`.

    An existing file or link is never followed or overwritten: the name then gets a number.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    named = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for number in count(1):
        path = folder / f"{named}{f'-{number}' if number > 1 else ''}{suffix}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
        return path
    raise AssertionError("count is infinite")
