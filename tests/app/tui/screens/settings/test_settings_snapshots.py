"""Snapshots of the settings and the dialog that edits one."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from swebench_tui.tui.screens.settings.edit import EditSettingScreen
from swebench_tui.tui.screens.settings.screen import SettingsScreen
from tests.app.tui.pilot import paste, top_screen
from tests.app.tui.screens.providers.providers_stage import says
from tests.app.tui.still_app import StillApp
from tests.app.tui.test_snapshots import MIDDLE, SIZES, SMALL, Compare


async def settings(pilot: Pilot[None]) -> None:
    await pilot.press("2")  # an almost empty screen behind the dialog
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
    await says(pilot, "^s save")


@SIZES
def test_settings(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(StillApp(tmp_path), terminal_size=size, run_before=settings)


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=["80x24", "120x40"])
def test_edit_a_setting(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(StillApp(tmp_path), terminal_size=size, run_before=edit_setting)


def test_settings_without_colours(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(StillApp(tmp_path), terminal_size=MIDDLE, run_before=settings)


def test_settings_in_terminal_colours(snap_compare: Compare, tmp_path: Path) -> None:
    app = StillApp(tmp_path)
    app.theme = "ansi-dark"
    assert snap_compare(app, terminal_size=MIDDLE, run_before=settings)
