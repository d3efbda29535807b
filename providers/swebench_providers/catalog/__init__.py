"""Providers and model families as data: one TOML file each, checked strictly, read on first use.

`providers/NAME.toml` says where a provider is and how it differs; `families/NAME.toml` what its models take. A file
with an unknown key or a value out of range is refused with its name and the key (see `ProviderSpec`, `ModelProfile`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.util.prefix import longest_prefix

T = TypeVar("T")

ProtocolName = Literal[
    "openai_chat", "openai_responses", "azure_deployments", "anthropic_messages", "ollama_chat", "gemini"
]
AuthStyle = Literal["bearer", "api-key", "x-api-key", "x-goog-api-key", "google", "none"]


class CatalogError(Exception):
    """A catalog file that cannot be used; the message names file and key."""


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base URL that the environment completes: a variable in braces stands for its value.

    It holds where every such variable is set and each variable of `when` has one of the values named there, of which
    "" is that it is not set. `protocol` is spoken there where it is another than the provider's usual one.
    """

    url: str
    when: Mapping[str, tuple[str, ...]] = {}
    protocol: ProtocolName | None = None


class ProviderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider, as its TOML file says.

    `base_url` is None where there is no usual address. `default_port` and `default_path` complete an address the user
    gives without them. `addresses`, then `base_url_env`, are looked up in order, and so are `token_env`, whose value is
    always shown as Bearer, then `env`. `keyless` is how to show who is asking where none of them is set: `google` is by
    Google's application default credentials. `hosts` are the domains that are the provider's own where `base_url` alone
    does not say it. `headers` go with every request; one with a variable in braces only where that is set.
    `responses_api`: it has OpenAI's Responses beside `protocol`, for what needs it. `local` servers need no key.
    `price`: `list` looks the model up in `genai-prices` under `prices_id`, in which `{route}` stands for what follows
    the colon of a model id; `free` costs nothing, but for models whose names match a pattern of `charged`, whose price
    is unknown; `unknown` stays so. `lists_prices`: its own list of models has prices. `batch_share` is what a batch job
    costs as a share of the usual price, None where there is no batch, or none whose price is known.
    `families` are the files its model rules come from. `default_model` is used where the user names none.
    `models` are those there are, where the provider has no list of them to ask for. `server` is the kind of local
    server it is, a module of `servers/kinds`: how its version, windows, slots and exact token counts are read.
    `count_endpoint` is where a provider that is no such server counts tokens, a key of `tokens.count_endpoints`.
    `slots` is how many requests for a model it usually runs at once, where the server itself does not report that.
    """

    title: str
    protocol: ProtocolName
    responses_api: bool = False
    base_url: str | None = None
    default_port: int | None = None
    default_path: str = ""
    auth: AuthStyle = "bearer"
    env: tuple[str, ...] = ()
    token_env: tuple[str, ...] = ()
    keyless: Literal["google", "none"] = "none"
    base_url_env: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    local: bool = False
    embedded: bool = False
    price: Literal["list", "free", "unknown"] = "unknown"
    prices_id: str = ""
    charged: tuple[str, ...] = ()
    lists_prices: bool = False
    batch_share: Decimal | None = None
    default_model: str = ""
    models: tuple[str, ...] | None = None
    server: str | None = None
    count_endpoint: Literal["openai_responses", "anthropic_messages", "gemini", "vertex"] | None = None
    slots: Annotated[int, msgspec.Meta(ge=1)] | None = None
    families: tuple[str, ...] = ()
    quirks: Quirks = Quirks()

    def is_free(self, model: str) -> bool:
        """Whether answers of `model` cost nothing, whatever was used."""
        return self.price == "free" and not any(fnmatchcase(model, pattern) for pattern in self.charged)


_THINKS_LONG: Final = 1800.0  # seconds


class _Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models whose id starts with one of `match`, and their rules."""

    match: tuple[str, ...]
    profile: ModelProfile = ModelProfile()


class _FamilyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`responses_only` are words of an id that say: Responses API, no sampling parameters, always reasoning."""

    family: tuple[_Family, ...]
    responses_only: tuple[str, ...] = ()


def read_spec(text: str, source: str) -> ProviderSpec:
    """A provider from TOML. Raises `CatalogError` naming `source` and the key."""
    spec = _read(text, source, ProviderSpec)
    if spec.server is not None and spec.server not in _server_kinds():
        known = ", ".join(sorted(_server_kinds()))
        raise CatalogError(f"{source}: unknown kind of server {spec.server!r}, expected one of {known} - at `$.server`")
    return spec


@cache
def provider_names() -> tuple[str, ...]:
    """The providers that come with the package, in alphabetical order. Reads no file."""
    found = (entry.name for entry in (files(__name__) / "providers").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def provider_spec(name: str) -> ProviderSpec:
    """The file of a provider that comes with the package."""
    return read_spec(_text("providers", name), f"catalog/providers/{name}.toml")


def profile_of(spec: ProviderSpec, model: str) -> ModelProfile:
    """The rules for `model`: of all prefixes in the provider's family files the longest holds.

    A router's id carries its author (`openai/gpt-6-sol`), which is not part of the family's prefix.
    """
    name = model.rpartition("/")[2].lower()
    families = {
        prefix: (family.profile, file)
        for file in map(_family_file, spec.families)
        for family in file.family
        for prefix in family.match
    }
    prefix = longest_prefix(families, name)
    if prefix is None:
        return ModelProfile()
    profile, file = families[prefix]
    words = f"-{name.partition(':')[0]}-"
    if not any(f"-{word}-" in words for word in file.responses_only):
        return profile
    efforts = tuple(effort for effort in profile.efforts if effort != "none")
    return msgspec.structs.replace(
        profile,
        needs_responses=True,
        sampling="no",
        efforts=efforts,
        default_effort=profile.default_effort if profile.default_effort in efforts else None,
        first_token=_THINKS_LONG,
    )


def is_own_host(spec: ProviderSpec, url: str | None) -> bool:
    """Whether `url` is below one of the provider's `hosts`."""
    host = urlsplit(url or "").hostname or ""
    return any(host == own or host.endswith(f".{own}") for own in spec.hosts)


@cache
def _family_file(name: str) -> _FamilyFile:
    return _read(_text("families", name), f"catalog/families/{name}.toml", _FamilyFile)


@cache
def _server_kinds() -> frozenset[str]:
    """The kinds of local servers, by the names of their modules. Imports none: this package is below theirs."""
    modules = (files(__name__.partition(".")[0]) / "servers" / "kinds").iterdir()
    names = {entry.name.removesuffix(".py") for entry in modules if entry.name.endswith(".py")}
    return frozenset(names - {"__init__"})


def _text(folder: str, name: str) -> str:
    return (files(__name__) / folder / f"{name}.toml").read_text("utf-8")


def _read(text: str, source: str, into: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(text), into)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogError(f"{source}: {error}") from error
