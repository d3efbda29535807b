"""Keys in a file that only the user can read: plain text, so it is used only with the user's consent.

The file is created with mode 0600 in a folder of mode 0700, so other users cannot open it at any moment. A file whose
mode lets others read it is refused, not repaired silently: its keys may already be known to them.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from swebench_providers import Secret
from swebench_tui.settings.atomic_file import file_lock
from swebench_tui.settings.errors import KeyStoreError

_Keys = dict[str, dict[str, Secret]]
"""By provider, then by label."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LOCK_TIMEOUT: Final = 30.0  # seconds; a key that was entered is worth waiting for


class FileStore:
    """`folder` belongs to the store; it is created with the first key. Safe for several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "keys.json"

    def read(self, provider: str, label: str) -> Secret | None:
        with self._reporting("read"):
            return self._load().get(provider, {}).get(label)

    def write(self, provider: str, label: str, key: Secret) -> None:
        with self._reporting("written"), self._locked():
            keys = self._load()
            keys.setdefault(provider, {})[label] = key
            self._replace(keys)

    def remove(self, provider: str, label: str) -> None:
        with self._reporting("written"):
            if self._load().get(provider, {}).get(label) is None:
                return
            with self._locked():
                keys = self._load()
                keys.get(provider, {}).pop(label, None)
                self._replace({name: labels for name, labels in keys.items() if labels})

    def _load(self) -> _Keys:
        """Return the file's keys. No frame holds its text, so no traceback shows it."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is a descriptor
            self._check_owner(os.fstat(descriptor), self.path, "600")
            try:
                return msgspec.json.decode(file.read(), type=_Keys, dec_hook=_decode_secret)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        raise KeyStoreError(
            f"{self.path} is not a valid key file: its JSON has another form than this program writes",
            hint="Move it away, then store the keys again with `swebench-tui provider init NAME`.",
        )

    def _check_owner(self, status: os.stat_result, path: Path, mode: str) -> None:
        if status.st_uid != os.geteuid():
            raise KeyStoreError(f"{path} belongs to another user", hint=f"Move it away, or run: chown $USER {path}")
        if status.st_mode & _OTHERS:
            raise KeyStoreError(
                f"{path} is open to other users of this machine (mode {stat.S_IMODE(status.st_mode):03o})",
                hint=f"Run: chmod {mode} {path}. If others may have read it, replace its keys.",
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock out other processes, whose changes would be lost."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_owner(self._folder.stat(), self._folder, "700")
        with file_lock(self._folder / "lock", _LOCK_TIMEOUT):
            yield

    def _replace(self, keys: Mapping[str, Mapping[str, Secret]]) -> None:
        """Replace the file in one step. `mkstemp` opens with O_EXCL and mode 0600."""
        descriptor, name = tempfile.mkstemp(prefix="keys.", dir=self._folder)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
                file.write(msgspec.json.encode(keys, enc_hook=_encode_secret))
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def _reporting(self, action: str) -> Iterator[None]:
        """Turn an `OSError` into a `KeyStoreError`. `action` is a past participle, for the message."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
        else:
            return
        raise KeyStoreError(
            f"{self.path} could not be {action}: {reason}",
            hint="Check its permissions and the free space, or use an environment variable or `key_command` instead.",
        )


def _decode_secret(_: type[object], value: object) -> Secret:
    if not isinstance(value, str):
        raise msgspec.ValidationError("not text")
    return Secret(value)


def _encode_secret(key: object) -> str:
    assert isinstance(key, Secret)  # noqa: S101 - nothing else is in what is written
    return key.reveal()
