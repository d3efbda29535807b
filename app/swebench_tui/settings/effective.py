"""One setting as it holds, with where it came from: files, environment, keys, or what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from swebench_providers import ProviderError, ProviderRegistry, ProviderSpec, TimeLimits
from swebench_tui.settings import variables
from swebench_tui.settings.layers import LayeredSettings
from swebench_tui.settings.origin import Layer, Origin
from swebench_tui.settings.paths_in_files import SettingPath

_USUAL_LIMITS: Final = TimeLimits()
KEY: Final = "key"
"""In place of a provider's setting: whether there is a key, and where. It is no setting, since no file has it."""


class Effective(msgspec.Struct, frozen=True):
    """`value` is None where there is none; of a key it is True."""

    value: object
    origin: Origin


def effective(
    path: SettingPath, layers: LayeredSettings, environ: Mapping[str, str], registry: ProviderRegistry
) -> Effective:
    """The value at a path as it stands in a file, or as environment or defaults give it."""
    match path:
        case ("providers", name, "key"):
            return _key(name, layers, environ, registry)
        case ("providers", name, "base_url"):
            return _base_url(path, name, layers, environ, registry)
        case ("network", "proxy"):
            return _before_all_programs(path, layers, variables.proxy(environ))
        case ("editor",):
            return _before_all_programs(path, layers, variables.editor(environ))
        case _:
            held = layers.holder(path)
            return Effective(held[1], held[0]) if held else _usual(path, registry)


def _base_url(
    path: SettingPath, name: str, layers: LayeredSettings, environ: Mapping[str, str], registry: ProviderRegistry
) -> Effective:
    held = layers.holder(path)
    if held and held[0].layer is Layer.COMMAND_LINE:
        return Effective(held[1], held[0])
    spec = _spec(registry, name)
    variable = variables.address(name, spec, environ) if spec else None
    if variable:
        return Effective(variable.value, Origin(Layer.ENVIRONMENT, variable.name))
    return Effective(held[1], held[0]) if held else _usual(path, registry)


def _before_all_programs(path: SettingPath, layers: LayeredSettings, variable: variables.Variable | None) -> Effective:
    held = layers.holder(path)
    if held and held[1]:
        return Effective(held[1], held[0])
    if variable:
        return Effective(variable.value, Origin(Layer.ENVIRONMENT, variable.name))
    return Effective(None, Origin(Layer.DEFAULT))


def _key(name: str, layers: LayeredSettings, environ: Mapping[str, str], registry: ProviderRegistry) -> Effective:
    """The key that is tried first; which address it may go to is decided where it is sent."""
    spec = _spec(registry, name)
    variable = variables.key(spec, environ) if spec else None
    if variable:
        return Effective(True, Origin(Layer.ENVIRONMENT, variable))  # noqa: FBT003 - that there is one
    command = layers.holder(("providers", name, "key_command"))
    if command:
        return Effective(True, command[0])  # noqa: FBT003
    settings = layers.settings.providers.get(name)
    if settings and settings.keys:
        first = settings.keys[0]
        return Effective(True, Origin(Layer.KEYRING, f"{first.label} (in the {first.place})"))  # noqa: FBT003
    return Effective(None, Origin(Layer.DEFAULT))


def _usual(path: SettingPath, registry: ProviderRegistry) -> Effective:
    value: object = None
    match path:
        case ("providers", name, "base_url"):
            value = spec.base_url if (spec := _spec(registry, name)) else None
        case ("providers", name, "model"):
            value = spec.default_model or None if (spec := _spec(registry, name)) else None
        case ("providers", _, "time_limits", limit):
            value = getattr(_USUAL_LIMITS, limit, None)
        case _:
            pass
    return Effective(value, Origin(Layer.DEFAULT))


def _spec(registry: ProviderRegistry, name: str) -> ProviderSpec | None:
    """None for a provider of the user's own, or of a package that cannot be loaded."""
    try:
        return registry.spec(name)
    except ProviderError:
        return None
