"""The merged settings of command line, project file and the user's files, in this order of precedence.

Tables are merged key by key; an array is replaced as a whole. Nothing is read before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import Final, NamedTuple

import msgspec

from swebench_tui.settings import atomic_file, toml_file
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.providers import known_providers, provider_problem
from swebench_tui.settings.toml_positions import LineIndex, SettingPath, TomlPath, dotted, lookup
from swebench_tui.settings.user_files import UserFiles

PROJECT_FILE: Final = "swebench-tui.toml"


class Layer(StrEnum):
    """Where a value can come from, highest priority first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    PROJECT_FILE = "project file"
    USER_FILE = "user file"
    KEYRING = "keyring"
    DEFAULT = "default"


class Origin(msgspec.Struct, frozen=True):
    """Where a value comes from. `where` is the variable, the file's path or the key's label; "" for a default."""

    layer: Layer
    where: str = ""

    def __str__(self) -> str:
        return f"{self.layer}: {self.where}" if self.where else str(self.layer)


class _LayerValues(NamedTuple):
    origin: Origin
    values: dict[str, object]
    line_of: Callable[[TomlPath], int | None]


class _Loaded(NamedTuple):
    """All layers as read at one time, highest priority first."""

    layers: tuple[_LayerValues, ...]
    settings: Settings
    problems: tuple[SettingsError, ...]
    project_file: Path | None


class LayeredSettings:
    """Thread-safe. Reading and writing files blocks; what was read is cached until `reload`."""

    def __init__(
        self, *, config_folder: Path, project_folder: Path | None, overrides: Mapping[SettingPath, object]
    ) -> None:
        """The project file is searched from `project_folder` upwards; None disables it.

        `overrides` come from the command line. Raises `SettingsError` for an invalid one.
        """
        self.files = UserFiles(config_folder)
        self._project_folder = project_folder
        self._overrides = _nest({path: _validate(path, value) for path, value in overrides.items()})
        self._lock = RLock()
        self._loaded: _Loaded | None = None

    @property
    def settings(self) -> Settings:
        return self._current().settings

    @property
    def problems(self) -> Sequence[SettingsError]:
        return self._current().problems

    @property
    def project_file(self) -> Path | None:
        """The project's file, None if there is none."""
        return self._current().project_file

    def reload(self) -> None:
        """Read the files again."""
        with self._lock:
            self._loaded = self._load()

    def change(self, path: SettingPath, value: object) -> None:
        """Write a value into a file of the user; None removes it. Raises `SettingsError` for an invalid value."""
        if value is None:
            self.unset(path)
        else:
            checked = self.validate(path, value)
            self._write(lambda: self.files.put(path, checked))

    def unset(self, path: SettingPath) -> None:
        """Remove a value, or an unknown setting, from the user's file that sets it. Raises `SettingsError`."""
        self._write(lambda: self.files.take(path))

    def add_provider(self, name: str, values: Mapping[str, str]) -> None:
        """Define a custom provider in the program's own file. Raises `SettingsError`."""
        checked = self.validate(("providers", name), values)
        self._write(lambda: self.files.add_provider(name, checked))

    def remove_provider(self, name: str) -> None:
        """Remove all settings of a provider from the user's files. Raises `SettingsError`."""
        self._write(lambda: self.files.remove_provider(name))

    def create_user_file(self, text: str) -> None:
        """Write the user's file if there is none. Raises `SettingsError`."""
        self._write(lambda: self.files.create(text))

    def validate(self, path: SettingPath, value: object) -> object:
        """Return the value in the form that a file has it. Raises `SettingsError` for an invalid one."""
        plain = _validate(path, value)
        try:
            msgspec.json.encode((path, plain))
        except UnicodeEncodeError:  # text typed on a terminal of another encoding
            raise SettingsError(f"{dotted(path)} is not valid UTF-8", hint="Type it in a UTF-8 locale.") from None
        match path:
            case ("providers", name, *rest):
                self._validate_provider(name, rest, plain)
            case ("providers",) if isinstance(plain, dict):
                for name, inner in plain.items():
                    self._validate_provider(name, [], inner)
            case _:
                pass
        return plain

    def _validate_provider(self, name: str, rest: Sequence[str], value: object) -> None:
        """Raises `SettingsError` for an unknown provider, whose settings would have no effect."""
        existing = self.settings.providers.get(name)
        like = existing.like if existing else ""
        if rest == ["like"]:
            like = str(value)
        elif not rest and isinstance(value, dict):
            like = value.get("like", "")
        if problem := provider_problem(name, like):
            raise SettingsError(problem.what, hint=problem.hint)

    def find(self, path: SettingPath) -> tuple[Origin, object] | None:
        """The effective value as its layer has it, with its origin; None if no layer sets it."""
        for layer in self._current().layers:
            value = lookup(layer.values, path)
            if value is not None:
                return layer.origin, value
        return None

    def _write(self, write: Callable[[], None]) -> None:
        with self._lock:
            write()
            self.reload()

    def _current(self) -> _Loaded:
        loaded = self._loaded  # read once: another thread may reload meanwhile
        if loaded is not None:
            return loaded
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> _Loaded:
        layers = [_LayerValues(Origin(Layer.COMMAND_LINE), self._overrides, lambda _: None)]
        problems: list[SettingsError] = []
        project_file = _find_project_file(self._project_folder)
        files = [(path, Layer.USER_FILE) for path in self.files.readable]
        if project_file is not None:
            files.insert(0, (project_file, Layer.PROJECT_FILE))
        for path, layer in files:
            values, file_problems = _read(path, layer)
            layers.append(values)
            problems += file_problems
        merged: dict[str, object] = {}
        for each in reversed(layers):
            merged = _merge(merged, each.values)
        problems += _drop_unknown_providers(merged, layers)
        return _Loaded(tuple(layers), msgspec.convert(merged, Settings), tuple(problems), project_file)


