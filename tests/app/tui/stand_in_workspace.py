"""A workspace without files: settings from the test, and the changes made to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from swebench_providers import ProviderConfig, ProviderRegistry, Secret
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.workspace import Providers, Workspace


class StandInProviders(Providers):
    """The providers of a registry, as it configures them."""

    def __init__(self, registry: ProviderRegistry) -> None:
        self._registry = registry

    @property
    def registry(self) -> ProviderRegistry:
        return self._registry

    def describe_config(self, provider: str, *, base_url: str | None = None) -> ProviderConfig:
        return self._registry.configure(provider, base_url=base_url)

    def configs_with_keys(self, provider: str) -> Mapping[str, ProviderConfig]:
        return {"": self._registry.configure(provider)}


class StandInWorkspace(Workspace):
    """Records `changes`; raises `refuse`, when given, instead of making one."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        registry: ProviderRegistry | None = None,
        problems: Sequence[SettingsError] = (),
        secrets: Sequence[Secret] = (),
        refuse: SettingsError | None = None,
    ) -> None:
        self.providers = StandInProviders(registry or ProviderRegistry({}))
        self.changes: list[tuple[SettingPath, object]] = []
        self._settings = settings or Settings()
        self._problems = problems
        self._secrets = secrets
        self._refuse = refuse

    @property
    def user_file(self) -> Path:
        """An existing file, so that the wizard does not open."""
        return Path(__file__)

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def problems(self) -> Sequence[SettingsError]:
        return self._problems

    def change(self, path: SettingPath, value: object) -> None:
        if self._refuse is not None:
            raise self._refuse
        self.changes.append((path, value))

    def scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = secret.scrub(text)
        return text
