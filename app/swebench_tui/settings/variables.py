"""Environment variables that settings have. A provider's own come before the files, those of all programs after them.

OPENAI_BASE_URL             its address: whoever sets it means this provider, here and now
HTTPS_PROXY, VISUAL, EDITOR hold for every program, so what is set for this one alone comes before them
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from swebench_providers import ProviderError, ProviderSpec
from swebench_providers.config import from_environment

_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_PROXIES: Final = ("https_proxy", "all_proxy", "http_proxy")
_EDITORS: Final = ("VISUAL", "EDITOR")


class Variable(NamedTuple):
    """`name` may be several, where an address is made of them."""

    name: str
    value: str


def address(name: str, spec: ProviderSpec, environ: Mapping[str, str]) -> Variable | None:
    """A provider's address, and what gives it."""
    try:
        config = from_environment(name, spec, environ)
    except ProviderError:
        config = None
    if config is not None and config.base_url_source != "environment":
        return None
    value = (config.base_url if config else None) or ""
    return Variable(_address_variables(spec, environ), value)


def key(spec: ProviderSpec, environ: Mapping[str, str]) -> str | None:
    """The variable that has a key for a provider. Whether it may go to the provider's address is another question."""
    return next((name for name in (*spec.token_env, *spec.env) if _value(environ, name)), None)


def proxy(environ: Mapping[str, str]) -> Variable | None:
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


def editor(environ: Mapping[str, str]) -> Variable | None:
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
