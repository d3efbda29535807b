"""Snapshots of Providers, its dialogs and Settings. Only `test_all_providers` shows the real catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from textual.app import App
from textual.pilot import Pilot

from swebench_providers import ErrorKind
from swebench_providers.connection_test import ConnectionReport, Verdict
from swebench_providers.policies.breaker import BreakerState, BreakerStatistics
from swebench_providers.policies.limiter import Headroom, LimitStatus
from swebench_providers.policies.statistics import Percentiles, ProviderHealth
from swebench_tui.runs.target import parse_target
from swebench_tui.services import providers
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.providers.add_key import AddKeyScreen
from swebench_tui.tui.screens.providers.details import ProviderDetailsScreen
from swebench_tui.tui.screens.providers.keys import KeysScreen
from swebench_tui.tui.screens.providers.screen import ProvidersScreen
from swebench_tui.tui.screens.settings.edit import EditSettingScreen
from swebench_tui.tui.screens.settings.screen import SettingsScreen
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.fixed_workspace import FixedWorkspace
from tests.app.tui.pilot import paste, shown, top_screen, wait_until
from tests.app.tui.screens.providers.providers_stage import NOWHERE, choose, says

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
MIDDLE = (120, 40)
ENVIRON = {"OPENAI_API_KEY": "k" * 20, "ANTHROPIC_API_KEY": "k" * 20, "OLLAMA_HOST": NOWHERE}
OVERRIDES: Mapping[SettingPath, object] = {("providers", "openai", "model"): "gpt-6-luna", ("editor",): "vim"}

HEALTH = ProviderHealth(
    in_flight=1,
    succeeded=14,
    failed=6,
    retries=4,
    success_rate=0.7,
    latency=Percentiles(2100.0, 4800.0, 5000.0),
    first_token=Percentiles(420.0, 1900.0, 2000.0),
    error_kinds={ErrorKind.OVERLOADED: 5, ErrorKind.TIMEOUT: 1},
    cost=Decimal("0.0231"),
    unpriced=0,
    breakers={
        "gpt-6-luna": BreakerStatistics(
            state=BreakerState.OPEN,
            calls=8,
            failures=6,
            slow=1,
            probes_done=0,
            probes=3,
            opens_in=12.4,
            openings=1,
            refused=3,
            reason="6 of 8 calls failed",
        )
    },
    headroom={
        "gpt-6-luna": Headroom(
            in_flight=1,
            concurrency=4,
            waiting=2,
            cooldown=0.0,
            limits={
                "requests": LimitStatus(per_minute=500, available=421),
                "tokens": LimitStatus(per_minute=200_000, available=9_500),
            },
        )
    },
)


class Compare(Protocol):
    """The fixture `snap_compare` of pytest-textual-snapshot, as far as it is used here."""

    def __call__(
        self, app: App[None], *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], Awaitable[None]]
    ) -> bool: ...


class StillApp(SwebenchApp):
    """The app with a stopped clock and given statistics, over the fixed providers or over `workspace`."""

    def __init__(self, folder: Path, workspace: Workspace | None = None) -> None:
        workspace = workspace or FixedWorkspace(ENVIRON, folder, overrides=OVERRIDES)
        super().__init__(workspace.registry, workspace=workspace, lineup=[parse_target("ollama:x")], now=lambda: 100.0)
        self.animation_level = "none"
        self.engine.health = self._health  # type: ignore[method-assign]

    async def _health(self) -> dict[str, ProviderHealth]:
        fine = msgspec.structs.replace(HEALTH, breakers={}, headroom={}, unpriced=2)
        return {"openai": HEALTH, "ollama": msgspec.structs.replace(fine, cost=Decimal(0))}


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
    await says(pilot, "There are quotes")
    await says(pilot, "save in file")


async def settings(pilot: Pilot[None]) -> None:
    await table(pilot)
    await pilot.press("f2")
    await top_screen(pilot, SettingsScreen)
    await says(pilot, "command line")
    await says(pilot, "edit file")


async def edit_setting(pilot: Pilot[None]) -> None:
    await settings(pilot)
    await pilot.press("slash")
    await paste(pilot, "openai idle")
    await pilot.press("enter", "enter")
    await top_screen(pilot, EditSettingScreen)
    await paste(pilot, "-5")
    await says(pilot, "✗")
    await says(pilot, "write it")


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


@SIZES
def test_settings(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(StillApp(tmp_path), terminal_size=size, run_before=settings)


@pytest.mark.parametrize("size", [(80, 24), MIDDLE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("moment", [keys, add_key, edit_setting])
def test_dialogs(
    snap_compare: Compare, tmp_path: Path, moment: Callable[[Pilot[None]], Awaitable[None]], size: tuple[int, int]
) -> None:
    assert snap_compare(StillApp(tmp_path), terminal_size=size, run_before=moment)


@pytest.mark.parametrize("moment", [table, details, settings])
def test_without_colours(
    snap_compare: Compare,
    tmp_path: Path,
    moment: Callable[[Pilot[None]], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(StillApp(tmp_path), terminal_size=MIDDLE, run_before=moment)


@pytest.mark.parametrize("moment", [table, details, settings])
def test_in_terminal_colours(
    snap_compare: Compare, tmp_path: Path, moment: Callable[[Pilot[None]], Awaitable[None]]
) -> None:
    app = StillApp(tmp_path)
    app.theme = "ansi-dark"
    assert snap_compare(app, terminal_size=MIDDLE, run_before=moment)
