"""Unexpected errors: the app goes on if it can, and no path leads to Textual's traceback with local variables."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from textual import work
from textual.binding import Binding, BindingType
from textual.pilot import Pilot

from swebench_providers import ProviderRegistry, Secret
from swebench_tui import paths
from swebench_tui.runs.target import parse_target
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.compare.screen import CompareScreen
from swebench_tui.tui.screens.not_built import HistoryScreen
from swebench_tui.tui.screens.unexpected import UnexpectedScreen
from tests.app.tui.pilot import shown, top_screen, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

CANARY = "canary-" + "zebra" * 4
PROMPT = "the quick brown fox asks about lazy dogs in a repository"


def explode() -> None:
    api_key, prompt = CANARY, PROMPT
    raise ValueError(f"bad header {api_key} while sending {prompt}")


class Broken(SwebenchApp):
    """Errors on a key each, at all places from which they can come."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "fail_key"),
        Binding("u", "fail_worker"),
        Binding("v", "fail_timer"),
        Binding("w", "fail_thread"),
    ]

    def __init__(self) -> None:
        workspace = StandInWorkspace(secrets=[Secret(CANARY)])
        super().__init__(ProviderRegistry({}), workspace=workspace, lineup=[parse_target("compatible:m")])
        self.animation_level = "none"

    def action_fail_key(self) -> None:
        explode()

    @work
    async def action_fail_worker(self) -> None:
        explode()

    def action_fail_timer(self) -> None:
        self.set_timer(0.001, explode)

    def action_fail_thread(self) -> None:
        def fail() -> None:
            try:
                explode()
            except ValueError as error:
                self.thread_failed(threading.ExceptHookArgs((ValueError, error, error.__traceback__, None)))

        threading.Thread(target=fail).start()

    def _history_screen(self) -> HistoryScreen:
        return BrokenHistory()


class BrokenHistory(HistoryScreen):
    """Comes up in part only."""

    def compose_body(self):  # type: ignore[no-untyped-def] # noqa: ANN201
        explode()
        yield from ()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return paths.data()


def only_report(folder: Path) -> str:
    """The text of the one report, which only its owner can read."""
    (report,) = folder.rglob("*.txt")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    return report.read_text("utf-8")


async def run_all(pilot: Pilot[None]) -> None:
    """Wait for the question, and make it private words."""
    screen = pilot.app.screen
    assert isinstance(screen, CompareScreen)
    await wait_until(pilot, lambda: screen.task_prompt is not None, what="the first task")
    from swebench_tui.bench.task import custom_prompt

    screen._set_task(custom_prompt(PROMPT))


@pytest.mark.parametrize("key", list("tuvw"))
async def test_an_error_is_reported_without_any_text_of_the_user(key: str, folder: Path) -> None:
    app = Broken()
    async with app.run_test(notifications=True, size=(100, 30)) as pilot:
        await run_all(pilot)
        await pilot.press(key)
        dialog = await top_screen(pilot, UnexpectedScreen)
        await wait_until(pilot, lambda: "Report saved" in shown(dialog), what="the file")
        text = only_report(folder)
        assert "ValueError: bad header" in text
        assert "in explode" in text
        assert "100x30" in text
        assert "compare > CompareScreen" in text
        for seen in (text, shown(dialog.query_one(".dialog")), app.export_screenshot()):
            assert "zebra" not in seen
        assert "lazy dogs" not in text
        assert "lazy dogs" not in shown(dialog.query_one(".dialog"))
        await pilot.press("c")
        await wait_until(pilot, lambda: "Copied" in shown(pilot.app.screen), what="the notification")
        assert app.clipboard == text
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(app.screen, CompareScreen), what="Compare again")
        await pilot.press("2")
        await wait_until(pilot, lambda: app.current_mode == "batch", what="the keys still work")
    assert app.crash is None


