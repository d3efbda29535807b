"""The app under test: starting it, waiting for conditions, and reading the screen as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from textual import events
from textual.notifications import Notification
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from swebench_providers import ProviderRegistry
from swebench_tui.runs.target import parse_target
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.compare.column_view import ColumnView
from swebench_tui.tui.screens.compare.pick_task import PickTaskScreen
from swebench_tui.tui.screens.compare.screen import CompareScreen
from swebench_tui.tui.screens.compare.task_bar import TaskBar
from tests.fault_server import FaultServer

ScreenType = TypeVar("ScreenType", bound=Screen[Any])

SIZE = (100, 30)


async def wait_until(pilot: Pilot[None], holds: Callable[[], bool], *, what: str, within: float = 10.0) -> None:
    """Let the app run until `holds()`. Fails after `within` seconds, naming `what` was expected."""
    try:
        async with asyncio.timeout(within):
            while not holds():  # noqa: ASYNC110 - a screen has no event for it; pilot.pause would ask every widget
                await asyncio.sleep(0.01)
    except TimeoutError:
        # No pytest.fail: as a BaseException it would not end an app that pytest-textual-snapshot runs.
        raise AssertionError(f"{what}: not within {within:g} s. The screen:\n{shown(pilot.app.screen)}") from None
    await pilot.pause()  # until it is painted too


@asynccontextmanager
async def running(
    *targets: str,
    server: FaultServer | None = None,
    environ: Mapping[str, str] | None = None,
    registry: ProviderRegistry | None = None,
    size: tuple[int, int] = SIZE,
    now: Callable[[], float] = time.monotonic,
    loaded: bool = True,
    workspace: Workspace | None = None,
    errors_expected: bool = False,
) -> AsyncGenerator[Pilot[None], None]:
    """The app with a column per `PROVIDER:MODEL` and, if `loaded`, the first task. `server` serves two providers."""
    reached = {"COMPATIBLE_BASE_URL": server.base_url, "OLLAMA_HOST": server.base_url} if server else {}
    app = SwebenchApp(
        registry or ProviderRegistry({**reached, **(environ or {})}),
        lineup=[parse_target(target) for target in targets] or None,
        workspace=workspace,
        now=now,
    )
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        if loaded:
            await wait_until(pilot, lambda: compare_screen(pilot).task_prompt is not None, what="the first task")
        yield pilot
        if not errors_expected:
            assert not app.unexpected, "\n".join(report.text for report in app.unexpected)


def compare_screen(pilot: Pilot[None]) -> CompareScreen:
    """The Compare screen, even below a dialog or in another mode."""
    assert isinstance(pilot.app, SwebenchApp)
    return pilot.app.compare


def column(pilot: Pilot[None], index: int = 0) -> ColumnView:
    """The column at `index`, from the left."""
    return compare_screen(pilot).columns[index]


def states(pilot: Pilot[None]) -> list[str]:
    """The state of each column; `-` before its first run."""
    return [view.column.state.status.value if view.column else "-" for view in compare_screen(pilot).columns]


def task_bar(pilot: Pilot[None]) -> str:
    """The text of the task bar."""
    return shown(compare_screen(pilot).query_one(TaskBar))


async def all_settled(pilot: Pilot[None], *, within: float = 15.0) -> None:
    """Wait until every column has finished and is drawn."""
    screen = compare_screen(pilot)
    await wait_until(
        pilot,
        lambda: all(view.settled and not view.starting for view in screen.columns),
        what="all columns ended",
        within=within,
    )
    await pilot.pause()


async def top_screen(pilot: Pilot[None], kind: type[ScreenType]) -> ScreenType:
    """Wait for a screen of this class on top."""
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, kind), what=kind.__name__)
    screen = pilot.app.screen
    assert isinstance(screen, kind)
    return screen


async def paste(pilot: Pilot[None], text: str) -> None:
    """Paste `text` as a terminal does; much faster than key presses."""
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


async def pick_dataset(pilot: Pilot[None], path: Path) -> PickTaskScreen:
    """Open the task picker and load a file; the search field has the focus."""
    await pilot.press("i")
    picker = await top_screen(pilot, PickTaskScreen)
    await pilot.press("shift+tab")
    dataset = picker.query_one("#dataset", Input)
    assert dataset.has_focus
    dataset.clear()
    await paste(pilot, str(path))
    await pilot.press("enter", "tab")
    return picker


def rows_of(screen: Screen[Any]) -> list[Strip]:
    """The rows of the terminal as they are painted. Textual has no public way to them."""
    return screen._compositor.render_strips(screen.size)


def toasts(pilot: Pilot[Any]) -> list[Notification]:
    """The notifications that are shown. Textual has no public way to them."""
    return list(pilot.app._notifications)


def shown(part: Widget) -> str:
    """The displayed text of a screen or widget, without trailing spaces."""
    strips = rows_of(part.screen)
    rows = [strips[y].crop(part.region.x, part.region.right) for y in part.region.line_range if y < len(strips)]
    return "\n".join(row.text.rstrip() for row in rows)
