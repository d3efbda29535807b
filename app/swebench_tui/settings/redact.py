"""Values as they may be shown: users put keys where none belongs, so nothing that may hold one is shown whole."""

from __future__ import annotations

import re
from typing import Final

from swebench_tui.settings.secrets.key_lint import without_keys
from swebench_tui.settings.toml_positions import TomlPath

HIDDEN: Final = "…"
_LONGEST: Final = 60
_SECRET_NAMES: Final = re.compile(r"key|token|secret|password|auth|header", re.IGNORECASE)
_LIKE_A_KEY: Final = re.compile(r"^(sk|gsk|hf|xai|pk|rk|AIza|Bearer|Basic)[-_ ]?|(?=\S*\d)(?=\S*[A-Za-z])\S{16,}")
_CREDENTIALS: Final = re.compile(r"^(\w+://)?[^/?#]*@")
_AFTER_PATH: Final = re.compile(r"[?#].*$", re.DOTALL)
_SHOWN: Final = frozenset({"keymap", "key_command", "auth", "keys", "label", "place", "host"})
"""Names of settings that look like those of secrets and are none."""


def address(text: str) -> str:
    """An address without credentials and without its query."""
    return _AFTER_PATH.sub("", _CREDENTIALS.sub(rf"\1{HIDDEN}@", text))


def value(path: TomlPath, found: object) -> object:
    """A setting's value: headers are hidden, passwords in addresses, and keys that stand where none belongs."""
    if "headers" in path:
        return dict.fromkeys(found, HIDDEN) if isinstance(found, dict) else HIDDEN
    if path and path[-1] in {"proxy", "base_url", "host"} and isinstance(found, str):
        return address(found)
    if isinstance(found, dict):
        return {name: value((*path, name), inner) for name, inner in found.items()}
    if isinstance(found, list | tuple):
        return [value(path, inner) for inner in found]
    return without_keys(found) if isinstance(found, str) else found


def wrong(path: TomlPath, found: object) -> str:
    """What stands where it may not, in a few words. It may be a key that went astray."""
    if isinstance(found, dict):
        return "a table"
    if isinstance(found, list):
        return "an array"
    if not isinstance(found, str):
        return str(found).lower() if isinstance(found, bool) else _short(str(found))
    if "keys" in path or "headers" in path or _is_secret_name(path) or _LIKE_A_KEY.search(found):
        return "a text"
    return f'"{_short(address(found))}"'


def _is_secret_name(path: TomlPath) -> bool:
    return any(isinstance(name, str) and name not in _SHOWN and _SECRET_NAMES.search(name) for name in path)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}{HIDDEN}"
