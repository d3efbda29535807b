"""Where a value stands in a settings file."""

from __future__ import annotations

import re
from typing import Final

import msgspec

SettingPath = tuple[str, ...]
"""`("providers", "openai", "model")`."""

TomlPath = tuple[str | int, ...]
"""The same into arrays: `("providers", "openai", "keys", 0, "label")`."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def dotted(path: TomlPath) -> str:
    """A path as TOML writes it: `providers.openai.keys[0].label`."""
    text = ""
    for name in path:
        if isinstance(name, int):
            text += f"[{name}]"
        else:
            text += ("." if text else "") + (name if _BARE.fullmatch(name) else _quoted(name))
    return text


def _quoted(name: str) -> str:
    return msgspec.json.encode(name.encode("utf-8", "replace").decode()).decode()
