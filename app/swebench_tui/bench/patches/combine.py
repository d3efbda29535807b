"""Combine the diffs of an answer into one patch, hunk by hunk.

- Hunks of several diffs that do not overlap are parts of one patch, whatever their files.
- Of hunks that change the same line, or are for the same lines, the last one counts; the earlier one is a draft. Of two
  diffs for the same file of which none corrects a hunk of the other in this way, the first one is a draft where the
  prose between them takes it back.
- Where a hunk changes a line that another one only shows, nothing tells a draft from a part: the first is an error.
- A hunk that says again what another one says is a repetition.
- A hunk that does not fit is an error, unless it is a draft of one that does, or quotes one.
- Diffs that fit only one after the other, because one is for what the other leaves, are applied so.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.apply_diff import Applied, apply_diff, locate
from swebench_tui.bench.patches.deadline import check_time
from swebench_tui.bench.patches.kept_pieces import KeptPieces
from swebench_tui.bench.patches.match import Match, match
from swebench_tui.bench.patches.retractions import retracts
from swebench_tui.bench.patches.unified_diff import FileChange, Hunk
from swebench_tui.bench.patches.verdict import MOST_EDITS, DroppedRegion, Failure, HunkReport, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from swebench_tui.bench.patches.extract import Diff, Unreadable
    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator

_COLUMNS = frozenset("+- @\\")
_STATED = re.compile(r"@@ -(\d{1,9})")
_NEAR = 30  # lines between what a diff that cannot be read states and the hunk that replaces it
_TELLING = re.compile(r"\w{2,}.*\w|\w{4,}")


class Piece(msgspec.Struct, kw_only=True, dict=True):
    """One hunk of a diff, or a change of a whole file. `match` is None for the latter, and where `error` is set."""

    part: int
    path: str
    change: FileChange
    number: int = 1
    match: Match | None = None
    error: PatchError | None = None

    @property
    def report(self) -> HunkReport:
        hunk = self.change.hunks[0] if self.change.hunks else Hunk(())
        found = self.match
        return HunkReport(
            file=self.path,
            number=self.number,
            stated=hunk.old_start,
            line=None if found is None else found.start + 1,
            rivals=() if found is None else tuple(start + 1 for start in found.rivals),
            function="" if found is None else found.function,
            failure=None if self.error is None else self.error.failure,
            detail="" if self.error is None else str(self.error),
        )

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for hunk in self.change.hunks for line in hunk.lines)

    @cached_property
    def telling(self) -> frozenset[str]:
        """Its changed lines that say something."""
        return telling(self.lines)

    @cached_property
    def changed(self) -> tuple[int, int]:
        """Its first and last changed line, as indexes in its file."""
        return changed_lines(self.match) if self.match else (0, 0)

    @cached_property
    def end(self) -> int:
        """The index behind its last old line."""
        return self.match.start + len(self.match.hunk.old) if self.match else 0

    @cached_property
    def edit(self) -> tuple[int, tuple[str, ...]]:
        """Where and what it changes, without its context."""
        return _edit(self.match) if self.match else (0, ())


class Combined(msgspec.Struct, kw_only=True):
    """The patch that an answer's diffs make. `changes` are located. `dropped_fits`: a draft would apply too."""

    changes: tuple[FileChange, ...]
    overlay: Overlay
    applied: Applied
    repairs: tuple[Repair, ...]
    kept: tuple[Piece, ...]
    errors: tuple[Piece, ...]
    dropped: tuple[DroppedRegion, ...] = ()
    dropped_fits: bool = False
    same_file_joined: bool = False