def _read(path: Path, layer: Layer) -> tuple[_LayerValues, Sequence[SettingsError]]:
    """The valid values of a file, and its problems."""
    origin = Origin(layer, str(path))
    try:
        text = atomic_file.read(path)
        values = toml_file.parse(path, text) if text else {}
    except SettingsError as error:
        return _LayerValues(origin, {}, lambda _: None), [error]
    if text is None or not values:
        return _LayerValues(origin, {}, lambda _: None), []
    from swebench_tui.settings.value import check  # noqa: PLC0415 - most users have no file to be checked

    lines = LineIndex(text)
    valid, problems = check(values, source=str(path), line_of=lines, project=layer is Layer.PROJECT_FILE)
    return _LayerValues(origin, valid, lines), problems


def _find_project_file(folder: Path | None) -> Path | None:
    """The project file in the folder or the nearest one above it."""
    for each in (folder, *folder.parents) if folder is not None else ():
        try:
            if (each / PROJECT_FILE).exists():
                return each / PROJECT_FILE
        except OSError:  # the folder is not accessible
            continue
    return None


def _validate(path: SettingPath, value: object) -> object:
    """The value in the form that a file has it. Raises `SettingsError` for an invalid one."""
    from swebench_tui.settings.value import check  # noqa: PLC0415 - only writing and overrides need it

    valid, problems = check(_nest({path: msgspec.to_builtins(value)}), source="")
    if problems:
        raise problems[0]
    return lookup(valid, path)


def _nest(values: Mapping[SettingPath, object]) -> dict[str, object]:
    """Tables in one another from paths."""
    nested: dict[str, object] = {}
    for path, value in values.items():
        table: dict[str, object] = nested
        for name in path[:-1]:
            inner = table.setdefault(name, {})
            assert isinstance(inner, dict)  # noqa: S101 - no path is the beginning of another
            table = inner
        table[path[-1]] = value
    return nested


def _merge(lower: Mapping[str, object], higher: Mapping[str, object]) -> dict[str, object]:
    """Two layers as one; `higher` has the higher priority."""
    merged = dict(lower)
    for name, value in higher.items():
        below = merged.get(name)
        merged[name] = _merge(below if isinstance(below, dict) else {}, value) if isinstance(value, dict) else value
    return merged


def _drop_unknown_providers(merged: dict[str, object], layers: Sequence[_LayerValues]) -> list[SettingsError]:
    """Remove unknown providers, and a `like` without effect, from the merged settings.

    This is checked after the merge, since one file may set what another one requires.
    """
    providers: dict[str, dict[str, str]] = merged.get("providers", {})  # type: ignore[assignment]  # checked before
    problems = []
    for name, table in list(providers.items()):
        if problem := provider_problem(name, table.get("like", "")):
            problems.append(_located(layers, problem.path, problem.what, problem.hint))
            if name in known_providers():
                del table["like"]
            else:
                del providers[name]
    return problems


def _located(layers: Sequence[_LayerValues], path: SettingPath, what: str, hint: str) -> SettingsError:
    """A problem of merged values, with the file and line that it comes from."""
    layer = next(layer for layer in layers if lookup(layer.values, path) is not None)
    line = layer.line_of(path)
    where = layer.origin.where or str(layer.origin)
    return SettingsError(f"{where}{f', line {line}' if line else ''}: {what}", hint=hint, line=line)
