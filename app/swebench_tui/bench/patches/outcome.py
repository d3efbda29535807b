"""What the candidates of an answer make of a tree: an overlay, what was left out of it, and why.

Blocks are applied first. Diffs beside them count for the files that no block changes; for one that a block changes too,
a diff is another form of the same change, and is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.apply_diff import apply_diff
from swebench_tui.bench.patches.apply_files import apply_files
from swebench_tui.bench.patches.combine import Combined, Piece, combine, is_replaced, telling
from swebench_tui.bench.patches.extract import Diff, Edits, Files, Found, touches_only_tests
from swebench_tui.bench.patches.overlay import Overlay
from swebench_tui.bench.patches.paths import Locator
from swebench_tui.bench.patches.search_replace import AppliedBlocks, apply_blocks
from swebench_tui.bench.patches.verdict import (
    DroppedRegion,
    HunkReport,
    PatchError,
    PatchWarning,
    Repair,
    WarningCode,
)

if TYPE_CHECKING:
    from swebench_tui.bench.patches.block_parser import Block
    from swebench_tui.bench.patches.unified_diff import FileChange
    from swebench_tui.bench.repositories.snapshot import Tree

_JOINED = "several diffs for the same file are joined into one patch"
_DROPPED_FITS = "a draft that was dropped would apply too"
_LEFT_OUT = "other diffs or blocks of the answer were left out"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The overlay with all that applies. `as_written` are the diff's own changes where they match exactly.

    `errors` are of the parts that are left out; `kept` counts the others. `needs_context`: git's diff has context that
    the answer has not.
    """

    overlay: Overlay
    as_written: tuple[FileChange, ...] = ()
    needs_context: bool = False
    repairs: tuple[Repair, ...] = ()
    errors: tuple[PatchError, ...] = ()
    kept: int = 0
    reports: tuple[HunkReport, ...] = ()
    dropped: tuple[DroppedRegion, ...] = ()
    warnings: tuple[PatchWarning, ...] = ()


def solve(found: Found, tree: Tree) -> Outcome:
    """What the candidates make of `tree`. Raises the first `PatchError` where no part of them applies."""
    return _Solver(found, tree).solve()


