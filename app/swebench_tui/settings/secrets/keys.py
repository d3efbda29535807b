"""Keeping keys: in the system keyring, or, on explicit consent, in a file of mode 0600. Everything here blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

import msgspec

from swebench_providers import Secret
from swebench_tui.settings.definitions import Place

SERVICE: Final = "swebench-tui"
"""The service under which keyrings list the keys; the user name is `PROVIDER/LABEL`."""


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """The keyring of this machine. `problem` says why it cannot be used, "" where it can."""

    name: str
    problem: str = ""

    @property
    def usable(self) -> bool:
        return not self.problem


class KeyStore(Protocol):
    """One place for keys."""

    def read(self, provider: str, label: str) -> Secret | None:
        """None where there is no such key. Raises `KeyStoreError`."""
        ...

    def keep(self, provider: str, label: str, key: Secret) -> None:
        """Store it, or replace it. Raises `KeyStoreError`."""
        ...

    def remove(self, provider: str, label: str) -> None:
        """Nothing happens where there is no such key. Raises `KeyStoreError`."""
        ...


class Keys:
    """All places. `probe` finds out, within 3 seconds, whether the keyring can be used; it is asked once."""

    def __init__(self, data_folder: Path) -> None:
        self._data_folder = data_folder

    def probe(self) -> Backend:
        """The keyring's name, and whether it works."""
        raise NotImplementedError

    def store(self, place: Place) -> KeyStore:
        """The store of a place."""
        raise NotImplementedError
