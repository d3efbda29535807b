"""How one user reaches one provider: key, address, limits. What comes from the environment is read when asked for."""

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

_TRAILING: Final = re.compile(r"[\s/]+$")
_NOT_IN_A_HOST: Final = re.compile(r'[\s<>"\\^`{|}]')  # RFC 3986, 3.2.2; letters of every alphabet are left to DNS
_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_VERSION: Final = "api-version"
_HTTPS_PORT: Final = 443
_LOCAL_NAMES: Final = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


class TimeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: until the connection stands, until the first piece of text or thinking, between two pieces, in all.

    A model that reasons, or is being loaded, can be silent for minutes (api-contracts 5.0). Where `first_token` is None
    the model's family says how long, else it is as `idle`.
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
    """What a user set for a provider. None and empty mean: as the catalog says.

    `base_url_source` says where the address came from; a key found in the environment goes only to an address that
    comes from the catalog or from the environment too, never to one named elsewhere. `auth` is how the key is shown,
    and `protocol` what is spoken, where it is not as the catalog says. `base_models` gives the vendor's name, whose
    rules and prices hold, for each name of one's own, such as a deployment's. `prices` are the user's own, by model.
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
    """The configuration that the environment gives, with an address that the caller may name.

    Raises `ProviderError` (bad_endpoint) for an address that is none.
    """
    set_url, protocol = _set_address(spec, environ)
    key_variable = next((variable for variable in (*spec.token_env, *spec.env) if _value(environ, variable)), None)
    chosen = base_url or set_url or spec.base_url
    url = normalise(chosen, spec) if chosen else None
    own = url is None or _may_see_the_key(url, spec, set_url)
    if not own:
        key_variable = None
    keyless = google_auth.source(environ) if own and not key_variable and spec.keyless == "google" else None
    headers = {header: _filled(value, environ) for header, value in spec.headers.items()}
    return ProviderConfig(
        name=name,
        api_key=Secret(_value(environ, key_variable)) if key_variable else None,
        key_source=f"environment: {key_variable}" if key_variable else keyless,
        auth="google" if keyless else "bearer" if key_variable in spec.token_env else None,
        base_url=url,
        base_url_source="given" if base_url else "environment" if set_url else "catalog",
        headers={header: value for header, value in headers.items() if value is not None},
        protocol=None if base_url else protocol,
    )


def way_in(spec: ProviderSpec) -> str:
    """What gives a provider its key, in words that follow `set`."""
    variables = " or ".join(spec.env)
    return f"{variables}, or run: {google_auth.LOGIN_COMMAND}" if spec.keyless == "google" else variables


def address_variables(spec: ProviderSpec) -> tuple[str, ...]:
    """The variables of which one has to be set for a provider without a usual address."""
    needed = (tuple(_VARIABLE.findall(address.url)) for address in spec.addresses)
    return (*(names[0] for names in needed if len(names) == 1), *spec.base_url_env)


def _set_address(spec: ProviderSpec, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The address the environment gives, and the protocol spoken there where it is another than the usual one."""
    for address in spec.addresses:
        url = _filled(address.url, environ, usual_path=spec.default_path)
        if url is not None and all(_value(environ, name) in values for name, values in address.when.items()):
            return url, address.protocol
    return next((_value(environ, variable) for variable in spec.base_url_env if _value(environ, variable)), None), None


def _filled(template: str, environ: Mapping[str, str], *, usual_path: str = "") -> str | None:
    """`template` with the values of its variables; None where one is not set.

    A value it begins with is an address of its own, whose usual path the template replaces. Any other one is quoted, so
    that it changes nothing around it.
    """
    values = {name: _value(environ, name) for name in _VARIABLE.findall(template)}
    if not all(values.values()):
        return None

    def filled(variable: re.Match[str]) -> str:
        value = values[variable[1]]
        if variable.start() > 0:
            return quote(value, safe=":", errors="replace")
        return value.rstrip("/").removesuffix(usual_path)

    return _VARIABLE.sub(filled, template)


def _value(environ: Mapping[str, str], variable: str) -> str:
    return environ.get(variable, "").strip()


def _may_see_the_key(url: str, spec: ProviderSpec, set_url: str | None) -> bool:
    """Whether a key of the environment belongs to this address: the environment's, the catalog's, or of its hosts.

    A provider that belongs to nobody has no such address; its key goes wherever the user points it.
    """
    own = {_origin(normalise(known, spec)) for known in (set_url, spec.base_url) if known}
    if _origin(url) in own or (is_own_host(spec, url) and url.startswith("https:")):
        return True
    return not own and not spec.hosts


def normalise(address: str, spec: ProviderSpec) -> str:
    """An address as users write it (`host`, `:port`, `host:port`, a URL) as a base URL without a trailing slash.

    Without a scheme it is http for what is near: names and addresses of a private network, and the ports of local
    servers. Anything else is https, so that no key goes over the internet in the clear.
    """
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
    if "[" in parts.netloc and not parts.netloc.startswith("["):
        raise _bad_address(address, "its host or port cannot be read")
    if parts.scheme not in {"http", "https"} or not (parts.hostname or "").strip():
        raise _bad_address(address, "it is not an http or https address")
    if _NOT_IN_A_HOST.search((parts.hostname or "").strip()):
        raise _bad_address(address, "no host is written so")
    scheme = parts.scheme
    if bare and not _speaks_plainly(parts.hostname or "", port, spec):
        scheme = "https"
    netloc = parts.netloc.removesuffix(":").strip()
    if bare and port is None and spec.default_port:
        netloc = f"{netloc}:{spec.default_port}"
    path = _TRAILING.sub("", parts.path) or spec.default_path
    return urlunsplit((scheme, netloc, path, _api_version(parts.query), ""))


def _speaks_plainly(host: str, port: int | None, spec: ProviderSpec) -> bool:
    """Whether a host named without a scheme is meant over http."""
    if port == _HTTPS_PORT:
        return False
    return _is_near(host.strip()) or (spec.local and bool(port or spec.default_port))


def _is_near(host: str) -> bool:
    """Whether the internet cannot know `host`: an address that is not global, or a name of a local network."""
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_NAMES)


def _api_version(query: str) -> str:
    """Of an address' query only Azure's version is kept; anything else, such as a key, has no place in it."""
    versions = parse_qs(query, errors="replace").get(_VERSION)
    return urlencode({_VERSION: versions[-1]}, errors="replace") if versions else ""


def _password(proxy: str | None) -> Secret | None:
    """The password in a proxy's address; None for one too short to be told from other text."""
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
        f"the base URL {masked!r} cannot be used: {why}",
        hint="Write it as http://HOST:PORT or https://HOST/PATH.",
    )
