"""The settings that hold: of the command line, of the project's file and of the user's own, each before the next.

Tables are merged key by key; of an array the strongest holds as a whole. Nothing is read before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Final, NamedTuple, Protocol

import msgspec

from swebench_tui.settings import atomic_file, toml_file
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.providers import known_providers, wrong_provider
from swebench_tui.settings.toml_positions import Lines, SettingPath, TomlPath, dotted

USER_FILE: Final = "settings.toml"
PROJECT_FILE: Final = "swebench-tui.toml"


class Layer(StrEnum):
    """Strongest first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    PROJECT_FILE = "project file"
    USER_FILE = "user file"
    KEYRING = "keyring"
    DEFAULT = "default"


class Origin(msgspec.Struct, frozen=True):
    """`where` is the variable, the file's path, or the label of the key; "" for a default."""

    layer: Layer
    where: str = ""

    def __str__(self) -> str:
        return f"{self.layer}: {self.where}" if self.where else str(self.layer)


class _Source(NamedTuple):
    origin: Origin
    values: dict[str, object]
    line_of: Callable[[TomlPath], int | None]


class _Loaded(NamedTuple):
    """All that was read at one time; `sources` are in their order, the strongest first."""

    sources: tuple[_Source, ...]
    settings: Settings
    problems: tuple[SettingsError, ...]
    project_file: Path | None


class _Change(Protocol):
    def __call__(self, path: Path, text: str, /) -> str: ...


class LayeredSettings:
    """May be used from any thread. Reading and writing files blocks; what was read is kept until `reload`."""

    def __init__(
        self, *, config_folder: Path, project_folder: Path | None, overrides: Mapping[SettingPath, object]
    ) -> None:
        """`project_folder` is where a project's file is looked for first, then in those above; None: there is none.

        Raises `SettingsError` for an override that may not stand there.
        """
        self.user_file = config_folder / USER_FILE
        self._project_folder = project_folder
        self._overrides = _nested(overrides)
        self._lock = RLock()
        self._loaded: _Loaded | None = None

    @property
    def settings(self) -> Settings:
        return self._now().settings

    @property
    def problems(self) -> Sequence[SettingsError]:
        return self._now().problems

    @property
    def project_file(self) -> Path | None:
        """The project's file, where there is one."""
        return self._now().project_file

    def reload(self) -> None:
        """Read the files again."""
        with self._lock:
            self._loaded = self._load()

    def change(self, path: SettingPath, value: object) -> None:
        """Write a value into the user's file, where the rest stays as it is; None takes it out.

        Raises `SettingsError` for one that may not stand there, and for a file that cannot be read or written.
        """
        if value is None:
            self.unset(path)
        else:
            self._write(partial(toml_file.put, at=path, value=self.checked(path, value)))

    def checked(self, path: SettingPath, value: object) -> object:
        """A value as a file would have it. Raises `SettingsError` for one that may not stand there."""
        plain = _checked(path, msgspec.to_builtins(value))
        try:
            msgspec.json.encode((path, plain))
        except UnicodeEncodeError:  # what a terminal of another encoding made of a letter
            raise SettingsError(f"{dotted(path)} is no text in UTF-8", hint="Type it in a UTF-8 locale.") from None
        match path:
            case ("providers", name, *rest):
                self._refuse_unknown(name, rest, plain)
            case ("providers",) if isinstance(plain, dict):
                for name, inner in plain.items():
                    self._refuse_unknown(name, [], inner)
            case _:
                pass
        return plain

    def _refuse_unknown(self, name: str, rest: Sequence[str], value: object) -> None:
        """Raises for a provider there is none of, whose settings would say nothing."""
        there = self.settings.providers.get(name)
        like = there.like if there else ""
        if rest == ["like"]:
            like = str(value)
        elif not rest and isinstance(value, dict):
            like = value.get("like", "")
        if wrong := wrong_provider(name, like):
            at, what, hint = wrong
            raise SettingsError(f"{dotted(at)} {what}", hint=hint)

    def unset(self, path: SettingPath) -> None:
        """Take a value out of the user's file; one that is not known too. Raises `SettingsError`."""
        self._write(partial(toml_file.take, at=path))

    def holder(self, path: SettingPath) -> tuple[Origin, object] | None:
        """Where the value that holds stands, and the value as it is written; None where nobody has set it."""
        for source in self._now().sources:
            found = _at(source.values, path)
            if found is not None:
                return source.origin, found
        return None

    def begin(self, text: str) -> None:
        """Write the user's file where there is none. Raises `SettingsError`."""
        if atomic_file.read(self.user_file) is None:
            self._write(lambda _, before: before or text)

    def in_user_file(self, path: SettingPath) -> bool:
        """Whether the user's file has it, right or wrong."""
        text = atomic_file.read(self.user_file)
        return text is not None and _at(toml_file.parse(self.user_file, text), path) is not None

    def _write(self, change: _Change) -> None:
        with self._lock:
            if not self.user_file.is_absolute():
                raise SettingsError(
                    f"there is no folder for {USER_FILE}: no home folder is known",
                    hint="Set HOME, or XDG_CONFIG_HOME.",
                )
            with atomic_file.locked(self.user_file):
                before = atomic_file.read(self.user_file) or ""
                after = _line_ends(change(self.user_file, before), before)
                if after != before:
                    atomic_file.replace(self.user_file, after)
            self.reload()

    def _now(self) -> _Loaded:
        loaded = self._loaded  # one read, so that a reload in another thread changes nothing under our hands
        if loaded is not None:
            return loaded
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> _Loaded:
        sources = [_Source(Origin(Layer.COMMAND_LINE), self._overrides, lambda _: None)]
        problems: list[SettingsError] = []
        project_file = _find(self._project_folder)
        files = [(self.user_file, Layer.USER_FILE)] if self.user_file.is_absolute() else []
        if project_file is not None:
            files.insert(0, (project_file, Layer.PROJECT_FILE))
        for path, layer in files:
            source, told = _read(path, layer)
            sources.append(source)
            problems += told
        merged: dict[str, object] = {}
        for source in reversed(sources):
            merged = _merged(merged, source.values)
        problems += _drop_unknown(merged, sources)
        return _Loaded(tuple(sources), msgspec.convert(merged, Settings), tuple(problems), project_file)


