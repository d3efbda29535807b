"""Bounded reads of local files: a device, a pipe or an endless file must not be read whole."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from swebench_tui.bench.datasets.errors import DatasetError

MAX_BYTES: Final = 2 * 1024**3


def read_regular_file(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises `DatasetError` for anything else."""
    with _opened(path, limit) as file:
        data = file.read(limit + 1)
    if len(data) > limit:  # it has grown meanwhile
        raise _too_large(path, limit)
    return data


def hash_regular_file(path: Path) -> str:
    """The SHA-256 of a regular file, 64 hex digits. Raises `DatasetError` for anything else."""
    with _opened(path, MAX_BYTES) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: Path, limit: int) -> Iterator[BufferedReader]:
    try:
        # Without O_NONBLOCK, opening a pipe waits for a writer that may never come.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise DatasetError(f"{path} is not a regular file", hint="Copy its content into a file, and name that.")
            if status.st_size > limit:
                raise _too_large(path, limit)
            yield file
    except (OSError, ValueError) as error:  # besides the disk's: a NUL in the path
        hint = "Check the path and its permissions."
        raise DatasetError(f"{path} cannot be read: {_reason(error)}", hint=hint) from error


def _too_large(path: Path, limit: int) -> DatasetError:
    return DatasetError(f"{path} is larger than {limit // 1024**2:,} MB", hint="Split it, or convert it to parquet.")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
