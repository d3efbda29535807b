"""Putting whole files from an answer into a `Tree`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.bench.patches.explain import is_elision
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swebench_tui.bench.patches.paths import Locator
    from swebench_tui.bench.patches.tree import Tree

_SHORT = 10  # lines of a file below which nothing can be said about how much of it is left


def apply_files(contents: Iterable[tuple[str, tuple[str, ...]]], tree: Tree, locator: Locator) -> tuple[Repair, ...]:
    """Put each (name, lines) into the tree. Returns what was mended; raises `PatchError` when it is plainly a part of the file."""
    repairs: list[Repair] = []
    for name, lines in contents:
        path, mended = locator.from_text(name)
        before = tree.read(path) if tree.exists(path) else FileText(())
        _must_be_whole(path, lines, before)
        if before.crlf and not any(line.endswith("\r") for line in lines):
            lines = tuple(line + "\r" for line in lines)
            mended = [*mended, Repair.LINE_ENDS]
        if not before.final_newline:
            lines = (*lines[:-1], *(line.removesuffix("\r") for line in lines[-1:]))
            mended = [*mended, Repair.END_OF_FILE]
        tree.write(path, FileText(lines, before.final_newline))
        repairs += mended
    return tuple(dict.fromkeys(repairs))


def _must_be_whole(path: str, lines: tuple[str, ...], before: FileText) -> None:
    known = set(before.lines)
    if any(is_elision(line) and line not in known for line in lines):
        raise PatchError(Failure.ELISION, f"{path}: has `...` where lines of the file should be")
    if len(before.lines) >= _SHORT and 2 * len(lines) < len(before.lines):
        raise PatchError(
            Failure.PARTIAL_FILE,
            f"{path}: the answer has {len(lines)} lines for a file of {len(before.lines)}, so it is taken for a part of it",
        )