async def test_a_mode_that_fails_to_build_is_left() -> None:
    app = Broken()
    async with app.run_test(notifications=True) as pilot:
        await run_all(pilot)
        for _ in range(2):
            await pilot.press("5")
            await top_screen(pilot, UnexpectedScreen)
            await pilot.press("escape")
            await wait_until(pilot, lambda: isinstance(app.screen, CompareScreen), what="Compare again")
        await pilot.press("2")
        await wait_until(pilot, lambda: app.current_mode == "batch", what="the keys still work")


async def test_quit_in_the_dialog_ends_the_app_with_status_1() -> None:
    app = Broken()
    async with app.run_test() as pilot:
        await run_all(pilot)
        await pilot.press("t")
        await top_screen(pilot, UnexpectedScreen)
        await pilot.press("q")
        await wait_until(pilot, lambda: app.return_code is not None, what="the end")
    assert app.return_code == 1
    assert app.crash is not None


async def test_errors_without_end_end_the_app() -> None:
    app = Broken()
    with pytest.raises(ValueError, match="bad header"):  # noqa: PT012 - the pilot raises it when it is left
        async with app.run_test() as pilot:
            await run_all(pilot)
            for _ in range(7):
                app.call_later(explode)
            await wait_until(pilot, lambda: app.crash is not None, what="the end")
    assert app.return_code == 1


STARTS = {
    "compose": "class App(Base):\n    def _compare_screen(self):\n        screen = super()._compare_screen()\n"
    "        screen.compose_body = explode\n        return screen\n",
    "mount": "class App(Base):\n    def on_mount(self):\n        explode()\n",
    "css": "class App(Base):\n    CSS = 'Screen { colour: ' + CANARY + ' }'\n",
    "load": "class App(Base):\n    def on_load(self):\n        explode()\n",
    "init": "class App(Base):\n    def __init__(self, *a, **k):\n        explode()\n",
    "unmount": "class App(Base):\n    def on_mount(self):\n        self.exit()\n"
    "    async def on_unmount(self):\n        await super().on_unmount()\n        explode()\n",
    "render": "from swebench_tui.tui.widgets.mode_bar import ModeBar\nModeBar.render = explode\nApp = Base\n",
    "panic": "class App(Base):\n    def on_mount(self):\n        from rich.traceback import Traceback\n"
    "        try:\n            explode()\n        except ValueError:\n"
    "            self.exit(); self.panic(Traceback(show_locals=True))\n",
}
PROGRAM = """
import os
from swebench_tui.tui import app, launch
Base, CANARY = app.SwebenchApp, os.environ["SOME_API_KEY"]
def explode(*_):
    api_key = CANARY
    raise ValueError(f"bad header {api_key}")
{definition}
launch.SwebenchApp = App
launch.run()
"""


@pytest.mark.parametrize("where", STARTS)
def test_a_fatal_error_leaves_status_1_and_a_report(where: str, tmp_path: Path, folder: Path) -> None:
    environ = {**os.environ, "SOME_API_KEY": CANARY, "TERM": "xterm-256color", "HOME": str(tmp_path)}
    ours, theirs = pty.openpty()
    program = PROGRAM.replace("{definition}", STARTS[where])
    with (tmp_path / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=errors, env=environ
        )
        os.close(theirs)
        screen = bytearray()
        try:
            while piece := os.read(ours, 65536):
                screen += piece
        except OSError:  # Linux says so when the other end is closed
            pass
        assert process.wait(timeout=60) == 1
    os.close(ours)
    stderr = (tmp_path / "stderr").read_text("utf-8")
    reports = list(folder.rglob("*.txt"))
    ending = "swebench-tui ended because of an internal error"
    lines = [line for line in stderr.splitlines() if ending in line]
    assert len(lines) == 1
    assert any(str(report) in lines[0] for report in reports)
    assert {stat.S_IMODE(report.stat().st_mode) for report in reports} == {0o600}
    for seen in (bytes(screen), stderr.encode(), *(report.read_bytes() for report in reports)):
        assert b"zebra" not in seen
        assert b"locals" not in seen
        assert b"Traceback" not in seen
