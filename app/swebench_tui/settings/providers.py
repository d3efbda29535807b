"""Providers in the settings: custom providers, and the readiness of each provider."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from difflib import get_close_matches
from typing import Final, NamedTuple

import msgspec

from swebench_providers import ProviderConfig, ProviderError, ProviderRegistry, ProviderSpec, catalog
from swebench_providers.auth import google as google_auth
from swebench_providers.catalog import plugins
from swebench_providers.config import base_url_variables, credential_hint, normalise
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.terminal_text import one_line

INIT_COMMAND: Final = "swebench-tui provider init"

_VALID_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # no colon: a column is named PROVIDER:MODEL
_NAME_HINT: Final = "Use up to 40 lowercase letters, digits, - and _, starting with a letter or digit."


class ProviderProblem(NamedTuple):
    """What is wrong with a provider in the settings. `path` is the setting at fault."""

    path: SettingPath
    what: str
    hint: str


def known_providers() -> set[str]:
    """The providers of the catalog and of plugins."""
    return {*catalog.provider_names(), *plugins.find()}


def check_new(name: str, spec: ProviderSpec, base_url: str) -> None:
    """Raises `SettingsError` for a taken or invalid name, and for an invalid address."""
    if name in known_providers():
        raise SettingsError(f"provider {name!r} already exists", hint="Choose another name.")
    if not _VALID_NAME.fullmatch(name):
        raise SettingsError(f"{name[:40]!r} is not a valid provider name", hint=_NAME_HINT)
    try:
        normalise(base_url, spec)
    except ProviderError as error:
        what, hint = str(error), error.hint
    else:
        return
    raise SettingsError(what, hint=hint)


def provider_problem(name: str, like: str) -> ProviderProblem | None:
    """Why a provider in the settings cannot be used; None if it can."""
    path = ("providers", name)
    if not like and name in catalog.provider_names():
        return None
    known = known_providers()
    like_path = (*path, "like")
    if name in known:
        what = f"{dotted(like_path)} has no effect: {name} is a built-in provider"
        return ProviderProblem(like_path, what, "Remove it, or choose another name.") if like else None
    if not like:
        hint = f'{_did_you_mean(name, known)} For a custom provider, set like = "compatible".'.strip()
        return ProviderProblem(path, f"{dotted(path)}: unknown provider", hint)
    if like not in known:
        hint = _did_you_mean(like, known) or f"Known providers: {', '.join(sorted(known))}."
        return ProviderProblem(like_path, f"{dotted(like_path)} names an unknown provider", hint)
    if not _VALID_NAME.fullmatch(name):
        return ProviderProblem(path, f"{dotted(path)} is not a valid provider name", _NAME_HINT)
    return None


def custom_spec(name: str, like: ProviderSpec) -> ProviderSpec:
    """The spec of a custom provider: it has the API of `like`, but not its addresses, keys, trusted hosts or prices.

    Its environment variable is derived from its name.
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


class CustomProviders:
    """Keeps the custom providers of a registry in step with the settings. Thread-safe."""

    def __init__(self, registry: ProviderRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._settings: Settings | None = None
        self._likes: dict[str, str] = {}

    def follow(self, settings: Settings) -> None:
        """Register and unregister providers as needed; cheap if the settings have not changed."""
        with self._lock:
            if settings is self._settings:
                return
            self._settings = settings
            wanted = {
                name: custom.like
                for name, custom in settings.providers.items()
                if provider_problem(name, custom.like) is None and custom.like
            }
            for name in [name for name, like in self._likes.items() if wanted.get(name) != like]:
                self._registry.unregister(name)
            for name, like in wanted.items():
                if self._likes.get(name) != like:
                    self._registry.register(name, custom_spec(name, self._registry.spec(like)))
            self._likes = wanted


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a provider is configured. `to_do` is the next step for the user, "" if it is ready.

    Whether a `local` server is running is not known before a request.
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
    """Inspect configuration and environment. Sends nothing, and raises nothing for a listed provider.

    `configure` gives the configuration with the source of its key but without the key; None uses the registry's, which
    reads the key too.
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
    except ProviderError as error:  # an invalid address in the environment
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
        from swebench_providers.embedded.process import INSTALL_COMMAND, missing  # noqa: PLC0415 - seldom needed

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


def _did_you_mean(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""
