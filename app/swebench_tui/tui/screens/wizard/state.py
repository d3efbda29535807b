"""What the wizard has detected and the user has chosen so far. It outlives the steps, which can be gone back to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from swebench_providers.catalog import provider_spec
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.services.provider_access import EngineAccess
from swebench_tui.services.providers import ProviderEntry, TestResult, check_provider, list_providers
from swebench_tui.settings.definitions import MAX_COLUMNS
from swebench_tui.settings.secrets.store import KeyringStatus
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.lineup import default_lineup

if TYPE_CHECKING:
    from swebench_providers import Provider
    from swebench_providers.servers.discovery import FoundServer

_POPULAR: Final = ("openai", "anthropic", "openrouter", "gemini", "ollama")
"""Listed before the other providers."""


class WizardState:
    """One run of the wizard. `None` in `entries`, `servers` and `keyring` means not checked yet."""

    def __init__(self, *, workspace: Workspace, engine: Engine) -> None:
        self.workspace = workspace
        self.access = EngineAccess(engine, workspace)
        self.entries: dict[str, ProviderEntry] | None = None
        self.servers: list[FoundServer] | None = None
        self.keyring: KeyringStatus | None = None
        self.chosen: list[str] = []
        self.addresses: dict[str, str] = {}
        self.tests: dict[str, TestResult] = {}
        self.models: dict[str, str] = {}
        self._engine = engine
        self._preselected: set[str] = set()
        self._search: asyncio.Task[list[FoundServer]] | None = None

    async def find_servers(self) -> list[FoundServer]:
        """The servers of this machine, searched for once; the search goes on when the step that started it is left."""
        if self._search is None:
            self._search = asyncio.create_task(self._engine.discover())
        servers = await asyncio.shield(self._search)
        if self.servers is None:
            self.take_servers(servers)
        return servers

    def close(self) -> None:
        """Cancel the search for servers."""
        if self._search is not None:
            self._search.cancel()

    async def find_keyring(self) -> KeyringStatus:
        """The keyring of this machine, probed once; takes up to 3 seconds."""
        if self.keyring is None:
            self.keyring = await asyncio.to_thread(self.workspace.keys.keyring_status)
        return self.keyring

    async def check(self, name: str) -> TestResult:
        """Test a provider at its detected or configured address."""
        return await check_provider(self.access, name, base_url=self.addresses.get(name))

    async def resolve(self, name: str) -> Provider:
        """A provider at its detected or configured address. Raises `ProviderError`."""
        return await self.access.resolve(name, base_url=self.addresses.get(name))

    def read(self) -> dict[str, ProviderEntry]:
        """The configuration of every provider. Blocks; reads no key."""
        return {entry.name: entry for entry in list_providers(self.access)}

    def take_entries(self, entries: dict[str, ProviderEntry]) -> None:
        """Store what `read` returned and preselect what became ready: the embedded model where nothing else is.

        The embedded model is first in the line-up, whether a local server is found earlier or later.
        """
        self.entries = entries
        configured = [name for name, entry in entries.items() if _is_configured(entry)]
        for name in configured:
            if name not in self._preselected:
                self._preselect(name)
        if not configured and "embedded" not in self._preselected:
            self._preselect("embedded", index=0)

    def take_servers(self, servers: list[FoundServer]) -> None:
        """Store the servers of this machine and preselect them, at the address where they were found."""
        self.servers = servers
        for server in servers:
            name = server.kind
            if name in self._preselected:
                continue
            if (provider_spec(name).base_url or "").rstrip("/") != server.base_url.rstrip("/"):
                self.addresses[name] = server.base_url
            self._preselect(name)

    def save_address(self, name: str) -> None:
        """Write a detected address to the settings, as a key is stored for one address. Blocks; raises `SetupError`."""
        address = self.addresses.get(name)
        if address is not None:
            self.workspace.change(("providers", name, "base_url"), address)
            del self.addresses[name]

    def _preselect(self, name: str, *, index: int = MAX_COLUMNS) -> None:
        self._preselected.add(name)
        if len(self.chosen) < MAX_COLUMNS:
            self.chosen.insert(index, name)

    def toggle(self, name: str) -> bool:
        """Select or deselect a provider; returns False when the maximum is reached."""
        self._preselected.add(name)
        if name in self.chosen:
            self.chosen.remove(name)
        elif len(self.chosen) < MAX_COLUMNS:
            self.chosen.append(name)
        else:
            return False
        return True

    def entry(self, name: str) -> ProviderEntry:
        """The configuration of a provider. Only after `take_entries`."""
        assert self.entries is not None  # noqa: S101
        return self.entries[name]

    def accepts_key(self, name: str) -> bool:
        """Whether a key can be added now: a provider without an address needs that first."""
        entry = self.entry(name)
        return entry.accepts_key and (self.addresses.get(name) or entry.readiness.base_url) is not None

    def running(self, name: str) -> bool:
        """Whether a server of this kind was found on this machine."""
        return any(server.kind == name for server in self.servers or [])

    def not_running(self, name: str) -> bool:
        """Whether the search found no server at the default address of a local provider."""
        return self.servers is not None and not self.running(name) and not self.entry(name).address_set

    def usable(self, name: str) -> bool:
        """Whether nothing is missing, as far as that is known without a request."""
        entry = (self.entries or {}).get(name)
        return entry is not None and (entry.readiness.ready or self.running(name))

    def order(self) -> list[str]:
        """All providers: available ones, then popular ones, then the others."""

        def rank(name: str) -> tuple[int, int, str]:
            entry = self.entry(name)
            available = self.running(name) or _is_configured(entry) or entry.readiness.embedded
            popularity = _POPULAR.index(name) if name in _POPULAR else len(_POPULAR)
            return 0 if available else 1, popularity, name

        return sorted(self.entries or {}, key=rank)

    @property
    def lineup(self) -> list[Target]:
        """One column per chosen provider; the embedded model alone gets the two columns of the default line-up."""
        if self.chosen == ["embedded"] and "embedded" not in self.models:
            return default_lineup()
        return [Target(provider=name, model=self.models.get(name, "")) for name in self.chosen]


def _is_configured(entry: ProviderEntry) -> bool:
    """Whether the user has set the provider up; that a local server may run at its default port does not count."""
    readiness = entry.readiness
    return readiness.ready and not readiness.embedded and (not readiness.local or readiness.key_source is not None)
