"""The files of a prompt as text, each between markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swebench_tui.bench.context import ContextFile, Window


def file_block(file: ContextFile, *, numbered: bool = False) -> str:
    """A file with its marker; with windows, one block for each, which names its lines."""
    return "\n\n".join(window_block(file, window, numbered=numbered) for window in file.windows)


def window_block(file: ContextFile, window: Window, *, numbered: bool = False) -> str:
    """Consecutive lines of a file between markers; `numbered` puts its number in front of each line."""
    lines = plain_lines(window.text).rstrip("\n").split("\n")
    last = window.first + len(lines) - 1
    shown = "" if file.whole else f' lines="{window.first}-{last} of {file.lines}"'
    if numbered:
        width = len(str(last))
        lines = [f"{number:>{width}} {line}".rstrip() for number, line in enumerate(lines, start=window.first)]
    return "\n".join([f'<file path="{file.path}"{shown}>', *lines, "</file>"])


def plain_lines(text: str) -> str:
    """The text with line feeds as its only line ends: many issues and some files carry CRs."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
