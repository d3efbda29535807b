"""The columns that a comparison starts with."""

from __future__ import annotations

from swebench_providers import ProviderError
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError


def default_lineup() -> list[Target]:
    """The embedded model at temperatures 0 and 0.8, for when nothing is configured."""
    return [
        Target(provider="embedded", model="smollm2", temperature=0.0),
        Target(provider="embedded", model="smollm2", temperature=0.8),
    ]


def lineup_of(settings: Settings) -> tuple[list[Target], list[SettingsError]]:
    """The configured columns, or the defaults, and the errors of entries that are not a target."""
    targets, problems = list[Target](), list[SettingsError]()
    for text in settings.compare.lineup:
        try:
            targets.append(parse_target(text))
        except ProviderError as error:
            problems.append(SettingsError(f"compare.lineup: {error}", hint=error.hint))
    return targets or default_lineup(), problems
