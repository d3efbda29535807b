"""The patch ladder: candidates of an answer are tried on a tree until `git apply --check` accepts one.

A candidate is first applied to an `Overlay`, which resolves its files and matches every hunk, or refuses. A diff that
applied exactly as written is then checked by git in the model's own hunks; anything else, or a diff that git refuses,
as git's own diff between the files before and after. So git decides on every patch, and no patch adds or removes a line
that the answer does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.git import GitError
from swebench_tui.bench.patches.apply_diff import apply_diff, locate
from swebench_tui.bench.patches.apply_files import apply_files
from swebench_tui.bench.patches.extract import Candidate, Diff, Edits, Found, find_candidates, touches_only_tests
from swebench_tui.bench.patches.overlay import Overlay
from swebench_tui.bench.patches.paths import Locator
from swebench_tui.bench.patches.search_replace import apply_blocks
from swebench_tui.bench.patches.unified_diff import FileChange, emit_diff
from swebench_tui.bench.patches.verdict import Failure, PatchError, PatchVerdict, Repair, Status, detail_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from swebench_tui.bench.repositories.snapshot import Snapshot, Tree

_SCRIPT = re.compile(r"(?:reproduc|repro_|bug_|debug_|verify_|check_|demo|try_|test_)\w*\.py")
_NO_REPOSITORY = "not checked: the repository is not here"
_NOTHING = {Failure.EMPTY_ANSWER, Failure.PROSE_ONLY, Failure.NO_DIFF, Failure.NO_CHANGE}


def judge(
    answer: str, *, snapshot: Snapshot | None, finish_reason: str | None = None, incomplete: bool = False
) -> PatchVerdict:
    """Extract the patch of `answer` and check it against `snapshot`, the repository at the base commit.

    Without a snapshot the verdict is "unchecked" at best. `finish_reason="length"` and `incomplete` mark an answer that
    was cut off. Blocks while git runs (up to 20 s a call). Never raises for the content of an answer, never changes the
    repository.
    """
    cut = incomplete or finish_reason == "length"
    found = find_candidates(answer, cut=cut)
    verdict = _without_repository(found) if snapshot is None else _best(found, snapshot)
    return _with_warnings(verdict, cut=cut)


def _with_warnings(verdict: PatchVerdict, *, cut: bool) -> PatchVerdict:
    if verdict.status in {"applies", "unchecked"}:
        return msgspec.structs.replace(verdict, detail="; ".join([verdict.detail, *_warnings(verdict, cut=cut)]))
    if not cut or verdict.failure is Failure.TRUNCATED:
        return verdict
    detail = f"the answer was cut off at the output limit before a patch that applies; {verdict.detail}"
    return msgspec.structs.replace(verdict, failure=Failure.TRUNCATED, detail=detail)


def _warnings(verdict: PatchVerdict, *, cut: bool) -> list[str]:
    created = re.findall(r"^--- /dev/null\n\+\+\+ b/([^/\n]*)$", verdict.patch, re.MULTILINE)
    scripts = [name for name in created if _SCRIPT.fullmatch(name)]
    warnings = {
        "it touches only tests": bool(verdict.files) and touches_only_tests(verdict.files),
        f"it adds a helper script, {', '.join(scripts)}": bool(scripts),
        "other diffs or blocks of the answer were left out": Repair.FENCE_LEFT_OUT in verdict.repairs,
        "the answer was cut off at the output limit, so there may have been more to this patch": cut,
    }
    return [warning for warning, holds in warnings.items() if holds]


def _without_repository(found: Found) -> PatchVerdict:
    """The first well-formed candidate. Never better than "unchecked"."""
    errors: list[PatchVerdict] = []
    for candidate in found.candidates:
        try:
            return _unchecked(candidate)
        except PatchError as error:
            errors.append(_refused(error))
    return errors[0] if errors else _refused(found.errors[0])


def _unchecked(candidate: Candidate) -> PatchVerdict:
    locator = Locator(None)
    if isinstance(candidate, Diff):
        resolved = locate(candidate.changes, locator, None)
        try:
            patch = emit_diff(resolved.changes)
        except PatchError as error:
            return _pending(str(error), (path for change in resolved.changes for path in change.paths))
        repairs = _unique(candidate.repairs, resolved.repairs)
        return _verdict("unchecked", patch, resolved.changes, repairs, detail=_NO_REPOSITORY)
    names = (block.name for block in candidate.blocks) if isinstance(candidate, Edits) else dict(candidate.contents)
    files = [locator.from_text(name)[0] for name in names if name is not None]
    return _pending("blocks and whole files become a diff only with the files", files)


def _pending(why: str, files: Iterable[str]) -> PatchVerdict:
    paths = tuple(dict.fromkeys(files))
    detail = detail_line(f"{_NO_REPOSITORY}, and {why}")
    return PatchVerdict(status="unchecked", failure=Failure.NEEDS_CHECKOUT, detail=detail, files=paths)


def _best(found: Found, snapshot: Snapshot) -> PatchVerdict:
    """The first candidate that applies, else the failure of the first one."""
    verdicts: list[PatchVerdict] = []
    try:
        with snapshot.open() as tree:
            for candidate in found.candidates:
                verdicts.append(_try(candidate, tree))
                if verdicts[-1].status == "applies":
                    return verdicts[-1]
    except (GitError, OSError) as error:
        return PatchVerdict(
            status="unchecked", failure=Failure.GIT_UNAVAILABLE, detail=detail_line(f"not checked: {error}")
        )
    return verdicts[0] if verdicts else _refused(found.errors[0])


def _try(candidate: Candidate, tree: Tree) -> PatchVerdict:
    overlay = Overlay(tree)
    try:
        return _checked(candidate, overlay, tree, Locator(tree))
    except PatchError as error:
        return _refused_with_diff(error, candidate, tree, Locator(tree))


def _checked(candidate: Candidate, overlay: Overlay, tree: Tree, locator: Locator) -> PatchVerdict:
    if isinstance(candidate, Diff):
        resolved = locate(candidate.changes, locator, overlay)
        applied = apply_diff(resolved.changes, overlay)
        repairs = _unique(candidate.repairs, resolved.repairs, applied.repairs)
        if applied.as_written and _git_message(tree, patch := emit_diff(resolved.changes)) is None:
            return _verdict("applies", patch, resolved.changes, repairs)
        repairs = repairs if applied.repairs else _unique(repairs, [Repair.CONTEXT])
    elif isinstance(candidate, Edits):
        repairs = _unique(candidate.repairs, apply_blocks(candidate.blocks, overlay, locator, tree.files_with))
    else:
        repairs = _unique(candidate.repairs, apply_files(candidate.contents, overlay, locator))
    changes = overlay.diff()
    if not changes:
        raise PatchError(Failure.NO_CHANGE, "the patch changes no file")
    patch = emit_diff(changes)
    message = _git_message(tree, patch)
    if message is not None:
        return _refused(PatchError(Failure.GIT_REFUSED, message), patch, changes)
    return _verdict("applies", patch, changes, repairs)


def _git_message(tree: Tree, patch: str) -> str | None:
    """None when git accepts `patch`, else its message."""
    try:
        return tree.apply_check(patch.encode())
    except UnicodeEncodeError as error:
        what = "the patch has bytes that are not UTF-8, which a predictions file cannot hold"
        raise PatchError(Failure.NOT_UTF8, what) from error


def _refused_with_diff(error: PatchError, candidate: Candidate, tree: Tree, locator: Locator) -> PatchVerdict:
    """The refusal, with the diff where it can be emitted, and git's message about it."""
    if not isinstance(candidate, Diff) or error.failure in {Failure.UNSAFE_PATH, Failure.NOT_UTF8, Failure.NO_CHANGE}:
        return _refused(error)
    try:
        changes = locate(candidate.changes, locator, None).changes
        patch = emit_diff(changes)
        message = _git_message(tree, patch)
    except PatchError:
        return _refused(error)
    annotated = PatchError(error.failure, f"{error} ({message})" if message else str(error))
    return _refused(annotated, patch, changes)


def _refused(error: PatchError, patch: str = "", changes: Sequence[FileChange] = ()) -> PatchVerdict:
    nothing = error.failure in _NOTHING or (error.failure is Failure.TRUNCATED and not patch)
    verdict = _verdict("no_patch" if nothing else "does_not_apply", patch, changes, (), detail=str(error))
    return msgspec.structs.replace(verdict, failure=error.failure)


def _verdict(
    status: Status,
    patch: str,
    changes: Sequence[FileChange],
    repairs: Sequence[Repair],
    *,
    detail: str = "git apply --check accepts it",
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


def _unique(*repairs: Iterable[Repair]) -> tuple[Repair, ...]:
    return tuple(dict.fromkeys(repair for some in repairs for repair in some))
