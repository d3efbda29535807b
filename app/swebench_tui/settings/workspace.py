"""The user's workspace: settings with their origins, stored keys and configured providers, for the app and commands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from swebench_providers import ProviderConfig, ProviderRegistry, Secret, catalog
from swebench_providers.redaction import Scrubber, tokens_in_use
from swebench_tui.settings.atomic_file import why_missing
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.effective import Effective, effective
from swebench_tui.settings.errors import KeyStoreError, SettingsError
from swebench_tui.settings.layers import LayeredSettings, Origin
from swebench_tui.settings.provider_config import ProviderConfigs, host_of
from swebench_tui.settings.providers import CustomProviders, Readiness, check_new, known_providers, readiness
from swebench_tui.settings.secrets.keys import Keys
from swebench_tui.settings.secrets.store import KeyStore
from swebench_tui.settings.toml_positions import SettingPath


class Workspace:
    """Thread-safe. Methods that read or write files or the keyring block: the app calls them in a thread.

    `keys` are the stored keys, `providers` the configured providers. A broken settings file does not keep the program
    from starting: `problems` lists what is wrong with it, and its values are ignored until it is fixed.
    """

    keys: Keys
    providers: Providers

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
        """Reads nothing yet. The project file is searched from `project_folder` upwards; None disables it.

        `overrides` come from the command line. Raises `SettingsError` for an invalid one.
        """
        self.environ = os.environ if environ is None else environ
        self.data_folder = data_folder
        self._layers = LayeredSettings(
            config_folder=config_folder, project_folder=project_folder, overrides=overrides or {}
        )
        self.keys = Keys(
            settings=lambda: self.settings,
            change=self.change,
            host=self._key_host,
            data_folder=data_folder,
            keyring=keyring,
        )
        self.providers = Providers(self, self._layers, self.keys)

    def _key_host(self, provider: str) -> str:
        return self.providers.key_host(provider)

    @property
    def registry(self) -> ProviderRegistry:
        """All providers as configured here, including custom ones."""
        return self.providers.registry

    @property
    def user_file(self) -> Path:
        """The path of the user's settings file, which may not exist."""
        return self._layers.files.settings

    @property
    def providers_file(self) -> Path:
        """The path of the program's own file of custom providers, which may not exist."""
        return self._layers.files.providers

    @property
    def has_user_files(self) -> bool:
        """Whether one of the user's files exists and can be accessed."""
        return not why_missing(self.user_file) or not why_missing(self.providers_file)

    @property
    def project_file(self) -> Path | None:
        """The settings file of the project around the working directory, None if there is none."""
        return self._layers.project_file

    @property
    def settings(self) -> Settings:
        """The merged settings of command line, project file and user file."""
        return self._layers.settings

    @property
    def problems(self) -> Sequence[SettingsError]:
        """The values and files that are ignored, in the order of the files."""
        return self._layers.problems

    def reload(self) -> None:
        """Read the files again."""
        self._layers.reload()

    def check(self, path: SettingPath, value: object) -> None:
        """Validate a value without writing it. Raises `SettingsError`."""
        self._layers.validate(path, value)

    def file_of(self, path: SettingPath) -> Path:
        """The file that `change` and `unset` of this setting edit. Raises `SettingsError` for a broken file."""
        return self._layers.files.file_of(path)

    def change(self, path: SettingPath, value: object) -> None:
        """Write a value into the user's files; None removes it. Raises `SettingsError` for an invalid value."""
        self._layers.change(path, value)

    def unset(self, path: SettingPath) -> None:
        """Remove a value from the user's files, if it is there."""
        self._layers.unset(path)

    def create_user_file(self) -> None:
        """Create the user file, with every setting commented out, if there is none. Raises `SettingsError`."""
        from swebench_tui.settings.schema import template  # noqa: PLC0415 - it walks all definitions

        self._layers.create_user_file(template())

    def in_user_file(self, path: SettingPath) -> bool:
        """Whether a file of the user sets it, validly or not. Raises `SettingsError` for a broken file."""
        return self._layers.files.sets(path)

    def origin(self, path: SettingPath) -> Origin:
        """Where the effective value comes from."""
        return self.effective(path).origin

    def effective(self, path: SettingPath) -> Effective:
        """The effective value, including environment variables and defaults, with its origin."""
        return effective(path, self._layers, self.environ, self.registry)

    def known_secrets(self) -> Sequence[Secret]:
        """Every key in memory and in the environment, to be scrubbed from output."""
        specs = map(self.registry.spec, catalog.provider_names())
        variables = {variable for spec in specs for variable in (*spec.env, *spec.token_env)}
        return [
            *self.keys.known(),
            *(Secret(value) for name in variables if (value := self.environ.get(name, "").strip())),
        ]

    def scrub(self, text: str) -> str:
        """Return `text` with known keys, tokens in use and everything shaped like a key masked."""
        return Scrubber(lambda: (*self.known_secrets(), *tokens_in_use())).scrub(text)


