"""Provider configurations from settings, environment and keys.

Address: command line, environment, project file, user file, catalog. Key: environment variable, `key_command`, stored
keys in their order; the first one allowed for the address is used:

    environment variable   as `swebench_providers.config` says, and never for an address only a project file names
    `key_command`          for the address of environment, user file or catalog; the same holds for `headers`
    stored key             for the scheme, host and port it was stored for
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from swebench_providers import ErrorKind, ProviderConfig, ProviderError, ProviderSpec, RateLimits, Secret, TimeLimits
from swebench_providers.config import from_environment
from swebench_tui.settings.definitions import ProviderSettings, RateLimitSettings, Settings, TimeLimitSettings
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.layers import Layer, Origin
from swebench_tui.settings.secrets.keys import Keys

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_DEFAULTS: Final = ProviderSettings()
_NO_LIMITS: Final = RateLimitSettings()
_FROM_COMMAND: Final = "command"


def host_of(url: str) -> str:
    """The scheme, host and non-default port of a URL: `https://api.openai.com/v1` gives `https://api.openai.com`.

    This is what a key is bound to. "" for an invalid URL, which equals the host of no key.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if not host or parts.scheme not in _DEFAULT_PORTS:
        return ""
    bracketed = f"[{host}]" if ":" in host else host
    suffix = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{bracketed}{suffix}"


def rate_limits(settings: Settings) -> dict[str, RateLimits]:
    """The configured rate limits by provider; providers without any follow the limits that their servers report."""
    return {
        name: RateLimits(**msgspec.structs.asdict(provider.rate_limits))
        for name, provider in settings.providers.items()
        if provider.rate_limits != _NO_LIMITS
    }


class _Candidate(msgspec.Struct, frozen=True):
    """A key allowed for the address. `config` names its source, and holds the key only if it is the environment's."""

    config: ProviderConfig
    read: Callable[[], Secret] | None = None

    def with_key(self) -> ProviderConfig:
        """Blocks; raises `KeyStoreError`."""
        return msgspec.structs.replace(self.config, api_key=self.read()) if self.read else self.config


class ProviderConfigs:
    """Builds the configurations of providers as the user has set them up. Thread-safe."""

    def __init__(
        self, *, settings: Callable[[], Settings], origin: Callable[[tuple[str, ...]], Origin], keys: Keys
    ) -> None:
        self._settings, self._origin, self._keys = settings, origin, keys

    def describe(
        self, name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
    ) -> ProviderConfig:
        """The configuration with the source of its key, without reading a keyring or file or running a command.

        Raises `ProviderError` (bad_endpoint) for an invalid address.
        """
        keyless, candidates = self._candidates(name, spec, environ, base_url)
        return next((candidate.config for candidate in candidates), keyless)

    def configure(
        self, name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
    ) -> ProviderConfig:
        """The configuration with the first of its keys.

        Blocks; raises `ProviderError` (bad_endpoint for an invalid address, auth for a key that cannot be read).
        """
        keyless, candidates = self._candidates(name, spec, environ, base_url)
        first = next(candidates, None)
        try:
            return first.with_key() if first else keyless
        except KeyStoreError as error:
            what, hint = str(error), error.hint
        raise ProviderError(ErrorKind.AUTH, what, hint=hint, reason="key_out_of_reach")

    def with_keys(self, name: str, spec: ProviderSpec, environ: Mapping[str, str]) -> dict[str, ProviderConfig]:
        """The configuration with each of its keys, by key source; by "" if it has none.

        A key that cannot be read is skipped, except the first, which is the one displayed everywhere. Blocks; raises
        `KeyStoreError` and `ProviderError`.
        """
        keyless, candidates = self._candidates(name, spec, environ, None)
        configs: dict[str, ProviderConfig] = {}
        for candidate in candidates:
            try:
                configs[candidate.config.key_source or ""] = candidate.with_key()
            except KeyStoreError:
                if not configs:
                    raise
        return configs or {"": keyless}

    def _candidates(
        self, name: str, spec: ProviderSpec, environ: Mapping[str, str], base_url: str | None
    ) -> tuple[ProviderConfig, Iterator[_Candidate]]:
        settings = self._settings().providers.get(name, _DEFAULTS)
        default = from_environment(name, spec, environ)
        config, trusted = self._with_address(name, spec, environ, default, base_url)
        config = self._complete(config, settings, trusted=trusted)
        keyless = msgspec.structs.replace(config, api_key=None, key_source=None, auth=settings.auth)
        return keyless, self._keys_for(config, keyless, spec, settings, trusted=trusted)

    def _with_address(
        self,
        name: str,
        spec: ProviderSpec,
        environ: Mapping[str, str],
        default: ProviderConfig,
        base_url: str | None,
    ) -> tuple[ProviderConfig, bool]:
        """The configuration with its address and the environment's key, and whether the address is trusted.

        A trusted address has the host that the user's own files and environment give; a project file alone cannot
        make one.
        """
        configured = self._settings().providers.get(name, _DEFAULTS).base_url
        in_project = (
            configured is not None and self._origin(("providers", name, "base_url")).layer is Layer.PROJECT_FILE
        )
        user_address = default.base_url
        if configured and not in_project and default.base_url_source != "environment":
            user_address = from_environment(name, spec, environ, base_url=configured).base_url
        chosen = base_url or (configured if default.base_url_source != "environment" else None)
        config = from_environment(name, spec, environ, base_url=chosen) if chosen else default
        trusted = config.base_url is None or (
            user_address is not None and host_of(config.base_url) == host_of(user_address)
        )
        if in_project and not base_url and not trusted and not (spec.hosts or default.base_url):
            config = msgspec.structs.replace(config, api_key=None, key_source=None, auth=None)
        return config, trusted

    def _complete(self, config: ProviderConfig, settings: ProviderSettings, *, trusted: bool) -> ProviderConfig:
        network = self._settings().network
        return msgspec.structs.replace(
            config,
            model=settings.model,
            headers={**config.headers, **settings.headers} if trusted else config.headers,
            proxy=settings.proxy or network.proxy,
            ca_bundle=settings.ca_bundle or network.ca_bundle,
            time_limits=_time_limits(settings.time_limits),
            protocol=settings.protocol or config.protocol,
            auth=settings.auth or config.auth,
            base_models=settings.base_models,
        )

    def _keys_for(
        self,
        config: ProviderConfig,
        keyless: ProviderConfig,
        spec: ProviderSpec,
        settings: ProviderSettings,
        *,
        trusted: bool,
    ) -> Iterator[_Candidate]:
        if spec.embedded or spec.auth == "none":
            return
        name = config.name
        if config.key_source:
            yield _Candidate(config)
        if settings.key_command and trusted:
            command = settings.key_command
            yield _Candidate(_from(keyless, _FROM_COMMAND), lambda: self._keys.from_command(name, command))
        for entry in settings.keys:
            if config.base_url and entry.host and host_of(entry.host) == host_of(config.base_url):
                source = _from(keyless, f"{entry.storage}: {entry.label}")
                yield _Candidate(source, lambda entry=entry: self._keys.read(name, entry))  # type: ignore[misc]


def _from(keyless: ProviderConfig, source: str) -> ProviderConfig:
    return msgspec.structs.replace(keyless, key_source=source)


def _time_limits(settings: TimeLimitSettings) -> TimeLimits:
    configured = {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}
    return msgspec.structs.replace(TimeLimits(), **configured)
