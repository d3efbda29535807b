"""The keys this program keeps: which there are is in the settings, where nothing is read; the keys are in their place.

A key is kept first and listed then, and it is listed no longer before another may stand under its label: whenever the
program is cut off, no key is listed for a host it was not given for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from swebench_providers import Secret
from swebench_providers.redaction import looks_like_a_key
from swebench_tui.settings.definitions import KeptKey, Place, Settings
from swebench_tui.settings.errors import KeyStoreError, SettingsError
from swebench_tui.settings.secrets.command import key_from
from swebench_tui.settings.secrets.file_store import FileStore
from swebench_tui.settings.secrets.keyring_store import KeyringStore
from swebench_tui.settings.secrets.store import ELSEWHERE, Backend, KeyStore

Change = Callable[[tuple[str, ...], object], None]
"""Writes a value into the user's settings. Raises `SettingsError`."""


class Keys:
    """May be used from any thread; everything but `listed` and `known` blocks. Keys that were read stay in memory."""

    def __init__(
        self,
        *,
        settings: Callable[[], Settings],
        change: Change,
        data_folder: Path,
        keyring: KeyStore | None = None,
        run: Callable[[str, str], Secret] = key_from,
    ) -> None:
        self._settings, self._change, self._run = settings, change, run
        self._keyring = keyring or KeyringStore()
        self._file = FileStore(data_folder / "secrets")
        self._lock = threading.RLock()
        self._read: dict[tuple[str, Place, str], Secret] = {}
        self._printed: dict[tuple[str, str], Secret] = {}

    def probe(self) -> Backend:
        """The keyring's name, and whether it works. Takes 3 seconds at most."""
        if isinstance(self._keyring, KeyringStore):
            return self._keyring.probe()
        return Backend(name=type(self._keyring).__name__)

    def listed(self, provider: str) -> Sequence[KeptKey]:
        """The keys kept for a provider, in the order in which they are used. Reads none."""
        settings = self._settings().providers.get(provider)
        return settings.keys if settings else ()

    def known(self) -> Sequence[Secret]:
        """Every key that was read or kept since the start, to be scrubbed from what is shown."""
        return [
            *self._read.values(),
            *self._printed.values(),
        ]  # without the lock, which is held while a keyring is asked

    def read(self, provider: str, kept: KeptKey) -> Secret:
        """Raises `KeyStoreError`, also where the key is gone from its place."""
        at = (provider, kept.place, kept.label)
        with self._lock:
            if at not in self._read:
                self._read[at] = self._stored(provider, kept)
            return self._read[at]

    def from_command(self, provider: str, command: str) -> Secret:
        """What the user's `key_command` prints; run once for as long as the program runs."""
        with self._lock:
            if (provider, command) not in self._printed:
                self._printed[provider, command] = self._run(command, provider)
            return self._printed[provider, command]

    def keep(self, provider: str, key: Secret, *, label: str, place: Place | None, host: str) -> KeptKey:
        """Keep a key for `host`, in place of the one of that label. Raises `KeyStoreError`.

        `place` None: as was chosen before, else the keyring. A place that is named is remembered; naming `file` is the
        consent to plain text.
        """
        kept = _entry(label, place or self._chosen(), host)
        with self._lock:
            self._put(provider, kept, key)
            if place and place != self._settings().secrets.keep_in:
                self._set(("secrets", "keep_in"), place)
        return kept

    def remove(self, provider: str, label: str) -> None:
        """Out of its place, then out of the list. Raises `KeyStoreError`, and leaves it listed then."""
        with self._lock:
            found = next((kept for kept in self.listed(provider) if kept.label == label), None)
            if found is None:
                raise _none_of_that(provider, label, self.listed(provider))
            self._store(found.place).remove(provider, label)
            self._read.pop((provider, found.place, label), None)
            self._list(provider, [kept for kept in self.listed(provider) if kept.label != label])

    def _put(self, provider: str, kept: KeptKey, key: Secret) -> None:
        before = list(self.listed(provider))
        old = next((other for other in before if other.label == kept.label), None)
        moved = old is not None and old != kept
        if moved:
            self._list(provider, [other for other in before if other is not old])
        try:
            self._store(kept.place).keep(provider, kept.label, key)
        except KeyStoreError:
            if moved and old is not None and old.place != kept.place:  # the old one stands as it did
                self._list(provider, before)
            raise
        self._read[provider, kept.place, kept.label] = key
        if old is None:
            self._list_or_take_back(provider, [*before, kept], kept)
        elif moved:
            self._list_or_take_back(provider, [kept if other is old else other for other in before], kept)
            if old.place != kept.place:
                self._store(old.place).remove(provider, old.label)
                self._read.pop((provider, old.place, old.label), None)

    def _list_or_take_back(self, provider: str, keys: list[KeptKey], new: KeptKey) -> None:
        """A key that is not listed is of no use to anybody: it does not stay behind."""
        try:
            self._list(provider, keys)
        except KeyStoreError:
            self._read.pop((provider, new.place, new.label), None)
            self._store(new.place).remove(provider, new.label)
            raise

    def _list(self, provider: str, keys: Sequence[KeptKey]) -> None:
        self._set(("providers", provider, "keys"), [msgspec.to_builtins(kept) for kept in keys])

    def _set(self, path: tuple[str, ...], value: object) -> None:
        """Change the settings; a `SettingsError` as the error of a key, whose hint says what else can be done."""
        try:
            self._change(path, value)
        except SettingsError as error:
            what, hint = f"the settings cannot say where the key is kept: {error}", error.hint
        else:
            return
        raise KeyStoreError(what, hint=f"{hint} Or set the key's environment variable.")

    def _stored(self, provider: str, kept: KeptKey) -> Secret:
        key = self._store(kept.place).read(provider, kept.label)
        if key is None:
            raise KeyStoreError(
                f"the key {kept.label!r} of {provider} is not in the {kept.place} any more",
                hint=f"Keep it again: swebench-tui provider init {provider}",
            )
        return key

    def _store(self, place: Place) -> KeyStore:
        return self._file if place == "file" else self._keyring

    def _chosen(self) -> Place:
        """Where keys go when nobody says where. Never a file that nobody chose."""
        if chosen := self._settings().secrets.keep_in:
            return chosen
        keyring = self.probe()
        if not keyring.usable:
            raise KeyStoreError(f"the key was not kept: the keyring cannot be used: {keyring.problem}", hint=ELSEWHERE)
        return "keyring"


def _entry(label: str, place: Place, host: str) -> KeptKey:
    if looks_like_a_key(label):
        raise KeyStoreError("the label looks like a key", hint="Give it a name of your own, such as work.")
    try:
        return msgspec.convert({"label": label, "place": place, "host": host}, KeptKey)
    except msgspec.ValidationError:
        pass
    raise KeyStoreError(
        f"{label[:40]!r} cannot be a label", hint="Use up to 40 letters, digits, blanks and . _ -, a letter first."
    )


def _none_of_that(provider: str, label: str, keys: Sequence[KeptKey]) -> KeyStoreError:
    shown = "of that label" if looks_like_a_key(label) else f"{label!r}"
    there = ", ".join(kept.label for kept in keys)
    return KeyStoreError(
        f"no key {shown} is kept for {provider}", hint=f"There are: {there}." if there else "None is kept for it."
    )
