"""The prompt in the user's editor: the text it returns, errors, and the files it leaves."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.widgets import TextArea

from swebench_providers import ProviderRegistry
from swebench_tui.settings.definitions import Settings
from swebench_tui.tui import editor
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.editor import EditorError
from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from tests.app.tui.pilot import running, shown, top_screen, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace


def an_editor(tmp_path: Path, does: str) -> str:
    """A command that runs these lines of Python with `path`, the file it is to edit."""
    script = tmp_path / "editor.py"
    script.write_text(f"import sys, pathlib, os\npath = pathlib.Path(sys.argv[-1])\n{does}\n")
    return f"{sys.executable} '{script}'"


class Lending(SwebenchApp):
    """A terminal that can be lent to an editor, as the tests' own cannot."""

    @contextmanager
    def suspend(self) -> Iterator[None]:
        yield


def test_the_setting_comes_before_visual_and_visual_before_editor() -> None:
    environ = {"VISUAL": "sh -c", "EDITOR": "cat", "PATH": "/usr/bin:/bin"}
    assert editor.command("env -i 'a b'", environ) == ["env", "-i", "a b"]
    assert editor.command("", environ) == ["sh", "-c"]
    assert editor.command("", {**environ, "VISUAL": " "}) == ["cat"]


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("", "No editor"),
        ("no-such-editor -w", "not installed"),
        ("vi 'x", "No closing quotation"),
        ("''", "not installed"),
    ],
)
def test_an_editor_that_cannot_start_is_an_error(setting: str, what: str) -> None:
    with pytest.raises(EditorError, match=what) as caught:
        editor.command(setting, {"PATH": "/usr/bin:/bin"})
    assert caught.value.hint


def test_edited_text_returns_and_its_private_file_is_removed(tmp_path: Path) -> None:
    does = f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(f'{{path}} {{path.stat().st_mode}}')\n"
    does += "path.write_bytes(path.read_bytes() + 'ü new'.encode())"
    assert editor.edit("old\r\n", editor.command(an_editor(tmp_path, does), {})) == "old\r\nü new"
    path, mode = (tmp_path / "seen").read_text().split(" ")
    assert stat.S_IMODE(int(mode)) == 0o600
    assert not Path(path).exists()
    assert not Path(path).parent.exists()


def test_an_editor_that_fails_gives_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    does = f"pathlib.Path({str(seen)!r}).write_text(str(path)); path.write_text('half'); sys.exit(3)"
    with pytest.raises(EditorError, match="status 3"):
        editor.edit("old", editor.command(an_editor(tmp_path, does), {}))
    assert not Path(seen.read_text()).exists()


@pytest.mark.parametrize("does", ["path.write_bytes(b'\\xff')", "path.unlink()"])
def test_an_unreadable_result_is_an_error(tmp_path: Path, does: str) -> None:
    with pytest.raises(EditorError) as caught:
        editor.edit("old", editor.command(an_editor(tmp_path, does), {}))
    assert "unchanged" in caught.value.hint


def test_a_line_end_that_the_editor_added_is_no_change(tmp_path: Path) -> None:
    does = "path.write_text(path.read_text() + chr(10))"
    assert editor.edit("old", editor.command(an_editor(tmp_path, does), {})) == "old"


@pytest.mark.parametrize(
    ("does", "message", "changed"),
    [
        ("path.write_text('from the editor')", "", True),
        ("pass", "The prompt was not changed", False),
        ("sys.exit(1)", "exited with status 1", False),
    ],
)
async def test_ctrl_o_takes_the_text_that_the_editor_saved(
    tmp_path: Path, does: str, message: str, changed: bool
) -> None:
    workspace = StandInWorkspace(Settings(editor=an_editor(tmp_path, does)))
    app = Lending(ProviderRegistry({}), workspace=workspace)
    app.animation_level = "none"
    async with app.run_test(notifications=True, size=(100, 30)) as pilot:
        await wait_until(pilot, lambda: app.compare.task_prompt is not None, what="the first task")
        await pilot.press("e")
        dialog = await top_screen(pilot, EditPromptScreen)
        before = dialog.query_one(TextArea).text
        await pilot.press("ctrl+o")
        if message:
            await wait_until(pilot, lambda: message in shown(app.screen), what="the message")
        assert dialog.query_one(TextArea).text == ("from the editor" if changed else before)


async def test_a_terminal_that_cannot_suspend_is_reported() -> None:
    workspace = StandInWorkspace(Settings(editor="cat"))
    async with running("compatible:m", workspace=workspace) as pilot:
        await pilot.press("e")
        await top_screen(pilot, EditPromptScreen)
        await pilot.press("ctrl+o")
        await wait_until(
            pilot, lambda: "cannot be opened in this terminal" in shown(pilot.app.screen), what="the message"
        )
