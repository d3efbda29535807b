"""TOML files that the program owns: it writes them whole, so comments and order of a user are not kept.

Settings that the user edits are in `settings.toml` instead, which `toml_file` edits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from swebench_tui.settings import atomic_file, toml_file
from swebench_tui.settings.toml_positions import SettingPath, lookup

_HEADER: Final = "# Written by swebench-tui. It replaces this file as a whole: comments are lost.\n\n"


def contains(path: Path, key: SettingPath) -> bool:
    """Whether a file sets a value. Raises `SettingsError` for an unreadable or invalid file."""
    return lookup(_read(path), key) is not None


def put(path: Path, key: SettingPath, value: object) -> None:
    """Set a value, with other processes locked out; creates the file. Blocks; raises `SettingsError`."""
    with atomic_file.locked(path):
        _write(path, _with(_read(path), key, value))


def take(path: Path, key: SettingPath) -> None:
    """Remove a value, with other processes locked out. Blocks; raises `SettingsError`."""
    with atomic_file.locked(path):
        _write(path, _without(_read(path), key))


def _read(path: Path) -> dict[str, Any]:
    return toml_file.parse(path, atomic_file.read(path) or "")


def _write(path: Path, values: Mapping[str, object]) -> None:
    import tomli_w  # noqa: PLC0415 - only writing needs it

    atomic_file.replace(path, _HEADER + tomli_w.dumps(values))


def _with(table: object, key: SettingPath, value: object) -> dict[str, Any]:
    name, *rest = key
    before = table if isinstance(table, dict) else {}
    return before | {name: _with(before.get(name), tuple(rest), value) if rest else value}


def _without(table: dict[str, Any], key: SettingPath) -> dict[str, Any]:
    """A copy of the table without a value, and without the tables that this leaves empty."""
    name, *rest = key
    if not isinstance(table.get(name), dict) or not rest:
        return {other: each for other, each in table.items() if other != name}
    inner = _without(table[name], tuple(rest))
    return {other: inner if other == name else each for other, each in table.items() if other != name or inner}
