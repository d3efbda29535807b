"""A bounded cache of token counts."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import Final

ENTRIES: Final = 4096
"""Counts kept; each takes about 200 bytes, whatever the size of its text."""


class CountCache:
    """Counts by the digest of what was counted, so no text is kept in memory. May be used from any thread.

    Beyond `entries`, the oldest entry is dropped.
    """

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries = entries
        self._counts: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._counts)

    def get(self, key: bytes) -> int | None:
        """The count stored under `key`; None where there is none."""
        return self._counts.get(key)

    def put(self, key: bytes, count: int) -> None:
        """Store a count."""
        with self._lock:
            self._counts[key] = count
            if len(self._counts) > self._entries:
                del self._counts[next(iter(self._counts))]


def digest(*parts: str) -> bytes:
    """A key for these texts in this order; other texts, or the same ones divided elsewhere, have another."""
    hashed = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(b"%d:" % len(data))
        hashed.update(data)
    return hashed.digest()
