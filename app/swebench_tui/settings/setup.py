"""What the user has set up, for the app and for every command: settings, keys, and where each value came from."""

from __future__ import annotations

import os
import threading
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from swebench_providers import ProviderConfig, ProviderError, ProviderRegistry, Secret, catalog
from swebench_tui.settings.address import host_of
from swebench_tui.settings.definitions import KeptKey, Place, Settings
from swebench_tui.settings.errors import KeyStoreError, SettingsError
from swebench_tui.settings.origin import Layer, Origin
from swebench_tui.settings.provider_config import ProviderConfigs, own_spec
from swebench_tui.settings.readiness import Readiness, readiness
from swebench_tui.settings.secrets.keys import Keys
from swebench_tui.settings.secrets.store import Backend, KeyStore

SettingPath = tuple[str, ...]
"""Where a value stands: `("providers", "openai", "model")`."""


class Setup:
    """May be used from any thread. What reads or writes files or the keyring blocks: the app calls it in a thread.

    `registry` reaches every provider as it is set up here. A settings file that is broken keeps nothing from starting:
    `problems` says what is wrong with it, and what it says does not hold until it is mended.
    """

    registry: ProviderRegistry

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        config_folder: Path,
        data_folder: Path,
        keyring: KeyStore | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._path = config_folder / "settings.toml"
        self._lock = threading.RLock()
        self._settings: Settings | None = None
        self._problems: list[SettingsError] = []
        self._keys = Keys(settings=lambda: self.settings, change=self.change, data_folder=data_folder, keyring=keyring)
        self._configs = ProviderConfigs(settings=lambda: self.settings, origin=self.origin, keys=self._keys)
        self.registry = ProviderRegistry(environ, configure=self._configs.configure)
        self._register_own()

    @property
    def environ(self) -> Mapping[str, str]:
        """Where keys and addresses are looked up first."""
        return self._environ

    # Settings.

    @property
    def files(self) -> Sequence[Path]:
        """The settings files, whether they are there or not."""
        return [self._path]

    @property
    def settings(self) -> Settings:
        """What holds, of project file and user file together."""
        with self._lock:
            if self._settings is None:
                self.reload()
            return self._settings or Settings()

    @property
    def problems(self) -> Sequence[SettingsError]:
        """What could not be used, in the order of the files."""
        with self._lock:
            if self._settings is None:
                self.reload()
            return list(self._problems)

    def reload(self) -> None:
        """Read the files again."""
        with self._lock:
            self._problems = []
            try:
                self._settings = msgspec.convert(tomllib.loads(self._path.read_text("utf-8")), Settings)
            except FileNotFoundError:
                self._settings = Settings()
            except (OSError, ValueError) as error:
                self._settings = Settings()
                self._problems = [SettingsError(f"{self._path}: {error}", hint="Mend it in an editor.")]

    def change(self, path: SettingPath, value: object) -> None:
        """Write a value into the user file. Raises `SettingsError` for one that may not stand there."""
        self._write(path, value)

    def unset(self, path: SettingPath) -> None:
        """Take a value out of the user file."""
        self._write(path, None)

    def origin(self, path: SettingPath) -> Origin:  # noqa: ARG002
        """Where the value that holds came from."""
        return Origin(Layer.USER_FILE, str(self._path))

    def _write(self, path: SettingPath, value: object) -> None:
        import tomlkit  # noqa: PLC0415 - only what writes needs it

        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                text = self._path.read_text("utf-8") if self._path.exists() else ""
                document: Any = tomlkit.parse(text)
                table = document
                for name in path[:-1]:
                    table = table.setdefault(name, tomlkit.table())
                table.pop(path[-1], None)
                if value is not None:
                    table[path[-1]] = value
                self._path.write_text(tomlkit.dumps(document), "utf-8")
            except (OSError, ValueError) as error:
                raise SettingsError(f"{self._path} could not be written: {error}", hint="Mend it first.") from error
            self.reload()

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
            *(Secret(value) for name in named if (value := self._environ.get(name, "").strip())),
        ]

    # Providers.

    def add_provider(self, name: str, *, like: str, base_url: str) -> None:
        """A provider of one's own. Raises `SettingsError` for a name that is taken or cannot be one."""
        if name in self.registry.list_providers():
            raise SettingsError(f"there is a provider {name!r} already", hint="Choose another name.")
        self.change(("providers", name, "like"), like)
        self.change(("providers", name, "base_url"), base_url)
        self._register_own()

    def remove_provider(self, name: str) -> None:
        """Forget all that is set for it, its keys too; one of the user's own is gone then."""
        for kept in self.keys(name):
            self.remove_key(name, kept.label)
        own = name in self.settings.providers and bool(self.settings.providers[name].like)
        self.unset(("providers", name))
        if own and name not in catalog.provider_names():
            self.registry.unregister(name)

    def outline(self, provider: str, *, base_url: str | None = None) -> ProviderConfig:
        """How it is reached, with the source of its key; reads no key. Raises `ProviderError`."""
        return self._configs.outline(provider, self.registry.spec(provider), self._environ, base_url=base_url)

    def readiness(self, provider: str) -> Readiness:
        """What is set up for it; reads no key, sends nothing."""
        return readiness(self.registry, provider, configure=self.outline)

    def configs(self, provider: str) -> Mapping[str, ProviderConfig]:
        """The configuration with each of the provider's keys, by where it is from (`key_source`); by "" without one.

        The first is the one used alone. Reads the keys: blocks, and raises `KeyStoreError` and `ProviderError`.
        """
        return self._configs.every(provider, self.registry.spec(provider), self._environ)

    def _host(self, provider: str) -> str:
        spec = self.registry.spec(provider)
        if spec.embedded or spec.auth == "none":
            raise KeyStoreError(f"{provider} takes no key", hint="It can be used as it is.")
        address = self.outline(provider).base_url
        if not address:
            what = f"{provider} has no address yet, and a key is kept for one address only"
            raise KeyStoreError(what, hint=f"Say where it is: swebench-tui provider init {provider} --base-url URL")
        return host_of(address)

    def _register_own(self) -> None:
        for name, settings in self.settings.providers.items():
            if settings.like and name not in catalog.provider_names():
                try:
                    self.registry.register(name, own_spec(name, self.registry.spec(settings.like)))
                except ProviderError as error:
                    self._problems.append(SettingsError(f"providers.{name}.like: {error}", hint=error.hint))
