"""Bounded reads of local files: a device, a pipe or an endless file must not be read whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from swebench_tui.bench.datasets.errors import DatasetError

MAX_BYTES: Final = 2 * 1024**3


def read_regular_file(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises `DatasetError` for anything else."""
    try:
        # Without O_NONBLOCK, opening a pipe waits for a writer that may never come.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(f"{path} is a directory")
            if not stat.S_ISREG(status.st_mode):
                raise DatasetError(f"{path} is not a regular file", hint="Copy its content into a file, and name that.")
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:  # besides the disk's: a NUL in the path
        raise DatasetError(
            f"{path} cannot be read: {_reason(error)}", hint="Check the path and its permissions."
        ) from error
    if len(data) > limit:
        raise DatasetError(f"{path} is larger than {limit // 1024**2} MB", hint="Split it, or convert it to parquet.")
    return data


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
