"""Rows of settings as both front ends draw them, and the check of a value before it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import msgspec
from msgspec.inspect import StrType

from swebench_providers import ProviderError
from swebench_providers.config import normalise
from swebench_tui.runs.target import parse_target
from swebench_tui.settings.effective import KEY
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.layers import Layer, Origin
from swebench_tui.settings.schema import NAME, Leaf, is_open, leaves
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.value import parse_value, redact
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line

_DEFAULT: Final = Origin(Layer.DEFAULT)
_ALWAYS_VISIBLE: Final = frozenset({"base_url", "model"})
_KEY_LEAF: Final = Leaf(
    path=("providers", NAME, KEY), kind=StrType(), description="API key in use. Never shown.", example=""
)


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One setting with its effective value, redacted: None if there is none, True for a key.

    `adds`: the row stands for a new entry of a table whose keys the user chooses. `hidden`: nothing is set for its
    provider, so it is shown only in search results.
    """

    path: SettingPath
    leaf: Leaf
    value: object = None
    origin: Origin = _DEFAULT
    adds: bool = False
    hidden: bool = False

    @property
    def is_set(self) -> bool:
        """Whether its value is other than the default."""
        return self.origin.layer is not Layer.DEFAULT

    @property
    def has_value(self) -> bool:
        return self.value not in (None, "", [])

    @property
    def text(self) -> str:
        """The value on one line, "" if there is none. Arrays are comma-separated, keys are shown by their labels."""
        if self.path[-1] == KEY and self.value:
            return "set"
        if not self.has_value:
            return ""
        if isinstance(self.value, list):
            return ", ".join(map(_entry_text, self.value))
        return one_line(self.value if isinstance(self.value, str) else msgspec.json.encode(self.value).decode())

    @property
    def search_text(self) -> str:
        return f"{dotted(self.path)} {self.text} {self.leaf.description}".lower()


class KeyProblem(Protocol):
    """Why a key cannot be bound to an action, such as `tui.actions.KeymapProblem`."""

    @property
    def what(self) -> str: ...

    @property
    def hint(self) -> str: ...


class KeyCheck(Protocol):
    """Checks the `keys` of one action in a keymap. Only the screens know the actions."""

    def __call__(self, keymap: Mapping[str, str], action: str, keys: str, /) -> KeyProblem | None: ...


def setting_rows(workspace: Workspace, under: SettingPath = ()) -> list[SettingRow]:
    """All settings whose path begins with `under`, in the order of the definitions; providers are sorted by name.

    Blocks if the files have not been read yet. Reads no key.
    """
    general = [leaf for leaf in leaves() if NAME not in leaf.path]
    rows = [row for leaf in general for row in _rows(workspace, leaf, leaf.path) if row.path[: len(under)] == under]
    for name in sorted({*workspace.registry.list_providers(), *workspace.settings.providers}):
        if ("providers", name)[: len(under)] == under[:2]:
            rows += _provider_rows(workspace, name)
    return rows


def check_value(workspace: Workspace, path: SettingPath, text: str, *, check_keys: KeyCheck) -> object:
    """Parse `text` as the value of a setting, and check that it can be used. Writes nothing; raises `SettingsError`.

    Beyond its type this covers base URLs, the providers of a line-up, and keys of actions. A file edited by hand is not
    checked that far; what is unusable in it is reported where it is used.
    """
    value = parse_value(path, text)
    workspace.check(path, value)
    try:
        match path, value:
            case ("providers", name, "base_url"), str() if name in workspace.registry.list_providers():
                normalise(value, workspace.registry.spec(name))
            case ("compare", "lineup"), list():
                for column in value:
                    workspace.registry.spec(parse_target(str(column)).provider)
            case ("keymap", action), str():
                if problem := check_keys(workspace.settings.keymap, action, value):
                    raise SettingsError(problem.what, hint=problem.hint)
    except ProviderError as error:
        what, hint = str(error), error.hint
    else:
        return value
    raise SettingsError(what, hint=hint)


def _provider_rows(workspace: Workspace, name: str) -> Iterator[SettingRow]:
    """The settings of a provider, and its key if it has one. While nothing is set, most rows are hidden."""
    ours = [leaf for leaf in leaves() if NAME in leaf.path]
    rows = [row for leaf in ours for row in _rows(workspace, leaf, leaf.path_for(name))]
    configured = any(row.is_set for row in rows)
    for row in rows:
        visible = configured or row.path[-1] in _ALWAYS_VISIBLE
        yield row if visible else msgspec.structs.replace(row, hidden=True)
    key = workspace.effective(("providers", name, KEY))
    if key.value:
        yield SettingRow(path=("providers", name, KEY), leaf=_KEY_LEAF, value=key.value, origin=key.origin)


def _rows(workspace: Workspace, leaf: Leaf, path: SettingPath) -> Iterator[SettingRow]:
    """The row of a setting; of a table whose keys the user chooses one for each entry, and one that adds an entry."""
    if not is_open(leaf.kind):
        yield _row(workspace, leaf, path)
        return
    for name in _table(workspace.settings, path):
        yield _row(workspace, leaf, (*path, name))
    yield SettingRow(path=path, leaf=leaf, adds=True)


def _row(workspace: Workspace, leaf: Leaf, path: SettingPath) -> SettingRow:
    effective = workspace.effective(path)
    return SettingRow(path=path, leaf=leaf, value=redact(path, effective.value), origin=effective.origin)


def _table(node: object, path: SettingPath) -> Mapping[str, str]:
    for name in path:
        node = node.get(name) if isinstance(node, Mapping) else getattr(node, name, None)
    return node if isinstance(node, Mapping) else {}


def _entry_text(entry: object) -> str:
    return one_line(str(entry.get("label") if isinstance(entry, Mapping) else entry))
