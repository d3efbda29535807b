"""What the user has set up, for the app and for every command: settings, keys, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from swebench_providers import ProviderConfig, ProviderRegistry, Secret
from swebench_tui.settings.definitions import KeptKey, Place, Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.origin import Origin
from swebench_tui.settings.secrets.keys import Backend

SettingPath = tuple[str, ...]
"""Where a value stands: `("providers", "openai", "model")`."""


class Setup:
    """May be used from any thread. What reads or writes files or the keyring blocks: the app calls it in a thread.

    `registry` reaches every provider as it is set up here. A settings file that is broken keeps nothing from starting:
    `problems` says what is wrong with it, and what it says does not hold until it is mended.
    """

    registry: ProviderRegistry

    # Settings.

    @property
    def settings(self) -> Settings:
        """What holds, of project file and user file together."""
        raise NotImplementedError

    @property
    def problems(self) -> Sequence[SettingsError]:
        """What could not be used, in the order of the files."""
        raise NotImplementedError

    def reload(self) -> None:
        """Read the files again."""
        raise NotImplementedError

    def change(self, path: SettingPath, value: object) -> None:
        """Write a value into the user file. Raises `SettingsError` for one that may not stand there."""
        raise NotImplementedError

    def unset(self, path: SettingPath) -> None:
        """Take a value out of the user file."""
        raise NotImplementedError

    def origin(self, path: SettingPath) -> Origin:
        """Where the value that holds came from."""
        raise NotImplementedError

    # Keys.

    def keyring(self) -> Backend:
        """The system keyring, and whether it can be used. Takes 3 seconds at most."""
        raise NotImplementedError

    def keys(self, provider: str) -> Sequence[KeptKey]:
        """The keys that are kept for a provider, as the settings list them; reads none of them."""
        raise NotImplementedError

    def keep_key(self, provider: str, key: Secret, *, label: str = "default", place: Place | None = None) -> KeptKey:
        """Keep a key, for the address the provider has now. `place` None: as the user has chosen before.

        Raises `KeyStoreError`; its hint says what else can be done. The key is then still the caller's.
        """
        raise NotImplementedError

    def remove_key(self, provider: str, label: str) -> None:
        """Take a key out of the place it is kept in, and out of the settings. Raises `KeyStoreError`."""
        raise NotImplementedError

    # Providers.

    def add_provider(self, name: str, *, like: str, base_url: str) -> None:
        """A provider of one's own. Raises `SettingsError` for a name that is taken or cannot be one."""
        raise NotImplementedError

    def remove_provider(self, name: str) -> None:
        """Forget all that is set for it, its keys too; one of the user's own is gone then."""
        raise NotImplementedError

    def configs(self, provider: str) -> Mapping[str, ProviderConfig]:
        """The configuration with each of the provider's keys, by label; the first is the one used alone.

        Reads the keys: blocks, and raises `KeyStoreError` and `ProviderError`.
        """
        raise NotImplementedError
