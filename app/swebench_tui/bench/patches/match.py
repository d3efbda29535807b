"""Where a hunk belongs in a file.

Its old lines must stand there one after the other. Removed lines must be equal; context lines may differ in the
blanks at their ends, and any line in its CR. Among several such places the stated line decides if it is one of them.
Otherwise there must be one place, or one that is equal to the last blank; or the place nearest to the stated line,
when the function in the hunk's heading is the one around it, or when it is within `NEAR` lines and no other is within
twice as many. All else is ambiguous.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.diagnose import why_not_found
from swebench_tui.bench.patches.text import TRAILING
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_tui.bench.patches.text import FileText
    from swebench_tui.bench.patches.unified_diff import Hunk

NEAR = 10  # lines

_MANY = 200  # places after which nobody counts on
_MOST_BLANKS = 5  # blank lines at the end of a hunk that can be too many
_GUTTER = re.compile(r"( *(\d{1,7})(?: ?[|│:→]|\t) ?)(.*)", re.DOTALL)
_HEADINGS = (
    re.compile(r"[A-Za-z_$]"),
    re.compile(r"[ \t]*(?:async[ \t]+def|def|class)[ \t]"),
)  # git's, for any text and Python


class Match(msgspec.Struct, frozen=True):
    """A hunk and the line it starts at, from 0. The hunk can have lost its number gutter or blank lines at its end."""

    hunk: Hunk
    at: int
    repairs: tuple[Repair, ...] = ()


def place(hunk: Hunk, text: FileText, *, whole: bool = False) -> Match:
    """The one place for `hunk`. Raises `PatchError` when there is none, or more than one.

    With `whole`, blank lines at its end are lines like any other; else they are dropped when the file has none there.
    """
    forms: list[tuple[Hunk, tuple[Repair, ...]]] = [(hunk, ())]
    forms += [] if whole else [(shorter, (Repair.TRAILING_BLANK_CONTEXT,)) for shorter in _without_blank_tail(hunk)]
    forms += [(bare, (Repair.LINE_NUMBERS,)) for bare in _without_gutter(hunk)]
    for form, repairs in forms:
        if at := places_of(form, text):
            return placed_at(form, _choose(form, at, text), text, repairs)
    if not hunk.old and not text.lines:
        return Match(hunk, 0)
    if not hunk.old:
        raise PatchError(Failure.CONTEXT_AMBIGUOUS, "has no old line that says where it belongs")
    raise why_not_found(hunk, text)


def places_of(hunk: Hunk, text: FileText) -> list[int]:
    """Where the old lines of `hunk` stand in `text`, from 0, the stated line first if it is one of them."""
    needle = tuple(line.rstrip(TRAILING) for line in hunk.old)
    if not needle:
        return []
    removed = [(number, line[1:].rstrip("\r")) for number, line in enumerate(_old_lines(hunk)) if line[0] == "-"]

    def fits(at: int) -> bool:
        if text.stripped[at : at + len(needle)] != needle:
            return False
        return all(text.lines[at + number].rstrip("\r") == line for number, line in removed)

    stated = _stated(hunk)
    found = [stated] if stated is not None and fits(stated) else []
    rarest = min(range(len(needle)), key=lambda at: len(text.places.get(needle[at], ())))
    for seen in text.places.get(needle[rarest], ()):
        at = seen - rarest
        if at >= 0 and at != stated and fits(at):
            found.append(at)
            if len(found) > _MANY:
                break
    return found


def _old_lines(hunk: Hunk) -> list[str]:
    return [line for line in hunk.lines if line[0] in " -"]


def _stated(hunk: Hunk) -> int | None:
    return None if hunk.old_start is None or hunk.old_start < 1 else hunk.old_start - 1


def _choose(hunk: Hunk, at: Sequence[int], text: FileText) -> int:
    old, stated = hunk.old, _stated(hunk)
    if at[0] == stated or len(at) == 1:
        return at[0]
    equal = [start for start in at if list(text.lines[start : start + len(old)]) == old]
    left = equal or at
    if len(left) == 1:
        return left[0]
    if stated is None or len(left) > _MANY:
        raise _ambiguous(left, "and no stated line decides")
    nearest, second = sorted(left, key=lambda start: abs(start - stated))[:2]
    tied = abs(nearest - stated) == abs(second - stated)
    if not tied and (_heading_agrees(hunk, nearest, text) or abs(nearest - stated) <= NEAR < abs(second - stated) // 2):
        return nearest
    raise _ambiguous(left, f"none of them at the stated line {hunk.old_start}")


def _ambiguous(at: Sequence[int], why: str) -> PatchError:
    lines = ", ".join(str(start + 1) for start in at[:4]) + (", ..." if len(at) > 4 else "")
    return PatchError(Failure.CONTEXT_AMBIGUOUS, f"fits in several places (lines {lines}), {why}")


def _heading_agrees(hunk: Hunk, at: int, text: FileText) -> bool:
    """Whether the heading is one that git would give to a hunk at this line."""
    heading = hunk.heading.strip()
    above = [next((line for line in reversed(text.lines[:at]) if form.match(line)), "") for form in _HEADINGS]
    return bool(heading) and any(line.strip().startswith(heading) for line in above)


def placed_at(hunk: Hunk, at: int, text: FileText, repairs: tuple[Repair, ...] = ()) -> Match:
    """`hunk` at one of its `places_of`, and what of its form differs there."""
    pairs = list(zip(hunk.old, text.lines[at:], strict=False))
    mended = list(repairs)
    if any(line.rstrip("\r") != there.rstrip("\r") for line, there in pairs):
        mended.append(Repair.TRAILING_BLANKS)
    if any(line.endswith("\r") != there.endswith("\r") for line, there in pairs):
        mended.append(Repair.LINE_ENDS)
    if hunk.old_start is None:
        mended.append(Repair.NUMBERED)
    elif at != _stated(hunk):
        mended.append(Repair.MOVED)
    return Match(hunk, at, tuple(mended))


def _without_blank_tail(hunk: Hunk) -> list[Hunk]:
    """The hunk without the blank context lines at its end, one fewer at a time."""
    shorter: list[Hunk] = []
    lines = hunk.lines
    while len(lines) > 1 and lines[-1][0] == " " and not lines[-1].strip() and len(shorter) < _MOST_BLANKS:
        lines = lines[:-1]
        shorter.append(msgspec.structs.replace(hunk, lines=lines))
    return shorter


def _without_gutter(hunk: Hunk) -> list[Hunk]:
    """The hunk without line numbers in front of its lines: old lines all have rising ones, added lines all or none."""
    gutters = {line: _GUTTER.match(line[1:]) for line in hunk.lines if line[0] != "\\"}
    old = [gutters[line] for line in hunk.lines if line[0] in " -"]
    added = [gutters[line] for line in hunk.lines if line[0] == "+"]
    numbers = [int(match[2]) for match in old if match]
    if not old or len(numbers) < len(old) or numbers != list(range(numbers[0], numbers[0] + len(old))):
        return []
    if any(added) and not all(added):
        return []
    bare = tuple(line[0] + match[3] if (match := gutters.get(line)) else line for line in hunk.lines)
    return [msgspec.structs.replace(hunk, lines=bare, old_start=numbers[0])]
