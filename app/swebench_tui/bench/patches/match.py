"""Match a hunk against a file.

The hunk's old lines must be consecutive in the file. Removed lines must be equal; context lines may differ in trailing
blanks, and any line in its CR. Of several matches the one at the stated line wins. Otherwise there must be exactly one
match, or exactly one that is equal to the last blank; or the match nearest to the stated line wins, if the function in
the hunk's heading encloses it, or if it is within `NEAR` lines and no other is within twice as many. Everything else is
ambiguous.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.diagnose import diagnose
from swebench_tui.bench.patches.text import TRAILING
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_tui.bench.patches.text import FileText
    from swebench_tui.bench.patches.unified_diff import Hunk

NEAR = 10  # lines

_MANY = 200  # matches after which counting stops
_MOST_BLANKS = 5  # blank lines at the end of a hunk that can be too many
_GUTTER = re.compile(r"( *(\d{1,7})(?: ?[|│:→]|\t) ?)(.*)", re.DOTALL)
_HEADINGS = (
    re.compile(r"[A-Za-z_$]"),
    re.compile(r"[ \t]*(?:async[ \t]+def|def|class)[ \t]"),
)  # git's, for any text and Python


class Match(msgspec.Struct, frozen=True):
    """A hunk and the index of its first line in the file.

    It may have lost a line-number gutter or trailing blank lines.
    """

    hunk: Hunk
    start: int
    repairs: tuple[Repair, ...] = ()


def match(hunk: Hunk, text: FileText, *, whole: bool = False) -> Match:
    """The one match of `hunk`. Raises `PatchError` when there is none or more than one.

    With `whole`, trailing blank lines must match too; otherwise they are dropped where the file has none.
    """
    forms: list[tuple[Hunk, tuple[Repair, ...]]] = [(hunk, ())]
    forms += [] if whole else [(shorter, (Repair.TRAILING_BLANK_CONTEXT,)) for shorter in _without_blank_tail(hunk)]
    forms += [(bare, (Repair.LINE_NUMBERS,)) for bare in _without_gutter(hunk)]
    for form, repairs in forms:
        if starts := candidate_starts(form, text):
            return match_at(form, _choose(form, starts, text), text, repairs)
    if not hunk.old and not text.lines:
        return Match(hunk, 0)
    if not hunk.old:
        raise PatchError(Failure.CONTEXT_AMBIGUOUS, "has no old line that locates it")
    raise diagnose(hunk, text)


def candidate_starts(hunk: Hunk, text: FileText) -> list[int]:
    """Indexes in `text` at which the old lines of `hunk` match; the stated line first if it is one of them."""
    needle = tuple(line.rstrip(TRAILING) for line in hunk.old)
    if not needle:
        return []
    removed = [(number, line[1:].rstrip("\r")) for number, line in enumerate(_old_lines(hunk)) if line[0] == "-"]

    def matches(start: int) -> bool:
        if text.stripped[start : start + len(needle)] != needle:
            return False
        return all(text.lines[start + number].rstrip("\r") == line for number, line in removed)

    stated = _stated(hunk)
    found = [stated] if stated is not None and matches(stated) else []
    rarest = min(range(len(needle)), key=lambda index: len(text.positions.get(needle[index], ())))
    for position in text.positions.get(needle[rarest], ()):
        start = position - rarest
        if start >= 0 and start != stated and matches(start):
            found.append(start)
            if len(found) > _MANY:
                break
    return found


def _old_lines(hunk: Hunk) -> list[str]:
    return [line for line in hunk.lines if line[0] in " -"]


def _stated(hunk: Hunk) -> int | None:
    return None if hunk.old_start is None or hunk.old_start < 1 else hunk.old_start - 1


def _choose(hunk: Hunk, starts: Sequence[int], text: FileText) -> int:
    old, stated = hunk.old, _stated(hunk)
    if starts[0] == stated or len(starts) == 1:
        return starts[0]
    equal = [start for start in starts if list(text.lines[start : start + len(old)]) == old]
    left = equal or starts
    if len(left) == 1:
        return left[0]
    if stated is None or len(left) > _MANY:
        raise _ambiguous(left, "and no stated line decides")
    nearest, second = sorted(left, key=lambda start: abs(start - stated))[:2]
    tied = abs(nearest - stated) == abs(second - stated)
    if not tied and (_heading_agrees(hunk, nearest, text) or abs(nearest - stated) <= NEAR < abs(second - stated) // 2):
        return nearest
    raise _ambiguous(left, f"none of them at the stated line {hunk.old_start}")


def _ambiguous(starts: Sequence[int], why: str) -> PatchError:
    lines = ", ".join(str(start + 1) for start in starts[:4]) + (", ..." if len(starts) > 4 else "")
    return PatchError(Failure.CONTEXT_AMBIGUOUS, f"matches in several places (lines {lines}), {why}")


def _heading_agrees(hunk: Hunk, start: int, text: FileText) -> bool:
    """Whether git would give this heading to a hunk at index `start`."""
    heading = hunk.heading.strip()
    above = [next((line for line in reversed(text.lines[:start]) if form.match(line)), "") for form in _HEADINGS]
    return bool(heading) and any(line.strip().startswith(heading) for line in above)


def match_at(hunk: Hunk, start: int, text: FileText, repairs: tuple[Repair, ...] = ()) -> Match:
    """`hunk` at one of its `candidate_starts`, with the repairs of form that this needs."""
    pairs = list(zip(hunk.old, text.lines[start:], strict=False))
    repairs_here = list(repairs)
    if any(line.rstrip("\r") != actual.rstrip("\r") for line, actual in pairs):
        repairs_here.append(Repair.TRAILING_BLANKS)
    if any(line.endswith("\r") != actual.endswith("\r") for line, actual in pairs):
        repairs_here.append(Repair.LINE_ENDS)
    if hunk.old_start is None:
        repairs_here.append(Repair.NUMBERED)
    elif start != _stated(hunk):
        repairs_here.append(Repair.MOVED)
    return Match(hunk, start, tuple(repairs_here))


def _without_blank_tail(hunk: Hunk) -> list[Hunk]:
    """The hunk without its trailing blank context lines, one fewer at a time."""
    shorter: list[Hunk] = []
    lines = hunk.lines
    while len(lines) > 1 and lines[-1][0] == " " and not lines[-1].strip() and len(shorter) < _MOST_BLANKS:
        lines = lines[:-1]
        shorter.append(msgspec.structs.replace(hunk, lines=lines))
    return shorter


def _without_gutter(hunk: Hunk) -> list[Hunk]:
    """The hunk without line numbers before its lines: all old lines have consecutive ones, added lines all or none."""
    gutters = {line: _GUTTER.match(line[1:]) for line in hunk.lines if line[0] != "\\"}
    old = [gutters[line] for line in hunk.lines if line[0] in " -"]
    added = [gutters[line] for line in hunk.lines if line[0] == "+"]
    numbers = [int(found[2]) for found in old if found]
    if not old or len(numbers) < len(old) or numbers != list(range(numbers[0], numbers[0] + len(old))):
        return []
    if any(added) and not all(added):
        return []
    bare = tuple(line[0] + found[3] if (found := gutters.get(line)) else line for line in hunk.lines)
    return [msgspec.structs.replace(hunk, lines=bare, old_start=numbers[0])]
