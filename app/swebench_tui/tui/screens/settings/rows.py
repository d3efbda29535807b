"""Settings as rows: each one of the definitions with its value, and where that came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from rich.cells import cell_len, set_cell_size
from textual.content import Content

from swebench_tui.settings import redact
from swebench_tui.settings.layers import Layer, Origin
from swebench_tui.settings.schema import NAME, Leaf, is_open, leaves
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line

NO_ORIGIN = Origin(Layer.DEFAULT)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. `value` is as it may be shown, "" where there is none.

    `adds`: a table whose names the user chooses, and this row takes another name. `usual`: nobody has set anything for
    its provider, and most of its settings are left out until they are searched for.
    """

    path: SettingPath
    leaf: Leaf
    value: str = ""
    origin: Origin = NO_ORIGIN
    adds: bool = False
    usual: bool = False

    @property
    def is_set(self) -> bool:
        return self.origin.layer is not Layer.DEFAULT

    @property
    def searched(self) -> str:
        return f"{dotted(self.path)} {self.value} {self.leaf.description}".lower()


def rows(workspace: Workspace, under: SettingPath = ()) -> list[Row]:
    """All settings whose path begins with `under`. Blocks where the files were not read yet."""
    general = [row for leaf in leaves() if NAME not in leaf.path for row in _of(workspace, leaf, leaf.path)]
    found = [row for row in general if row.path[: len(under)] == under]
    names = {*workspace.registry.list_providers(), *workspace.settings.providers}
    for name in sorted(names):
        if ("providers", name)[: len(under)] == under[:2]:
            found += _of_provider(workspace, name)
    return found


def line(row: Row, width: int, under: SettingPath = ()) -> Content:
    """Glyph, name, value and origin in so many cells. What all paths begin with, `under`, is left out of the names."""
    name_width = max(24, min(42, width // 2 - 4))
    origin_width = 14 if width < 100 else min(48, width // 4)
    origin = str(row.origin) if width >= 100 else str(row.origin.layer)
    value_width = max(6, width - 2 - name_width - origin_width - 2)
    name = dotted(row.path[len(under) :])
    name = f"{name} …" if row.adds else name
    value = "add one" if row.adds else row.value or "not set"
    return Content.assemble(
        ("● " if row.is_set else "  ", "$text-accent"),
        (_name_cell(name, name_width), "bold" if row.is_set else "$foreground"),
        " ",
        (_cell(value, value_width), "$foreground" if row.value else "$foreground-muted"),
        " ",
        (_cell(origin if row.value else "", origin_width), "$foreground-muted"),
    )


def _of_provider(workspace: Workspace, name: str) -> Iterator[Row]:
    ours = [leaf for leaf in leaves() if NAME in leaf.path]
    found = [
        row
        for leaf in ours
        for row in _of(workspace, leaf, tuple(name if part == NAME else part for part in leaf.path))
    ]
    touched = any(row.is_set for row in found)
    for row in found:
        hidden = not touched and row.path[-1] not in {"base_url", "model"}
        yield msgspec.structs.replace(row, usual=True) if hidden else row


def _of(workspace: Workspace, leaf: Leaf, path: SettingPath) -> Iterator[Row]:
    if is_open(leaf.kind):
        for name in _table(workspace.settings, path):
            inner = (*path, name)
            held = workspace.effective(inner)
            yield Row(path=inner, leaf=leaf, value=_text(inner, held.value), origin=held.origin)
        yield Row(path=path, leaf=leaf, adds=True)
        return
    held = workspace.effective(path)
    yield Row(path=path, leaf=leaf, value=_text(path, held.value), origin=held.origin)


def _text(path: SettingPath, value: object) -> str:
    found = redact.value(path, value)
    if found is None:
        return ""
    if isinstance(found, list | tuple):
        return ", ".join(_entry(each) for each in found)
    return one_line(str(found))


def _entry(value: object) -> str:
    """Of a list: a text, or a kept key by its label."""
    label = value.get("label") if isinstance(value, Mapping) else getattr(value, "label", None)
    return one_line(str(value if label is None else label))


def _table(at: object, path: SettingPath) -> Mapping[str, str]:
    for name in path:
        at = at.get(name) if isinstance(at, Mapping) else getattr(at, name, None)
    return at if isinstance(at, Mapping) else {}


def _name_cell(name: str, width: int) -> str:
    """Cut in front: names differ in their ends."""
    name = one_line(name)
    kept = name
    while cell_len(kept) > width - (kept != name):
        kept = kept[1:]
    return set_cell_size(kept if kept == name else f"…{kept}", width)


def _cell(text: str, width: int) -> str:
    text = one_line(text)
    return set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