class Providers:
    """The configured providers of a workspace. Thread-safe."""

    def __init__(self, workspace: Workspace, layers: LayeredSettings, keys: Keys) -> None:
        self._workspace, self._layers, self._keys = workspace, layers, keys
        self._configs = ProviderConfigs(settings=lambda: workspace.settings, origin=workspace.origin, keys=keys)
        self._registry = ProviderRegistry(workspace.environ, configure=self._configs.configure)
        self._custom = CustomProviders(self._registry)

    @property
    def registry(self) -> ProviderRegistry:
        """All providers as configured here, including custom ones."""
        self._custom.follow(self._workspace.settings)
        return self._registry

    def add(self, name: str, *, like: str, base_url: str) -> None:
        """Add a custom provider, in `providers.toml`. Raises `SettingsError` for a taken or invalid name."""
        if like not in known_providers():
            raise SettingsError(f"unknown provider {like!r}", hint=f"Known: {', '.join(sorted(known_providers()))}.")
        if name in self._workspace.settings.providers:
            raise SettingsError(f"provider {name!r} already exists", hint="Choose another name.")
        check_new(name, self.registry.spec(like), base_url)
        self._layers.add_provider(name, {"like": like, "base_url": base_url})

    def remove(self, name: str) -> None:
        """Remove all settings and stored keys of a provider; a custom provider is gone then."""
        for entry in self._keys.entries(name):
            self._keys.remove(name, entry.label)
        self._layers.remove_provider(name)

    def describe_config(self, provider: str, *, base_url: str | None = None) -> ProviderConfig:
        """The configuration with the source of its key, but without the key. Raises `ProviderError`."""
        spec = self.registry.spec(provider)
        return self._configs.describe(provider, spec, self._workspace.environ, base_url=base_url)

    def configs_with_keys(self, provider: str) -> Mapping[str, ProviderConfig]:
        """The configuration with each of the provider's keys, by key source; by "" if it has none.

        The first is the one used alone. Reads the keys: blocks, and raises `KeyStoreError` and `ProviderError`.
        """
        return self._configs.with_keys(provider, self.registry.spec(provider), self._workspace.environ)

    def readiness(self, provider: str) -> Readiness:
        """Whether it is configured, and the next step if not. Reads no key, sends nothing."""
        return readiness(self.registry, provider, configure=self.describe_config)

    def key_host(self, provider: str) -> str:
        """The host that a new key is bound to: that of the current address. Raises `KeyStoreError` if it has none."""
        spec = self.registry.spec(provider)
        if spec.embedded or spec.auth == "none":
            raise KeyStoreError(f"{provider} does not use a key", hint="It works without one.")
        address = self.describe_config(provider).base_url
        if not address:
            raise KeyStoreError(
                f"{provider} has no base URL yet, and a key is stored for one address only",
                hint=f"Set it: swebench-tui provider init {provider} --base-url URL",
            )
        return host_of(address)
