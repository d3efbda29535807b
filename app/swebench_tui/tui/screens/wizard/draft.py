"""What has been found, chosen and tried by now: it outlives the steps, so that each can be gone back to."""

from __future__ import annotations

import asyncio
from typing import Final

from swebench_providers import Provider
from swebench_providers.catalog import provider_spec
from swebench_providers.servers.discovery import FoundServer
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.settings.providers import Readiness
from swebench_tui.settings.secrets.store import KeyringStatus
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.lineup import default_lineup
from swebench_tui.tui.screens.providers import provider_facts
from swebench_tui.tui.screens.providers.provider_facts import TestResult

MOST: Final = 4
"""Columns of a line-up."""

_FIRST: Final = ("openai", "anthropic", "openrouter", "gemini", "ollama")
"""Whom people look for first."""


class Draft:
    """One walk through the steps. `None` has not been looked at yet."""

    def __init__(self, *, workspace: Workspace, engine: Engine) -> None:
        self.workspace = workspace
        self.engine = engine
        self.ready: dict[str, Readiness] | None = None
        self.servers: list[FoundServer] | None = None
        self.keyring: KeyringStatus | None = None
        self.chosen: list[str] = []
        self.addresses: dict[str, str] = {}
        self.tested: dict[str, TestResult] = {}
        self.models: dict[str, str] = {}
        self._offered: set[str] = set()
        self._looking: asyncio.Task[list[FoundServer]] | None = None

    async def find_servers(self) -> list[FoundServer]:
        """The servers of this machine, looked for once: a step that is left before the end does not lose them."""
        if self._looking is None:
            self._looking = asyncio.create_task(self.engine.discover())
        servers = await asyncio.shield(self._looking)
        if self.servers is None:
            self.hear(servers)
        return servers

    def close(self) -> None:
        """Stop looking, where nobody waits for it any more."""
        if self._looking is not None:
            self._looking.cancel()

    async def find_keyring(self) -> KeyringStatus:
        """The keyring of this machine, looked at once: it takes up to 3 seconds."""
        if self.keyring is None:
            self.keyring = await asyncio.to_thread(self.workspace.keys.keyring_status)
        return self.keyring

    async def ask(self, name: str) -> TestResult:
        """A few tokens of one provider, at the address where it was found."""
        return await provider_facts.ask(self.engine, name, at=self.addresses.get(name))

    async def reach(self, name: str) -> Provider:
        """One provider, at the address where it was found. Raises `ProviderError`."""
        return (await self.engine.resolve(name, base_url=self.addresses.get(name))).provider

    def answered(self, name: str) -> bool | None:
        """Whether it did when it was asked; None while it has not been."""
        return self.tested[name].report.ok if name in self.tested else None

    def read(self) -> dict[str, Readiness]:
        """How each provider is set up. Blocks; no key is read."""
        return {name: self.workspace.providers.readiness(name) for name in self.workspace.registry.list_providers()}

    def know(self, ready: dict[str, Readiness]) -> None:
        """Take in what was read; what is ready for the first time is chosen, the embedded model where no key is there.

        That one stands first, whether a local server was found before or comes later.
        """
        self.ready = ready
        set_up = [name for name, each in ready.items() if _set_up(each)]
        for name in set_up:
            if name not in self._offered:
                self._choose_first_time(name)
        if not set_up and "embedded" not in self._offered:
            self._choose_first_time("embedded", at=0)

    def hear(self, servers: list[FoundServer]) -> None:
        """Take in the servers of this machine, which are chosen, at the address where they are."""
        self.servers = servers
        for server in servers:
            name = server.kind
            if name in self._offered:
                continue
            if (provider_spec(name).base_url or "").rstrip("/") != server.base_url.rstrip("/"):
                self.addresses[name] = server.base_url
            self._choose_first_time(name)

    def take_address(self, name: str) -> None:
        """Write down where a server was found, before a key is kept: a key is for one address. Blocks.

        Raises `SetupError`.
        """
        address = self.addresses.get(name)
        if address is not None:
            self.workspace.change(("providers", name, "base_url"), address)
            del self.addresses[name]

    def address(self, name: str) -> str | None:
        """Where it is reached, as far as that is known."""
        return self.addresses.get(name) or self.ready_at(name).base_url

    def _choose_first_time(self, name: str, *, at: int = MOST) -> None:
        self._offered.add(name)
        if len(self.chosen) < MOST:
            self.chosen.insert(at, name)

    def toggle(self, name: str) -> bool:
        """Choose it, or no longer; whether there was room."""
        self._offered.add(name)
        if name in self.chosen:
            self.chosen.remove(name)
        elif len(self.chosen) < MOST:
            self.chosen.append(name)
        else:
            return False
        return True

    def running(self, name: str) -> bool:
        """Whether a server of this kind answers on this machine."""
        return any(server.kind == name for server in self.servers or [])

    def usable(self, name: str) -> bool:
        """Whether nothing is missing, as far as is known without asking."""
        each = (self.ready or {}).get(name)
        return each is not None and (each.ready or self.running(name))

    def order(self) -> list[str]:
        """The providers as they are offered: what is there, what people look for, the others."""

        def rank(name: str) -> tuple[int, int, str]:
            there = self.running(name) or _set_up(self.ready_at(name))
            first = _FIRST.index(name) if name in _FIRST else len(_FIRST)
            return 0 if there or self.ready_at(name).embedded else 1, first, name

        return sorted(self.ready or {}, key=rank)

    def ready_at(self, name: str) -> Readiness:
        """How it is set up. Only after `know`."""
        assert self.ready is not None  # noqa: S101
        return self.ready[name]

    @property
    def lineup(self) -> list[Target]:
        """A column for each provider that was chosen; the embedded model alone stands in two, as without setup."""
        if self.chosen == ["embedded"] and "embedded" not in self.models:
            return default_lineup()
        return [Target(provider=name, model=self.models.get(name, "")) for name in self.chosen]


def _set_up(each: Readiness) -> bool:
    """Whether somebody has given it what it needs; that a local server may run at its usual port says nothing."""
    return each.ready and not each.embedded and (not each.local or each.key_source is not None)
