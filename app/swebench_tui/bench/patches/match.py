"""Match a hunk against a file.

The hunk's old lines must be consecutive in the file. Removed lines must be equal; context lines may differ in trailing
blanks, and any line in its CR. What a hunk says about its place, its stated lines and the function in its heading, must
not contradict the place:

- a single match holds unless it is elsewhere than stated and the heading names another function of the file
- of several, the one at the stated line holds; otherwise the one nearest to it, if the heading agrees, if it alone is
  equal to the last blank, or if it is within `NEAR` lines and no other is within twice as many
- of several without a stated line, the one that the heading fits best, or the one that is equal to the last blank
- it holds only if the heading does not fit another match better, and if the stated new start, where that means another
  line, is not nearer to another match

Everything else is ambiguous. A hunk whose new lines are at the stated line has been applied, though it match elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.diagnose import diagnose
from swebench_tui.bench.patches.scopes import Agreement, definition_above
from swebench_tui.bench.patches.verdict import MOST_LINES, Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from swebench_tui.bench.patches.text import FileText
    from swebench_tui.bench.patches.unified_diff import Hunk

NEAR = 10  # lines

_MANY = 200  # matches after which counting stops
_MANY_RIVALS = 20  # the same where the stated line decides
_MOST_COMPARED = 2_000_000  # lines of a hunk compared with the file, after which it counts as ambiguous
_MOST_BLANKS = 5  # blank lines at both ends of a hunk that can be too many
_GUTTER = re.compile(r"( *(\d{1,7})(?: ?[|│:→]|\t) ?)(.*)", re.DOTALL)


class Match(msgspec.Struct, frozen=True):
    """A hunk and the index of its first line in the file; `rivals` are the other indexes at which it matches.

    It may have lost a line-number gutter, or blank lines at its ends.
    """

    hunk: Hunk
    start: int
    repairs: tuple[Repair, ...] = ()
    rivals: tuple[int, ...] = ()
    function: str = ""


def match(hunk: Hunk, text: FileText, *, block: bool = False) -> Match:
    """The one match of `hunk`. Raises `PatchError` when there is none or more than one.

    Blank context lines at its ends are dropped where the file has none; of a SEARCH `block`, a removed one too.
    """
    if len(hunk.lines) > MOST_LINES:
        raise PatchError(Failure.TOO_LARGE, f"has more than {MOST_LINES:,} lines")
    for form, repairs in _forms(hunk, block=block):
        if starts := candidate_starts(form, text):
            start = _choose(form, starts, text)
            if _is_done(form, start, text):
                what = f"matches at line {start + 1}, but line {form.old_start} where it says it is has its new lines"
                raise PatchError(Failure.ALREADY_APPLIED, what)
            return match_at(form, start, text, repairs, starts)
    if not hunk.old and not text.lines:
        return Match(hunk, 0)
    if not hunk.old:
        raise PatchError(Failure.CONTEXT_AMBIGUOUS, "has no old line that locates it")
    raise diagnose(hunk, text)


def _forms(hunk: Hunk, *, block: bool) -> Iterator[tuple[Hunk, tuple[Repair, ...]]]:
    yield hunk, ()
    for shorter in _without_blank_ends(hunk, removed=block):
        yield shorter, (Repair.TRAILING_BLANK_CONTEXT,)
    for bare in _without_gutter(hunk):
        yield bare, (Repair.LINE_NUMBERS,)


def candidate_starts(hunk: Hunk, text: FileText) -> list[int]:
    """Indexes in `text` at which the old lines of `hunk` match; the stated line first if it is one of them.

    No more than are needed to call the hunk ambiguous, or to report its rivals. Raises `PatchError` where counting them
    would take too long.
    """
    old = hunk.old
    removed = [(number, line[1:].rstrip("\r")) for number, line in enumerate(_old_lines(hunk)) if line[0] == "-"]

    def matches(start: int) -> bool:
        return all(text.lines[start + number].rstrip("\r") == line for number, line in removed)

    stated = [line for line in _stated(hunk) if text.index.holds(old, line) and matches(line)]
    found = list(stated)
    decided = hunk.other_start is None and not hunk.heading.strip() and stated != []
    most = _MANY_RIVALS if decided else _MANY
    compared = 0
    for start in text.index.find(old):
        if start not in stated and matches(start):
            found.append(start)
        compared += len(old)
        if len(found) > most:
            break
        if compared > _MOST_COMPARED:
            raise PatchError(Failure.CONTEXT_AMBIGUOUS, "differs in trailing blanks only from too many places")
    return found


def _old_lines(hunk: Hunk) -> list[str]:
    return [line for line in hunk.lines if line[0] in " -"]


def _stated(hunk: Hunk) -> list[int]:
    """The indexes at which the hunk says that it is: by its old start, then by its new one where that differs."""
    return [line - 1 for line in (hunk.old_start, hunk.other_start) if line is not None and line >= 1]


def _choose(hunk: Hunk, starts: Sequence[int], text: FileText) -> int:
    stated = _stated(hunk)
    if len(starts) == 1:
        if starts[0] not in stated and _agreement(hunk, starts[0], text) is Agreement.ELSEWHERE:
            what = f"matches only at line {starts[0] + 1}, but its heading {hunk.heading.strip()[:80]!r} names another"
            raise PatchError(Failure.CONTEXT_AMBIGUOUS, f"{what} function of the file")
        return starts[0]
    if len(starts) > _MANY and starts[0] not in stated[:1]:
        raise _ambiguous(starts, "and no stated line decides")
    agreements = {start: _agreement(hunk, start, text) for start in starts}
    chosen = _nearest(hunk, stated, agreements, text) if stated else _only(hunk, agreements, text)
    if agreements[chosen] < max(agreements.values()):
        raise _ambiguous(starts, f"and its heading {hunk.heading.strip()[:80]!r} is not that of line {chosen + 1}")
    return chosen


def _nearest(hunk: Hunk, stated: Sequence[int], agreements: dict[int, Agreement], text: FileText) -> int:
    """The match at or near a stated line. No stated line may be nearer to another one."""
    chosen = next((place for line in stated if (place := _nearest_to(line, hunk, agreements, text)) is not None), None)
    if chosen is None:
        raise _ambiguous([*agreements], f"none of them at the stated line {stated[0] + 1}")
    if any(abs(start - line) < abs(chosen - line) for line in stated for start in agreements):
        raise _ambiguous([*agreements], f"and its two starts mean lines {' and '.join(str(n + 1) for n in stated)}")
    return chosen


def _nearest_to(stated: int, hunk: Hunk, agreements: dict[int, Agreement], text: FileText) -> int | None:
    nearest, second = sorted(agreements, key=lambda start: abs(start - stated))[:2]
    distance, next_distance = abs(nearest - stated), abs(second - stated)
    if distance == 0 or (distance < next_distance and agreements[nearest] > Agreement.UNKNOWN):
        return nearest
    alone = distance <= NEAR < next_distance // 2 or _equal(hunk, agreements, text) == [nearest]
    near = distance < next_distance and alone and agreements[nearest] >= Agreement.UNKNOWN
    return nearest if near else None


def _only(hunk: Hunk, agreements: dict[int, Agreement], text: FileText) -> int:
    best = max(agreements.values())
    fitting = [start for start, agreement in agreements.items() if agreement == best > Agreement.UNKNOWN]
    equal = _equal(hunk, agreements, text)
    for left in (fitting, equal, [start for start in equal if start in fitting]):
        if len(left) == 1:
            return left[0]
    raise _ambiguous([*agreements], "and no stated line decides")


def _equal(hunk: Hunk, starts: Iterable[int], text: FileText) -> list[int]:
    """Those matches that are equal to the last blank."""
    old = hunk.old
    return [start for start in starts if list(text.lines[start : start + len(old)]) == old]


def _is_done(hunk: Hunk, start: int, text: FileText) -> bool:
    """Whether the stated line, which is elsewhere, has what the hunk adds."""
    adds = any(line[0] == "+" and line[1:].strip() for line in hunk.lines)
    return adds and any(line != start and text.index.holds(hunk.new, line) for line in _stated(hunk))


def _agreement(hunk: Hunk, start: int, text: FileText) -> Agreement:
    if not hunk.heading.strip():
        return Agreement.UNKNOWN
    line, changed = start, list[int]()
    for column in (line[0] for line in hunk.lines):
        if column in "-+":
            changed.append(line if column == "-" else max(start, line - 1))
        line += column in " -"
    return text.scopes.agreement(hunk.heading, start, line, (*changed[:1], *changed[-1:]))


def _ambiguous(starts: Sequence[int], why: str) -> PatchError:
    lines = ", ".join(str(start + 1) for start in sorted(starts)[:4]) + (", ..." if len(starts) > 4 else "")
    return PatchError(Failure.CONTEXT_AMBIGUOUS, f"matches in several places (lines {lines}), {why}")


def match_at(
    hunk: Hunk, start: int, text: FileText, repairs: tuple[Repair, ...] = (), starts: Sequence[int] = ()
) -> Match:
    """`hunk` at `start`, one of its `candidate_starts`, with the repairs of form that this needs."""
    old = hunk.old
    pairs = list(zip(old, text.lines[start : start + len(old)], strict=True))
    repairs_here = list(repairs)
    if any(line.rstrip("\r") != actual.rstrip("\r") for line, actual in pairs):
        repairs_here.append(Repair.TRAILING_BLANKS)
    if any(line.endswith("\r") != actual.endswith("\r") for line, actual in pairs):
        repairs_here.append(Repair.LINE_ENDS)
    if hunk.old_start is None:
        repairs_here.append(Repair.NUMBERED)
    elif start != hunk.old_start - 1:
        repairs_here.append(Repair.MOVED)
    rivals = tuple(sorted(other for other in starts if other != start))
    return Match(hunk, start, tuple(repairs_here), rivals, definition_above(text.lines, start))


def _without_blank_ends(hunk: Hunk, *, removed: bool) -> Iterator[Hunk]:
    """The hunk with fewer blank context lines at its ends, the last ones first; with `removed`, a removed one too."""
    tail = len(hunk.lines)
    while removed and tail > 1 and hunk.lines[tail - 1][0] == "+":
        tail -= 1
    tail = tail if tail and hunk.lines[tail - 1][0] == "-" else len(hunk.lines)
    lines, added = hunk.lines[:tail], hunk.lines[tail:]  # what replaces a removed line stands behind it
    most_first, most_last = (_blank_lines(side, removed=removed) for side in (lines, lines[::-1]))
    for dropped in range(1, _MOST_BLANKS + 1):
        for first in range(min(dropped, most_first) + 1):
            if dropped - first <= most_last and dropped < len(lines):
                start = None if hunk.old_start is None else hunk.old_start + first
                left = (*lines[first : len(lines) - (dropped - first)], *added)
                yield msgspec.structs.replace(hunk, lines=left, old_start=start)


def _blank_lines(lines: Sequence[str], *, removed: bool) -> int:
    """The number of blank context lines in front, or 1 for a single removed one; 0 where all lines are blank."""
    blanks = next((number for number, line in enumerate(lines) if line[0] not in " -" or line[1:].strip()), 0)
    context = next((number for number, line in enumerate(lines[:blanks]) if line[0] != " "), blanks)
    return 1 if removed and blanks == 1 else context


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
