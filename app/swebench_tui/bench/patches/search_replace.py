"""Apply SEARCH/REPLACE blocks to an `Overlay`, in order, each to the result of those before it.

A block that corrects an earlier one replaces it: its SEARCH text is that of the original file, and the earlier block
changed the same lines. A block that does not fit is left out and reported.
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

_MOST_CORRECTIONS = 50  # in one answer; each applies the blocks anew
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


class _CorrectsError(Exception):
    """The block at hand corrects `drafts`, indexes of earlier blocks."""

    def __init__(self, drafts: frozenset[int]) -> None:
        super().__init__()
        self.drafts = drafts


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
    drafts = frozenset[int]()
    for left in reversed(range(_MOST_CORRECTIONS)):
        run = _Run(blocks, new_overlay(), locator, files_with, drafts, corrections=left > 0)
        try:
            return run.overlay, run.apply()
        except _CorrectsError as correction:
            drafts |= correction.drafts
    raise AssertionError  # the last run looks for no corrections


class _Run:
    def __init__(
        self,
        blocks: Sequence[Block],
        overlay: Overlay,
        locator: Locator,
        files_with: Callable[[str], Sequence[str]],
        drafts: frozenset[int],
        *,
        corrections: bool,
    ) -> None:
        self._blocks, self.overlay, self._locator, self._files_with = blocks, overlay, locator, files_with
        self._drafts, self._corrections = drafts, corrections
        self._times = Counter(block.edit for block in blocks)
        self._places: dict[str, list[tuple[int, int, int]]] = {}  # path -> lines of the original: block, start, stop
        self._before: str | None = None

    def apply(self) -> AppliedBlocks:
        done = set[object]()
        repairs: list[Repair] = []
        reports: list[HunkReport] = []
        errors: list[PatchError] = []
        for index, block in enumerate(self._blocks):
            if index in self._drafts:
                repairs.append(Repair.DRAFT_DROPPED)
                continue
            if block.edit in done:
                repairs.append(Repair.REPEATED_BLOCK)
                continue
            done.add(block.edit)
            check_time()
            try:
                report, fixed = self._apply(index, block)
            except PatchError as error:
                what = f"block {index + 1} of {len(self._blocks)}: {error}"
                errors.append(PatchError(error.failure, what))
                report = HunkReport(
                    file=self._before or "", number=index + 1, failure=error.failure, detail=str(errors[-1])
                )
            else:
                repairs += [*fixed, *block.repairs]
            reports.append(report)
        if len(errors) == len(reports):
            raise errors[0]
        return AppliedBlocks(
            tuple(dict.fromkeys(repairs)),
            tuple(reports),
            tuple(errors),
            tuple(self._dropped(index) for index in sorted(self._drafts)),
            len(reports),
        )

    def _dropped(self, index: int) -> DroppedRegion:
        return DroppedRegion(self._blocks[index].first, self._blocks[index].last, "a later block corrects it")

    def _apply(self, index: int, block: Block) -> tuple[HunkReport, list[Repair]]:
        path, fixed = self._resolve_file(block)
        self._before = path
        if not any(line.strip() for line in block.search):
            self._create(index, block, path)
            return HunkReport(file=path, number=index + 1), fixed
        block = self._outdented(block, path)
        text = self.overlay.read(path)
        original = self._original_match(block, path)
        if original is not None and block.retracts:
            self._look_for_drafts(path, original)
        try:
            matches = _matches(block.hunk, path, text, self._times[block.edit])
        except PatchError as error:
            if original is not None and error.failure is not Failure.SEARCH_AMBIGUOUS:
                self._look_for_drafts(path, original)
            raise
        edited, repairs = splice(text, matches)
        self.overlay.write(path, edited)
        if original is not None:
            place = (index, *changed_lines(original))
            self._places.setdefault(path, []).append(place)
        found = original or matches[0]
        report = HunkReport(
            file=path,
            number=index + 1,
            line=found.start + 1,
            rivals=tuple(rival + 1 for rival in found.rivals),
            function=found.function,
        )
        repairs_of_form = [repair for repair in repairs if repair not in {Repair.NUMBERED, Repair.END_OF_FILE}]
        return report, [*fixed, *block.repairs, *repairs_of_form]

    def _look_for_drafts(self, path: str, original: Match) -> None:
        """Raise `_CorrectsError` when earlier blocks changed the lines that this one matches in the original file."""
        start, stop = changed_lines(original)
        drafts = [other for other, begin, end in self._places.get(path, ()) if begin <= stop and start <= end]
        if drafts and self._corrections:
            raise _CorrectsError(frozenset(drafts))

    def _original_match(self, block: Block, path: str) -> Match | None:
        """The one match of the block in the file as it is in the repository."""
        try:
            return match(block.hunk, self.overlay.original(path), block=True)
        except PatchError:
            return None

    def _outdented(self, block: Block, path: str) -> Block:
        """The block without the indentation of its markers, where only that is in the file."""
        if not block.indent or self._contains_search(block, path):
            return block
        outdented = block.outdented()
        return outdented if self._contains_search(outdented, path) else block

    def _resolve_file(self, block: Block) -> tuple[str, list[Repair]]:
        if block.name is not None:
            path, repairs = self._locator.from_text(block.name)
            has_search = any(line.strip() for line in block.search)
            return (
                self._locator.existing(path, repairs)
                if has_search and not self.overlay.exists(path)
                else (path, repairs)
            )
        if self._before is not None and self._contains_search(block, self._before):
            return self._before, []
        longest = max((line.rstrip("\r") for line in block.search), key=len, default="")
        near = (self._locator.from_text(path)[0] for path in self._files_with(longest)) if longest.strip() else ()
        holding = [path for path in near if self._contains_search(block, path)]
        if len(holding) != 1:
            found = f"{len(holding)} files contain" if holding else "no file contains"
            raise PatchError(Failure.NO_FILE_NAME, f"names no file, and {found} its SEARCH text")
        return holding[0], [Repair.FILE_HEADER]

    def _contains_search(self, block: Block, path: str) -> bool:
        return self.overlay.exists(path) and bool(candidate_starts(block.hunk, self.overlay.read(path)))

    def _create(self, index: int, block: Block, path: str) -> None:
        drafts = [other for other, _, _ in self._places.get(path, ())]
        if drafts and self._corrections and self.overlay.is_new(path):
            raise _CorrectsError(frozenset(drafts))
        if self.overlay.exists(path) and self.overlay.read(path).lines:
            raise PatchError(Failure.FILE_EXISTS, f"{path}: the SEARCH part is empty, but the file is already there")
        if not self.overlay.exists(path):
            self.overlay.must_be_free(path)
        self.overlay.write(path, FileText(block.replace))
        self._places.setdefault(path, []).append((index, 0, 0))


def _matches(hunk: Hunk, path: str, text: FileText, times: int) -> list[Match]:
    """The matches of the block. One repeated as often as the file has its SEARCH text matches at all those places."""
    if times > 1 and len(index := candidate_starts(hunk, text)) == times:
        return [match_at(hunk, start, text) for start in index]
    try:
        return [match(hunk, text, block=True)]
    except PatchError as error:
        raise PatchError(_CLASSES.get(error.failure, error.failure), f"{path}: its SEARCH text {error}") from error