class _Combiner:
    def __init__(
        self, parts: Sequence[Diff], new_overlay: Callable[[], Overlay], locator: Locator, answer: Sequence[str]
    ) -> None:
        self._parts, self._new_overlay, self._locator = parts, new_overlay, locator
        self._overlay = new_overlay()
        self._repairs: dict[Repair, None] = {}
        self._kept_pieces = KeptPieces()
        self._drafts: list[tuple[Piece, str]] = []
        between = (answer[before.last : after.first - 1] for before, after in pairwise(parts))
        self._retractions = list(accumulate(map(retracts, between), initial=0))
        self._doubtful = False

    def combine(self) -> Combined:
        pieces = [self._pieces_of(part) for part in range(len(self._parts))]
        if sum(map(len, pieces)) > MOST_EDITS:
            raise PatchError(Failure.TOO_LARGE, f"the diffs have more than {MOST_EDITS} hunks and files")
        for part in reversed(pieces):
            self._keep([piece for piece in part if piece.error is None])
        errors = [piece for part in pieces for piece in part if piece.error is not None]
        failed = [piece for piece in errors if not self._is_covered(piece)]
        if failed and (one_by_one := self._one_by_one(pieces)):
            return one_by_one
        kept = sorted(self._kept_pieces.all, key=lambda piece: piece.part)
        if not kept:
            raise errors[0].error or AssertionError
        return self._result(kept, failed)

    def _pieces_of(self, part: int) -> list[Piece]:
        diff = self._parts[part]
        pieces = self._read(part, diff.changes)
        if not diff.other:
            return pieces
        other = self._read(part, diff.other)
        first, second = (all(_does_something(piece) for piece in each) for each in (pieces, other))
        if first and second:
            what = "lines behind the diff can be a list or a part of it, and both would apply"
            self._doubtful = True
            pieces[0].error = PatchError(Failure.MALFORMED, what)
            pieces[0].match = None
        else:
            self._repairs[Repair.BULLETS] = None
        return other if second and not first else pieces

    def _read(self, part: int, changes: Iterable[FileChange]) -> list[Piece]:
        pieces: list[Piece] = []
        for written in changes:
            check_time()
            path = written.new or written.old or ""
            try:
                located = locate([written], self._locator, self._overlay)
                (change,) = located.changes
                path = change.new or change.old or ""
                pieces += self._located(part, path, change)
            except PatchError as error:
                pieces.append(Piece(part=part, path=path, change=written, error=error))
            else:
                self._repairs |= dict.fromkeys(located.repairs)
        return pieces

    def _located(self, part: int, path: str, change: FileChange) -> list[Piece]:
        if change.old is None or change.new is None or change.renamed or not change.hunks:
            if change.new is None and not change.hunks and Repair.APPLY_PATCH in self._parts[part].repairs:
                lines = tuple("-" + line for line in self._overlay.read(path).lines)
                change = msgspec.structs.replace(change, hunks=(Hunk(lines, 1),) if lines else ())
            apply_diff([change], self._new_overlay())
            return [Piece(part=part, path=path, change=change)]
        text = self._overlay.read(path)
        pieces: list[Piece] = []
        for number, hunk in enumerate(change.hunks, start=1):
            check_time()
            piece = Piece(
                part=part,
                path=path,
                change=msgspec.structs.replace(change, hunks=(hunk,)),
                number=number,
            )
            try:
                piece.match = match(hunk, text)
            except PatchError as error:
                what = f"{path}: hunk {number} of {len(change.hunks)} {error}"
                piece.error = PatchError(error.failure, what)
            pieces.append(piece)
        return pieces

    def _keep(self, pieces: Sequence[Piece]) -> None:
        """Keep the pieces of one diff that no later diff repeats or replaces."""
        kept: list[Piece] = []
        corrected = {
            (other.part, piece.path)
            for piece in pieces
            for other in self._kept_pieces.near(piece)
            if _corrects(other, piece) and not _same(piece, other)
        }
        for piece in pieces:
            if any(_same(piece, other) for other in self._kept_pieces.near(piece)):
                self._repairs[Repair.REPEATED_BLOCK] = None
                self._drafts.append((piece, "a later diff says the same"))
            elif any(_corrects(other, piece) for other in self._kept_pieces.near(piece)):
                self._repairs[Repair.DRAFT_DROPPED] = None
                self._drafts.append((piece, "a later diff changes the same lines"))
            elif any(
                self._taken_back(piece.part, part) and (part, piece.path) not in corrected
                for part in self._kept_pieces.parts(piece.path)
            ):
                self._repairs[Repair.DRAFT_DROPPED] = None
                self._drafts.append((piece, "the answer takes it back"))
            elif any(_overlap(piece, other) for other in self._kept_pieces.near(piece)):
                what = f"{piece.path}: hunk {piece.number} changes lines that a later diff shows unchanged"
                piece.error = PatchError(Failure.OVERLAPPING_HUNKS, what)
            else:
                kept.append(piece)
        self._kept_pieces.add(kept)

    def _taken_back(self, before: int, after: int) -> bool:
        return before < after and self._retractions[after] > self._retractions[before]

    def _is_covered(self, piece: Piece) -> bool:
        """Whether a piece that does not fit is a draft of a later one that does, or quotes one."""
        if piece.match is not None:
            return False  # it would fit but for a later one
        for other in self._kept_pieces.all:
            if other.path != piece.path:
                continue
            if other.part > piece.part and (
                self._taken_back(piece.part, other.part) or _may_be_at(piece, other, piece.telling & other.telling)
            ):
                self._repairs[Repair.DRAFT_DROPPED] = None
                self._drafts.append((piece, "a later diff replaces it"))
                return True
            quoted = piece.telling <= other.telling
            if other.part != piece.part and quoted and _may_be_at(piece, other, piece.telling):
                self._drafts.append((piece, "another diff says the same"))
                return True
        return False

    def _one_by_one(self, pieces: Sequence[Sequence[Piece]]) -> Combined | None:
        """All changes in the order of the answer, where each fits what the ones before it leave."""
        everything = [piece for part in pieces for piece in part]
        if len({piece.path for piece in everything}) == len(everything) or self._doubtful:
            return None
        repairs: dict[Repair, None] = {}
        overlay = self._new_overlay()
        try:
            written = [change for part in self._parts for change in part.changes]
            located = [locate([change], self._locator, overlay) for change in written]
            changes = [change for one in located for change in one.changes]
            applied = apply_diff(changes, overlay)
        except PatchError:
            return None
        repairs = dict.fromkeys(repair for one in located for repair in one.repairs)
        kept = [msgspec.structs.replace(piece, error=None) for piece in everything]
        return Combined(
            changes=tuple(changes),
            overlay=overlay,
            applied=applied,
            repairs=self._all_repairs(list(repairs), applied, kept),
            kept=tuple(kept),
            errors=(),
            same_file_joined=len(self._parts) > 1,
        )

    def _result(self, kept: list[Piece], failed: list[Piece]) -> Combined:
        changes = _changes(kept)
        overlay = self._new_overlay()
        applied = apply_diff(changes, overlay)
        dropped_fits = any(
            piece.error is None and reason != "a later diff says the same" for piece, reason in self._drafts
        )
        by_path: dict[str, set[int]] = {}
        for piece in kept:
            by_path.setdefault(piece.path, set()).add(piece.part)
        return Combined(
            changes=tuple(changes),
            overlay=overlay,
            applied=applied,
            repairs=self._all_repairs(list(self._repairs), applied, kept),
            kept=tuple(kept),
            errors=tuple(failed),
            dropped=self._dropped([*self._drafts, *((piece, str(piece.error)) for piece in failed)]),
            dropped_fits=dropped_fits,
            same_file_joined=any(len(parts) > 1 for parts in by_path.values()),
        )

    def _dropped(self, pieces: Iterable[tuple[Piece, str]]) -> tuple[DroppedRegion, ...]:
        """One region for each diff with a piece that was dropped."""
        reasons: dict[int, str] = {}
        for piece, reason in pieces:
            reasons.setdefault(piece.part, reason)
        return tuple(
            DroppedRegion(self._parts[part].first, self._parts[part].last, reason)
            for part, reason in sorted(reasons.items())
        )

    def _all_repairs(self, found: list[Repair], applied: Applied, kept: Sequence[Piece]) -> tuple[Repair, ...]:
        parts = sorted({piece.part for piece in kept})
        order: list[Repair] = [repair for repair in (Repair.DRAFT_DROPPED, Repair.REPEATED_BLOCK) if repair in found]
        order += [Repair.FENCES_JOINED] if len(parts) > 1 else []
        order += [repair for part in parts for repair in self._parts[part].repairs]
        return tuple(dict.fromkeys([*order, *found, *applied.repairs]))


