"""Apply SEARCH/REPLACE blocks to an `Overlay`, in order, each to the result of those before it.

A block that corrects an earlier one replaces it: its SEARCH text is that of the original file, and both replace the
same lines. A block that does not fit is left out and reported.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.apply_diff import splice
from swebench_tui.bench.patches.block_parser import Block
from swebench_tui.bench.patches.combine import changed_lines
from swebench_tui.bench.patches.deadline import check_time
from swebench_tui.bench.patches.match import Match, candidate_starts, match, match_at
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.verdict import DroppedRegion, Failure, HunkReport, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator
    from swebench_tui.bench.patches.unified_diff import Hunk

_GROUP = 16  # lines
_CLASSES = {
    Failure.CONTEXT_AMBIGUOUS: Failure.SEARCH_AMBIGUOUS,
    Failure.CONTEXT_NOT_FOUND: Failure.SEARCH_NOT_FOUND,
    Failure.ALREADY_APPLIED: Failure.SEARCH_NOT_FOUND,
    Failure.ELISION: Failure.SEARCH_NOT_FOUND,
    Failure.TABS_AS_SPACES: Failure.SEARCH_NOT_FOUND,
    Failure.WHITESPACE: Failure.SEARCH_NOT_FOUND,
}


class AppliedBlocks(msgspec.Struct, frozen=True):
    """The result of applying blocks: what was mended, where each is, which are left out, which are drafts."""

    repairs: tuple[Repair, ...] = ()
    reports: tuple[HunkReport, ...] = ()
    errors: tuple[PatchError, ...] = ()
    dropped: tuple[DroppedRegion, ...] = ()
    count: int = 0


class _Plan(msgspec.Struct):
    """A block's file and its one match there as the file is in the repository, where it has them. `draft`: left out."""

    path: str | None = None
    original: Match | None = None
    draft: bool = False


def apply_blocks(
    blocks: Sequence[Block],
    new_overlay: Callable[[], Overlay],
    locator: Locator,
    files_with: Callable[[str], Sequence[str]],
) -> tuple[Overlay, AppliedBlocks]:
    """An overlay with the blocks that fit. Raises the first block's `PatchError` when none does.

    `files_with` returns the files that contain a line, for blocks that name none: exactly one must contain the whole
    SEARCH text.
    """
    files = _Files(new_overlay(), locator, files_with)
    plans = [_planned(block, files) for block in blocks]
    _mark_drafts(blocks, plans)
    run = _Run(blocks, plans, _Files(new_overlay(), locator, files_with))
    return run.files.overlay, run.apply()


def _planned(block: Block, files: _Files) -> _Plan:
    check_time()
    try:
        path, _ = files.resolve(block)
        if not _has_text(block.search):
            return _Plan(path)
        hunk = files.outdented(block, path).hunk
        return _Plan(path, match(hunk, files.overlay.original(path), block=True))
    except PatchError:
        return _Plan(files.before)


def _mark_drafts(blocks: Sequence[Block], plans: Sequence[_Plan]) -> None:
    """Mark each block that a later one corrects.

    That one is for the original lines, and replaces some that the draft replaces, or it has the same SEARCH text and
    does not only add lines, or the prose between them takes the draft back. Or it creates the same file.
    """
    by_path: dict[str, list[int]] = {}
    for index, plan in enumerate(plans):
        if plan.path is not None:
            by_path.setdefault(plan.path, []).append(index)
    for indexes in by_path.values():
        created = [index for index in indexes if not _has_text(blocks[index].search)]
        for index in created[:-1]:
            plans[index].draft = True
        placed = [(index, found) for index in indexes if (found := plans[index].original) is not None]
        buckets: dict[int, list[tuple[int, Match]]] = {}
        for index, found in reversed(placed):
            for bucket in _buckets(found):
                buckets.setdefault(bucket, []).append((index, found))
        for index, found in _followed(placed):
            plans[index].draft = any(
                later > index
                and blocks[later].edit != blocks[index].edit
                and (_corrects(other, found) or (_touches(other, found) and _taken_back(blocks, index, later)))
                for bucket in _buckets(found)
                for later, other in buckets[bucket]
            )


