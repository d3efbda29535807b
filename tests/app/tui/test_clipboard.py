"""Copying: the tools that are used, the file for a long text, and the notification."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from swebench_tui import paths
from swebench_tui.tui import clipboard
from tests.app.tui.pilot import all_settled, running, shown, wait_until
from tests.fault_server import FaultServer, Script

LONG = "ä" * (clipboard.LONGEST_FOR_TERMINAL // 2 + 1)


def install(folder: Path, name: str, script: str) -> None:
    """A program of that name."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A desktop whose programs are those that a test installs into `bin`."""
    (tmp_path / "bin").mkdir()
    return {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "DISPLAY": ":0", "WAYLAND_DISPLAY": "w", "OUT": str(tmp_path)}


def test_without_a_tool_only_the_terminal_copies(tmp_path: Path) -> None:
    copied = clipboard.copy_with_tool("text", tmp_path, {"PATH": str(tmp_path)})
    assert str(copied) == "Copied 4 characters with the terminal (OSC 52)."
    assert list(tmp_path.iterdir()) == []


def test_a_clipboard_tool_gets_the_text_and_is_named(tmp_path: Path, environ: dict[str, str]) -> None:
    install(tmp_path / "bin", "wl-copy", 'cat > "$OUT/got"; echo "$@" > "$OUT/arguments"')
    copied = clipboard.copy_with_tool("a'b\n$x `y`", tmp_path, environ)
    assert (tmp_path / "got").read_text() == "a'b\n$x `y`"
    assert (tmp_path / "arguments").read_text() == "\n"
    assert str(copied) == "Copied 10 characters with the terminal (OSC 52) and wl-copy."


def test_a_failing_clipboard_tool_is_skipped(tmp_path: Path, environ: dict[str, str]) -> None:
    install(tmp_path / "bin", "wl-copy", "exit 1")
    install(tmp_path / "bin", "xclip", 'cat > "$OUT/got"')
    assert clipboard.copy_with_tool("text", tmp_path, environ).tool == "xclip"
    (tmp_path / "got").unlink()
    del environ["DISPLAY"]
    assert clipboard.copy_with_tool("text", tmp_path, environ).tool is None
    assert not (tmp_path / "got").exists()


def test_a_long_copy_goes_to_a_private_file(tmp_path: Path) -> None:
    assert clipboard.fits_terminal(LONG[1:])
    copied = clipboard.copy_with_tool(LONG, tmp_path, {"PATH": str(tmp_path)})
    assert copied.file is not None
    assert copied.file.read_text("utf-8") == LONG
    assert stat.S_IMODE(copied.file.stat().st_mode) == 0o600
    assert "OSC 52" not in str(copied)
    assert str(copied.file) in str(copied)
    assert clipboard.copy_with_tool(LONG, tmp_path, {"PATH": str(tmp_path)}).file != copied.file


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    copied = clipboard.copy_with_tool(LONG, tmp_path / "data", {"PATH": str(tmp_path)})
    assert not copied.anywhere
    assert str(tmp_path / "data") in str(copied)


async def test_y_reports_a_long_answer_as_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    async with FaultServer(Script((LONG,))) as server, running("compatible:m", server=server, size=(160, 40)) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        await pilot.press("y")
        await wait_until(pilot, lambda: "too long for the terminal" in shown(pilot.app.screen), what="the message")
        (file,) = (paths.data() / "copied").iterdir()
        assert file.read_bytes() == LONG.encode()
        assert pilot.app.clipboard == ""
