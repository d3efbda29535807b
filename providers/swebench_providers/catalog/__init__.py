"""Providers and model families as data: one TOML file each, checked strictly, read on first use.

`providers/NAME.toml` states where a provider is and how it differs, `families/NAME.toml` what its models accept. A file
with an unknown key or a value out of range is refused with its name and the key (see `ProviderSpec`, `ModelProfile`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from swebench_providers.catalog.profiles import ModelProfile
from swebench_providers.catalog.spec import Address, AuthStyle, ProtocolName, ProviderSpec
from swebench_providers.util.prefix import longest_prefix

__all__ = [
    "Address",
    "AuthStyle",
    "CatalogError",
    "ProtocolName",
    "ProviderSpec",
    "is_own_host",
    "profile_of",
    "provider_names",
    "provider_spec",
    "read_spec",
]

T = TypeVar("T")

_LONG_THINKING: Final = 1800.0  # seconds


class CatalogError(Exception):
    """An invalid catalog file; the message names file and key."""


class _Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The models whose id begins with one of `match`, and their rules."""

    match: tuple[str, ...]
    profile: ModelProfile = ModelProfile()


class _FamilyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`responses_only`: words in an id that mean Responses API only, no sampling parameters, always reasoning."""

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
    """The providers of this package, in alphabetical order. Reads no file."""
    found = (entry.name for entry in (files(__name__) / "providers").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def provider_spec(name: str) -> ProviderSpec:
    """The specification of a provider of this package."""
    return read_spec(_text("providers", name), f"catalog/providers/{name}.toml")


def profile_of(spec: ProviderSpec, model: str) -> ModelProfile:
    """The rules for `model`: those of the longest prefix in the provider's family files.

    A router's id begins with its author (`openai/gpt-6-sol`), which is not part of the family's prefix.
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
    delimited = f"-{name.partition(':')[0]}-"
    if not any(f"-{word}-" in delimited for word in file.responses_only):
        return profile
    efforts = tuple(effort for effort in profile.efforts if effort != "none")
    return msgspec.structs.replace(
        profile,
        needs_responses=True,
        sampling="no",
        efforts=efforts,
        default_effort=profile.default_effort if profile.default_effort in efforts else None,
        first_token=_LONG_THINKING,
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
