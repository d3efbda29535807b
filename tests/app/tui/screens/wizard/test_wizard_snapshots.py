"""How the first-run steps look, at moments that stand still."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from swebench_providers.connection_test import ConnectionReport
from swebench_providers.servers.discovery import FoundServer
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.providers.provider_facts import TestResult
from swebench_tui.tui.screens.wizard.choose import ChooseStep
from swebench_tui.tui.screens.wizard.found import FoundStep
from swebench_tui.tui.screens.wizard.models import ModelsStep
from swebench_tui.tui.screens.wizard.trial import TrialStep
from tests.app.settings.memory_workspace import MemoryStore
from tests.app.tui.pilot import shown, top_screen, wait_until
from tests.app.tui.screens.wizard.test_wizard import says, setup_in
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

    app = SwebenchApp(workspace=setup_in(folder, ENVIRON, keyring=MemoryStore()), discover=discover)
    app.animation_level = "none"
    return app


async def to_found(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, SwebenchApp)
    await wait_until(pilot, lambda: app.compare.task_prompt is not None, what="the first task")
    app.action_open_wizard()
    await top_screen(pilot, FoundStep)
    await wait_until(pilot, lambda: "looking" not in shown(pilot.app.screen), what="all looks over")


async def to_choose(pilot: Pilot[None]) -> None:
    await to_found(pilot)
    await pilot.press("enter")
    await top_screen(pilot, ChooseStep)
    await says(pilot, "Keys go into")


async def to_models(pilot: Pilot[None]) -> None:
    await to_choose(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ChooseStep)
    screen.draft.chosen = ["embedded"]  # nobody else is asked
    await pilot.press("enter")
    await top_screen(pilot, TrialStep)
    await pilot.press("enter")
    await top_screen(pilot, ModelsStep)
    await says(pilot, "its default")


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


async def to_trial(pilot: Pilot[None]) -> None:
    """One that answered, two that failed, each with its reason; nobody is asked."""
    await to_choose(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ChooseStep)
    screen.draft.chosen = [report.provider for report in REPORTS]
    screen.draft.tested = {report.provider: TestResult(report=report) for report in REPORTS}
    await pilot.press("enter")
    await top_screen(pilot, TrialStep)
    await says(pilot, "Start the server")


Before = Callable[[Pilot[None]], Awaitable[None]]
STEPS = pytest.mark.parametrize("before", [to_found, to_choose, to_trial], ids=["found", "choose", "trial"])


@SIZES
def test_what_is_there(snap_compare: Compare, size: tuple[int, int], tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=to_found)


@SIZES
def test_whom_to_ask(snap_compare: Compare, size: tuple[int, int], tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=to_choose)


@SIZES
def test_whether_they_answer(snap_compare: Compare, size: tuple[int, int], tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=to_trial)


def test_with_which_model(snap_compare: Compare, tmp_path: Path) -> None:
    assert snap_compare(app_in(tmp_path), terminal_size=SMALL, run_before=to_models)


@STEPS
def test_without_colours(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: Before
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(app_in(tmp_path), terminal_size=MIDDLE, run_before=before)


@STEPS
def test_in_the_terminals_own_colours(snap_compare: Compare, tmp_path: Path, before: Before) -> None:
    app = app_in(tmp_path)

    async def in_ansi(pilot: Pilot[None]) -> None:
        app.theme = "ansi-dark"
        await before(pilot)

    assert snap_compare(app, terminal_size=MIDDLE, run_before=in_ansi)
