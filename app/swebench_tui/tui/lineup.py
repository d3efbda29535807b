"""The columns a comparison starts with."""

from __future__ import annotations

from swebench_providers import ProviderError
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError


def default_lineup() -> list[Target]:
    """Without settings: the embedded model twice, at two temperatures."""
    return [
        Target(provider="embedded", model="smollm2", temperature=0.0),
        Target(provider="embedded", model="smollm2", temperature=0.8),
    ]


def lineup_of(settings: Settings) -> tuple[list[Target], list[SettingsError]]:
    """The line-up of the settings, else the default, and the errors of entries that are no target."""
    targets, errors = list[Target](), list[SettingsError]()
    for text in settings.compare.lineup:
        try:
            targets.append(parse_target(text))
        except ProviderError as error:
            errors.append(SettingsError(f"compare.lineup: {error}", hint=error.hint))
    return targets or default_lineup(), errors
