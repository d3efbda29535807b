"""Diagnose why the old lines of a hunk are not in the file: for the user and the failure class, never for a repair."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from swebench_tui.bench.patches.verdict import Failure, PatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from swebench_tui.bench.patches.text import FileText
    from swebench_tui.bench.patches.unified_diff import Hunk

_ELISION = re.compile(r"(?:#|//|/\*|<!--|;|--)?\s*(?:\.{3}|…)[^()]{0,60}$")


def is_elision(line: str) -> bool:
    """Whether a line stands for omitted lines: `...`, `# ... rest of the code ...`."""
    return _ELISION.match(line[:200].strip()) is not None


def diagnose(hunk: Hunk, text: FileText) -> PatchError:
    """The error for a hunk whose old lines match nowhere in `text`."""
    known = set(text.stripped)
    missing = next((line for line in hunk.old if line.rstrip() not in known), None)
    if _has_new_lines_instead(hunk, text):
        return PatchError(
            Failure.ALREADY_APPLIED, "is already applied or written in reverse: the file holds its new lines"
        )
    if any(is_elision(line) and line.rstrip() not in known for line in hunk.old):
        return PatchError(Failure.ELISION, "has `...` in place of lines of the file")
    start = _find(hunk.old, text, _without_blanks)
    if start is not None:
        actual = text.lines[start : start + len(hunk.old)]
        tabs = any("\t" in line for line in actual) != any("\t" in line for line in hunk.old)
        if tabs:
            return PatchError(Failure.TABS_AS_SPACES, "has spaces where the file has tabs, or the reverse")
        return PatchError(Failure.WHITESPACE, f"differs in whitespace from the file at line {start + 1}")
    if missing is None:
        return PatchError(Failure.CONTEXT_NOT_FOUND, "has old lines that are not consecutive in the file")
    return PatchError(Failure.CONTEXT_NOT_FOUND, f"has an old line that is not in the file: {missing.strip()[:80]!r}")


def _has_new_lines_instead(hunk: Hunk, text: FileText) -> bool:
    return bool(hunk.count("+-")) and _find(hunk.new, text, str.rstrip) is not None


def _without_blanks(line: str) -> str:
    return " ".join(line.split())


def _find(lines: list[str], text: FileText, form: Callable[[str], str]) -> int | None:
    """Index at which `lines` (not all blank) match `text` when both are normalised by `form`; None for no match."""
    needle = [form(line) for line in lines]
    if not any(needle):
        return None
    longest = max(range(len(needle)), key=lambda index: len(needle[index]))
    actual = [form(line) for line in text.lines]
    starts = (index - longest for index, line in enumerate(actual) if line == needle[longest])
    return next((start for start in starts if start >= 0 and actual[start : start + len(needle)] == needle), None)
