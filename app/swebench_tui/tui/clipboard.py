"""Copying, by whatever way there is, and saying which it was.

The terminal is asked first (OSC 52): it works over SSH. Nobody answers whether it did, so a tool of the desktop copies
too where there is one. Terminals drop OSC 52 above some 100 kB of base64; such text also goes into a file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from swebench_tui import private_file

LONGEST_FOR_TERMINAL: Final = 74_000
"""Bytes of UTF-8 that any terminal known to take OSC 52 takes."""

_TIMEOUT: Final = 2.0  # seconds; xclip waits without end where the display does not answer


class Tool(msgspec.Struct, frozen=True):
    """A program that takes the text on its standard input, where `needs` (a variable) is set."""

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
    """Which ways the text went. `problem` says why it is in no file, though it is too long for the terminal."""

    length: int
    terminal: bool
    tool: str | None
    file: Path | None
    problem: str = ""

    @property
    def anywhere(self) -> bool:
        return self.terminal or self.tool is not None or self.file is not None

    def __str__(self) -> str:
        ways = ["through the terminal (OSC 52)"] * self.terminal + [f"with {self.tool}"] * (self.tool is not None)
        message = f"Copied {self.length:,} characters {' and '.join(ways)}." if ways else ""
        if self.terminal:
            return message
        too_long = f"{self.length:,} characters are too long for the terminal's clipboard."
        kept = f"They are in {self.file}" if self.file else f"They could not be saved either: {self.problem}"
        return f"{message} {too_long} {kept}".strip()


def fits_the_terminal(text: str) -> bool:
    """Whether OSC 52 carries it."""
    return len(text.encode("utf-8", "replace")) <= LONGEST_FOR_TERMINAL


def copy(text: str, folder: Path, environ: Mapping[str, str] | None = None) -> Copied:
    """All but the terminal's part, which belongs to the app: the tool, and the file below `folder`. Blocks."""
    terminal = fits_the_terminal(text)
    file, problem = None, ""
    if not terminal:
        try:
            file = private_file.write_new(folder / "copied", "answer", ".txt", text)
        except OSError as error:
            problem = f"{folder}: {error.strerror}"
    tool = _by_tool(text, os.environ if environ is None else environ)
    return Copied(length=len(text), terminal=terminal, tool=tool, file=file, problem=problem)


def _by_tool(text: str, environ: Mapping[str, str]) -> str | None:
    """The name of the first tool that took it."""
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
