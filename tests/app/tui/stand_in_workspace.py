"""A workspace without files: settings from the test, and the changes made to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from swebench_providers import ProviderConfig, ProviderRegistry, Secret
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.workspace import Workspace


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
        self._usual = registry or ProviderRegistry({})
        self.changes: list[tuple[SettingPath, object]] = []
        self._settings = settings or Settings()
        self._problems = problems
        self._secrets = secrets
        self._refuse = refuse

    @property
    def registry(self) -> ProviderRegistry:
        return self._usual

    def outline(self, provider: str, *, base_url: str | None = None) -> ProviderConfig:
        return self._usual.configure(provider, base_url=base_url)

    def configs(self, provider: str) -> Mapping[str, ProviderConfig]:
        return {"": self._usual.configure(provider)}

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
