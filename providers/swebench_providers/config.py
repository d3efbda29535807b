"""The configuration of a provider: key, base URL, time limits; and the one that the environment gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec

from swebench_providers.auth import google as google_auth
from swebench_providers.catalog import AuthStyle, ProviderSpec, is_own_host
from swebench_providers.redaction.key_shapes import without_credentials
from swebench_providers.redaction.secret_names import SHORTEST, secrets_of_headers
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.secret import Secret

_TRAILING_SLASHES: Final = re.compile(r"[\s/]+$")
_INVALID_IN_HOST: Final = re.compile(r'[\s<>"\\^`{|}]')  # RFC 3986, 3.2.2; letters of every alphabet are left to DNS
_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_VERSION_FIELD: Final = "api-version"
_HTTPS_PORT: Final = 443
_LOCAL_NAMES: Final = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


class TimeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits in seconds: to connect, until the first text or thinking, between two pieces of it, and in total.

    A model that reasons, or is being loaded, can be silent for minutes (wire-contracts 5.0). Where `first_token` is
    None the limit of the model's family holds, else `idle`.
    """

    connect: float = 10.0
    first_token: float | None = None
    idle: float = 300.0
    total: float = 3600.0

    @property
    def until_first_token(self) -> float:
        return self.idle if self.first_token is None else self.first_token

    @property
    def silence(self) -> float:
        """The longest time in which nothing at all may arrive."""
        return max(self.until_first_token, self.idle)


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A user's configuration of a provider. None and empty fields have the values of the catalog.

    `base_url_source` is where the base URL comes from; a key of the environment is sent only to a base URL from the
    catalog or the environment, never to one given elsewhere. `auth` and `protocol` override the catalog. `base_models`
    maps names of the user's own, such as deployments, to the vendor's names, whose rules and prices hold for them.
    `prices` are the user's own, by model. `key_source` describes where the key comes from.
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
    auth: AuthStyle | None = None
    base_models: Mapping[str, str] = {}
    prices: Mapping[str, ModelPrice] = {}
    key_source: str | None = None
    base_url_source: Literal["catalog", "environment", "given"] = "catalog"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What a request of this configuration carries and no output may show: key, secret headers, proxy password."""
        password = _password(self.proxy)
        return (*filter(None, (self.api_key, password)), *secrets_of_headers(self.headers))


def from_environment(
    name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
) -> ProviderConfig:
    """The configuration from environment variables; a `base_url` that the caller gives comes first.

    Raises `ProviderError` (bad_endpoint) for an invalid base URL.
    """
    environment_url, protocol = _environment_address(spec, environ)
    key_variable = next((variable for variable in (*spec.token_env, *spec.env) if _value(environ, variable)), None)
    chosen = base_url or environment_url or spec.base_url
    url = normalise(chosen, spec) if chosen else None
    own = url is None or _key_belongs_to(url, spec, environment_url)
    if not own:
        key_variable = None
    keyless = google_auth.source(environ) if own and not key_variable and spec.keyless == "google" else None
    headers = {header: _expanded(value, environ) for header, value in spec.headers.items()}
    return ProviderConfig(
        name=name,
        api_key=Secret(_value(environ, key_variable)) if key_variable else None,
        key_source=f"environment: {key_variable}" if key_variable else keyless,
        auth="google" if keyless else "bearer" if key_variable in spec.token_env else None,
        base_url=url,
        base_url_source="given" if base_url else "environment" if environment_url else "catalog",
        headers={header: value for header, value in headers.items() if value is not None},
        protocol=None if base_url else protocol,
    )


def credential_hint(spec: ProviderSpec) -> str:
    """What to set so that a provider has credentials; completes a sentence that begins with "set"."""
    variables = " or ".join(spec.env)
    return f"{variables}, or run: {google_auth.LOGIN_COMMAND}" if spec.keyless == "google" else variables


def base_url_variables(spec: ProviderSpec) -> tuple[str, ...]:
    """The environment variables of which one must be set for a provider without a default base URL."""
    needed = (tuple(_VARIABLE.findall(address.url)) for address in spec.addresses)
    return (*(names[0] for names in needed if len(names) == 1), *spec.base_url_env)


def _environment_address(spec: ProviderSpec, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The base URL from the environment, and the protocol where it is not the provider's usual one."""
    for address in spec.addresses:
        url = _expanded(address.url, environ, usual_path=spec.default_path)
        if url is not None and all(_value(environ, name) in values for name, values in address.when.items()):
            return url, address.protocol
    return next((_value(environ, variable) for variable in spec.base_url_env if _value(environ, variable)), None), None


