"""Copying a text by every way there is, with a message that names them.

The terminal copies (OSC 52), which works over SSH and in tmux. It does not report whether it did, so a tool of the
desktop copies too, if there is one. Terminals ignore OSC 52 above some 100 kB of base64; a longer text is also saved to
a file.

The package pyperclip calls the same tools, but waits for them without a limit, lets them write their errors across the
screen, and takes a tool that failed for one that copied.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from textual.app import App

from swebench_tui import paths, private_file

LONGEST_FOR_TERMINAL: Final = 74_000
"""Bytes of UTF-8 that every terminal with OSC 52 accepts."""

_TIMEOUT: Final = 2.0  # seconds; xclip waits for ever if the display does not respond


class Tool(msgspec.Struct, frozen=True):
    """A program that copies its standard input. It works only if the variable `needs` is set."""

    command: tuple[str, ...]
    needs: str = ""
    encoding: str = "utf-8"


TOOLS: Final = (
    Tool(("pbcopy",)),
    Tool(("wl-copy",), needs="WAYLAND_DISPLAY"),
    Tool(("xclip", "-selection", "clipboard"), needs="DISPLAY"),
    Tool(("xsel", "--clipboard", "--input"), needs="DISPLAY"),
    Tool(("clip.exe",), encoding="utf-16"),
)


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """Where a text was copied to. `problem` is why a text too long for the terminal could not be saved."""

    length: int
    terminal: bool
    tool: str | None
    file: Path | None
    problem: str = ""

    @property
    def anywhere(self) -> bool:
        return self.terminal or self.tool is not None or self.file is not None

    def __str__(self) -> str:
        size = f"{self.length:,} characters"
        used = ["the terminal (OSC 52)"] * self.terminal + [self.tool] * (self.tool is not None)
        copied = f"Copied {size} with {' and '.join(filter(None, used))}." if used else ""
        if self.terminal:
            return copied
        saved = f"Saved to {self.file}" if self.file else f"Saving failed: {self.problem}"
        return f"{copied} {size} are too long for the terminal's clipboard. {saved}".strip()


async def copy(app: App[Any], text: str) -> None:
    """Copy from a screen, and show a notification."""
    if fits_terminal(text):
        app.copy_to_clipboard(text)
    copied = await asyncio.to_thread(copy_with_tool, text, paths.data())
    severity = "information" if copied.anywhere else "error"
    app.notify(str(copied), timeout=4 if copied.terminal else 20, severity=severity, markup=False)  # type: ignore[arg-type]


def fits_terminal(text: str) -> bool:
    """Whether the text is short enough for OSC 52."""
    return len(text.encode("utf-8", "replace")) <= LONGEST_FOR_TERMINAL


def copy_with_tool(text: str, folder: Path, environ: Mapping[str, str] | None = None) -> Copied:
    """Copy with the first tool that works; save a text that is too long for the terminal below `folder`. Blocks."""
    terminal = fits_terminal(text)
    file, problem = None, ""
    if not terminal:
        try:
            file = private_file.write_new(folder / "copied", "answer", ".txt", text)
        except OSError as error:
            problem = f"{folder}: {error.strerror}"
    tool = _first_tool(text, os.environ if environ is None else environ)
    return Copied(length=len(text), terminal=terminal, tool=tool, file=file, problem=problem)


def _first_tool(text: str, environ: Mapping[str, str]) -> str | None:
    """The name of the first tool that copied the text."""
    for tool in TOOLS:
        program = shutil.which(tool.command[0], path=environ.get("PATH", os.defpath))
        if program is None or (tool.needs and not environ.get(tool.needs)):
            continue
        try:
            done = subprocess.run(
                [program, *tool.command[1:]],
                input=text.encode(tool.encoding, "replace"),
                stdout=subprocess.DEVNULL,  # xclip stays to serve the clipboard, and would hold a pipe open
                stderr=subprocess.DEVNULL,
                env=dict(environ),
                timeout=_TIMEOUT,
                check=False,
                start_new_session=sys.platform != "win32",
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return tool.command[0]
    return None