def combine(
    parts: Sequence[Diff], new_overlay: Callable[[], Overlay], locator: Locator, answer: Sequence[str]
) -> Combined:
    """The patch of `parts`, in the order of the answer. Raises the first `PatchError` where no hunk applies."""
    return _Combiner(parts, new_overlay, locator, answer).combine()


def _does_something(piece: Piece) -> bool:
    return piece.error is None and (piece.match is None or piece.match.hunk.count("+-") > 0)


def _changes(kept: Sequence[Piece]) -> list[FileChange]:
    """One change for each file, in the order of the answer, with its hunks in the order of the file."""
    files: dict[str, list[Piece]] = {}
    for piece in kept:
        files.setdefault(piece.path, []).append(piece)
    changes: list[FileChange] = []
    for pieces in files.values():
        if all(piece.match is not None for piece in pieces):
            several = len({piece.part for piece in pieces}) > 1
            ordered = sorted(pieces, key=lambda piece: piece.match.start if piece.match else 0) if several else pieces
            hunks = tuple(hunk for piece in ordered for hunk in piece.change.hunks)
            changes.append(msgspec.structs.replace(pieces[0].change, hunks=hunks))
        else:
            changes += [piece.change for piece in pieces]
    return changes


def _same(piece: Piece, other: Piece) -> bool:
    if piece.match is None or other.match is None:
        return piece.change == other.change
    return piece.edit == other.edit


