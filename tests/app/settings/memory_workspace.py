"""Settings in memory instead of files: what `Keys` and `ProviderConfigs` need, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from swebench_providers import Secret
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import KeyStoreError, SettingsError
from swebench_tui.settings.layers import Layer, Origin
from swebench_tui.settings.provider_config import ProviderConfigs
from swebench_tui.settings.secrets.keys import Keys

HOST = "https://api.openai.com"


class MemoryStore:
    """A keyring in memory. `broken` is the error that every call raises, "" for none."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Secret] = {}
        self.reads = 0
        self.broken = ""

    def read(self, provider: str, label: str) -> Secret | None:
        self._fail()
        self.reads += 1
        return self.kept.get((provider, label))

    def write(self, provider: str, label: str, key: Secret) -> None:
        self._fail()
        self.kept[provider, label] = key

    def remove(self, provider: str, label: str) -> None:
        self._fail()
        self.kept.pop((provider, label), None)

    def _fail(self) -> None:
        if self.broken:
            raise KeyStoreError(self.broken, hint="Do something else.")


class MemoryWorkspace:
    """`document` is the settings as parsed TOML. `read_only` is the number of changes after which they fail."""

    def __init__(self, data_folder: Path, document: dict[str, Any] | None = None) -> None:
        self.document: dict[str, Any] = document or {}
        self.layer = Layer.USER_FILE
        self.changes = 0
        self.read_only: int | None = None
        self.host = HOST
        self.commands: list[str] = []
        self.keyring = MemoryStore()
        self.keys = Keys(
            settings=self.settings,
            change=self.change,
            host=lambda provider: self.host,  # noqa: ARG005 - the same for all
            data_folder=data_folder,
            keyring=self.keyring,
            run=self._run,
        )
        self.configs = ProviderConfigs(settings=self.settings, origin=self._origin, keys=self.keys)

    def settings(self) -> Settings:
        return msgspec.convert(self.document, Settings)

    def change(self, path: tuple[str, ...], value: object) -> None:
        if self.read_only is not None and self.changes >= self.read_only:
            raise SettingsError("settings.toml cannot be written", hint="Make it writable.")
        self.changes += 1
        table = self.document
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value

    def _run(self, command: str, provider: str) -> Secret:
        self.commands.append(f"{provider}: {command}")
        return Secret("from-command")

    def _origin(self, path: tuple[str, ...]) -> Origin:
        assert path[-1] == "base_url"
        return Origin(self.layer)
