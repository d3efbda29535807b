"""Themes and keymap of the settings, applied to the app. Each function returns problems as (title, message)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from textual.app import App

from swebench_tui import paths

Problems: TypeAlias = "list[tuple[str, str]]"


def load_themes(app: App[Any], selected: str) -> Problems:
    """Register the user's themes and use the `selected` one. Blocks: for before the event loop runs."""
    folder = paths.config() / "themes"
    if not selected and not folder.is_dir():
        return []
    from swebench_tui.tui import themes  # noqa: PLC0415 - few users have themes of their own

    loaded, errors = themes.load(folder)
    for theme in loaded:
        app.register_theme(theme)
    app.theme, error = themes.choose(selected, list(app.available_themes))
    errors += [error] if error else []
    return [("Theme not used", f"{error} → {error.hint}") for error in errors]


def theme_name(app: App[Any], selected: str) -> str:
    """The name of the `selected` theme, else of the default."""
    from swebench_tui.tui import themes  # noqa: PLC0415

    return themes.choose(selected, list(app.available_themes))[0]


def apply_keymap(app: App[Any], keymap: Mapping[str, str]) -> Problems:
    """Use the valid entries of a keymap."""
    if not keymap:
        app.set_keymap({})
        return []
    from swebench_tui.tui import actions  # noqa: PLC0415 - imports every screen

    valid, problems = actions.check(keymap, actions.actions())
    app.set_keymap(valid)
    return [("Key not used", f"{problem.what} → {problem.hint}") for problem in problems]
