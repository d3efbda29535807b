"""What the user has set up, for the app and for every command: settings, keys, and where each value came from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from swebench_providers import ProviderConfig, ProviderRegistry, Secret, catalog
from swebench_providers.redaction import Scrubber, tokens_in_use
from swebench_tui.settings.definitions import KeptKey, Place, Settings
from swebench_tui.settings.effective import Effective, effective
from swebench_tui.settings.errors import KeyStoreError, SettingsError
from swebench_tui.settings.layers import LayeredSettings, Origin
from swebench_tui.settings.provider_config import ProviderConfigs, host_of
from swebench_tui.settings.providers import OwnProviders, Readiness, check_new, known_providers, readiness
from swebench_tui.settings.secrets.keys import Keys
from swebench_tui.settings.secrets.store import Backend, KeyStore
from swebench_tui.settings.toml_positions import SettingPath


class Workspace:
    """May be used from any thread. What reads or writes files or the keyring blocks: the app calls it in a thread.

    `registry` reaches every provider as it is set up here. A settings file that is broken keeps nothing from starting:
    `problems` says what is wrong with it, and what it says does not hold until it is mended.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        config_folder: Path,
        data_folder: Path,
        project_folder: Path | None = None,
        overrides: Mapping[SettingPath, object] | None = None,
        keyring: KeyStore | None = None,
    ) -> None:
        """Reads nothing yet. `project_folder` is where a project's file is looked for, then above it; None: nowhere.

        `overrides` are the command line's. Raises `SettingsError` for one that may not stand where it should.
        """
        self.environ = os.environ if environ is None else environ
        self.data_folder = data_folder
        self._layers = LayeredSettings(
            config_folder=config_folder, project_folder=project_folder, overrides=overrides or {}
        )
        self._keys = Keys(settings=lambda: self.settings, change=self.change, data_folder=data_folder, keyring=keyring)
        self._configs = ProviderConfigs(settings=lambda: self.settings, origin=self.origin, keys=self._keys)
        self._registry = ProviderRegistry(environ, configure=self._configs.configure)
        self._own = OwnProviders(self._registry)

    # Settings.

    @property
    def user_file(self) -> Path:
        """The user's settings file, whether it is there or not."""
        return self._layers.user_file

    @property
    def project_file(self) -> Path | None:
        """The settings file of the project around the working directory, where there is one."""
        return self._layers.project_file

    @property
    def settings(self) -> Settings:
        """What holds, of command line, project file and user file together."""
        return self._layers.settings

    @property
    def problems(self) -> Sequence[SettingsError]:
        """What could not be used, in the order of the files."""
        return self._layers.problems

    def reload(self) -> None:
        """Read the files again."""
        self._layers.reload()

    def check(self, path: SettingPath, value: object) -> None:
        """Raises `SettingsError` for a value that may not stand there; writes nothing."""
        self._layers.checked(path, value)

    def change(self, path: SettingPath, value: object) -> None:
        """Write a value into the user file; None takes it out. Raises `SettingsError` where it may not stand there."""
        self._layers.change(path, value)

    def unset(self, path: SettingPath) -> None:
        """Take a value out of the user file; nothing happens where it has none."""
        self._layers.unset(path)

    def begin_user_file(self) -> None:
        """Write one that explains every setting and sets none, where there is none. Raises `SettingsError`."""
        from swebench_tui.settings.schema import template  # noqa: PLC0415 - it walks all definitions

        self._layers.begin(template())

    def in_user_file(self, path: SettingPath) -> bool:
        """Whether the user file says anything there, right or wrong. Raises `SettingsError` for one that is broken."""
        return self._layers.in_user_file(path)

    def origin(self, path: SettingPath) -> Origin:
        """Where the value that holds came from."""
        return self.effective(path).origin

    def effective(self, path: SettingPath) -> Effective:
        """The value that holds, the environment's and the usual one too, and where it came from."""
        return effective(path, self._layers, self.environ, self.registry)

    # Keys.

    def keyring(self) -> Backend:
        """The system keyring, and whether it can be used. Takes 3 seconds at most."""
        return self._keys.probe()

    def keys(self, provider: str) -> Sequence[KeptKey]:
        """The keys that are kept for a provider, as the settings list them; reads none of them."""
        return self._keys.listed(provider)

    def keep_key(self, provider: str, key: Secret, *, label: str = "default", place: Place | None = None) -> KeptKey:
        """Keep a key, for the address the provider has now. `place` None: as the user has chosen before.

        Raises `KeyStoreError`; its hint says what else can be done. The key is then still the caller's.
        """
        return self._keys.keep(provider, key, label=label, place=place, host=self._host(provider))

    def remove_key(self, provider: str, label: str) -> None:
        """Take a key out of the place it is kept in, and out of the settings. Raises `KeyStoreError`."""
        self._keys.remove(provider, label)

    def known_secrets(self) -> Sequence[Secret]:
        """Every key there is in memory, and those of the environment: to be scrubbed from what is shown."""
        specs = map(self.registry.spec, catalog.provider_names())
        named = {variable for spec in specs for variable in (*spec.env, *spec.token_env)}
        return [
            *self._keys.known(),
            *(Secret(value) for name in named if (value := self.environ.get(name, "").strip())),
        ]

    def scrub(self, text: str) -> str:
        """`text` with every known key, every token in use and whatever has the shape of a key masked."""
        return Scrubber(lambda: (*self.known_secrets(), *tokens_in_use())).scrub(text)

    # Providers.

    @property
    def registry(self) -> ProviderRegistry:
        """Every provider as it is set up here, the user's own too."""
        self._own.follow(self.settings)
        return self._registry

    def add_provider(self, name: str, *, like: str, base_url: str) -> None:
        """A provider of one's own. Raises `SettingsError` for a name that is taken or cannot be one."""
        if like not in known_providers():
            raise SettingsError(
                f"there is no provider {like!r}", hint=f"There are: {', '.join(sorted(known_providers()))}."
            )
        if name in self.settings.providers:
            raise SettingsError(f"there is a provider {name!r} already", hint="Choose another name.")
        check_new(name, self.registry.spec(like), base_url)
        self.change(("providers", name), {"like": like, "base_url": base_url})

    def remove_provider(self, name: str) -> None:
        """Forget all that is set for it, its keys too; one of the user's own is gone then."""
        for kept in self.keys(name):
            self.remove_key(name, kept.label)
        self.unset(("providers", name))

    def outline(self, provider: str, *, base_url: str | None = None) -> ProviderConfig:
        """How it is reached, with the source of its key; reads no key. Raises `ProviderError`."""
        return self._configs.outline(provider, self.registry.spec(provider), self.environ, base_url=base_url)

    def readiness(self, provider: str) -> Readiness:
        """What is set up for it; reads no key, sends nothing."""
        return readiness(self.registry, provider, configure=self.outline)

    def configs(self, provider: str) -> Mapping[str, ProviderConfig]:
        """The configuration with each of the provider's keys, by where it is from (`key_source`); by "" without one.

        The first is the one used alone. Reads the keys: blocks, and raises `KeyStoreError` and `ProviderError`.
        """
        return self._configs.every(provider, self.registry.spec(provider), self.environ)

    def _host(self, provider: str) -> str:
        spec = self.registry.spec(provider)
        if spec.embedded or spec.auth == "none":
            raise KeyStoreError(f"{provider} takes no key", hint="It can be used as it is.")
        address = self.outline(provider).base_url
        if not address:
            what = f"{provider} has no address yet, and a key is kept for one address only"
            raise KeyStoreError(what, hint=f"Say where it is: swebench-tui provider init {provider} --base-url URL")
        return host_of(address)
