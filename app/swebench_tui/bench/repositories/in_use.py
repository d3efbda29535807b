"""Whether a clone is being read: readers share a lock on a file in it, and who removes it needs the lock alone.

The system gives a lock back when its process ends, however that happens. Only clones of the cache have the file; other
repositories are read without a lock. Where the system has no such locks (Windows), removing a clone that is being read
fails by itself.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform != "win32":
    import fcntl

USE_FILE: Final = "swebench-tui-in-use"
"""Its time of change is when the clone was last used."""


@contextmanager
def reading(repository: Path) -> Iterator[None]:
    """Keep a clone of the cache from being removed, and note that it is used now."""
    try:
        handle = os.open(repository / USE_FILE, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        _lock(handle, shared=True)
        with suppress(OSError):  # of a cache that cannot be written, or a clone that has just been removed
            os.utime(repository / USE_FILE)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(repository: Path) -> Iterator[bool]:
    """Whether nobody reads the clone, and then nobody begins to before the end of the block."""
    try:
        handle = os.open(repository / USE_FILE, os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        yield _lock(handle, shared=False)
    finally:
        os.close(handle)


def _lock(handle: int, *, shared: bool) -> bool:
    """Take the lock; False where others hold it, which a reader waits out: it takes no longer than a rename."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
