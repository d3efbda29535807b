"""Putting whole files from an answer into a `Overlay`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.bench.patches.diagnose import is_elision
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator

_SHORT = 10  # lines of a file below which nothing can be said about how much of it is left


def apply_files(contents: Iterable[tuple[str, tuple[str, ...]]], tree: Overlay, locator: Locator) -> tuple[Repair, ...]:
    """Put each (name, lines) into the tree; returns what was mended. Raises `PatchError` for what is no whole file."""
    repairs: list[Repair] = []
    for name, lines in contents:
        path, mended = locator.from_text(name)
        repairs += mended
        if tree.exists(path):
            repairs += _replace(path, lines, tree)
        else:
            tree.must_be_free(path)
            tree.write(path, FileText(lines))
    return tuple(dict.fromkeys(repairs))


def _replace(path: str, lines: tuple[str, ...], tree: Overlay) -> list[Repair]:
    """The new text with the line ends of the old one, at its end too, which a fence cannot show."""
    before = tree.read(path)
    _must_be_whole(path, lines, before)
    crlf = before.crlf and not any(line.endswith("\r") for line in lines)
    text = FileText(tuple(line + "\r" for line in lines) if crlf else lines)
    repairs = [Repair.LINE_ENDS] if crlf else []
    if not before.final_newline:
        text = FileText.parse(text.render().removesuffix("\n").removesuffix("\r"))
        repairs.append(Repair.END_OF_FILE)
    tree.write(path, text)
    return repairs


def _must_be_whole(path: str, lines: tuple[str, ...], before: FileText) -> None:
    known = set(before.lines)
    if any(is_elision(line) and line not in known for line in lines):
        raise PatchError(Failure.ELISION, f"{path}: has `...` where lines of the file should be")
    if len(before.lines) >= _SHORT and 2 * len(lines) < len(before.lines):
        what = f"{len(lines)} lines for a file of {len(before.lines)}, so they are taken for a part of it"
        raise PatchError(Failure.PARTIAL_FILE, f"{path}: the answer has {what}")
