"""The patch ladder: the edits of an answer become one patch that `git apply --check` accepts.

Blocks, diffs and whole files are applied to an `Overlay`, which resolves their files and matches every hunk, or
refuses. A diff that applied exactly as written is then checked by git in the model's own hunks; anything else, or a
diff that git refuses, as git's own diff between the files before and after. So git decides on every patch, and no patch
adds or removes a line that the answer does not. Where the ladder refuses, git still gets the diffs as they stand.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.git import GitError
from swebench_tui.bench.patches.apply_diff import locate
from swebench_tui.bench.patches.as_written import accepted_as_written
from swebench_tui.bench.patches.deadline import TimeLimitError, check_time, time_limit
from swebench_tui.bench.patches.extract import Candidate, Diff, Edits, Found, find_candidates
from swebench_tui.bench.patches.outcome import Outcome, solve
from swebench_tui.bench.patches.paths import Locator
from swebench_tui.bench.patches.unified_diff import FileChange, emit_diff
from swebench_tui.bench.patches.verdict import (
    MOST_REPORTED,
    DroppedRegion,
    Failure,
    PatchError,
    PatchVerdict,
    PatchWarning,
    Repair,
    Status,
    WarningCode,
    detail_line,
)
from swebench_tui.bench.patches.warn import warnings_of
from swebench_tui.bench.repositories.snapshot import FolderSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from swebench_tui.bench.repositories.snapshot import Snapshot, Tree

TIME_LIMIT = 60.0  # seconds for one verdict

_NO_REPOSITORY = "not checked: the repository is not here"
_ACCEPTED = "git apply --check accepts it"
_NOTHING = {Failure.EMPTY_ANSWER, Failure.PROSE_ONLY, Failure.NO_DIFF, Failure.NO_CHANGE}


def judge(
    answer: str,
    *,
    snapshot: Snapshot | None = None,
    checkout: Path | None = None,
    finish_reason: str | None = None,
    incomplete: bool = False,
    seconds: float = TIME_LIMIT,
    clock: Callable[[], float] = time.monotonic,
) -> PatchVerdict:
    """Extract the patch of `answer` and check it against `snapshot`, the repository at the base commit.

    `checkout` is short for `snapshot=FolderSnapshot(checkout)`, a clean git checkout. Without both the verdict is
    "unchecked" at best. A verdict that takes longer than `seconds` on `clock` is "unchecked" too.
    `finish_reason="length"` and `incomplete` mark an answer that was cut off. Blocks while git runs. Never raises for
    the content of an answer, never changes the repository.
    """
    cut = incomplete or finish_reason == "length"
    if checkout is not None:
        snapshot = FolderSnapshot(checkout)
    try:
        with time_limit(seconds, clock):
            verdict = _verdict(answer, snapshot, cut=cut)
            check_time()
    except TimeLimitError:
        what = f"not checked: the verdict took longer than {seconds:g} s"
        return PatchVerdict(status="unchecked", failure=Failure.TIMED_OUT, detail=what)
    return _as_cut_off(verdict) if cut else verdict


def _verdict(answer: str, snapshot: Snapshot | None, *, cut: bool) -> PatchVerdict:
    found = find_candidates(answer, cut=cut)
    try:
        if snapshot is None:
            verdict = _without_repository(found)
        else:
            with snapshot.open() as tree:
                verdict = _on_tree(found, tree)
    except (GitError, OSError) as error:
        check_time()
        what = detail_line(f"not checked: {error}")
        return PatchVerdict(status="unchecked", failure=Failure.GIT_UNAVAILABLE, detail=what)
    return _with_warnings(verdict, found, cut=cut)


def _on_tree(found: Found, tree: Tree) -> PatchVerdict:
    try:
        outcome = solve(found, tree)
    except PatchError as error:
        refused = _refused_with_diff(error, found, tree)
        return _as_git_takes(refused, found, tree) or refused
    verdict = _checked(outcome, tree)
    if verdict.status == "applies":
        return verdict
    return _as_git_takes(verdict, found, tree) or verdict


def _checked(outcome: Outcome, tree: Tree) -> PatchVerdict:
    """The verdict on an outcome of which at least a part applies."""
    error = outcome.errors[0] if outcome.errors else None
    try:
        patch, changes, repairs = _emitted(outcome, tree)
    except PatchError as refusal:
        return _reported(_refused(error or refusal), outcome)
    if isinstance(patch, PatchError):
        return _reported(_refused(patch, emit_diff(changes), changes), outcome)
    if error is None:
        return _reported(_made("applies", patch, changes, repairs, detail=_ACCEPTED), outcome)
    parts = f"{outcome.kept} of {outcome.kept + len(outcome.errors)} parts apply"
    partial = _made("partial", patch, changes, repairs, detail=detail_line(f"{parts}; {error}"))
    return _reported(msgspec.structs.replace(partial, failure=error.failure), outcome)


def _emitted(outcome: Outcome, tree: Tree) -> tuple[str | PatchError, Sequence[FileChange], tuple[Repair, ...]]:
    """The patch, or git's refusal of it; its changes and repairs."""
    changes = outcome.overlay.diff()
    if not changes:
        raise PatchError(Failure.NO_CHANGE, "the patch changes no file")
    if outcome.as_written and _git_message(tree, patch := emit_diff(outcome.as_written)) is None:
        return patch, outcome.as_written, outcome.repairs
    repairs = outcome.repairs
    if outcome.needs_context:
        repairs = tuple(dict.fromkeys([*repairs, Repair.CONTEXT]))
    patch = emit_diff(changes)
    message = _git_message(tree, patch)
    return (patch if message is None else PatchError(Failure.GIT_REFUSED, message)), changes, repairs