def _edit(match: Match) -> tuple[int, tuple[str, ...]]:
    """Where and what a hunk changes, without its context."""
    lines = [line for line in match.hunk.lines if line[0] != "\\"]
    changed = [index for index, line in enumerate(lines) if line[0] in "+-"]
    if not changed:
        return match.start, ()
    return match.start + changed[0], tuple(lines[changed[0] : changed[-1] + 1])


def _corrects(piece: Piece, draft: Piece) -> bool:
    """Whether two pieces for a file change the same line, or are for the same lines. Whole files correct all."""
    if piece.match is None or draft.match is None:
        return True
    (first, last), (begin, end) = piece.changed, draft.changed
    same = (piece.match.start, len(piece.match.hunk.old)) == (draft.match.start, len(draft.match.hunk.old))
    return same or (first <= end and begin <= last)


def _overlap(piece: Piece, other: Piece) -> bool:
    """Whether one of two pieces for a file changes a line that the other one has."""
    if piece.match is None or other.match is None:
        return True
    return _reaches(piece, other.match.start, other.end) or _reaches(other, piece.match.start, piece.end)


def _reaches(piece: Piece, start: int, end: int) -> bool:
    """Whether a piece changes one of the lines from `start` to before `end`."""
    first, last = piece.changed
    return first < end and start <= last


def changed_lines(match: Match) -> tuple[int, int]:
    """First and last changed line of a match, as indexes in its file; an insertion counts as the line behind it."""
    index, changed, replaces = match.start, list[int](), False
    for line in match.hunk.lines:
        if line[0] in "+-":
            changed.append(index - 1 if line[0] == "+" and replaces else index)
        replaces = line[0] == "-" or (replaces and line[0] == "+")
        index += line[0] in " -"
    return (changed[0], changed[-1]) if changed else (match.start, match.start)


def _may_be_at(piece: Piece, other: Piece, in_common: frozenset[str]) -> bool:
    """Whether a piece that does not fit is for the place of another one: by the line it states, or by what it changes.

    Equal changes may be at several places of a file, so lines in common count only where no line is stated.
    """
    hunk = piece.change.hunks[0] if piece.change.hunks else None
    if hunk is None or hunk.old_start is None or other.match is None:
        return bool(in_common)
    start = hunk.old_start - 1
    first, last = other.changed
    return start <= last and first <= start + len(hunk.old) - 1


def telling(lines: Sequence[str]) -> frozenset[str]:
    """The changed lines among the lines of a diff that say something, without their indentation."""
    return frozenset(
        {
            line[0] + line[1:].strip()
            for line in lines
            if line[:1] in {"+", "-"} and not line.startswith(("---", "+++")) and _TELLING.search(line[:400])
        }
    )


def _is_near(line: int, piece: Piece) -> bool:
    return piece.match is None or abs(piece.match.start + 1 - line) <= _NEAR


def is_replaced(broken: Unreadable, kept: Sequence[Piece], parts: Sequence[Diff], answer: Sequence[str]) -> bool:
    """Whether a diff that cannot be read is a draft of a later one that applies, or quotes one."""
    if broken.cut:
        return False
    changed = telling(broken.lines)
    stated = [int(match[1]) for line in broken.lines if (match := _STATED.match(line))]
    if not all(any(_is_near(line, piece) for piece in kept) for line in stated):
        return False
    later = [piece for piece in kept if parts[piece.part].first > broken.last]
    everything = frozenset[str]().union(*(piece.telling for piece in kept))
    if any(changed & piece.telling for piece in later) or (bool(changed) and changed <= everything):
        return True
    text = "\n".join(broken.lines)
    same_file = [piece for piece in later if piece.path in text]
    between = answer[broken.first - 1 : parts[same_file[0].part].first - 1] if same_file else ()
    return retracts(line for line in between if line[:1] not in _COLUMNS)
