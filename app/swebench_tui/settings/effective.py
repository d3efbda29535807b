"""Effective values of settings with their origin: from command line, environment, files, stored keys or defaults.

A provider's own variables, such as OPENAI_BASE_URL, override the files: they are set for this provider. Variables that
all programs share, such as HTTPS_PROXY, VISUAL and EDITOR, are overridden by the files, which are for this program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from swebench_providers import ProviderError, ProviderRegistry, ProviderSpec, TimeLimits
from swebench_providers.config import from_environment
from swebench_tui.settings.definitions import ProviderSettings, Settings
from swebench_tui.settings.layers import Layer, LayeredSettings, Origin
from swebench_tui.settings.toml_positions import SettingPath

KEY: Final = "key"
"""The last name of the path of a provider's key. It is not a setting, since no file contains it."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_PROXIES: Final = ("https_proxy", "all_proxy", "http_proxy")
_EDITORS: Final = ("VISUAL", "EDITOR")
_DEFAULT_LIMITS: Final = TimeLimits()
_DEFAULTS: Final = Settings()
_PROVIDER_DEFAULTS: Final = ProviderSettings()


class Variable(NamedTuple):
    """An environment variable. `name` may list several, for an address that is made of them."""

    name: str
    value: str


class Effective(msgspec.Struct, frozen=True):
    """An effective value: None if there is none, True for a key, which is never shown."""

    value: object
    origin: Origin


def effective(
    path: SettingPath, layers: LayeredSettings, environ: Mapping[str, str], registry: ProviderRegistry
) -> Effective:
    """The effective value at a path, from whichever layer has the highest priority for it."""
    match path:
        case ("providers", name, "key"):
            return _key(name, layers, environ, registry)
        case ("providers", name, "base_url"):
            return _base_url(path, name, layers, environ, registry)
        case ("network", "proxy"):
            return _overriding(path, layers, proxy_variable(environ))
        case ("editor",):
            return _overriding(path, layers, editor_variable(environ))
        case _:
            found = layers.find(path)
            return Effective(found[1], found[0]) if found else _default(path, registry)


def address_variable(name: str, spec: ProviderSpec, environ: Mapping[str, str]) -> Variable | None:
    """The variable that sets a provider's address, None if none does."""
    try:
        config = from_environment(name, spec, environ)
    except ProviderError:
        config = None
    if config is not None and config.base_url_source != "environment":
        return None
    value = (config.base_url if config else None) or ""
    return Variable(_address_variables(spec, environ), value)


def key_variable(spec: ProviderSpec, environ: Mapping[str, str]) -> str | None:
    """The variable that holds a key for a provider. Whether the key is allowed for its address is not checked here."""
    return next((name for name in (*spec.token_env, *spec.env) if _value(environ, name)), None)


def proxy_variable(environ: Mapping[str, str]) -> Variable | None:
    """The proxy for https, all or http, in this order, as `urllib` reads them: lower case before upper case."""
    for name in _PROXIES:
        for spelling in (name, name.upper()):
            if spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
                continue  # in a CGI script the client's `Proxy` header would set it
            if spelling in environ:
                if environ[spelling]:
                    return Variable(spelling, environ[spelling])
                break
    return None


def editor_variable(environ: Mapping[str, str]) -> Variable | None:
    """The user's editor for all programs."""
    return next((Variable(name, _value(environ, name)) for name in _EDITORS if _value(environ, name)), None)


def _base_url(
    path: SettingPath, name: str, layers: LayeredSettings, environ: Mapping[str, str], registry: ProviderRegistry
) -> Effective:
    found = layers.find(path)
    if found and found[0].layer is Layer.COMMAND_LINE:
        return Effective(found[1], found[0])
    spec = _spec(registry, name)
    variable = address_variable(name, spec, environ) if spec else None
    if variable:
        return Effective(variable.value, Origin(Layer.ENVIRONMENT, variable.name))
    return Effective(found[1], found[0]) if found else _default(path, registry)


def _overriding(path: SettingPath, layers: LayeredSettings, variable: Variable | None) -> Effective:
    """A setting that overrides a variable which all programs share."""
    found = layers.find(path)
    if found and found[1]:
        return Effective(found[1], found[0])
    if variable:
        return Effective(variable.value, Origin(Layer.ENVIRONMENT, variable.name))
    return Effective(None, Origin(Layer.DEFAULT))


def _key(name: str, layers: LayeredSettings, environ: Mapping[str, str], registry: ProviderRegistry) -> Effective:
    """The key that is tried first. Whether it is allowed for the address is decided when it is sent."""
    spec = _spec(registry, name)
    variable = key_variable(spec, environ) if spec else None
    if variable:
        return Effective(True, Origin(Layer.ENVIRONMENT, variable))  # noqa: FBT003 - a key exists
    command = layers.find(("providers", name, "key_command"))
    if command:
        return Effective(True, command[0])  # noqa: FBT003
    settings = layers.settings.providers.get(name)
    if settings and settings.keys:
        first = settings.keys[0]
        return Effective(True, Origin(Layer.KEYRING, f"{first.label} (in the {first.storage})"))  # noqa: FBT003
    return Effective(None, Origin(Layer.DEFAULT))


def _default(path: SettingPath, registry: ProviderRegistry) -> Effective:
    value: object = None
    match path:
        case ("providers", name, "base_url"):
            value = spec.base_url if (spec := _spec(registry, name)) else None
        case ("providers", name, "model"):
            value = spec.default_model or None if (spec := _spec(registry, name)) else None
        case ("providers", _, "time_limits", limit):
            value = getattr(_DEFAULT_LIMITS, limit, None)
        case _:
            value = defined_default(path)
    return Effective(value, Origin(Layer.DEFAULT))


def defined_default(path: SettingPath, settings: msgspec.Struct = _DEFAULTS) -> object:
    """The default that the definitions give a setting; None if that is empty, which means that there is none."""
    of_provider = path[0] == "providers" and len(path) > 2
    value: object = _PROVIDER_DEFAULTS if of_provider else settings
    for name in path[2:] if of_provider else path:
        value = getattr(value, name, None) if isinstance(value, msgspec.Struct) else None
    return value if isinstance(value, str | int | float | tuple) and value not in {"", ()} else None


def _spec(registry: ProviderRegistry, name: str) -> ProviderSpec | None:
    """None for an unknown provider, or a plugin that cannot be loaded."""
    try:
        return registry.spec(name)
    except ProviderError:
        return None


def _address_variables(spec: ProviderSpec, environ: Mapping[str, str]) -> str:
    for template in spec.addresses:
        names = _PLACEHOLDER.findall(template.url)
        if all(_value(environ, name) for name in names) and all(
            _value(environ, name) in values for name, values in template.when.items()
        ):
            return ", ".join(names)
    return next((name for name in spec.base_url_env if _value(environ, name)), "")


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
