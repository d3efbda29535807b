"""Settings files that are whole at any moment: read within bounds, locked, and replaced in one step."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from swebench_tui.settings.errors import SettingsError

MAX_BYTES: Final = 64 * 1024
"""Of a settings file."""

_MAX_LINE: Final = 2_000  # characters; the parser's time grows with the square of a dotted key's length
_LOCK_TIMEOUT: Final = 5.0  # seconds to wait for another process that holds the lock
_LOCK_POLL: Final = 0.02  # seconds
_NO_LOCK_SUPPORT: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})
_NEW_MODE: Final = 0o600  # headers may be private
_HINT: Final = "A settings file is a short TOML file in UTF-8. Fix it in an editor, or move it away."
_BOM: Final = "\ufeff"


def read(path: Path) -> str | None:
    """Return the text without a byte order mark, or None if there is no file. Raises `SettingsError`."""
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {_reason(error)}", hint="Make it readable, or remove it."
        ) from None
    try:
        text = data.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    else:
        return _within_bounds(path, text)
    raise SettingsError(f"{path}, line {line}: not valid UTF-8", hint=_HINT, line=line)


def read_bytes(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a regular file of a bounded size. Raises `OSError`, and `SettingsError` for any other file."""
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would block for ever
        raise SettingsError(f"{path} is not a regular file", hint="Move it away.")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise _too_large(path, max_bytes)
    return data


def why_missing(path: Path) -> str:
    """Why there is no file to read, in a few words; "" if there is one."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        return f"cannot be accessed: {_reason(error)}"
    return ""


def replace(path: Path, text: str) -> None:
    """Write a file in one step: after a crash either the old or the new one is there, whole. It keeps its mode.

    A symbolic link is kept; its target is replaced. Raises `SettingsError`, also for a text that `read` would refuse.
    """
    _within_bounds(path, text)
    try:
        target = _resolve(path)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _NEW_MODE
        new = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            _write(new, text, mode)
            os.replace(new, target)  # noqa: PTH105 - the call whose promise this is
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from changing the file meanwhile; creates its folder. Raises `SettingsError`."""
    with ExitStack() as stack:
        try:
            target = _resolve(path)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stack.enter_context(file_lock(target.with_name(f".{target.name}.lock"), _LOCK_TIMEOUT)):
                _remove_leftovers(target)
        except TimeoutError:
            raise SettingsError(
                f"{path} is being changed by another process", hint="Try again when that one is done."
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from None
        yield


@contextmanager
def file_lock(path: Path, timeout: float) -> Iterator[bool]:
    """Hold an exclusive lock on the lock file at `path`, which is created and stays there.

    Yields False on a file system without locks. Raises `OSError`; it is a `TimeoutError` if another process holds the
    lock for longer than `timeout` seconds.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only writing needs it

    lock = FileLock(path, timeout, _NEW_MODE, poll_interval=_LOCK_POLL, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise TimeoutError(errno.ETIMEDOUT, "locked by another process") from None
    except OSError as error:
        if error.errno not in _NO_LOCK_SUPPORT:
            raise
    try:
        yield lock.is_locked
    finally:
        lock.release()


def _resolve(path: Path) -> Path:
    """The target of a symbolic link; for links in a loop the first one, which no call can open."""
    return Path(os.path.realpath(path))


def _within_bounds(path: Path, text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _too_large(path, MAX_BYTES)
    if max(map(len, text.split("\n"))) > _MAX_LINE:
        raise SettingsError(f"{path}: a line is longer than {_MAX_LINE:,} characters", hint=_HINT)
    return text


def _too_large(path: Path, max_bytes: int) -> SettingsError:
    return SettingsError(f"{path} is larger than {max_bytes:,} bytes", hint="Shorten it, or move it away.")


def _write(path: Path, text: str, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_MODE)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text.encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut. Some file systems cannot; the file is whole all the same."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary files of processes that were killed while they wrote."""
    for leftover in target.parent.glob(f".{target.name}.*.new"):
        leftover.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{path} cannot be written: {_reason(error)}", hint="Make the file and its folder writable, or free some space."
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
