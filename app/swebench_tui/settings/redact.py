"""Values as they may be shown: users put keys where none belongs, so nothing that may hold one is shown whole."""

from __future__ import annotations

from typing import Final

from swebench_providers.redaction import MASK, contains_secret_word, mask_keys, may_be_a_key, without_credentials
from swebench_tui.settings.toml_positions import TomlPath

_CUT: Final = "…"
_LONGEST: Final = 60
_SHOWN: Final = frozenset({"keymap", "key_command", "auth", "keys", "label", "place", "host"})
"""Names of settings that look like those of secrets and are none."""


def value(path: TomlPath, found: object) -> object:
    """A setting's value: headers are hidden, passwords in addresses, and keys that stand where none belongs."""
    if "headers" in path:
        return dict.fromkeys(found, MASK) if isinstance(found, dict) else MASK
    if path and path[-1] in {"proxy", "base_url", "host"} and isinstance(found, str):
        return without_credentials(found)
    if isinstance(found, dict):
        return {name: value((*path, name), inner) for name, inner in found.items()}
    if isinstance(found, list | tuple):
        return [value(path, inner) for inner in found]
    return mask_keys(found) if isinstance(found, str) else found


def wrong(path: TomlPath, found: object) -> str:
    """What stands where it may not, in a few words. It may be a key that went astray."""
    if isinstance(found, dict):
        return "a table"
    if isinstance(found, list):
        return "an array"
    if not isinstance(found, str):
        return str(found).lower() if isinstance(found, bool) else _short(str(found))
    if "keys" in path or "headers" in path or _is_secret_name(path) or may_be_a_key(found):
        return "a text"
    return f'"{_short(without_credentials(found))}"'


def _is_secret_name(path: TomlPath) -> bool:
    return any(isinstance(name, str) and name not in _SHOWN and _is_secret(name) for name in path)


def _is_secret(name: str) -> bool:
    return contains_secret_word(name) or "auth" in name.lower() or "header" in name.lower()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}{_CUT}"
