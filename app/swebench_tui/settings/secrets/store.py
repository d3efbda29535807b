"""What a place for keys can do, and what the keyring of this machine is."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from swebench_providers import Secret

SERVICE: Final = "swebench-tui"
"""The service under which keyrings list the keys; the user name is `PROVIDER/LABEL`."""

ELSEWHERE: Final = (
    "Other ways: an environment variable (`swebench-tui provider list` names it), `key_command` in settings.toml, "
    "or, as plain text that only you may read, --keep-in file."
)
"""What else can be done with a key that the keyring does not take."""


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """The keyring of this machine. `problem` says why it cannot be used, "" where it can."""

    name: str
    problem: str = ""

    @property
    def usable(self) -> bool:
        return not self.problem


class KeyStore(Protocol):
    """One place for keys. All of it blocks."""

    def read(self, provider: str, label: str) -> Secret | None:
        """None where there is no such key. Raises `KeyStoreError`."""
        ...

    def keep(self, provider: str, label: str, key: Secret) -> None:
        """Store it, or replace it. Raises `KeyStoreError`."""
        ...

    def remove(self, provider: str, label: str) -> None:
        """Nothing happens where there is no such key. Raises `KeyStoreError`."""
        ...
