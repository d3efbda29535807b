"""The user's themes: `<config>/themes/NAME.toml`, with the fields of Textual's `Theme`.

primary = "#88c0d0"     # required; the others have values that suit it
dark = true

[variables]
footer-key-foreground = "#88c0d0"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from textual.color import Color, ColorParseError
from textual.theme import Theme

DEFAULT: Final = "textual-dark"
SHORT_NAMES: Final[Mapping[str, str]] = {"dark": "textual-dark", "light": "textual-light"}

_TYPES: Final[Mapping[str, type]] = {
    "dark": bool,
    "ansi": bool,
    "luminosity_spread": float,
    "text_alpha": float,
    "variables": dict,
}
"""The other fields are colours."""

_FIELDS: Final = tuple(field.name for field in fields(Theme) if field.name != "name")


class ThemeError(Exception):
    """A theme that cannot be used. `str(error)` names file, key and value, `hint` what is valid."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def load(folder: Path) -> tuple[list[Theme], list[ThemeError]]:
    """The themes in a folder, and the errors of those that cannot be used. Blocks; raises nothing."""
    themes, errors = list[Theme](), list[ThemeError]()
    try:
        paths = sorted(folder.glob("*.toml"))
    except OSError as error:
        return [], [ThemeError(f"{folder}: {error.strerror}", hint="Make the folder readable.")]
    for path in paths:
        try:
            themes.append(read(path))
        except ThemeError as error:
            errors.append(error)
    return themes, errors


def read(path: Path) -> Theme:
    """The theme of one file, named after the file. Raises `ThemeError`."""
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ThemeError(f"{path} cannot be read: {error.strerror}", hint="Make it readable, or remove it.") from error
    except (ValueError, RecursionError) as error:
        raise ThemeError(f"{path}: {error}", hint='A theme starts with a line like primary = "#88c0d0".') from error
    for key, value in document.items():
        _check(path, key, value)
    if "primary" not in document:
        raise ThemeError(f"{path} has no primary", hint='Add the main colour: primary = "#88c0d0".')
    theme = Theme(name=path.stem, **document)
    try:
        theme.to_color_system().generate()
    except (ColorParseError, ValueError, TypeError) as error:
        raise ThemeError(f"{path}: invalid colours: {error}", hint="Check the variables.") from error
    return theme


def choose(name: str, available: Sequence[str]) -> tuple[str, ThemeError | None]:
    """The theme with a name from the settings; else the default and the error."""
    name = SHORT_NAMES.get(name, name) or DEFAULT
    if name in available:
        return name, None
    near = get_close_matches(name, available, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Press ctrl+p and choose Theme to list all themes."
    return DEFAULT, ThemeError(f"Unknown theme {name!r} in appearance.theme", hint=hint)


def _check(path: Path, key: str, value: object) -> None:
    if key not in _FIELDS:
        near = get_close_matches(key, _FIELDS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Valid keys: {', '.join(_FIELDS)}."
        raise ThemeError(f"{path} has an unknown key {key!r}", hint=hint)
    kind = _TYPES.get(key)
    if kind is None:
        _check_colour(path, key, value)
    elif kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ThemeError(f"{path}: {key} is {value!r}", hint="Set a number from 0 to 1.")
    elif kind is bool:
        if not isinstance(value, bool):
            raise ThemeError(f"{path}: {key} is {value!r}", hint="Set true or false, without quotes.")
    elif not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ThemeError(f"{path}: {key} is {value!r}", hint='Set a table of strings: [variables] x = "…".')


def _check_colour(path: Path, key: str, value: object) -> None:
    hint = 'Set a colour, such as "#88c0d0" or "red".'
    if not isinstance(value, str):
        raise ThemeError(f"{path}: {key} is {value!r}", hint=hint)
    try:
        Color.parse(value)
    except ColorParseError as error:
        raise ThemeError(f"{path}: {key} is {value!r}", hint=hint) from error
