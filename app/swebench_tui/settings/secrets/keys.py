"""The stored keys of all providers: the settings list them without reading any, the key stores hold them.

A key is written to its store before it is listed, and unlisted before another key may take its label. So wherever the
program is interrupted, no key is listed for a host it was not entered for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from swebench_providers import Secret
from swebench_providers.redaction import looks_like_a_key
from swebench_tui.settings.definitions import KeyStorage, Settings, StoredKey
from swebench_tui.settings.errors import KeyStoreError, SettingsError
from swebench_tui.settings.secrets.command import read_key
from swebench_tui.settings.secrets.file_store import FileStore
from swebench_tui.settings.secrets.keyring_store import KeyringStore
from swebench_tui.settings.secrets.store import ALTERNATIVES, KeyringStatus, KeyStore

Change = Callable[[tuple[str, ...], object], None]
"""Writes a value into the user's settings. Raises `SettingsError`."""


class Keys:
    """Thread-safe; every method but `entries` and `known` blocks. Keys stay in memory once they are read."""

    def __init__(
        self,
        *,
        settings: Callable[[], Settings],
        change: Change,
        host: Callable[[str], str],
        data_folder: Path,
        keyring: KeyStore | None = None,
        run: Callable[[str, str], Secret] = read_key,
    ) -> None:
        """`host` is the host of a provider's address, or raises `KeyStoreError`; `run` runs a `key_command`."""
        self._settings, self._change, self._host, self._run = settings, change, host, run
        self._keyring = keyring or KeyringStore()
        self._file = FileStore(data_folder / "secrets")
        self._lock = threading.RLock()
        self._read: dict[tuple[str, KeyStorage, str], Secret] = {}
        self._printed: dict[tuple[str, str], Secret] = {}

    def keyring_status(self) -> KeyringStatus:
        """Return the system keyring's name and whether it is usable. Blocks for at most 3 seconds."""
        if isinstance(self._keyring, KeyringStore):
            return self._keyring.probe()
        return KeyringStatus(name=type(self._keyring).__name__)

    def entries(self, provider: str) -> Sequence[StoredKey]:
        """The stored keys of a provider, in lookup order. Reads none of them."""
        settings = self._settings().providers.get(provider)
        return settings.keys if settings else ()

    def known(self) -> Sequence[Secret]:
        """Every key read or stored since the start, to be scrubbed from output.

        Takes no lock: the lock is held while a keyring is called.
        """
        return [*self._read.values(), *self._printed.values()]

    def read(self, provider: str, entry: StoredKey) -> Secret:
        """Return a stored key. Raises `KeyStoreError`, also when its store no longer has it."""
        cached = (provider, entry.storage, entry.label)
        with self._lock:
            if cached not in self._read:
                self._read[cached] = self._load(provider, entry)
            return self._read[cached]

    def from_command(self, provider: str, command: str) -> Secret:
        """Return what the user's `key_command` prints; it is run once in the program's lifetime."""
        with self._lock:
            if (provider, command) not in self._printed:
                self._printed[provider, command] = self._run(command, provider)
            return self._printed[provider, command]

    def add(
        self, provider: str, key: Secret, *, label: str = "default", storage: KeyStorage | None = None
    ) -> StoredKey:
        """Store a key for the provider's current host, replacing the one with that label. Raises `KeyStoreError`.

        `storage` None uses the one chosen before, else the keyring. An explicit `storage` is remembered; passing "file"
        is the consent to plain text. After an error the key is still the caller's; the hint lists alternatives.
        """
        entry = _entry(label, storage, self._host(provider), default=self._default_storage)
        with self._lock:
            self._add(provider, entry, key)
            if storage and storage != self._settings().secrets.keep_in:
                self._set(("secrets", "keep_in"), storage)
        return entry

    def remove(self, provider: str, label: str) -> None:
        """Remove a key from its store, then from the list. If that raises `KeyStoreError`, the key stays listed."""
        with self._lock:
            found = next((entry for entry in self.entries(provider) if entry.label == label), None)
            if found is None:
                raise _no_such_label(provider, label, self.entries(provider))
            self._store(found.storage).remove(provider, label)
            self._read.pop((provider, found.storage, label), None)
            self._list(provider, [entry for entry in self.entries(provider) if entry.label != label])

    def _add(self, provider: str, entry: StoredKey, key: Secret) -> None:
        before = list(self.entries(provider))
        old = next((other for other in before if other.label == entry.label), None)
        moved = old is not None and old != entry
        if moved:
            self._list(provider, [other for other in before if other is not old])
        try:
            self._store(entry.storage).write(provider, entry.label, key)
        except KeyStoreError:
            if moved and old is not None and old.storage != entry.storage:  # the old key was not touched
                self._list(provider, before)
            raise
        self._read[provider, entry.storage, entry.label] = key
        if old is None:
            self._list_or_undo(provider, [*before, entry], entry)
        elif moved:
            self._list_or_undo(provider, [entry if other is old else other for other in before], entry)
            if old.storage != entry.storage:
                self._store(old.storage).remove(provider, old.label)
                self._read.pop((provider, old.storage, old.label), None)

    def _list_or_undo(self, provider: str, entries: list[StoredKey], new: StoredKey) -> None:
        """List the keys, or remove the new one from its store again: an unlisted key is of no use."""
        try:
            self._list(provider, entries)
        except KeyStoreError:
            self._read.pop((provider, new.storage, new.label), None)
            self._store(new.storage).remove(provider, new.label)
            raise

    def _list(self, provider: str, entries: Sequence[StoredKey]) -> None:
        self._set(("providers", provider, "keys"), [msgspec.to_builtins(entry) for entry in entries])

    def _set(self, path: tuple[str, ...], value: object) -> None:
        """Change the settings. A `SettingsError` becomes a `KeyStoreError` whose hint names the alternative."""
        try:
            self._change(path, value)
        except SettingsError as error:
            what, hint = f"the settings cannot record where the key is stored: {error}", error.hint
        else:
            return
        raise KeyStoreError(what, hint=f"{hint} Or set the key's environment variable.")

    def _load(self, provider: str, entry: StoredKey) -> Secret:
        key = self._store(entry.storage).read(provider, entry.label)
        if key is None:
            raise KeyStoreError(
                f"the key {entry.label!r} of {provider} is no longer in the {entry.storage}",
                hint=f"Store it again: swebench-tui provider init {provider}",
            )
        return key

    def _store(self, storage: KeyStorage) -> KeyStore:
        return self._file if storage == "file" else self._keyring

    def _default_storage(self) -> KeyStorage:
        """Where keys are stored when the caller names no storage; a file only if the user chose it before."""
        if chosen := self._settings().secrets.keep_in:
            return chosen
        keyring = self.keyring_status()
        if not keyring.usable:
            raise KeyStoreError(
                f"the key was not stored: the keyring cannot be used: {keyring.problem}", hint=ALTERNATIVES
            )
        return "keyring"


def _entry(label: str, storage: KeyStorage | None, host: str, *, default: Callable[[], KeyStorage]) -> StoredKey:
    """The list entry of a new key. Raises `KeyStoreError` for an invalid label."""
    if looks_like_a_key(label):
        raise KeyStoreError("the label looks like a key", hint="Choose a name for the key, such as work.")
    try:
        return msgspec.convert({"label": label, "place": storage or default(), "host": host}, StoredKey)
    except msgspec.ValidationError:
        pass
    raise KeyStoreError(
        f"{label[:40]!r} is not a valid label",
        hint="Use up to 40 letters, digits, spaces and . _ -, starting with a letter or digit.",
    )


def _no_such_label(provider: str, label: str, entries: Sequence[StoredKey]) -> KeyStoreError:
    name = "with that label" if looks_like_a_key(label) else repr(label)
    labels = ", ".join(entry.label for entry in entries)
    return KeyStoreError(
        f"{provider} has no stored key {name}", hint=f"Stored keys: {labels}." if labels else "No key is stored for it."
    )
