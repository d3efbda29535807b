"""Keys in a file that only the user may read: plain text, and so only where the user has said yes to that.

The file is made with mode 0600, in a folder of mode 0700, so there is no moment in which another user could open it.
One whose mode lets others read it is refused, and not mended in silence: its keys may be known by then.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError

_Kept = dict[str, dict[str, Secret]]
"""By provider, then by label."""

_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class FileStore:
    """`folder` is the store's own; it is made when the first key is kept. May be used from any thread and process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "keys.json"

    def read(self, provider: str, label: str) -> Secret | None:
        with self._failing("read"):
            return self._load().get(provider, {}).get(label)

    def keep(self, provider: str, label: str, key: Secret) -> None:
        with self._failing("written"), self._alone():
            kept = self._load()
            kept.setdefault(provider, {})[label] = key
            self._replace(kept)

    def remove(self, provider: str, label: str) -> None:
        with self._failing("written"):
            if self._load().get(provider, {}).get(label) is None:
                return
            with self._alone():
                kept = self._load()
                kept.get(provider, {}).pop(label, None)
                self._replace({name: keys for name, keys in kept.items() if keys})

    def _load(self) -> _Kept:
        """What is in the file. No frame holds its text, so that no traceback shows it."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is a descriptor
            self._check(os.fstat(descriptor), self.path, "600")
            try:
                return msgspec.json.decode(file.read(), type=_Kept, dec_hook=_hidden)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        raise KeyStoreError(
            f"{self.path} holds no keys that can be read: it is no JSON of the form this program writes",
            hint="Move it away, then keep the keys again with `swebench-tui provider init NAME`.",
        )

    def _check(self, found: os.stat_result, path: Path, mode: str) -> None:
        if found.st_uid != os.geteuid():
            raise KeyStoreError(f"{path} belongs to another user", hint=f"Move it away, or run: chown $USER {path}")
        if found.st_mode & _FOR_OTHERS:
            raise KeyStoreError(
                f"{path} is open to other users of this machine (mode {stat.S_IMODE(found.st_mode):03o})",
                hint=f"Run: chmod {mode} {path}. Where others may have read it, replace its keys.",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes the file meanwhile: what it keeps would be lost."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check(self._folder.stat(), self._folder, "700")
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _replace(self, kept: Mapping[str, Mapping[str, Secret]]) -> None:
        """The old file or the new one is there at any moment. `mkstemp` opens with O_EXCL and mode 0600."""
        descriptor, name = tempfile.mkstemp(prefix="keys.", dir=self._folder)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
                file.write(msgspec.json.encode(kept, enc_hook=_shown))
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def _failing(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or type(error).__name__
        else:
            return
        raise KeyStoreError(
            f"{self.path} could not be {done}: {why}",
            hint="Make room and rights for it, or give the key by its environment variable or `key_command`.",
        )


def _hidden(_: type[object], found: object) -> Secret:
    if not isinstance(found, str):
        raise msgspec.ValidationError("not text")
    return Secret(found)


def _shown(key: object) -> str:
    assert isinstance(key, Secret)  # noqa: S101 - nothing else is in what is written
    return key.reveal()