class _Solver:
    def __init__(self, found: Found, tree: Tree) -> None:
        self._found, self._tree, self._locator = found, tree, Locator(tree)
        self._diffs = [one for one in found.candidates if isinstance(one, Diff)]

    def solve(self) -> Outcome:
        edits = next((one for one in self._found.candidates if isinstance(one, Edits)), None)
        files = next((one for one in self._found.candidates if isinstance(one, Files)), None)
        if edits is not None and self._diffs:
            return self._both(edits.blocks)
        if edits is not None:
            return self._with_unreadable(self._of_blocks(*self._blocks(edits.blocks)), ())
        if self._diffs:
            combined = self._combined()
            return self._with_unreadable(self._of_diffs(combined), combined.kept)
        if files is not None:
            return self._with_unreadable(self._files(files), ())
        raise self._found.errors[0]

    def _overlay(self) -> Overlay:
        return Overlay(self._tree)

    def _blocks(self, blocks: tuple[Block, ...]) -> tuple[Overlay, AppliedBlocks]:
        return apply_blocks(blocks, self._overlay, self._locator, self._tree.files_with)

    def _combined(self) -> Combined:
        return combine(self._diffs, self._overlay, self._locator, self._found.lines)

    def _of_blocks(self, overlay: Overlay, applied: AppliedBlocks) -> Outcome:
        return Outcome(
            overlay=overlay,
            repairs=applied.repairs,
            errors=applied.errors,
            kept=applied.count - len(applied.errors),
            reports=applied.reports,
            dropped=applied.dropped,
        )

    def _of_diffs(self, combined: Combined) -> Outcome:
        applied = combined.applied
        warnings = [PatchWarning(WarningCode.JOINED, _JOINED)] if combined.same_file_joined else []
        warnings += [PatchWarning(WarningCode.DROPPED_FITS, _DROPPED_FITS)] if combined.dropped_fits else []
        outcome = Outcome(
            overlay=combined.overlay,
            as_written=combined.changes if applied.as_written else (),
            needs_context=not applied.repairs,
            repairs=combined.repairs,
            errors=tuple(piece.error for piece in combined.errors if piece.error is not None),
            kept=len(combined.kept),
            reports=tuple(piece.report for piece in (*combined.kept, *combined.errors)),
            dropped=combined.dropped,
            warnings=tuple(warnings),
        )
        self._must_do_more_than_tests(outcome, [piece.path for piece in combined.errors])
        return outcome

    def _files(self, files: Files) -> Outcome:
        overlay = self._overlay()
        applied = apply_files(files.files, overlay, self._locator)
        removed = {change.new: sum(hunk.count("-") for hunk in change.hunks) for change in overlay.diff() if change.new}
        warnings = [
            PatchWarning(
                WarningCode.WHOLE_FILE, f"{path} is replaced as a whole, which removes {_lines(removed[path])}"
            )
            for path in applied.replaced
            if path in removed
        ]
        return Outcome(
            overlay=overlay,
            repairs=tuple(dict.fromkeys([*files.repairs, *applied.repairs])),
            errors=applied.errors,
            kept=len(files.files) - len(applied.errors),
            warnings=tuple(warnings),
        )

    def _both(self, blocks: tuple[Block, ...]) -> Outcome:
        """Blocks and diffs. Raises the error of the blocks where neither applies."""
        try:
            overlay, applied = self._blocks(blocks)
        except PatchError as error:
            return self._diffs_alone(blocks, error)
        outcome = self._of_blocks(overlay, applied)
        try:
            combined = self._combined()
        except PatchError as error:
            lines = [line for diff in self._diffs for line in diff.lines]
            return self._with_unreadable(self._left_out(outcome, error, repeated=self._repeats(blocks, lines)), ())
        return self._with_unreadable(self._joined(outcome, combined, blocks), combined.kept)

    def _diffs_alone(self, blocks: tuple[Block, ...], error: PatchError) -> Outcome:
        """The diffs of an answer whose blocks do not fit; these are left out, unless they say the same."""
        try:
            combined = self._combined()
        except PatchError:
            raise error from None
        outcome = self._of_diffs(combined)
        kept = frozenset[str]().union(*(piece.telling for piece in combined.kept))
        repeated = all(telling(block.hunk.lines) & kept for block in blocks)
        first, last = blocks[0].first, blocks[-1].last
        outcome = msgspec.structs.replace(outcome, dropped=(*outcome.dropped, DroppedRegion(first, last, str(error))))
        return self._with_unreadable(self._left_out(outcome, error, repeated=repeated), combined.kept)

    def _joined(self, outcome: Outcome, combined: Combined, blocks: tuple[Block, ...]) -> Outcome:
        """The blocks, with the diffs for files that no block changes."""
        taken = set(outcome.overlay.changed)
        others = [change for change in combined.changes if not taken & set(change.paths)]
        repeated = all(
            _text(outcome.overlay, path) == _text(combined.overlay, path)
            for path in combined.overlay.changed
            if path in taken
        )
        try:
            applied = apply_diff(others, outcome.overlay)
        except PatchError as error:
            return self._left_out(outcome, error, repeated=False)
        repairs = [*outcome.repairs]
        if others:
            repairs += [Repair.FENCES_JOINED, *combined.repairs, *applied.repairs]
        if len(others) < len(combined.changes):
            repairs.append(Repair.REPEATED_BLOCK if repeated else Repair.FENCE_LEFT_OUT)
        failed = [
            piece.error
            for piece in combined.errors
            if piece.error is not None and not (piece.path in taken and self._repeats(blocks, piece.lines))
        ]
        fits = PatchWarning(WarningCode.DROPPED_FITS, "a diff for a file that a block changes was dropped")
        return msgspec.structs.replace(
            outcome,
            repairs=tuple(dict.fromkeys(repairs)),
            errors=(*outcome.errors, *failed),
            kept=outcome.kept + len(others),
            reports=(*outcome.reports, *(piece.report for piece in combined.kept if piece.path not in taken)),
            dropped=(*outcome.dropped, *combined.dropped),
            warnings=outcome.warnings if repeated else (*outcome.warnings, fits),
        )

    def _repeats(self, blocks: tuple[Block, ...], lines: list[str] | tuple[str, ...]) -> bool:
        """Whether blocks and the lines of a diff change a line in common."""
        return bool(telling(lines) & frozenset[str]().union(*(telling(block.hunk.lines) for block in blocks)))

    def _left_out(self, outcome: Outcome, error: PatchError, *, repeated: bool) -> Outcome:
        """The outcome without what raised `error`, which is another form of the same change where it is `repeated`."""
        repairs = tuple(dict.fromkeys([*outcome.repairs, Repair.FENCE_LEFT_OUT]))
        if not repeated:
            return msgspec.structs.replace(outcome, repairs=repairs, errors=(*outcome.errors, error))
        warning = PatchWarning(WarningCode.LEFT_OUT, _LEFT_OUT)
        return msgspec.structs.replace(outcome, repairs=repairs, warnings=(*outcome.warnings, warning))

    def _with_unreadable(self, outcome: Outcome, kept: tuple[Piece, ...]) -> Outcome:
        """The outcome with an error for each part that cannot be read, unless one that applies replaces it."""
        replaced = [is_replaced(broken, kept, self._diffs, self._found.lines) for broken in self._found.unreadable]
        errors = [one.error for one, covered in zip(self._found.unreadable, replaced, strict=True) if not covered]
        reasons = [
            "another diff replaces it" if covered else str(error)
            for covered, error in zip(replaced, self._found.errors, strict=True)
        ]
        dropped = tuple(
            DroppedRegion(one.first, one.last, reason)
            for one, reason in zip(self._found.unreadable, reasons, strict=True)
        )
        repairs = [*outcome.repairs, *([Repair.DRAFT_DROPPED] if any(replaced) else [])]
        repairs += [Repair.FENCE_LEFT_OUT] if errors or outcome.errors else []
        outcome = msgspec.structs.replace(
            outcome,
            errors=(*outcome.errors, *errors),
            repairs=tuple(dict.fromkeys(repairs)),
            dropped=tuple(sorted((*outcome.dropped, *dropped), key=lambda region: region.first)),
        )
        if errors:
            self._must_do_more_than_tests(outcome, [""])
        return self._with_warning_about_files(outcome)

    def _with_warning_about_files(self, outcome: Outcome) -> Outcome:
        """A warning for each whole file that would be new: it may belong to the patch. Others quote the repository."""
        for file in self._found.beside:
            try:
                path, _ = self._locator.from_text(file.name)
            except PatchError:
                continue
            if outcome.overlay.exists(path):
                continue
            text = f"the fence with the new file {path!r} was left out"
            outcome = msgspec.structs.replace(
                outcome,
                warnings=(*outcome.warnings, PatchWarning(WarningCode.LEFT_OUT, text)),
                dropped=(*outcome.dropped, DroppedRegion(file.first, file.last, "a whole file beside other edits")),
            )
        return outcome

    def _must_do_more_than_tests(self, outcome: Outcome, failed: list[str]) -> None:
        """Raise the first error where a fix is left out and only its tests would be left."""
        if outcome.errors and touches_only_tests(outcome.overlay.changed) and not touches_only_tests(failed):
            raise outcome.errors[0]


def _text(overlay: Overlay, path: str) -> object:
    return overlay.read(path).lines if overlay.exists(path) else None


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
