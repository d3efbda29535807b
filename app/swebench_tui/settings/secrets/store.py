"""The interface of a key store, and the state of the system keyring."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from swebench_providers import Secret

SERVICE: Final = "swebench-tui"
"""The service name of this program's keyring entries; their user name is `PROVIDER/LABEL`."""

ALTERNATIVES: Final = (
    "Alternatives: set an environment variable (see `swebench-tui provider list`), set `key_command` in settings.toml, "
    "or pass --keep-in file to store the key as plain text that only you can read."
)
"""What to do with a key that the keyring cannot store."""


class KeyringStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The system keyring of this machine. `problem` is why it cannot be used, "" when it can."""

    name: str
    problem: str = ""

    @property
    def usable(self) -> bool:
        return not self.problem


class KeyStore(Protocol):
    """Stores keys by provider and label. Every method blocks."""

    def read(self, provider: str, label: str) -> Secret | None:
        """Return the key, or None if there is none. Raises `KeyStoreError`."""
        ...

    def write(self, provider: str, label: str, key: Secret) -> None:
        """Store or replace the key. Raises `KeyStoreError`."""
        ...

    def remove(self, provider: str, label: str) -> None:
        """Remove the key; does nothing if there is none. Raises `KeyStoreError`."""
        ...
