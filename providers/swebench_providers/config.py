"""How one user reaches one provider: key, address, limits. What comes from the environment is read when asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from swebench_providers.catalog import ProviderSpec
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.secret import Secret

_CREDENTIALS: Final = re.compile(r"^(\w+://)?.*@", re.DOTALL)


class TimeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. `idle` is the longest silence between two pieces of an answer, its first one included: a model that
    reasons, or loads, can be silent for minutes (api-contracts 5.0).
    """

    connect: float = 10.0
    idle: float = 300.0


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a user set for a provider. None and empty mean: as the catalog says.

    `base_url_source` says where the address came from; a key found in the environment goes only to an address that
    comes from the catalog or from the environment too, never to one named elsewhere.
    """

    name: str
    api_key: Secret | None = None
    base_url: str | None = None
    model: str | None = None
    headers: Mapping[str, str] = {}
    proxy: str | None = None
    ca_bundle: str | None = None
    time_limits: TimeLimits = TimeLimits()
    protocol: str | None = None
    key_source: str | None = None
    base_url_source: Literal["catalog", "environment", "given"] = "catalog"


def from_environment(
    name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
) -> ProviderConfig:
    """The configuration that the environment gives, with an address that the caller may name.

    Raises `ProviderError` (bad_endpoint) for an address that is none.
    """
    variable = next((variable for variable in spec.base_url_env if environ.get(variable, "").strip()), None)
    set_url = environ[variable].strip() if variable else None
    key_variable = next((variable for variable in spec.env if environ.get(variable, "").strip()), None)
    chosen = base_url or set_url or spec.base_url
    url = normalise(chosen, spec) if chosen else None
    trusted = {normalise(known, spec) for known in (set_url, spec.base_url) if known}
    if key_variable and url is not None and trusted and _origin(url) not in {_origin(known) for known in trusted}:
        key_variable = None  # the key belongs to another host
    return ProviderConfig(
        name=name,
        api_key=Secret(environ[key_variable].strip()) if key_variable else None,
        key_source=f"environment: {key_variable}" if key_variable else None,
        base_url=url,
        base_url_source="given" if base_url else "environment" if set_url else "catalog",
    )


def normalise(address: str, spec: ProviderSpec) -> str:
    """An address as users write it (`host`, `:port`, `host:port`, a URL) as a base URL without a trailing slash."""
    text = address.strip()
    if text.startswith(":"):
        text = f"127.0.0.1{text}"
    bare = "://" not in text
    try:
        parts = urlsplit(f"http://{text}" if bare else text)
        port = parts.port
    except ValueError:
        raise _bad_address(address, "its host or port cannot be read") from None
    if "@" in parts.netloc:
        raise _bad_address(address, "it carries credentials")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _bad_address(address, "it is not an http or https address")
    netloc = parts.netloc.removesuffix(":")
    if bare and port is None and spec.default_port:
        netloc = f"{netloc}:{spec.default_port}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/") or spec.default_path, "", ""))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _bad_address(address: str, why: str) -> ProviderError:
    shown = _CREDENTIALS.sub(r"\1…@", address)
    return ProviderError(
        ErrorKind.BAD_ENDPOINT,
        f"the base URL {shown!r} cannot be used: {why}",
        hint="Write it as http://HOST:PORT or https://HOST/PATH.",
    )
