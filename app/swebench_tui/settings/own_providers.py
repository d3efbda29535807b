"""Providers of the user's own: what they may be called, and whom they may be like."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from swebench_providers import ProviderError, ProviderSpec, catalog, plugins
from swebench_providers.config import normalise
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.paths_in_files import SettingPath

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # no colon: a column is named PROVIDER:MODEL
_NAMES: Final = "Use up to 40 small letters, digits, - and _, a letter or digit first."


def known_providers() -> set[str]:
    """Those that are there without settings."""
    return {*catalog.provider_names(), *plugins.find()}


def check_new(name: str, spec: ProviderSpec, base_url: str) -> None:
    """Raises `SettingsError` for a name that is taken or cannot be one, and for an address that is none."""
    if name in known_providers():
        raise SettingsError(f"there is a provider {name!r} already", hint="Choose another name.")
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{name[:40]!r} cannot be the name of a provider", hint=_NAMES)
    try:
        normalise(base_url, spec)
    except ProviderError as error:
        what, hint = str(error), error.hint
    else:
        return
    raise SettingsError(what, hint=hint)


def wrong_provider(name: str, like: str) -> tuple[SettingPath, str, str] | None:
    """What is wrong with a provider in the settings: where, what, and a hint; None where it can be used."""
    at = ("providers", name)
    if not like and name in catalog.provider_names():
        return None
    known = known_providers()
    if name in known:
        told = (*at, "like"), f"says nothing: {name} is there already", "Take it out, or choose another name."
        return told if like else None
    if not like:
        own = 'For a provider of your own, say what it is: like = "compatible".'
        return at, "is no provider", f"{_near(name, known)} {own}".strip()
    if like not in known:
        return (*at, "like"), "names no provider", _near(like, known) or f"There are: {', '.join(sorted(known))}."
    return None if _NAME.fullmatch(name) else (at, "cannot be the name of a provider", _NAMES)


def _near(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""