def _read(path: Path, layer: Layer) -> tuple[_Source, Sequence[SettingsError]]:
    """What holds of a file, and what does not."""
    origin = Origin(layer, str(path))
    try:
        text = atomic_file.read(path)
        values = toml_file.parse(path, text) if text else {}
    except SettingsError as error:
        return _Source(origin, {}, lambda _: None), [error]
    if text is None or not values:
        return _Source(origin, {}, lambda _: None), []
    from swebench_tui.settings.value import check  # noqa: PLC0415 - most people have no file to be checked

    line = Lines(text)
    found, problems = check(values, source=str(path), line_of=line, project=layer is Layer.PROJECT_FILE)
    return _Source(origin, found, line), problems


def _line_ends(text: str, before: str) -> str:
    """Those of Windows where all of the file has them."""
    if "\r\n" not in before or before.count("\n") != before.count("\r\n"):
        return text
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _find(folder: Path | None) -> Path | None:
    """The file of the nearest folder that has one."""
    for each in (folder, *folder.parents) if folder is not None else ():
        try:
            if (each / PROJECT_FILE).exists():
                return each / PROJECT_FILE
        except OSError:  # a folder nobody may look into
            continue
    return None


def _checked(path: SettingPath, value: object) -> object:
    """A value as it is written. Raises `SettingsError` for one that may not stand there."""
    from swebench_tui.settings.value import check  # noqa: PLC0415 - only what writes needs it

    values = _nested({path: value}, checked=False)
    found, problems = check(values, source="")
    if problems:
        raise problems[0]
    return _at(found, path)


def _nested(values: Mapping[SettingPath, object], *, checked: bool = True) -> dict[str, object]:
    nested: dict[str, object] = {}
    for path, value in values.items():
        table: dict[str, object] = nested
        for name in path[:-1]:
            inner = table.setdefault(name, {})
            assert isinstance(inner, dict)  # noqa: S101 - the paths are written by us
            table = inner
        table[path[-1]] = _checked(path, msgspec.to_builtins(value)) if checked else value
    return nested


def _merged(weak: Mapping[str, object], strong: Mapping[str, object]) -> dict[str, object]:
    merged = dict(weak)
    for name, value in strong.items():
        below = merged.get(name)
        merged[name] = _merged(below if isinstance(below, dict) else {}, value) if isinstance(value, dict) else value
    return merged


def _at(values: object, path: SettingPath) -> object | None:
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return None
        values = values[name]
    return values


def _drop_unknown(merged: dict[str, object], sources: Sequence[_Source]) -> list[SettingsError]:
    """Take out providers there are none of, and a `like` that says nothing; what one file needs another may have."""
    providers: dict[str, dict[str, str]] = merged.get("providers", {})  # type: ignore[assignment]  # checked before
    problems = []
    for name, table in list(providers.items()):
        if wrong := wrong_provider(name, table.get("like", "")):
            problems.append(_told(sources, *wrong))
            if name in known_providers():
                del table["like"]
            else:
                del providers[name]
    return problems


def _told(sources: Sequence[_Source], at: SettingPath, what: str, hint: str) -> SettingsError:
    source = next(source for source in sources if _at(source.values, at) is not None)
    line = source.line_of(at)
    place = source.origin.where or str(source.origin)
    return SettingsError(f"{place}{f', line {line}' if line else ''}: {dotted(at)} {what}", hint=hint, line=line)
