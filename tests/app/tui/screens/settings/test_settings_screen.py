"""The Settings screen: rows with origins, validated input, removal, and the problems of files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.pilot import Pilot

from swebench_tui.services.settings import setting_rows
from swebench_tui.settings.schema import NAME, leaves
from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from swebench_tui.tui.screens.settings.edit import _DEBOUNCE, EditSettingScreen
from swebench_tui.tui.screens.settings.screen import SettingsScreen
from tests.app.tui.pilot import column, paste, running, shown, states, toasts, top_screen, wait_until
from tests.app.tui.screens.providers.providers_stage import app, says, settings_of, setup_in
from tests.app.tui.screens.wizard.test_wizard import lineup
from tests.fault_server import FaultServer, Script


def test_every_setting_of_the_definitions_has_a_row(tmp_path: Path) -> None:
    paths = {row.path for row in setting_rows(setup_in(tmp_path))}
    for leaf in leaves():
        assert tuple("openai" if part == NAME else part for part in leaf.path) in paths


async def test_each_value_is_shown_with_its_origin(tmp_path: Path) -> None:
    workspace = setup_in(
        tmp_path,
        {"OLLAMA_HOST": "http://127.0.0.1:9"},
        file='editor = "vim"\n',
        project='[providers.openai]\nmodel = "of-the-project"\n',
    )
    async with settings_of(workspace, size=(160, 60)) as pilot:
        for name, origin in (
            ("editor", "user file: "),
            ("providers.openai.model", "project file: "),
            ("providers.ollama.base_url", "environment: OLLAMA_HOST"),
            ("providers.gemini.model", "default"),
        ):
            await pilot.press("slash", "ctrl+a", "ctrl+k")
            await paste(pilot, name)
            await says(pilot, name)
            await wait_until(pilot, lambda origin=origin: origin in shown(pilot.app.screen), what=origin)  # type: ignore[misc]


async def test_search_finds_settings_of_unconfigured_providers(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path)) as pilot:
        assert "providers.openai.time_limits.idle" not in shown(pilot.app.screen)
        await pilot.press("slash")
        await paste(pilot, "openai idle")
        await says(pilot, "providers.openai.time_limits.idle")
        await pilot.press("escape")
        await says(pilot, "appearance.theme")
        await pilot.press("escape")
        await wait_until(pilot, lambda: not isinstance(pilot.app.screen, SettingsScreen), what="it left")


async def test_a_value_is_checked_while_typed_and_saved_if_valid(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with settings_of(workspace) as pilot:
        await pilot.press("slash")
        await paste(pilot, "openai idle")
        await pilot.press("enter", "enter")
        await top_screen(pilot, EditSettingScreen)
        await says(pilot, "Value: a number above 0, at most 86,400")
        await paste(pilot, "-5")
        await says(pilot, "✗")
        await pilot.press("enter")
        await top_screen(pilot, EditSettingScreen)
        assert "providers" not in workspace.user_file.read_text()
        await pilot.press("ctrl+a", "ctrl+k")
        await paste(pilot, "90")
        await pilot.press("enter")
        await says(pilot, "Saved ")
        assert workspace.settings.providers["openai"].time_limits.idle == 90
        await says(pilot, "90")


async def test_d_removes_a_setting_and_keeps_the_rest(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path, file='# mine\neditor = "vim"\n[providers.openai]\nmodel = "m"\n')
    async with settings_of(workspace) as pilot:
        await pilot.press("slash")
        await paste(pilot, "openai model")
        await pilot.press("enter", "d")
        await says(pilot, "Removed providers.openai.model")
        assert workspace.user_file.read_text().startswith('# mine\neditor = "vim"\n')
        assert not workspace.in_user_file(("providers", "openai", "model"))


async def test_a_project_files_value_cannot_be_removed_here(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path, project='[providers.openai]\nmodel = "m"\n')) as pilot:
        await pilot.press("slash")
        await paste(pilot, "openai model")
        await pilot.press("enter", "d")
        await says(pilot, "is not set in")


async def test_file_problems_are_on_top_with_file_and_line(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path, file='editr = "vim"\n')) as pilot:
        await says(pilot, "unknown setting 'editr'")
        text = " ".join(shown(pilot.app.screen).split())
        assert "settings.toml, line 1:" in text
        assert "Did you mean editor?" in text


async def test_a_broken_file_is_not_overwritten(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path, file="editor = \n")
    async with settings_of(workspace) as pilot:
        await pilot.press("slash")
        await paste(pilot, "editor")
        await pilot.press("enter", "enter")
        await top_screen(pilot, EditSettingScreen)
        await pilot.press("ctrl+a", "ctrl+k")
        await paste(pilot, "nano")
        await pilot.press("enter")
        await says(pilot, "✗")
        assert workspace.user_file.read_text() == "editor = \n"


async def test_a_write_error_outlasts_the_check_of_earlier_input(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with settings_of(workspace) as pilot:
        await open_setting(pilot, "editor")
        workspace.user_file.write_text("editor = \n")  # by another program, meanwhile
        await paste(pilot, "nano")
        await pilot.press("enter")
        checked = asyncio.Event()
        pilot.app.screen.set_timer(_DEBOUNCE, checked.set)  # later than any that typing has started
        await wait_until(pilot, checked.is_set, what="the check of the typed text")
        await says(pilot, "The whole file is ignored until this is fixed")


async def test_changes_by_another_program_are_shown_and_applied(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path)) as pilot:
        workspace = app(pilot).workspace
        assert workspace is not None
        await pilot.press("escape")
        workspace.user_file.write_text(
            'editor = "nano"\n[appearance]\ntheme = "nord"\n[keymap]\n"compare.zoom" = "f9"\n'
        )
        await pilot.press("f2")
        await says(pilot, "● editor")
        assert pilot.app.theme == "nord"
        await pilot.press("escape")
        await says(pilot, "f9 zoom")


async def test_at_80_columns_names_stay_distinct(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path), size=(80, 24)) as pilot:
        await pilot.press("slash")
        await paste(pilot, "huggingface time_limits")
        for name in ("first_token", "connect", "idle", "total"):
            await says(pilot, f"e.time_limits.{name} ")


async def test_at_80_columns_all_allowed_values_are_readable(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path), size=(80, 24)) as pilot:
        await open_setting(pilot, "openai protocol")
        for value in ("anthropic_messages", "azure_deployments", "ollama_chat", "openai_chat", "openai_responses"):
            await says(pilot, f'"{value}"')


async def open_setting(pilot: Pilot[None], terms: str) -> None:
    """Open the first setting that matches, and empty its field."""
    await pilot.press("slash")
    await paste(pilot, terms)
    await pilot.press("enter", "enter")
    await top_screen(pilot, EditSettingScreen)
    await pilot.press("ctrl+a", "ctrl+k")


async def test_headers_are_added_by_name_with_hidden_values(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with settings_of(workspace) as pilot:
        await pilot.press("slash")
        await paste(pilot, "openai headers")
        await pilot.press("enter", "enter")
        dialog = await top_screen(pilot, EditSettingScreen)
        await paste(pilot, "X-Team")
        await pilot.press("enter")
        await paste(pilot, "swordfish")
        assert "swordfish" not in shown(dialog)
        await pilot.press("enter")
        await says(pilot, "providers.openai.headers.X-Team")
        assert workspace.settings.providers["openai"].headers == {"X-Team": "swordfish"}
        assert "swordfish" not in shown(pilot.app.screen)


async def test_a_theme_applies_at_once(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path)) as pilot:
        await pilot.press("enter")
        await paste(pilot, "nord")
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.theme == "nord", what="the colours")


async def test_a_keymap_entry_applies_at_once(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    async with settings_of(workspace) as pilot:
        await pilot.press("down", "enter")
        await paste(pilot, "providers.test_all")
        await pilot.press("enter")
        await paste(pilot, "f9")
        await pilot.press("enter")
        await says(pilot, "Saved ")
        await pilot.press("escape", "4")
        keys = pilot.app.screen.active_bindings
        assert keys["f9"].binding.id == "providers.test_all"


async def toast_says(pilot: Pilot[None], text: str) -> None:
    """Wait until a toast says this, wherever its lines are broken."""
    await wait_until(pilot, lambda: any(text in toast.message for toast in toasts(pilot)), what=text)


async def set_to(pilot: Pilot[None], name: str, value: str) -> None:
    """Find a setting and save a value."""
    await pilot.press("slash", "ctrl+a", "ctrl+k")
    await paste(pilot, name)
    await pilot.press("enter", "enter")
    await top_screen(pilot, EditSettingScreen)
    await pilot.press("ctrl+a", "ctrl+k")
    await paste(pilot, value)
    await pilot.press("enter")
    await toast_says(pilot, "Saved ")


async def test_a_setting_that_needs_a_restart_says_so(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path)) as pilot:
        await set_to(pilot, "openai requests_per_minute", "60")
        await toast_says(pilot, "Restart to apply it.")


async def test_a_lineup_applies_at_once_before_the_first_run(tmp_path: Path) -> None:
    async with FaultServer(default=Script(("paid for",))) as server:
        workspace = setup_in(tmp_path, {"COMPATIBLE_BASE_URL": server.base_url, "OLLAMA_HOST": "http://127.0.0.1:9"})
        async with settings_of(workspace) as pilot:
            await set_to(pilot, "compare.lineup", "compatible:m")
            await wait_until(pilot, lambda: lineup(pilot) == ["compatible:m"], what="the new column")
            assert "Restart to apply" not in shown(pilot.app.screen)
            await pilot.press("escape", "escape", "1", "enter")
            await wait_until(pilot, lambda: states(pilot) == ["done"], what="the answer")
            await pilot.press("f2")
            await set_to(pilot, "compare.lineup", "ollama:x")
            await toast_says(pilot, "Restart to apply it.")
            assert (lineup(pilot), column(pilot).answer) == (["compatible:m"], "paid for")


async def test_another_editor_applies_at_once(tmp_path: Path) -> None:
    async with settings_of(setup_in(tmp_path)) as pilot:
        await set_to(pilot, "editor", "no-such-editor")
        await pilot.press("escape", "escape", "1", "e")
        await top_screen(pilot, EditPromptScreen)
        await pilot.press("ctrl+o")
        await says(pilot, "no-such-editor")


async def test_an_editor_that_is_not_installed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor")
    async with settings_of(setup_in(tmp_path)) as pilot:
        await pilot.press("e")
        await says(pilot, "which is not installed")


async def test_without_a_workspace_the_path_of_the_file_is_shown() -> None:
    async with running("compatible:x") as pilot:
        await pilot.press("f2")
        await says(pilot, "settings.toml")
        assert app(pilot).workspace is None
