"""How a provider is reached, out of settings, environment and keys.

Address: command line, environment, project file, user file, catalog. Key: environment variable, `key_command`, kept
keys in their order; the first one that may go to the address is used. Which may:

    an environment variable's   as `swebench_providers.config` says, and never to an address only a project file names
    a `key_command`'s           to the address of environment, user file or catalog, as the user's `headers` are
    a kept key                  to the scheme, host and port it was kept for
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from swebench_providers import ErrorKind, ProviderConfig, ProviderError, ProviderSpec, Secret, TimeLimits
from swebench_providers.config import from_environment
from swebench_providers.policies.rate_limits import RateLimits
from swebench_tui.settings.definitions import ProviderSettings, RateLimitSettings, Settings, TimeLimitSettings
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.layers import Layer, Origin
from swebench_tui.settings.secrets.keys import Keys

_USUAL: Final = {"http": 80, "https": 443}
_NOTHING: Final = ProviderSettings()
_KEYS_OWN: Final = "command"


def host_of(url: str) -> str:
    """`https://api.openai.com/v1` as `https://api.openai.com`; a port only where it is not the scheme's own.

    "" for what is no address, which equals no host of a key.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if not host or parts.scheme not in _USUAL:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, _USUAL[parts.scheme]} else "")


_UNSET = RateLimitSettings()


def rate_limits(settings: Settings) -> dict[str, RateLimits]:
    """By provider; those without any are left to what the server says."""
    return {
        name: RateLimits(**msgspec.structs.asdict(provider.rate_limits))
        for name, provider in settings.providers.items()
        if provider.rate_limits != _UNSET
    }


class _Source(msgspec.Struct, frozen=True):
    """A key that may go to the address. `config` says where it is from, and has the environment's key alone in it."""

    config: ProviderConfig
    read: Callable[[], Secret] | None = None

    def with_key(self) -> ProviderConfig:
        """Blocks; raises `KeyStoreError`."""
        return msgspec.structs.replace(self.config, api_key=self.read()) if self.read else self.config


class ProviderConfigs:
    """Configurations as the user has set them up. May be used from any thread."""

    def __init__(
        self, *, settings: Callable[[], Settings], origin: Callable[[tuple[str, ...]], Origin], keys: Keys
    ) -> None:
        self._settings, self._origin, self._keys = settings, origin, keys

    def outline(
        self, name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
    ) -> ProviderConfig:
        """How it would be reached, with the source of its key, for which no keyring, file or command is asked.

        Raises `ProviderError` (bad_endpoint) for an address that is none.
        """
        bare, sources = self._sources(name, spec, environ, base_url)
        return next((source.config for source in sources), bare)

    def configure(
        self, name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
    ) -> ProviderConfig:
        """With the first of its keys. Blocks; raises `ProviderError` (bad_endpoint, or auth for a key out of reach)."""
        bare, sources = self._sources(name, spec, environ, base_url)
        first = next(sources, None)
        try:
            return first.with_key() if first else bare
        except KeyStoreError as error:
            what, hint = str(error), error.hint
        raise ProviderError(ErrorKind.AUTH, what, hint=hint, reason="key_out_of_reach")

    def every(self, name: str, spec: ProviderSpec, environ: Mapping[str, str]) -> dict[str, ProviderConfig]:
        """With each of its keys, by where the key is from; by "" where it has none.

        One out of reach is left out, but not the first, which is the one that is shown everywhere. Blocks; raises
        `KeyStoreError` and `ProviderError`.
        """
        bare, sources = self._sources(name, spec, environ, None)
        found: dict[str, ProviderConfig] = {}
        for source in sources:
            try:
                found[source.config.key_source or ""] = source.with_key()
            except KeyStoreError:
                if not found:
                    raise
        return found or {"": bare}

    def _sources(
        self, name: str, spec: ProviderSpec, environ: Mapping[str, str], base_url: str | None
    ) -> tuple[ProviderConfig, Iterator[_Source]]:
        settings = self._settings().providers.get(name, _NOTHING)
        usual = from_environment(name, spec, environ)
        config, own = self._reached(name, spec, environ, usual, base_url)
        config = self._completed(config, settings, own=own)
        bare = msgspec.structs.replace(config, api_key=None, key_source=None, auth=settings.auth)
        return bare, self._keys_for(config, bare, spec, settings, own=own)

    def _reached(
        self,
        name: str,
        spec: ProviderSpec,
        environ: Mapping[str, str],
        usual: ProviderConfig,
        base_url: str | None,
    ) -> tuple[ProviderConfig, bool]:
        """The address with the environment's key, and whether the user alone, not a project, has set it up."""
        written = self._settings().providers.get(name, _NOTHING).base_url
        project = written is not None and self._origin(("providers", name, "base_url")).layer is Layer.PROJECT_FILE
        users = usual.base_url
        if written and not project and usual.base_url_source != "environment":
            users = from_environment(name, spec, environ, base_url=written).base_url
        chosen = base_url or (written if usual.base_url_source != "environment" else None)
        config = from_environment(name, spec, environ, base_url=chosen) if chosen else usual
        own = config.base_url is None or (users is not None and host_of(config.base_url) == host_of(users))
        if project and not base_url and not own and not (spec.hosts or usual.base_url):
            config = msgspec.structs.replace(config, api_key=None, key_source=None, auth=None)
        return config, own

    def _completed(self, config: ProviderConfig, settings: ProviderSettings, *, own: bool) -> ProviderConfig:
        network = self._settings().network
        return msgspec.structs.replace(
            config,
            model=settings.model,
            headers={**config.headers, **settings.headers} if own else config.headers,
            proxy=settings.proxy or network.proxy,
            ca_bundle=settings.ca_bundle or network.ca_bundle,
            time_limits=_time_limits(settings.time_limits),
            protocol=settings.protocol or config.protocol,
            auth=settings.auth or config.auth,
            base_models=settings.base_models,
        )

    def _keys_for(
        self, config: ProviderConfig, bare: ProviderConfig, spec: ProviderSpec, settings: ProviderSettings, *, own: bool
    ) -> Iterator[_Source]:
        if spec.embedded or spec.auth == "none":
            return
        name = config.name
        if config.key_source:
            yield _Source(config)
        if settings.key_command and own:
            command = settings.key_command
            yield _Source(_from(bare, _KEYS_OWN), lambda: self._keys.from_command(name, command))
        for kept in settings.keys:
            if config.base_url and kept.host and host_of(kept.host) == host_of(config.base_url):
                source = _from(bare, f"{kept.place}: {kept.label}")
                yield _Source(source, lambda kept=kept: self._keys.read(name, kept))  # type: ignore[misc]


def _from(bare: ProviderConfig, source: str) -> ProviderConfig:
    return msgspec.structs.replace(bare, key_source=source)


def _time_limits(settings: TimeLimitSettings) -> TimeLimits:
    set_here = {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}
    return msgspec.structs.replace(TimeLimits(), **set_here)
