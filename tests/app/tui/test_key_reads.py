"""Reading a key may take seconds: no screen does it in its own thread, nor in the thread that streams answers."""

from __future__ import annotations

import threading
from pathlib import Path

from swebench_providers import Secret
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.screens.compare.add_model import AddModelScreen
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.pilot import all_settled, paste, running, shown, top_screen, wait_until
from tests.fault_server import FaultServer


class WatchedStore(MemoryStore):
    """Knows in which threads it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_in: list[str] = []

    def read(self, provider: str, label: str) -> Secret | None:
        own = threading.current_thread()
        self.read_in.append("screen" if own is threading.main_thread() else own.name)
        return super().read(provider, label)


def workspace_with_key(folder: Path, server: FaultServer) -> tuple[Workspace, WatchedStore]:
    """One provider with a kept key, which no session has read yet."""
    store = WatchedStore()
    environ = {"COMPATIBLE_BASE_URL": server.base_url}
    Workspace(environ, config_folder=folder, data_folder=folder, keyring=store).keys.add(
        "compatible", Secret("kept-4711-key")
    )
    return Workspace(environ, config_folder=folder, data_folder=folder, keyring=store), store


def read_in_thread(store: WatchedStore) -> bool:
    return bool(store.read_in) and all(name.startswith("keys") for name in store.read_in)


async def test_keys_for_listing_models_are_read_in_another_thread(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace, store = workspace_with_key(tmp_path, server)
        async with running("embedded:smollm2", workspace=workspace, registry=workspace.registry) as pilot:
            await pilot.press("3")
            await wait_until(pilot, lambda: "compatible:" in shown(pilot.app.screen), what="its models")
        assert read_in_thread(store)


async def test_the_dialogs_list_loads_after_its_key(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace, store = workspace_with_key(tmp_path, server)
        async with running("embedded:smollm2", workspace=workspace, registry=workspace.registry) as pilot:
            await pilot.press("a")
            await top_screen(pilot, AddModelScreen)
            await paste(pilot, "compatible:")
            await wait_until(pilot, lambda: "1 model" in shown(pilot.app.screen), what="its models")
        assert read_in_thread(store)


async def test_a_columns_key_is_read_in_another_thread(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace, store = workspace_with_key(tmp_path, server)
        async with running("compatible:m", workspace=workspace, registry=workspace.registry) as pilot:
            await pilot.press("enter")
            await all_settled(pilot)
        assert read_in_thread(store)


async def test_looking_at_the_providers_reads_no_key(tmp_path: Path) -> None:
    async with FaultServer() as server:
        workspace, store = workspace_with_key(tmp_path, server)
        async with running("embedded:smollm2", workspace=workspace, registry=workspace.registry) as pilot:
            await pilot.press("4")
            await wait_until(pilot, lambda: "keyring: default" in shown(pilot.app.screen), what="the row")
        assert store.read_in == []
