"""Providers by name: the catalog's, those of other packages, and those registered in code.

Listing names reads nothing; a provider's file is read, and its code imported, when the provider is requested.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from swebench_providers import catalog
from swebench_providers.catalog import ProviderSpec, plugins
from swebench_providers.config import ProviderConfig, from_environment
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.models import ModelPrice

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from swebench_providers.embedded.process import EmbeddedServer
    from swebench_providers.http.interface import HTTPTransport
    from swebench_providers.http.transport import Transport
    from swebench_providers.provider import Provider
    from swebench_providers.servers.discovery import FoundServer

ProviderFactory: TypeAlias = "Callable[[ProviderSpec, ProviderConfig, HTTPTransport], Provider]"


class Configure(Protocol):
    """Makes the configuration of a provider where the caller gives none, as `config.from_environment` does."""

    def __call__(
        self, name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
    ) -> ProviderConfig:
        """The configuration of the provider `name`. Raises `ProviderError`. May block, to read a key."""
        ...


class ProviderRegistry:
    """Providers by name. May be used from any thread.

    Providers with the same proxy and CA bundle share connections. `configure` makes a configuration where none is
    given, from `environ`; None is the environment of the process.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, *, configure: Configure = from_environment) -> None:
        self._environ = environ
        self._configure = configure
        self._lock = threading.Lock()
        self._registered: dict[str, tuple[ProviderSpec, ProviderFactory | None]] = {}
        self._transports: dict[tuple[str | None, str | None], Transport] = {}
        self._server: EmbeddedServer | None = None
        self._prices: Mapping[str, Mapping[str, ModelPrice]] = {}

    def list_providers(self) -> list[str]:
        """Names in alphabetical order, including those of packages that turn out to be broken."""
        with self._lock:
            return sorted({*catalog.provider_names(), *self._plugins, *self._registered})

    def register(self, name: str, spec: ProviderSpec, factory: ProviderFactory | None = None) -> None:
        """Add a provider, or replace the one with that name. The `factory` of None makes an `HTTPProvider`."""
        with self._lock:
            self._registered[name] = (spec, factory)

    def unregister(self, name: str) -> None:
        """Remove the provider registered under `name`; the catalog's provider of that name, if any, is back."""
        with self._lock:
            self._registered.pop(name, None)

    def spec(self, name: str) -> ProviderSpec:
        """The specification of a provider.

        Raises `ProviderError` (bad_endpoint) for an unknown name, and for a package that cannot be loaded.
        """
        return self._entry(name)[0]

    def use_prices(self, prices: Mapping[str, Mapping[str, ModelPrice]]) -> None:
        """Put the user's own prices, by provider and model, into the configurations made from now on."""
        self._prices = prices

    def own_prices(self, name: str) -> Mapping[str, ModelPrice]:
        """The user's own prices of a provider, by model."""
        return self._prices.get(name, {})

    def configure(self, name: str, *, base_url: str | None = None) -> ProviderConfig:
        """The configuration that the environment, or `configure`, gives for a provider; `base_url` comes first."""
        environ = os.environ if self._environ is None else self._environ
        return self._priced(self._configure(name, self.spec(name), environ, base_url=base_url))

    def _priced(self, config: ProviderConfig) -> ProviderConfig:
        """With the user's own prices."""
        return msgspec.structs.replace(config, prices=self.own_prices(config.name))

    def get_provider(self, name: str, config: ProviderConfig | None = None) -> Provider:
        """A bare provider: one call is one request. Without `config` the environment gives the configuration."""
        spec, factory = self._entry(name)
        config = config or self.configure(name)
        if not config.prices:
            config = self._priced(config)
        return (factory or self._factory(spec))(spec, config, self._transport(config))

    async def discover(self) -> list[FoundServer]:
        """The local servers on their usual ports; takes two seconds at most (wire-contracts 8)."""
        from swebench_providers.servers.discovery import discover, listening  # noqa: PLC0415 - needed once, if at all

        ports = await listening()
        return await discover(self._transport(ProviderConfig(name="")), ports=ports) if ports else []

    async def aclose(self) -> None:
        """Close the connections of the running loop, and end the embedded model's process."""
        with self._lock:
            transports = list(self._transports.values())
        for transport in transports:
            await transport.aclose()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    def _factory(self, spec: ProviderSpec) -> ProviderFactory:
        """How a provider without code of its own is made."""
        if not spec.embedded:
            from swebench_providers.provider import HTTPProvider  # noqa: PLC0415 - imports every wire format

            return HTTPProvider
        from swebench_providers.embedded.process import EmbeddedServer  # noqa: PLC0415 - seldom needed
        from swebench_providers.embedded.provider import EmbeddedProvider  # noqa: PLC0415

        with self._lock:
            self._server = self._server or EmbeddedServer()
            return partial(EmbeddedProvider, server=self._server)

    def _entry(self, name: str) -> tuple[ProviderSpec, ProviderFactory | None]:
        with self._lock:
            registered = self._registered.get(name)
        if registered is not None:
            return registered
        if name in catalog.provider_names():
            return catalog.provider_spec(name), None
        if name in self._plugins:
            return self._plugged_in(name)
        raise _unknown(name, self.list_providers())

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        return plugins.find()

    def _plugged_in(self, name: str) -> tuple[ProviderSpec, ProviderFactory | None]:
        spec, package = plugins.load(self._plugins[name])
        factory: ProviderFactory | None = getattr(package, "make_provider", None)
        self.register(name, spec, factory)
        return spec, factory

    def _transport(self, config: ProviderConfig) -> Transport:
        from swebench_providers.http.transport import Transport  # noqa: PLC0415 - the HTTP client costs 0.3 s to import

        with self._lock:
            return self._transports.setdefault(
                (config.proxy, config.ca_bundle), Transport(proxy=config.proxy, ca_bundle=config.ca_bundle)
            )


@cache
def get_registry() -> ProviderRegistry:
    """The registry of this process."""
    return ProviderRegistry()


def _unknown(name: str, known: list[str]) -> ProviderError:
    near = get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
    return ProviderError(ErrorKind.BAD_ENDPOINT, f"unknown provider {name!r}", hint=hint, reason="unknown_provider")