def _git_message(tree: Tree, patch: str) -> str | None:
    """None when git accepts `patch`, else its message."""
    check_time()
    try:
        return tree.apply_check(patch.encode())
    except UnicodeEncodeError as error:
        what = "the patch has bytes that are not UTF-8, which a predictions file cannot hold"
        raise PatchError(Failure.NOT_UTF8, what) from error


def _as_git_takes(refused: PatchVerdict, found: Found, tree: Tree) -> PatchVerdict | None:
    """The verdict on the answer's diffs as they stand, where git takes all of them."""
    taken = accepted_as_written(refused, found, tree)
    if taken is None or not _is_placed(taken.patch, tree):
        return None
    warnings = (
        (PatchWarning(WarningCode.PLACED_BY_GIT, f"git chooses the place: {refused.detail}"),)
        if refused.failure is Failure.CONTEXT_AMBIGUOUS
        else ()
    )
    return PatchVerdict(
        status="applies",
        detail=_ACCEPTED,
        patch=taken.patch,
        files=taken.files,
        added=taken.added,
        removed=taken.removed,
        warnings=warnings,
        hunks=refused.hunks,
    )


def _is_placed(patch: str, tree: Tree) -> bool:
    """Whether the ladder takes the bare patch, or leaves its place to git: what stood around it may have hidden it."""
    found = find_candidates(patch)
    try:
        errors = solve(found, tree).errors
    except PatchError as error:
        errors = (error,)
    return not errors or accepted_as_written(_refused(errors[0]), found, tree) is not None


def _without_repository(found: Found) -> PatchVerdict:
    """The first well-formed candidate. Never better than "unchecked"."""
    errors: list[PatchVerdict] = []
    for candidate in _in_order(found.candidates):
        try:
            return _unchecked(candidate)
        except PatchError as error:
            errors.append(_refused(error))
    return errors[0] if errors else _refused(found.errors[0])


def _in_order(candidates: Sequence[Candidate]) -> Iterable[Candidate]:
    """Blocks first; then all diffs together, of those for the same files the last one; then each alone."""
    diffs = [candidate for candidate in candidates if isinstance(candidate, Diff)]
    latest: list[Diff] = []
    seen = set[str]()
    for diff in reversed(diffs):
        files = {path.removeprefix("a/").removeprefix("b/") for change in diff.changes for path in change.paths}
        if not seen & files:
            latest.insert(0, diff)
            seen |= files
    yield from (candidate for candidate in candidates if isinstance(candidate, Edits))
    if latest:
        chosen = [Repair.DRAFT_DROPPED] if len(latest) < len(diffs) else []
        chosen += [Repair.FENCES_JOINED] if len(latest) > 1 else []
        repairs = dict.fromkeys([*chosen, *(repair for diff in latest for repair in diff.repairs)])
        yield Diff(changes=tuple(change for diff in latest for change in diff.changes), repairs=tuple(repairs))
    yield from reversed(diffs)
    yield from (candidate for candidate in candidates if not isinstance(candidate, Diff | Edits))


