"""A verdict on a patch, as JSON fields and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.patches.verdict import HunkReport
from swebench_tui.runs import formatting
from swebench_tui.terminal_text import one_line


def patch_fields(verdict: PatchVerdict) -> dict[str, object]:
    """The fields of a verdict. `diff` is the patch after repairs."""
    return {
        "status": verdict.status,
        "class": None if verdict.failure is None else str(verdict.failure),
        "detail": verdict.detail,
        "files": list(verdict.files),
        "repairs": list(verdict.repairs),
        "added": verdict.added,
        "removed": verdict.removed,
        "warnings": [{"code": str(warning.code), "text": warning.text} for warning in verdict.warnings],
        "hunks": [_hunk_fields(hunk) for hunk in verdict.hunks],
        "dropped": [{"first": each.first, "last": each.last, "reason": each.reason} for each in verdict.dropped],
        "diff": verdict.patch,
    }


def patch_lines(verdict: PatchVerdict) -> Iterator[str]:
    """The verdict for people: status, class, files, repairs, warnings, hunks, dropped regions."""
    failure = f" [{verdict.failure}]" if verdict.failure is not None else ""
    yield f"{one_line(formatting.patch_text(verdict))}{failure}"
    if verdict.files:
        files = ", ".join(one_line(name) for name in verdict.files)
        yield f"  files: {files} (+{verdict.added} −{verdict.removed})"
    if verdict.repairs:
        yield f"  repairs: {', '.join(verdict.repairs)}"
    for warning in verdict.warnings:
        yield f"  warning: {one_line(warning.text)} [{warning.code}]"
    for hunk in verdict.hunks:
        yield f"  {_hunk_line(hunk)}"
    for each in verdict.dropped:
        yield f"  dropped: lines {each.first} to {each.last} of the answer: {one_line(each.reason)}"


def _hunk_line(hunk: HunkReport) -> str:
    parts = [f"hunk {hunk.number} of {one_line(hunk.file)}:"]
    if hunk.line is not None:
        parts.append(f"line {hunk.line}")
        if hunk.stated is not None and hunk.stated != hunk.line:
            parts.append(f"(stated {hunk.stated})")
    elif hunk.stated is not None:
        parts.append(f"stated at line {hunk.stated}")
    if hunk.rivals:
        parts.append(f"also at {', '.join(map(str, hunk.rivals[:5]))}{' ...' if len(hunk.rivals) > 5 else ''}")
    if hunk.function:
        parts.append(f"in {one_line(hunk.function)}")
    if hunk.failure is not None:
        parts.append(f"does not apply: {one_line(hunk.detail)} [{hunk.failure}]")
    return " ".join(parts)


def _hunk_fields(hunk: HunkReport) -> dict[str, object]:
    return {
        "file": hunk.file,
        "number": hunk.number,
        "stated": hunk.stated,
        "line": hunk.line,
        "rivals": list(hunk.rivals),
        "function": hunk.function,
        "class": None if hunk.failure is None else str(hunk.failure),
        "detail": hunk.detail,
    }
