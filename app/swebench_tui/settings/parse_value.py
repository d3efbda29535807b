"""Settings as they are typed on a command line: `providers.openai.model`, `500`, `a,b`."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from typing import Final

from msgspec import inspect

from swebench_tui.settings import fields
from swebench_tui.settings.checking import NO_KEY, SECRET_NAMES
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.fields import NAME, in_words, is_open, kind_at
from swebench_tui.settings.paths_in_files import SettingPath, dotted

_QUOTED: Final = 'Write it as providers.openai.model; a name with a dot in it as headers."X.Y".'


def key_path(key: str, *, known: bool = True) -> SettingPath:
    """The path of a key with dots. Raises `SettingsError`; where only a `known` one will do, for any other too.

    In a table whose keys the user chooses the rest is one name: `keymap.compare.run`.
    """
    path: SettingPath = ()
    try:
        value: object = tomllib.loads(f"{key} = 0") if "\n" not in key else None
        while isinstance(value, dict):
            ((name, value),) = value.items()
            path = (*path, name)
    except (ValueError, RecursionError):
        path = ()
    if not path:
        raise SettingsError("the key cannot be read", hint=_QUOTED)
    for depth in range(1, len(path)):
        kind = kind_at(path[:depth])
        if kind is not None and is_open(kind):
            path = (*path[:depth], ".".join(path[depth:]))
            break
    if known and kind_at(path) is None:
        raise SettingsError(f"{dotted(path)} is no setting", hint=_near(path))
    return path


def value_at(path: SettingPath, text: str) -> object:
    """What was typed as a value of the kind that stands there. Raises `SettingsError` for what cannot be one."""
    kind = kind_at(path)
    if isinstance(kind, inspect.StrType | inspect.LiteralType):
        return text
    try:
        return tomllib.loads(f"it = {text}")["it"]
    except (ValueError, RecursionError):
        pass
    if isinstance(kind, inspect.VarTupleType) and isinstance(kind.item_type, inspect.StrType):
        return [each.strip() for each in text.split(",") if each.strip()]
    raise SettingsError(
        f"{dotted(path)} cannot be what was typed", hint=f"It is {in_words(kind or fields.root())}, as in TOML."
    )


def _near(path: SettingPath) -> str:
    """The settings a path may have been meant for."""
    if SECRET_NAMES.search(path[-1]):
        return f"{NO_KEY} Run: swebench-tui provider init NAME"
    name = path[1] if len(path) > 1 and path[0] == "providers" else NAME
    there = [dotted(tuple(name if part == NAME else part for part in leaf.path)) for leaf in fields.leaves()]
    near = get_close_matches(dotted(path), there, n=1)
    return f"Did you mean {near[0]}?" if near else "`swebench-tui settings edit` explains every setting."
