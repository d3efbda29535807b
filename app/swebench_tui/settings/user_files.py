"""The user's files: `settings.toml`, which the user edits too, and `providers.toml`, which the program writes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final, Protocol

from swebench_tui.settings import atomic_file, owned_file, toml_file
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath, lookup

USER_FILE: Final = "settings.toml"
PROVIDERS_FILE: Final = "providers.toml"


class _Edit(Protocol):
    def __call__(self, path: Path, text: str, /) -> str: ...


class UserFiles:
    """Reads and writes files without a cache: blocks. Every method raises `SettingsError` for a broken file.

    Custom providers that the program adds are in `providers.toml`; one that the user wrote into `settings.toml` stays
    there. What `settings.toml` sets has priority.
    """

    def __init__(self, config_folder: Path) -> None:
        """A relative folder is not used: it stands for an unknown home folder."""
        self.settings = config_folder / USER_FILE
        self.providers = config_folder / PROVIDERS_FILE

    @property
    def readable(self) -> tuple[Path, ...]:
        """The files to read, highest priority first."""
        return (self.settings, self.providers) if self.settings.is_absolute() else ()

    def file_of(self, path: SettingPath) -> Path:
        """The file that a change of this setting is written to."""
        if len(path) < 2 or path[0] != "providers" or self._in_settings(path):
            return self.settings
        return self.providers if owned_file.contains(self.providers, path[:2]) else self.settings

    def sets(self, path: SettingPath) -> bool:
        """Whether one of the files sets it, validly or not."""
        return self._in_settings(path) or owned_file.contains(self.providers, path)

    def create(self, text: str) -> None:
        """Write `settings.toml` if there is none."""
        if atomic_file.read(self.settings) is None:
            self._edit(lambda _, before: before or text)

    def put(self, path: SettingPath, value: object) -> None:
        """Set a value, leaving the rest of the file as it is."""
        if self.file_of(path) == self.providers:
            owned_file.put(self.providers, path, value)
        else:
            self._edit(partial(toml_file.put, key=path, value=value))

    def take(self, path: SettingPath) -> None:
        """Remove a value from the file that sets it."""
        if self.file_of(path) == self.providers:
            owned_file.take(self.providers, path)
        else:
            self._edit(partial(toml_file.take, key=path))

    def add_provider(self, name: str, values: object) -> None:
        """Define a custom provider in `providers.toml`."""
        self._require_folder()
        owned_file.put(self.providers, ("providers", name), values)

    def remove_provider(self, name: str) -> None:
        """Remove all settings of a provider from both files."""
        path = ("providers", name)
        self._edit(partial(toml_file.take, key=path))
        if owned_file.contains(self.providers, path):
            owned_file.take(self.providers, path)

    def _in_settings(self, path: SettingPath) -> bool:
        self._require_folder()
        text = atomic_file.read(self.settings)
        return text is not None and lookup(toml_file.parse(self.settings, text), path) is not None

    def _edit(self, edit: _Edit) -> None:
        self._require_folder()
        with atomic_file.locked(self.settings):
            before = atomic_file.read(self.settings) or ""
            after = toml_file.keep_line_ends(edit(self.settings, before), before)
            if after != before:
                atomic_file.replace(self.settings, after)

    def _require_folder(self) -> None:
        if not self.settings.is_absolute():
            raise SettingsError(
                f"no folder for {USER_FILE}: the home folder is unknown", hint="Set HOME or XDG_CONFIG_HOME."
            )
