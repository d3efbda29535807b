"""Take the pictures that README shows: `python screenshots/make.py`. The embedded model is at work in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from textual.pilot import Pilot

from swebench_providers.servers.discovery import FoundServer
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.providers.screen import ProvidersScreen
from swebench_tui.tui.screens.wizard.choose_providers import ChooseProvidersStep

SIZE = (120, 34)
_MIDDLE = 300  # characters
FOLDER = Path(__file__).parent


async def compare(app: SwebenchApp, pilot: Pilot[None]) -> None:
    """Two columns of the embedded model, in the middle of their answers."""
    await pilot.press("enter")
    await until(pilot, lambda: all(len(view.answer) > _MIDDLE or view.settled for view in app.compare.columns))


async def workspace(app: SwebenchApp, pilot: Pilot[None]) -> None:
    """The second of the first steps: whom to ask."""
    app.action_open_wizard()
    await pilot.pause(1.0)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ChooseProvidersStep))
    await pilot.pause(1.0)


async def providers(app: SwebenchApp, pilot: Pilot[None]) -> None:
    """The table, with the embedded model tested."""
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, ProvidersScreen) and bool(app.screen.entries))
    await pilot.press("t")
    await until(pilot, lambda: isinstance(app.screen, ProvidersScreen) and tested(app.screen))


def tested(screen: ProvidersScreen) -> bool:
    return any(entry.test is not None for entry in screen.entries.values())


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app run until it is so."""
    while not holds():
        await pilot.pause(0.1)


async def take() -> None:
    """Each picture from an app of its own, with nothing set up but what the picture needs."""

    async def nothing() -> list[FoundServer]:
        return []

    for shot in (compare, workspace, providers):
        with TemporaryDirectory() as folder:
            settings = Path(folder) / "settings.toml"
            settings.write_text("# nothing yet\n")
            app = SwebenchApp(
                workspace=Workspace({}, config_folder=Path(folder), data_folder=Path(folder)), discover=nothing
            )
            async with app.run_test(size=SIZE) as pilot:
                await until(pilot, lambda app=app: app.compare.task_prompt is not None)  # type: ignore[misc]
                await shot(app, pilot)
                (FOLDER / f"{shot.__name__}.svg").write_text(app.export_screenshot(title="swebench-tui"), "utf-8")


if __name__ == "__main__":
    asyncio.run(take())