def _unchecked(candidate: Candidate) -> PatchVerdict:
    locator = Locator(None)
    if isinstance(candidate, Diff):
        resolved = locate(candidate.changes, locator, None)
        try:
            patch = emit_diff(resolved.changes)
        except PatchError as error:
            return _pending(str(error), (path for change in resolved.changes for path in change.paths))
        repairs = tuple(dict.fromkeys([*candidate.repairs, *resolved.repairs]))
        return _made("unchecked", patch, resolved.changes, repairs, detail=_NO_REPOSITORY)
    names = (
        [block.name for block in candidate.blocks]
        if isinstance(candidate, Edits)
        else [file.name for file in candidate.files]
    )
    files = [locator.from_text(name)[0] for name in names if name is not None]
    return _pending("blocks and whole files become a diff only with the files", files)


def _pending(why: str, files: Iterable[str]) -> PatchVerdict:
    paths = tuple(dict.fromkeys(files))
    detail = detail_line(f"{_NO_REPOSITORY}, and {why}")
    return PatchVerdict(status="unchecked", failure=Failure.NEEDS_CHECKOUT, detail=detail, files=paths)


def _refused_with_diff(error: PatchError, found: Found, tree: Tree) -> PatchVerdict:
    """The refusal, with the diff where it can be emitted, and git's message about it."""
    diffs = [candidate for candidate in found.candidates if isinstance(candidate, Diff)]
    unsafe = {Failure.UNSAFE_PATH, Failure.NOT_UTF8, Failure.NO_CHANGE}
    if not diffs or isinstance(found.candidates[0], Edits) or error.failure in unsafe:
        return _refused(error)
    try:
        changes = locate(diffs[-1].changes, Locator(tree), None).changes
        patch = emit_diff(changes)
        message = _git_message(tree, patch)
    except PatchError:
        return _refused(error)
    annotated = PatchError(error.failure, f"{error} ({message})" if message else str(error))
    return _refused(annotated, patch, changes)


def _refused(error: PatchError, patch: str = "", changes: Sequence[FileChange] = ()) -> PatchVerdict:
    nothing = error.failure in _NOTHING or (error.failure is Failure.TRUNCATED and not patch)
    verdict = _made("no_patch" if nothing else "does_not_apply", patch, changes, (), detail=str(error))
    return msgspec.structs.replace(verdict, failure=error.failure)


def _made(
    status: Status, patch: str, changes: Sequence[FileChange], repairs: Sequence[Repair], *, detail: str
) -> PatchVerdict:
    hunks = [hunk for change in changes for hunk in change.hunks]
    return PatchVerdict(
        status=status,
        detail=detail,
        patch=patch,
        files=tuple(dict.fromkeys(path for change in changes for path in change.paths)),
        repairs=tuple(repairs),
        added=sum(hunk.count("+") for hunk in hunks),
        removed=sum(hunk.count("-") for hunk in hunks),
    )


def _reported(verdict: PatchVerdict, outcome: Outcome) -> PatchVerdict:
    return msgspec.structs.replace(
        verdict,
        hunks=outcome.reports[:MOST_REPORTED],
        dropped=outcome.dropped[:MOST_REPORTED],
        warnings=outcome.warnings[:MOST_REPORTED],
    )


def _with_warnings(verdict: PatchVerdict, found: Found, *, cut: bool) -> PatchVerdict:
    thoughts = found.thoughts
    dropped = verdict.dropped
    if thoughts.edits:
        dropped += tuple(DroppedRegion(first, last, "the model's thoughts") for first, last in thoughts.spans)
    warnings = verdict.warnings
    if verdict.status in {"applies", "partial", "unchecked"}:
        warnings += warnings_of(verdict, thoughts=thoughts.edits, cut=cut)
    verdict = msgspec.structs.replace(verdict, warnings=warnings, dropped=dropped[:MOST_REPORTED])
    detail = "; ".join([verdict.detail, *(warning.text for warning in warnings)])
    return msgspec.structs.replace(verdict, detail=detail_line(detail))


def _as_cut_off(verdict: PatchVerdict) -> PatchVerdict:
    """A patch that does not apply counts as cut off, whatever else is wrong with it."""
    if verdict.status in {"applies", "unchecked"} or verdict.failure is Failure.TRUNCATED:
        return verdict
    detail = f"the answer was cut off at the output limit before a patch that applies; {verdict.detail}"
    return msgspec.structs.replace(verdict, failure=Failure.TRUNCATED, detail=detail_line(detail))
