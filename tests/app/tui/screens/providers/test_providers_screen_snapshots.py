"""Snapshots of the Providers screen and its dialogs. Only `test_all_providers` shows the real catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from swebench_providers.connection_test import ConnectionReport, Verdict
from swebench_tui.services import providers
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.screens.providers.add_key import AddKeyScreen
from swebench_tui.tui.screens.providers.details import ProviderDetailsScreen
from swebench_tui.tui.screens.providers.keys import KeysScreen
from swebench_tui.tui.screens.providers.screen import ProvidersScreen
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.pilot import paste, shown, top_screen, wait_until
from tests.app.tui.screens.providers.providers_stage import choose, says
from tests.app.tui.still_app import ENVIRON, OVERRIDES, StillApp
from tests.app.tui.test_snapshots import MIDDLE, SIZES, SMALL, Compare


def result_of(verdict: Verdict, message: str = "", hint: str = "", models: int | None = None) -> providers.TestResult:
    ttft = 431.0 if verdict == "fine" else None
    report = ConnectionReport(
        provider="x", model="m", verdict=verdict, ttft_ms=ttft, latency_ms=512, message=message, hint=hint
    )
    return providers.TestResult(report=report, models=models)


async def _endless() -> None:
    await asyncio.Event().wait()


async def table(pilot: Pilot[None]) -> None:
    """The rows after some tests and during one."""
    await pilot.press("4")
    screen = await top_screen(pilot, ProvidersScreen)
    await wait_until(pilot, lambda: "embedded" in shown(screen), what="the rows")
    results = {
        "anthropic": result_of("bad_key", "the key was rejected: [b]expired[/b]", "Press k to set another key."),
        "ollama": result_of("no_route", "no connection to 127.0.0.1", "Start the server, or check its port."),
        "vllm": result_of("no_route", "no connection to 127.0.0.1", "Start the server, or check its port."),
        "embedded": result_of("fine", models=1),
    }
    for name, result in results.items():
        screen._entries[name] = msgspec.structs.replace(screen._entries[name], test=result)
    tested = "lmstudio" if "lmstudio" in screen.entries else "embedded"
    screen._tests._running[tested] = (98.8, screen.run_worker(_endless()))
    await choose(pilot, "anthropic")
    for text in (
        "! key rejected",
        "◌ testing 1.2 s",
        "○ open 12 s",
        "✗ unreachable",
        "– not running",
        "expired",
        "help",
    ):
        await says(pilot, text)


async def details(pilot: Pilot[None]) -> None:
    await table(pilot)
    await choose(pilot, "openai")
    await pilot.press("enter")
    screen = await top_screen(pilot, ProviderDetailsScreen)
    await wait_until(pilot, lambda: len(screen._from_settings) > 1 and "back" in shown(screen), what="the sources")
    await pilot.pause()


async def keys(pilot: Pilot[None]) -> None:
    await table(pilot)
    await pilot.press("k")
    await top_screen(pilot, KeysScreen)
    await says(pilot, "→ environment variable ANTHROPIC_API_KEY")
    await says(pilot, "r enable")


async def add_key(pilot: Pilot[None]) -> None:
    await keys(pilot)
    await pilot.press("a")
    await top_screen(pilot, AddKeyScreen)
    await paste(pilot, '"sk-ant-0123456789"')
    await says(pilot, "quotes around it")
    await says(pilot, "save in file")


@SIZES
def test_all_providers(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    workspace = Workspace(
        ENVIRON,
        config_folder=tmp_path / "config",
        data_folder=tmp_path / "data",
        overrides=OVERRIDES,
        keyring=MemoryStore(),
    )
    assert snap_compare(StillApp(tmp_path, workspace), terminal_size=size, run_before=table)


@SIZES
def test_details(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(StillApp(tmp_path), terminal_size=size, run_before=details)


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("moment", [keys, add_key])
def test_dialogs(
    snap_compare: Compare, tmp_path: Path, moment: Callable[[Pilot[None]], Awaitable[None]], size: tuple[int, int]
) -> None:
    assert snap_compare(StillApp(tmp_path), terminal_size=size, run_before=moment)


@pytest.mark.parametrize("moment", [table, details])
def test_without_colours(
    snap_compare: Compare,
    tmp_path: Path,
    moment: Callable[[Pilot[None]], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(StillApp(tmp_path), terminal_size=MIDDLE, run_before=moment)


@pytest.mark.parametrize("moment", [table, details])
def test_in_terminal_colours(
    snap_compare: Compare, tmp_path: Path, moment: Callable[[Pilot[None]], Awaitable[None]]
) -> None:
    app = StillApp(tmp_path)
    app.theme = "ansi-dark"
    assert snap_compare(app, terminal_size=MIDDLE, run_before=moment)
