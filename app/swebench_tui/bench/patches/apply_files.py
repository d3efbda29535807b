"""Apply whole files from an answer to an `Overlay`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.bench.patches.diagnose import is_elision
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator

_SHORT = 10  # lines; the share of a shorter file that is left tells nothing


def apply_files(
    contents: Iterable[tuple[str, tuple[str, ...]]], overlay: Overlay, locator: Locator
) -> tuple[Repair, ...]:
    """Put each (name, lines) into the overlay; returns the repairs. Raises `PatchError` for a partial file."""
    repairs: list[Repair] = []
    for name, lines in contents:
        path, fixed = locator.from_text(name)
        repairs += fixed
        if overlay.exists(path):
            repairs += _replace(path, lines, overlay)
        else:
            overlay.must_be_free(path)
            overlay.write(path, FileText(lines))
    return tuple(dict.fromkeys(repairs))


def _replace(path: str, lines: tuple[str, ...], overlay: Overlay) -> list[Repair]:
    """The new text with the line ends of the old one, and its final newline, which a fence cannot express."""
    before = overlay.read(path)
    _must_be_whole(path, lines, before)
    crlf = before.crlf and not any(line.endswith("\r") for line in lines)
    text = FileText(tuple(line + "\r" for line in lines) if crlf else lines)
    repairs = [Repair.LINE_ENDS] if crlf else []
    if not before.final_newline:
        text = FileText.parse(text.render().removesuffix("\n").removesuffix("\r"))
        repairs.append(Repair.END_OF_FILE)
    overlay.write(path, text)
    return repairs


def _must_be_whole(path: str, lines: tuple[str, ...], before: FileText) -> None:
    known = set(before.lines)
    if any(is_elision(line) and line not in known for line in lines):
        raise PatchError(Failure.ELISION, f"{path}: has `...` in place of lines of the file")
    if len(before.lines) >= _SHORT and 2 * len(lines) < len(before.lines):
        what = f"{len(lines)} lines for a file of {len(before.lines)}, so it is treated as a part of it"
        raise PatchError(Failure.PARTIAL_FILE, f"{path}: the answer has {what}")
