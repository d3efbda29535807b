"""Take the screenshots of the README: `python screenshots/make.py`. The embedded model answers in them."""

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
_ANSWER_LENGTH = 300  # characters
FOLDER = Path(__file__).parent


async def compare(app: SwebenchApp, pilot: Pilot[None]) -> None:
    """Two columns of the embedded model in the middle of their answers."""
    await pilot.press("enter")
    await until(pilot, lambda: all(len(view.answer) > _ANSWER_LENGTH or view.settled for view in app.compare.columns))


async def setup(app: SwebenchApp, pilot: Pilot[None]) -> None:
    """Step 2 of the setup: choose providers."""
    app.action_open_wizard()
    await pilot.pause(1.0)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ChooseProvidersStep))
    await pilot.pause(1.0)


async def providers(app: SwebenchApp, pilot: Pilot[None]) -> None:
    """The table of providers, with the embedded model tested."""
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, ProvidersScreen) and bool(app.screen.entries))
    await pilot.press("t")
    await until(pilot, lambda: isinstance(app.screen, ProvidersScreen) and is_tested(app.screen))


def is_tested(screen: ProvidersScreen) -> bool:
    return any(entry.test is not None for entry in screen.entries.values())


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app run until `holds()`."""
    while not holds():
        await pilot.pause(0.1)


async def take() -> None:
    """Take each screenshot with a new app and an empty settings file."""

    async def no_servers() -> list[FoundServer]:
        return []

    for shot in (compare, setup, providers):
        with TemporaryDirectory() as folder:
            (Path(folder) / "settings.toml").write_text("# empty\n")
            app = SwebenchApp(
                workspace=Workspace({}, config_folder=Path(folder), data_folder=Path(folder)), discover=no_servers
            )
            async with app.run_test(size=SIZE) as pilot:
                await until(pilot, lambda app=app: app.compare.task_prompt is not None)  # type: ignore[misc]
                await shot(app, pilot)
                (FOLDER / f"{shot.__name__}.svg").write_text(app.export_screenshot(title="swebench-tui"), "utf-8")


if __name__ == "__main__":
    asyncio.run(take())
