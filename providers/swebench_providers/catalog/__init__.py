"""Providers and model families as data: one TOML file each, checked strictly, read on first use.

`providers/NAME.toml` says where a provider is and how it differs; `families/NAME.toml` what its models take. A file
with an unknown key or a value out of range is refused with its name and the key (see `ProviderSpec`, `ModelProfile`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal, TypeVar

import msgspec

from swebench_providers.profiles import ModelProfile, Quirks

T = TypeVar("T")


class CatalogError(Exception):
    """A catalog file that cannot be used; the message names file and key."""


class ProviderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider, as its TOML file says.

    `base_url` is None where there is no usual address. `default_port` and `default_path` complete an address the user
    gives without them. `env` and `base_url_env` are looked up in order. `local` servers need no key.
    `price`: `list` looks the model up in `genai-prices` under `prices_id`; `free` costs nothing; `unknown` stays so.
    `families` are the files its model rules come from. `default_model` is used where the user names none.
    """

    title: str
    protocol: Literal["openai_chat", "anthropic_messages", "ollama_chat"]
    base_url: str | None = None
    default_port: int | None = None
    default_path: str = ""
    auth: Literal["bearer", "api-key", "x-api-key", "none"] = "bearer"
    env: tuple[str, ...] = ()
    base_url_env: tuple[str, ...] = ()
    local: bool = False
    embedded: bool = False
    price: Literal["list", "free", "unknown"] = "unknown"
    prices_id: str = ""
    default_model: str = ""
    families: tuple[str, ...] = ()
    quirks: Quirks = Quirks()


class _Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models whose id starts with one of `match`, and their rules."""

    match: tuple[str, ...]
    profile: ModelProfile = ModelProfile()


class _FamilyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    family: tuple[_Family, ...]


def read_spec(text: str, source: str) -> ProviderSpec:
    """A provider from TOML. Raises `CatalogError` naming `source` and the key."""
    return _read(text, source, ProviderSpec)


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
    candidates = [
        (prefix, family.profile)
        for file in spec.families
        for family in _families(file)
        for prefix in family.match
        if name.startswith(prefix)
    ]
    return max(candidates, key=lambda found: len(found[0]), default=("", ModelProfile()))[1]


@cache
def _families(name: str) -> tuple[_Family, ...]:
    return _read(_text("families", name), f"catalog/families/{name}.toml", _FamilyFile).family


def _text(folder: str, name: str) -> str:
    return (files(__name__) / folder / f"{name}.toml").read_text("utf-8")


def _read(text: str, source: str, into: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(text), into)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogError(f"{source}: {error}") from error
