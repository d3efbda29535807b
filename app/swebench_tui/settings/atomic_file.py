"""Files that are whole whenever the program, or the machine, is cut off: read within bounds, replaced in one step."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from swebench_tui.settings.errors import SettingsError

LARGEST: Final = 64 * 1024
"""Bytes of a settings file."""

_LONGEST_LINE: Final = 2_000  # the parser's time grows with the square of a dotted key's length
_PATIENCE: Final = 5.0  # seconds for another process to be done with the file
_POLL: Final = 0.02  # seconds
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})
_NEW_MODE: Final = 0o600  # headers may be nobody else's business
_HINT: Final = "Settings are a short TOML file in UTF-8. Mend it in an editor, or move it away."
_BOM: Final = "\ufeff"


def read(path: Path) -> str | None:
    """The text, without a byte order mark; None where there is no file. Raises `SettingsError`."""
    try:
        data = _bytes(path)
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
    raise SettingsError(f"{path}, line {line}: it is not UTF-8", hint=_HINT, line=line)


def absence(path: Path) -> str:
    """Why there is nothing to read in a file's place, in a few words; "" where there is something."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "not there yet"
    except OSError as error:
        return f"cannot be reached: {_reason(error)}"
    return ""


def replace(path: Path, text: str) -> None:
    """Write a file in one step: after a crash there is the old one or the new one, whole. It keeps its mode.

    A link stays a link to the file, which is replaced where it is. Raises `SettingsError`, also for a text that could
    not be read again.
    """
    _within_bounds(path, text)
    try:
        target = _named(path)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _NEW_MODE
        new = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            _write(new, text, mode)
            os.replace(new, target)  # noqa: PTH105 - the call whose promise this is
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        _flush_folder(target.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else, in another process either, changes the file meanwhile; makes its folder. Raises `SettingsError`."""
    try:
        target = _named(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _NEW_MODE)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        if _lock(path, lock):
            _clean(target)
        yield
    finally:
        os.close(lock)


def _named(path: Path) -> Path:
    """The file that a link names; of links that go round in a ring the first, which no call can open."""
    return Path(os.path.realpath(path))


def _bytes(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
        raise SettingsError(f"{path} is no file", hint="Move it away.")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise _too_large(path)
    return data


def _within_bounds(path: Path, text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise _too_large(path)
    if max(map(len, text.split("\n"))) > _LONGEST_LINE:
        raise SettingsError(f"{path}: a line may not have more than {_LONGEST_LINE:,} characters", hint=_HINT)
    return text


def _too_large(path: Path) -> SettingsError:
    return SettingsError(f"{path}: it may not have more than {LARGEST:,} bytes", hint=_HINT)


def _write(path: Path, text: str, mode: int) -> None:
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_MODE)
    with os.fdopen(file, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text.encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """So that the new name outlasts a power cut; some file systems cannot, and the file is whole all the same."""
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(opened)
    finally:
        os.close(opened)


def _lock(path: Path, lock: int) -> bool:
    """Whether it is ours alone; False on a file system that has no locks. Closing the file gives it back."""
    import fcntl  # noqa: PLC0415 - only what writes needs it

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise SettingsError(
                    f"{path} is being changed by another process", hint="Try again when that one is done."
                ) from None
            time.sleep(_POLL)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return False
            raise _unwritable(path, error) from None
        else:
            return True


def _clean(target: Path) -> None:
    """Take away what processes left that were killed while they wrote."""
    for left in target.parent.glob(f".{target.name}.*.new"):
        left.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{path} cannot be written: {_reason(error)}", hint="Make the file and its folder writable, or free some space."
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
