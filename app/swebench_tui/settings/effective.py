"""One setting as it holds, with where it came from: files, environment, keys, or what is usual."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from swebench_providers import ProviderError, ProviderRegistry, ProviderSpec, TimeLimits
from swebench_providers.config import from_environment
from swebench_tui.settings.layers import Layer, LayeredSettings, Origin
from swebench_tui.settings.toml_positions import SettingPath

_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_PROXIES: Final = ("https_proxy", "all_proxy", "http_proxy")
_EDITORS: Final = ("VISUAL", "EDITOR")

_USUAL_LIMITS: Final = TimeLimits()

KEY: Final = "key"
"""In place of a provider's setting: whether there is a key, and where. It is no setting, since no file has it."""


class Variable(NamedTuple):
    """`name` may be several, where an address is made of them."""

    name: str
    value: str


def address_variable(name: str, spec: ProviderSpec, environ: Mapping[str, str]) -> Variable | None:
    """A provider's address, and what gives it."""
    try:
        config = from_environment(name, spec, environ)
    except ProviderError:
        config = None
    if config is not None and config.base_url_source != "environment":
        return None
    value = (config.base_url if config else None) or ""
    return Variable(_address_variables(spec, environ), value)


def key_variable(spec: ProviderSpec, environ: Mapping[str, str]) -> str | None:
    """The variable that has a key for a provider. Whether it may go to the provider's address is another question."""
    return next((name for name in (*spec.token_env, *spec.env) if _value(environ, name)), None)


def proxy_variable(environ: Mapping[str, str]) -> Variable | None:
    """The proxy for https, else for everything, else for http, as `urllib` reads them: lower case before upper case."""
    for name in _PROXIES:
        for spelling in (name, name.upper()):
            if spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
                continue  # in a CGI script a request's header would be it
            if spelling in environ:
                if environ[spelling]:
                    return Variable(spelling, environ[spelling])
                break
    return None


def editor_variable(environ: Mapping[str, str]) -> Variable | None:
    """The editor of all programs."""
    return next((Variable(name, _value(environ, name)) for name in _EDITORS if _value(environ, name)), None)


def _address_variables(spec: ProviderSpec, environ: Mapping[str, str]) -> str:
    for template in spec.addresses:
        names = _VARIABLE.findall(template.url)
        if all(_value(environ, name) for name in names) and all(
            _value(environ, name) in values for name, values in template.when.items()
        ):
            return ", ".join(names)
    return next((name for name in spec.base_url_env if _value(environ, name)), "")


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


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
            return _before_all_programs(path, layers, proxy_variable(environ))
        case ("editor",):
            return _before_all_programs(path, layers, editor_variable(environ))
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
    variable = address_variable(name, spec, environ) if spec else None
    if variable:
        return Effective(variable.value, Origin(Layer.ENVIRONMENT, variable.name))
    return Effective(held[1], held[0]) if held else _usual(path, registry)


def _before_all_programs(path: SettingPath, layers: LayeredSettings, variable: Variable | None) -> Effective:
    held = layers.holder(path)
    if held and held[1]:
        return Effective(held[1], held[0])
    if variable:
        return Effective(variable.value, Origin(Layer.ENVIRONMENT, variable.name))
    return Effective(None, Origin(Layer.DEFAULT))


def _key(name: str, layers: LayeredSettings, environ: Mapping[str, str], registry: ProviderRegistry) -> Effective:
    """The key that is tried first; which address it may go to is decided where it is sent."""
    spec = _spec(registry, name)
    variable = key_variable(spec, environ) if spec else None
    if variable:
        return Effective(True, Origin(Layer.ENVIRONMENT, variable))  # noqa: FBT003 - that there is one
    command = layers.holder(("providers", name, "key_command"))
    if command:
        return Effective(True, command[0])  # noqa: FBT003
    settings = layers.settings.providers.get(name)
    if settings and settings.keys:
        first = settings.keys[0]
        return Effective(True, Origin(Layer.KEYRING, f"{first.label} (in the {first.storage})"))  # noqa: FBT003
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
