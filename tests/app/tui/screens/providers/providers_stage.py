"""The app with settings in a temporary folder, opened at Providers or at Settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import OptionList

from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.providers.screen import ProvidersScreen
from swebench_tui.tui.screens.settings.screen import SettingsScreen
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.pilot import running, shown, top_screen, wait_until

NOWHERE = "http://127.0.0.1:9"
"""An address at which nothing listens."""


def setup_in(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    *,
    file: str = "",
    project: str = "",
    keyring: MemoryStore | None = None,
) -> Workspace:
    """A workspace with these files. The user file always exists, so that the wizard does not open."""
    for name, text in (("config/settings.toml", file or "# nothing yet\n"), ("project/swebench-tui.toml", project)):
        if text:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
    return Workspace(
        environ or {},
        config_folder=folder / "config",
        data_folder=folder / "data",
        project_folder=folder / "project",
        keyring=keyring or MemoryStore(),
    )


@asynccontextmanager
async def providers_of(workspace: Workspace, *, size: tuple[int, int] = (120, 40)) -> AsyncGenerator[Pilot[None], None]:
    """The app at the Providers screen, with its rows loaded."""
    async with running("compatible:x", workspace=workspace, registry=workspace.registry, size=size) as pilot:
        await pilot.press("4")
        screen = await top_screen(pilot, ProvidersScreen)
        await wait_until(pilot, lambda: "embedded" in shown(screen), what="the rows")
        yield pilot


@asynccontextmanager
async def settings_of(workspace: Workspace, *, size: tuple[int, int] = (120, 40)) -> AsyncGenerator[Pilot[None], None]:
    """The app with the settings open and loaded."""
    async with running("compatible:x", workspace=workspace, registry=workspace.registry, size=size) as pilot:
        await pilot.press("f2")
        screen = await top_screen(pilot, SettingsScreen)
        await wait_until(pilot, lambda: "appearance.theme" in shown(screen), what="the rows")
        yield pilot


def app(pilot: Pilot[None]) -> SwebenchApp:
    assert isinstance(pilot.app, SwebenchApp)
    return pilot.app


async def choose(pilot: Pilot[None], name: str) -> ProvidersScreen:
    """Go to the row of this provider."""
    screen = await top_screen(pilot, ProvidersScreen)
    screen.query_one(OptionList).highlighted = list(screen.entries).index(name)
    await pilot.pause()
    return screen


def row(pilot: Pilot[None], name: str) -> str:
    """The row of a provider as displayed; "" when there is none."""
    lines = shown(pilot.app.screen).splitlines()
    return next((line.strip("│ ") for line in lines if name in line.split()), "")


async def says(pilot: Pilot[None], text: str, *, within: float = 10.0) -> None:
    """Wait until the top screen shows `text`."""
    await wait_until(pilot, lambda: text in shown(pilot.app.screen), what=text, within=within)


async def row_says(pilot: Pilot[None], name: str, text: str) -> None:
    """Wait until the row of a provider shows `text`."""
    await wait_until(pilot, lambda: text in row(pilot, name), what=f"{name}: {text}")
