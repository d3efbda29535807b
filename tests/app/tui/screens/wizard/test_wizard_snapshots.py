"""Snapshots of the wizard's steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from swebench_providers.connection_test import ConnectionReport
from swebench_providers.servers.discovery import FoundServer
from swebench_tui.services import providers
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.wizard.choose_models import ChooseModelsStep
from swebench_tui.tui.screens.wizard.choose_providers import ChooseProvidersStep
from swebench_tui.tui.screens.wizard.connection_tests import ConnectionTestStep
from swebench_tui.tui.screens.wizard.detection import DetectionStep
from tests.app.tui.fixed_workspace import FixedWorkspace
from tests.app.tui.pilot import shown, top_screen, wait_until
from tests.app.tui.screens.wizard.test_wizard import says
from tests.app.tui.test_snapshots import MIDDLE, SIZES, SMALL, Compare

FOUND = FoundServer(
    kind="ollama",
    name="Ollama",
    base_url="http://127.0.0.1:11434",
    version="0.33.0",
    models=("qwen3-coder:30b",),
)
ENVIRON = {"ANTHROPIC_API_KEY": "sk-ant-canary", "OPENAI_BASE_URL": "http://127.0.0.1:9"}


def app_in(folder: Path) -> SwebenchApp:
    async def discover() -> list[FoundServer]:
        return [FOUND]

    app = SwebenchApp(workspace=FixedWorkspace(ENVIRON, folder), discover=discover)
    app.animation_level = "none"
    return app


async def to_detection(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, SwebenchApp)
    await wait_until(pilot, lambda: app.compare.task_prompt is not None, what="the first task")
    await pilot.press("2")  # an almost empty screen behind the dialog
    app.action_open_wizard()
    await top_screen(pilot, DetectionStep)
    await wait_until(pilot, lambda: "searching" not in shown(pilot.app.screen), what="the end of all checks")


async def to_providers(pilot: Pilot[None]) -> None:
    await to_detection(pilot)
    await pilot.press("enter")
    await top_screen(pilot, ChooseProvidersStep)
    await says(pilot, "Keys are stored in")


async def to_models(pilot: Pilot[None]) -> None:
    await to_providers(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ChooseProvidersStep)
    screen.state.chosen = ["embedded"]  # no request to any other provider
    await pilot.press("enter")
    await top_screen(pilot, ConnectionTestStep)
    await pilot.press("enter")
    await top_screen(pilot, ChooseModelsStep)
    await says(pilot, "(default)")


REPORTS = (
    ConnectionReport(provider="anthropic", model="claude-sonnet-5", verdict="fine", ttft_ms=412, latency_ms=415),
    ConnectionReport(
        provider="openai",
        model="",
        verdict="bad_key",
        latency_ms=230,
        message="Incorrect API key provided: [b]sk-…[/b]\x1b[31m",
        hint="Check the key, and that it is one of this provider. It came from keyring: default.",
    ),
    ConnectionReport(
        provider="ollama",
        model="",
        verdict="no_route",
        latency_ms=3,
        message="no connection to 127.0.0.1:11434: connection refused",
        hint="Start the server, or check its port.",
    ),
)


async def to_tests(pilot: Pilot[None]) -> None:
    """One success and two failures, without a request."""
    await to_providers(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ChooseProvidersStep)
    screen.state.chosen = [report.provider for report in REPORTS]
    screen.state.tests = {report.provider: providers.TestResult(report=report) for report in REPORTS}
    await pilot.press("enter")
    await top_screen(pilot, ConnectionTestStep)
    await says(pilot, "Start the server")


Before = Callable[[Pilot[None]], Awaitable[None]]
MOMENTS = {"detection": to_detection, "providers": to_providers, "tests": to_tests}
STEPS = pytest.mark.parametrize("before", MOMENTS.values(), ids=MOMENTS)


@SIZES
def test_detection(snap_compare: Compare, size: tuple[int, int], tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=to_detection)


@SIZES
def test_choose_providers(snap_compare: Compare, size: tuple[int, int], tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=to_providers)


@SIZES
def test_connection_tests(snap_compare: Compare, size: tuple[int, int], tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=to_tests)


def test_choose_models(snap_compare: Compare, tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=SMALL, run_before=to_models)


@STEPS
def test_without_colours(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: Before
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(app_in(tmp_path), terminal_size=MIDDLE, run_before=before)


@STEPS
def test_in_terminal_colours(snap_compare: Compare, tmp_path: Path, before: Before) -> None:
    app = app_in(tmp_path)

    async def in_ansi(pilot: Pilot[None]) -> None:
        app.theme = "ansi-dark"
        await before(pilot)

    assert snap_compare(app, terminal_size=MIDDLE, run_before=in_ansi)