def _expanded(template: str, environ: Mapping[str, str], *, usual_path: str = "") -> str | None:
    """`template` with the values of its variables; None where one is not set.

    A value at the beginning is a base URL of its own, whose usual path the template replaces. Any other value is
    quoted, so that it changes nothing around it.
    """
    values = {name: _value(environ, name) for name in _VARIABLE.findall(template)}
    if not all(values.values()):
        return None

    def expanded(variable: re.Match[str]) -> str:
        value = values[variable[1]]
        if variable.start() > 0:
            return quote(value, safe=":", errors="replace")
        return value.rstrip("/").removesuffix(usual_path)

    return _VARIABLE.sub(expanded, template)


def _value(environ: Mapping[str, str], variable: str) -> str:
    return environ.get(variable, "").strip()


def _key_belongs_to(url: str, spec: ProviderSpec, environment_url: str | None) -> bool:
    """Whether a key of the environment may be sent to this address: the environment's, the catalog's, or an own host.

    A provider without a vendor, such as `compatible`, has no such address; its key goes wherever the user points it.
    """
    own = {_origin(normalise(known, spec)) for known in (environment_url, spec.base_url) if known}
    if _origin(url) in own or (is_own_host(spec, url) and url.startswith("https:")):
        return True
    return not own and not spec.hosts


def normalise(address: str, spec: ProviderSpec) -> str:
    """The base URL, without a trailing slash, for an address as users write it: `host`, `:port`, `host:port` or a URL.

    Without a scheme it is http for names and addresses of a private network and for ports of local servers. Anything
    else is https, so that no key crosses the internet in the clear.
    """
    text = address.strip()
    if text.startswith(":"):
        text = f"127.0.0.1{text}"
    bare = "://" not in text
    try:
        parts = urlsplit(f"http://{text}" if bare else text)
        port = parts.port
    except ValueError:
        raise _bad_address(address, "its host or port is invalid") from None
    if "@" in parts.netloc:
        raise _bad_address(address, "it contains credentials")
    if "[" in parts.netloc and not parts.netloc.startswith("["):
        raise _bad_address(address, "its host or port is invalid")
    if parts.scheme not in {"http", "https"} or not (parts.hostname or "").strip():
        raise _bad_address(address, "it is not an http or https address")
    if _INVALID_IN_HOST.search((parts.hostname or "").strip()):
        raise _bad_address(address, "its host has a character that no host name has")
    scheme = parts.scheme
    if bare and not _defaults_to_http(parts.hostname or "", port, spec):
        scheme = "https"
    netloc = parts.netloc.removesuffix(":").strip()
    if bare and port is None and spec.default_port:
        netloc = f"{netloc}:{spec.default_port}"
    path = _TRAILING_SLASHES.sub("", parts.path) or spec.default_path
    return urlunsplit((scheme, netloc, path, _api_version(parts.query), ""))


def _defaults_to_http(host: str, port: int | None, spec: ProviderSpec) -> bool:
    """Whether a host without a scheme is reached over http."""
    if port == _HTTPS_PORT:
        return False
    return _is_private(host.strip()) or (spec.local and bool(port or spec.default_port))


def _is_private(host: str) -> bool:
    """Whether `host` is of a private network: an address that is not global, or a name of a local network."""
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_NAMES)


def _api_version(query: str) -> str:
    """The query of an address, reduced to Azure's version; anything else, such as a key, does not belong there."""
    versions = parse_qs(query, errors="replace").get(_VERSION_FIELD)
    return urlencode({_VERSION_FIELD: versions[-1]}, errors="replace") if versions else ""


def _password(proxy: str | None) -> Secret | None:
    """The password in a proxy's address; None for one too short to be distinguished from other text."""
    try:
        password = unquote(urlsplit(proxy or "").password or "")
    except ValueError:
        return None
    return Secret(password) if len(password) >= SHORTEST else None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _bad_address(address: str, why: str) -> ProviderError:
    masked = without_credentials(address, malformed=True)
    return ProviderError(
        ErrorKind.BAD_ENDPOINT,
        f"invalid base URL {masked!r}: {why}",
        hint="Write it as http://HOST:PORT or https://HOST/PATH.",
    )
