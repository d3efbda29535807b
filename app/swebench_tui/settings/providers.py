"""Providers as the settings name them: the user's own, and whether each one is ready."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from difflib import get_close_matches
from typing import Final

import msgspec

from swebench_providers import ProviderConfig, ProviderError, ProviderRegistry, ProviderSpec, catalog
from swebench_providers.auth import google as google_auth
from swebench_providers.catalog import plugins
from swebench_providers.config import base_url_variables, credential_hint, normalise
from swebench_providers.embedded.process import INSTALL_COMMAND, missing
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.terminal_text import one_line

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # no colon: a column is named PROVIDER:MODEL
_NAMES: Final = "Use up to 40 small letters, digits, - and _, a letter or digit first."
INIT_COMMAND: Final = "swebench-tui provider init"


def known_providers() -> set[str]:
    """Those that are there without settings."""
    return {*catalog.provider_names(), *plugins.find()}


def check_new(name: str, spec: ProviderSpec, base_url: str) -> None:
    """Raises `SettingsError` for a name that is taken or cannot be one, and for an address that is none."""
    if name in known_providers():
        raise SettingsError(f"there is a provider {name!r} already", hint="Choose another name.")
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{name[:40]!r} cannot be the name of a provider", hint=_NAMES)
    try:
        normalise(base_url, spec)
    except ProviderError as error:
        what, hint = str(error), error.hint
    else:
        return
    raise SettingsError(what, hint=hint)


def wrong_provider(name: str, like: str) -> tuple[SettingPath, str, str] | None:
    """What is wrong with a provider in the settings: where, what, and a hint; None where it can be used."""
    at = ("providers", name)
    if not like and name in catalog.provider_names():
        return None
    known = known_providers()
    if name in known:
        told = (*at, "like"), f"says nothing: {name} is there already", "Take it out, or choose another name."
        return told if like else None
    if not like:
        own = 'For a provider of your own, say what it is: like = "compatible".'
        return at, "is no provider", f"{_near(name, known)} {own}".strip()
    if like not in known:
        return (*at, "like"), "names no provider", _near(like, known) or f"There are: {', '.join(sorted(known))}."
    return None if _NAME.fullmatch(name) else (at, "cannot be the name of a provider", _NAMES)


def own_spec(name: str, like: ProviderSpec) -> ProviderSpec:
    """A provider of the user's own, which speaks as another one does but belongs to nobody known.

    Its variable is its name's; what the other costs says nothing about this one.
    """
    variable = f"{name.upper().replace('-', '_').replace('.', '_')}_API_KEY"
    return msgspec.structs.replace(
        like,
        title=name,
        base_url=None,
        env=(variable,),
        token_env=(),
        keyless="none",
        base_url_env=(),
        addresses=(),
        hosts=(),
        price=like.price if like.price == "free" else "unknown",
        batch_share=None,
    )


class OwnProviders:
    """Keeps a registry at what the settings say. May be used from any thread."""

    def __init__(self, registry: ProviderRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._followed: Settings | None = None
        self._likes: dict[str, str] = {}

    def follow(self, settings: Settings) -> None:
        """Costs nothing where they are the ones followed last."""
        with self._lock:
            if settings is self._followed:
                return
            self._followed = settings
            wanted = {
                name: own.like
                for name, own in settings.providers.items()
                if wrong_provider(name, own.like) is None and own.like
            }
            for name in [name for name, like in self._likes.items() if wanted.get(name) != like]:
                self._registry.unregister(name)
            for name, like in wanted.items():
                if self._likes.get(name) != like:
                    self._registry.register(name, own_spec(name, self._registry.spec(like)))
            self._likes = wanted


def _near(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What is set up for a provider. `to_do` is the next step in words, "" when it is ready.

    Whether a `local` server runs is not known before it is asked.
    """

    name: str
    title: str
    key_source: str | None
    base_url: str | None
    embedded: bool
    local: bool
    to_do: str

    @property
    def ready(self) -> bool:
        return not self.to_do


def readiness(
    registry: ProviderRegistry, name: str, *, configure: Callable[[str], ProviderConfig] | None = None
) -> Readiness:
    """Look at configuration and environment; sends nothing and raises nothing for a provider that is listed.

    `configure` says how it is reached and where its key is from, without the key; None asks the registry, which reads
    the key too.
    """
    try:
        spec = registry.spec(name)
    except ProviderError as error:  # a package that cannot be loaded
        return Readiness(
            name=name,
            title=name,
            key_source=None,
            base_url=None,
            embedded=False,
            local=False,
            to_do=one_line(str(error)),
        )
    try:
        config = (configure or registry.configure)(name)
    except ProviderError as error:  # an address in the environment that is none
        config, to_do = ProviderConfig(name=name), one_line(str(error))
    else:
        to_do = _to_do(spec, config)
    return Readiness(
        name=name,
        title=spec.title,
        key_source=config.key_source,
        base_url=config.base_url,
        embedded=spec.embedded,
        local=spec.local,
        to_do=to_do,
    )


def _to_do(spec: ProviderSpec, config: ProviderConfig) -> str:
    if spec.embedded:
        return "" if missing() is None else f"run: {INSTALL_COMMAND}"
    if config.base_url is None:
        return f"set {' or '.join(base_url_variables(spec))}"
    if config.auth == "google" and config.api_key is None:
        return "" if google_auth.installed() else f"run: {google_auth.INSTALL_COMMAND}"
    if not spec.local and config.key_source is None:
        return (
            f"set {credential_hint(spec)}"
            if config.base_url_source != "given"
            else f"run: {INIT_COMMAND} {config.name}"
        )
    return ""