def _buckets(match: Match) -> range:
    """The groups of lines that a match reaches: two that touch have one in common."""
    return range(match.start // _GROUP, (match.start + len(match.hunk.old)) // _GROUP + 1)


def _corrects(match: Match, draft: Match) -> bool:
    """Whether both replace the same line, or are for the same lines and do not only add some."""
    if match.hunk.count("-") == 0 or draft.hunk.count("-") == 0:
        return False
    (first, last), (begin, end) = changed_lines(match), changed_lines(draft)
    same = (match.start, match.hunk.old) == (draft.start, draft.hunk.old)
    return same or (first <= end and begin <= last)


def _touches(match: Match, other: Match) -> bool:
    return match.start <= other.start + len(other.hunk.old) and other.start <= match.start + len(match.hunk.old)


def _followed(placed: Sequence[tuple[int, Match]]) -> list[tuple[int, Match]]:
    """Those of the matches of a file that another one is near to: in order of the file, one may reach the next."""
    ordered = sorted(placed, key=lambda pair: pair[1].start)
    near: dict[int, Match] = {}
    reach = -1
    before: tuple[int, Match] | None = None
    for index, found in ordered:
        if before is not None and found.start <= reach:
            near[before[0]] = before[1]
            near[index] = found
        stop = found.start + len(found.hunk.old)
        if stop >= reach:
            reach, before = stop, (index, found)
    return sorted(near.items())


def _taken_back(blocks: Sequence[Block], index: int, later: int) -> bool:
    return any(block.retracts for block in blocks[index + 1 : later + 1])


class _Files:
    """Finds the file of a block; `before` is that of the block before."""

    def __init__(self, overlay: Overlay, locator: Locator, files_with: Callable[[str], Sequence[str]]) -> None:
        self.overlay, self._locator, self._files_with = overlay, locator, files_with
        self.before: str | None = None

    def resolve(self, block: Block) -> tuple[str, list[Repair]]:
        """The path, and the repairs it needs. Raises `PatchError`."""
        self.before, repairs = self._resolved(block)
        return self.before, repairs

    def _resolved(self, block: Block) -> tuple[str, list[Repair]]:
        if block.name is not None:
            path, repairs = self._locator.from_text(block.name)
            if _has_text(block.search) and not self.overlay.exists(path):
                return self._locator.existing(path, repairs)
            return path, repairs
        if self.before is not None and self._contains_search(block, self.before):
            return self.before, []
        longest = max((line.rstrip("\r") for line in block.search), key=len, default="")
        near = (self._locator.from_text(path)[0] for path in self._files_with(longest)) if longest.strip() else ()
        holding = [path for path in near if self._contains_search(block, path)]
        if len(holding) != 1:
            found = f"{len(holding)} files contain" if holding else "no file contains"
            raise PatchError(Failure.NO_FILE_NAME, f"names no file, and {found} its SEARCH text")
        return holding[0], [Repair.FILE_HEADER]

    def outdented(self, block: Block, path: str) -> Block:
        """The block without the indentation of its markers, where only that is in the file."""
        if not block.indent or self._contains_search(block, path):
            return block
        outdented = block.outdented()
        return outdented if self._contains_search(outdented, path) else block

    def _contains_search(self, block: Block, path: str) -> bool:
        return self.overlay.exists(path) and bool(candidate_starts(block.hunk, self.overlay.read(path)))


class _Run:
    def __init__(self, blocks: Sequence[Block], plans: Sequence[_Plan], files: _Files) -> None:
        self._blocks, self._plans, self.files = blocks, plans, files
        self._times = Counter(block.edit for block in blocks)

    def apply(self) -> AppliedBlocks:
        done = set[object]()
        repairs: list[Repair] = []
        reports: list[HunkReport] = []
        errors: list[PatchError] = []
        for index, block in enumerate(self._blocks):
            check_time()
            if self._plans[index].draft:
                repairs.append(Repair.DRAFT_DROPPED)
                continue
            if block.edit in done:
                repairs.append(Repair.REPEATED_BLOCK)
                continue
            done.add(block.edit)
            try:
                report, fixed = self._apply(index, block)
            except PatchError as error:
                what = f"block {index + 1} of {len(self._blocks)}: {error}"
                errors.append(PatchError(error.failure, what))
                report = HunkReport(
                    file=self.files.before or "", number=index + 1, failure=error.failure, detail=str(errors[-1])
                )
            else:
                repairs += fixed
            reports.append(report)
        if len(errors) == len(reports):
            raise errors[0]
        return AppliedBlocks(
            tuple(dict.fromkeys(repairs)),
            tuple(reports),
            tuple(errors),
            tuple(
                DroppedRegion(block.first, block.last, "a later block corrects it")
                for block, plan in zip(self._blocks, self._plans, strict=True)
                if plan.draft
            ),
            len(reports),
        )

    def _apply(self, index: int, block: Block) -> tuple[HunkReport, list[Repair]]:
        path, fixed = self.files.resolve(block)
        overlay = self.files.overlay
        if not _has_text(block.search):
            _create(block, path, overlay)
            return HunkReport(file=path, number=index + 1), [*fixed, *block.repairs]
        if block.conflict and any(line.startswith("<<<<<<<") for line in overlay.original(path).lines):
            raise PatchError(Failure.MALFORMED, f"{path}: has conflicts itself, so a conflict may be a quote of it")
        block = self.files.outdented(block, path)
        text = overlay.read(path)
        matches = _matches(block.hunk, path, text, self._times[self._blocks[index].edit])
        edited, repairs = splice(text, matches)
        overlay.write(path, edited)
        found = self._plans[index].original or matches[0]
        report = HunkReport(
            file=path,
            number=index + 1,
            line=found.start + 1,
            rivals=tuple(rival + 1 for rival in found.rivals),
            function=found.function,
        )
        repairs_of_form = [repair for repair in repairs if repair not in {Repair.NUMBERED, Repair.END_OF_FILE}]
        return report, [*fixed, *repairs_of_form, *block.repairs]


def _has_text(lines: Sequence[str]) -> bool:
    return any(line.strip() for line in lines)


def _create(block: Block, path: str, overlay: Overlay) -> None:
    if overlay.exists(path) and overlay.read(path).lines:
        raise PatchError(Failure.FILE_EXISTS, f"{path}: the SEARCH part is empty, but the file is already there")
    if not overlay.exists(path):
        overlay.must_be_free(path)
    overlay.write(path, FileText(block.replace))


def _matches(hunk: Hunk, path: str, text: FileText, times: int) -> list[Match]:
    """The matches of the block. One repeated as often as the file has its SEARCH text matches at all those places."""
    if times > 1 and len(index := candidate_starts(hunk, text)) == times:
        return [match_at(hunk, start, text) for start in index]
    try:
        return [match(hunk, text, block=True)]
    except PatchError as error:
        raise PatchError(_CLASSES.get(error.failure, error.failure), f"{path}: its SEARCH text {error}") from error
