"""Themes: the user's are checked, the chosen one is saved, and the terminal's own colours are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_tui import paths
from swebench_tui.settings.definitions import Appearance, Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.tui import themes
from swebench_tui.tui.themes import ThemeError
from tests.app.tui.pilot import paste, running, shown, toasts, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

ONE = ("compatible:m",)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's themes lie."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = paths.config() / "themes"
    folder.mkdir(parents=True)
    return folder


def chosen(name: str) -> StandInWorkspace:
    return StandInWorkspace(Settings(appearance=Appearance(theme=name)))


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ('primry = "red"', "unknown key 'primry'", "Did you mean 'primary'?"),
        ('name = "x"\nprimary = "red"', "unknown key 'name'", "Valid keys: primary"),
        ("dark = true", "has no primary", "primary ="),
        ('primary = "redd"', "primary is 'redd'", "a colour"),
        ("primary = 3", "primary is 3", "a colour"),
        ('primary = "red"\ndark = "yes"', "dark is 'yes'", "true or false"),
        ('primary = "red"\ntext_alpha = 2', "text_alpha is 2", "from 0 to 1"),
        ('primary = "red"\nvariables = 1', "variables is 1", "a table"),
        ("primary = ", "Invalid value", "primary ="),
    ],
)
def test_an_invalid_theme_is_reported_with_file_and_key(folder: Path, text: str, what: str, hint: str) -> None:
    (folder / "mine.toml").write_text(text)
    (folder / "good.toml").write_text('primary = "#123456"\n[variables]\nx = "y"\n')
    good, (error,) = themes.load(folder)
    assert [theme.name for theme in good] == ["good"]
    assert str(folder / "mine.toml") in str(error)
    assert what in str(error)
    assert hint in error.hint


def test_a_binary_file_is_an_error(folder: Path) -> None:
    (folder / "mine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ThemeError, match=r"mine\.toml"):
        themes.read(folder / "mine.toml")


async def test_a_users_theme_is_used_at_start(folder: Path) -> None:
    (folder / "mine.toml").write_text('primary = "#123456"\nbackground = "#010203"\n')
    async with running(*ONE, workspace=chosen("mine")) as pilot:
        assert pilot.app.theme == "mine"
        assert pilot.app.screen.styles.background.hex == "#010203"


@pytest.mark.parametrize(
    ("name", "theme"), [("dark", "textual-dark"), ("light", "textual-light"), ("", themes.DEFAULT)]
)
async def test_dark_and_light_are_names_of_themes(name: str, theme: str) -> None:
    async with running(*ONE, workspace=chosen(name)) as pilot:
        assert pilot.app.theme == theme


@pytest.mark.parametrize("name", ["ansi-dark", "ansi-light"])
async def test_the_terminals_own_colours_reach_it_as_they_are(name: str) -> None:
    async with running(*ONE, workspace=chosen(name)) as pilot:
        assert pilot.app.native_ansi_color


async def test_a_missing_theme_is_reported_and_the_default_used() -> None:
    async with running(*ONE, workspace=chosen("nordd"), size=(120, 40)) as pilot:
        (toast,) = toasts(pilot)
        assert toast.message == "Unknown theme 'nordd' in appearance.theme → Did you mean 'nord'?"
        assert pilot.app.theme == themes.DEFAULT


async def test_a_theme_picked_in_the_palette_is_saved() -> None:
    workspace = chosen("")
    async with running(*ONE, workspace=workspace) as pilot:
        await pilot.press("ctrl+p")
        await paste(pilot, "theme")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "gruvbox" in shown(pilot.app.screen), what="the themes")
        await paste(pilot, "gruvbox")
        await wait_until(pilot, lambda: "nord" not in shown(pilot.app.screen), what="only that one")
        await pilot.press("enter")
        await wait_until(pilot, lambda: workspace.changes != [], what="the change")
        assert workspace.changes == [(("appearance", "theme"), "gruvbox")]


async def test_a_theme_that_cannot_be_saved_is_used() -> None:
    workspace = StandInWorkspace(refuse=SettingsError("settings.toml cannot be written", hint="Make it writable."))
    async with running(*ONE, workspace=workspace) as pilot:
        pilot.app.theme = "nord"
        await wait_until(pilot, lambda: "Theme not saved" in shown(pilot.app.screen), what="the message")
        assert "Make it writable." in toasts(pilot)[0].message
        assert pilot.app.theme == "nord"


async def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(*ONE, workspace=chosen("dracula")) as pilot:
        picture = pilot.app.export_screenshot()
        colours = {part[:6] for part in picture.split("fill: #")[1:]} - {"c5c8c6"}  # the picture's own
        assert colours
        assert all(colour[0:2] == colour[2:4] == colour[4:6] for colour in colours)


async def test_problems_of_the_settings_are_shown_at_the_start() -> None:
    problem = SettingsError("settings.toml: theme is 3", hint="It is a text.")
    async with running(*ONE, workspace=StandInWorkspace(problems=[problem])) as pilot:
        await wait_until(pilot, lambda: "theme is 3 → It is a text." in shown(pilot.app.screen), what="the message")
