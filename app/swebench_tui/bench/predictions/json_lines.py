"""Files of JSON lines that are only appended to, by several processes, and that outlast a kill at any moment.

A line is ASCII, so that neither an encoding nor a separator such as U+2028 changes how it is read. It is written by one
call and synced. What a killed process left behind, a last line without its end, is moved aside before the next append:
glued to it, the next record would be lost as well.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swebench_tui.bench.predictions.errors import PredictionsError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE: Final = 64 * 1024 * 1024
"""Bytes of a line that is read."""

_LOCK_TIMEOUT: Final = 10.0  # seconds
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})
_BLOCK: Final = 64 * 1024
_PRIVATE: Final = 0o600
_SHARED: Final = 0o666  # less the umask


class TornTail(msgspec.Struct, frozen=True):
    """A last line without its end: `size` bytes, moved to the file `moved_to`."""

    moved_to: Path
    size: int


def encode_line(record: dict[str, Any]) -> bytes:
    """`record` as one line of ASCII. A lone surrogate is written as its escape."""
    return json.dumps(record, ensure_ascii=True, separators=(", ", ": ")).encode("ascii") + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises `ValueError` for anything else."""
    try:
        record = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error for every line that is no record
    return record


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing the file meanwhile. Creates its folder. Raises `PredictionsError`."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only writing needs it

    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), _LOCK_TIMEOUT, _PRIVATE, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise PredictionsError(
            f"{path} is being written by another process", hint="Wait for that one, or name another --output."
        ) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise _unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def mend(path: Path) -> TornTail | None:
    """End the last line where it is a whole record, and move it aside where it is not. The caller holds the lock."""
    with _writing(path):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            return _mend_tail(path, descriptor)
        finally:
            os.close(descriptor)


def append(path: Path, line: bytes, *, private: bool = False) -> TornTail | None:
    """Add a line behind a mended tail, and sync it. The caller holds the lock. Raises `PredictionsError`."""
    mode = _PRIVATE if private else _SHARED
    with _writing(path):
        new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, mode)
        try:
            torn = _mend_tail(path, descriptor)
            _write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            _sync_folder(path.parent)
        return torn


def replace(path: Path, lines: list[bytes]) -> None:
    """Write the file anew in one step. The caller holds the lock. Raises `PredictionsError`."""
    with _writing(path):
        target = Path(os.path.realpath(path))
        new = target.with_name(f".{target.name}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        try:
            os.fchmod(descriptor, target.stat().st_mode & 0o777)
            _write(descriptor, b"".join(lines))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(new, target)  # noqa: PTH105 - the call whose promise this is
        _sync_folder(target.parent)


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The complete lines from byte `start` on, each with the byte behind it. A missing file has none.

    Raises `PredictionsError` for what is no regular file, or cannot be read, and a line longer than `LONGEST_LINE`.
    """
    if path.exists() and not path.is_file():  # a device may have no end
        raise PredictionsError(f"{path} is not a regular file", hint="Move it away, or name another --output.")
    try:
        with path.open("rb") as file:
            file.seek(start)
            while line := file.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise PredictionsError(
                        f"{path}: a line is longer than {LONGEST_LINE:,} bytes",
                        hint="`swebench-tui predictions check` says what is wrong with the file.",
                    )
                start += len(line)
                if line.endswith(b"\n"):
                    yield start, line
    except FileNotFoundError:
        return
    except OSError as error:
        raise PredictionsError(f"{path} cannot be read: {_reason(error)}", hint="Make it readable.") from error


def _mend_tail(path: Path, descriptor: int) -> TornTail | None:
    size = os.fstat(descriptor).st_size
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return None
    begins = _last_line_begins(descriptor, size)
    tail = os.pread(descriptor, size - begins, begins)
    with suppress(ValueError):
        decode_line(tail)
        _write(descriptor, b"\n")  # written by hand or by a program that leaves the last newline out
        return None
    aside = path.with_name(f"{path.name}.torn")
    copy = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _PRIVATE)
    try:
        _write(copy, tail + b"\n")
        os.fsync(copy)
    finally:
        os.close(copy)
    os.ftruncate(descriptor, begins)
    return TornTail(aside, len(tail))


def _last_line_begins(descriptor: int, size: int) -> int:
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    """Make a new name outlast a power cut. Some file systems cannot."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> PredictionsError:
    hint = "Make the file and its folder writable, free some space, or name another --output."
    return PredictionsError(f"{path} cannot be written: {_reason(error)}", hint=hint)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
