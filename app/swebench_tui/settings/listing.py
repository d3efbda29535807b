"""Every setting that is set or has a usual value, with where it came from, as it may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from swebench_tui.settings import redact
from swebench_tui.settings.effective import KEY
from swebench_tui.settings.layers import Layer, Origin
from swebench_tui.settings.schema import NAME, Leaf, is_open, leaves
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.workspace import Workspace


class Listed(msgspec.Struct, frozen=True):
    """`value` is without secrets: headers and passwords are hidden, of a key it is True."""

    path: SettingPath
    value: object
    origin: Origin


def listed(workspace: Workspace) -> list[Listed]:
    """In the order of the definitions; providers in alphabetical order, each with what belongs to it."""
    general = [leaf for leaf in leaves() if NAME not in leaf.path]
    ours = [leaf for leaf in leaves() if NAME in leaf.path]
    rows = [row for leaf in general for row in _rows(workspace, leaf, leaf.path)]
    for name in sorted({*workspace.registry.list_providers(), *workspace.settings.providers}):
        rows += _of_provider(workspace, name, ours)
    return rows


def _of_provider(workspace: Workspace, name: str, settings: list[Leaf]) -> Iterator[Listed]:
    """Of one that nobody has set anything for only address and model: the rest is as everywhere."""
    path = ("providers", name, KEY)
    rows = [row for leaf in settings for row in _rows(workspace, leaf, _named(leaf.path, name))]
    key = workspace.effective(path)
    touched = bool(key.value) or any(row.origin.layer is not Layer.DEFAULT for row in rows)
    for row in rows:
        if touched or row.path[-1] in {"base_url", "model"}:
            yield row
    if key.value:
        yield Listed(path, key.value, key.origin)


def _rows(workspace: Workspace, leaf: Leaf, path: SettingPath) -> Iterator[Listed]:
    """The setting, or of a table whose keys the user chooses each key, which may come from a file of its own."""
    if is_open(leaf.kind):
        for name in _table(workspace.settings, path):
            held = workspace.effective((*path, name))
            yield Listed((*path, name), redact.value((*path, name), held.value), held.origin)
        return
    held = workspace.effective(path)
    if held.value not in (None, "", []):
        yield Listed(path, redact.value(path, held.value), held.origin)


def _table(at: object, path: SettingPath) -> Mapping[str, str]:
    for name in path:
        at = at.get(name) if isinstance(at, Mapping) else getattr(at, name, None)
    return at if isinstance(at, Mapping) else {}


def _named(path: SettingPath, name: str) -> SettingPath:
    return tuple(name if part == NAME else part for part in path)
