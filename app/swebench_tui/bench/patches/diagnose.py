"""Diagnose why the old lines of a hunk are not in the file: for the user and the failure class, never for a repair."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from swebench_tui.bench.patches.verdict import Failure, PatchError

if TYPE_CHECKING:
    from swebench_tui.bench.patches.line_index import LineIndex
    from swebench_tui.bench.patches.text import FileText
    from swebench_tui.bench.patches.unified_diff import Hunk

_ELISION = re.compile(r"(?:#|//|/\*|<!--|;|--)?\s*(?:\.{3}|…)[^()]{0,60}$")


def is_elision(line: str) -> bool:
    """Whether a line stands for omitted lines: `...`, `# ... rest of the code ...`."""
    return _ELISION.match(line[:200].strip()) is not None


def diagnose(hunk: Hunk, text: FileText) -> PatchError:
    """The error for a hunk whose old lines match nowhere in `text`."""
    missing = text.index.missing(hunk.old)
    if hunk.count("+-") and _first(text.index, hunk.new) is not None:
        return PatchError(
            Failure.ALREADY_APPLIED, "is already applied or written in reverse: the file holds its new lines"
        )
    if any(map(is_elision, missing)):
        return PatchError(Failure.ELISION, "has `...` in place of lines of the file")
    start = _first(text.index_without_blanks, hunk.old)
    if start is not None:
        actual = text.lines[start : start + len(hunk.old)]
        tabs = any("\t" in line for line in actual) != any("\t" in line for line in hunk.old)
        if tabs:
            return PatchError(Failure.TABS_AS_SPACES, "has spaces where the file has tabs, or the reverse")
        return PatchError(Failure.WHITESPACE, f"differs in whitespace from the file at line {start + 1}")
    if not missing:
        return PatchError(Failure.CONTEXT_NOT_FOUND, "has old lines that are not consecutive in the file")
    what = f"has an old line that is not in the file: {missing[0].strip()[:80]!r}"
    return PatchError(Failure.CONTEXT_NOT_FOUND, what)


def _first(index: LineIndex, lines: list[str]) -> int | None:
    """The first place of `lines` in a file, None where it has none or they are all blank."""
    return next(index.find(lines), None) if any(line.strip() for line in lines) else None
