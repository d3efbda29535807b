r"""Parse patches in the form of the tool `apply_patch`, which some models write unasked.

    patch  := "*** Begin Patch" file* "*** End Patch"
    file   := "*** Update File: " path ["*** Move to: " path] hunk*
            | "*** Add File: " path ("+" text)*
            | "*** Delete File: " path
    hunk   := ("@@" heading)* (" " text | "-" text | "+" text | "")* ["*** End of File"]

A hunk has no line numbers: its old lines have to match at one place, or at one below its heading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.bench.patches.unified_diff import FileChange, Hunk
from swebench_tui.bench.patches.verdict import MOST_EDITS, Failure, PatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEGIN, _END = "*** Begin Patch", "*** End Patch"
_UPDATE, _ADD, _DELETE, _MOVE = "*** Update File:", "*** Add File:", "*** Delete File:", "*** Move to:"
_END_OF_FILE = "*** End of File"
_COLUMNS = frozenset(" +-")


def find_patches(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Index of the first line, and behind the last one, of every patch. One without an end goes up to the next."""
    starts = [index for index, line in enumerate(lines) if line[:3] == "***" and line.rstrip() == _BEGIN]
    ends = [index for index, line in enumerate(lines) if starts and line[:3] == "***" and line.startswith(_END)]
    found: list[tuple[int, int]] = []
    place = 0
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else len(lines)
        while place < len(ends) and ends[place] < start:
            place += 1
        found.append((start, ends[place] + 1 if place < len(ends) and ends[place] < stop else stop))
    return found


def parse_patch(lines: Sequence[str]) -> tuple[FileChange, ...]:
    """The changes of one patch, paths as written. Raises `PatchError` where it cannot be read."""
    if not lines[-1].startswith(_END):
        raise PatchError(Failure.MALFORMED, f"the patch that starts with `{_BEGIN}` has no `{_END}`")
    changes: list[FileChange] = []
    index = 1
    while index < len(lines) - 1:
        if not lines[index].strip():
            index += 1
            continue
        stop = next((end for end in range(index + 1, len(lines)) if _starts_file(lines[end])), len(lines) - 1)
        changes.append(_file(lines, index, stop))
        index = stop
        if len(changes) > MOST_EDITS:
            raise PatchError(Failure.TOO_LARGE, f"the patch has more than {MOST_EDITS} files")
    if not changes:
        raise PatchError(Failure.MALFORMED, f"the patch between `{_BEGIN}` and `{_END}` has no file")
    return tuple(changes)


def _starts_file(line: str) -> bool:
    return line.startswith((_UPDATE, _ADD, _DELETE))


def _file(lines: Sequence[str], start: int, stop: int) -> FileChange:
    line = lines[start]
    if not _starts_file(line) or not line.partition(":")[2].strip():
        raise _malformed(line, "starts no file")
    path = line.partition(":")[2].strip()
    body = lines[start + 1 : stop]
    if line.startswith(_DELETE):
        return FileChange(old=_prefixed("a", path), new=None)
    if line.startswith(_ADD):
        added = [text for text in body if text.rstrip() != _END_OF_FILE]
        while added and not added[-1].strip():
            added.pop()
        if wrong := next((text for text in added if not text.startswith("+")), None):
            raise _malformed(wrong, "does not start with `+`, in a file that is added")
        hunk = Hunk(tuple(added), 0)
        modes = ("new file mode 100644",)
        return FileChange(old=None, new=_prefixed("b", path), hunks=(hunk,) if added else (), modes=modes)
    target = path
    if body and body[0].startswith(_MOVE):
        target, body = body[0].partition(":")[2].strip(), body[1:]
    return FileChange(old=_prefixed("a", path), new=_prefixed("b", target), hunks=_hunks(body))


def _hunks(body: Sequence[str]) -> tuple[Hunk, ...]:
    hunks: list[Hunk] = []
    lines: list[str] = []
    heading = ""
    for line in (*body, "@@"):
        if line.startswith("@@"):
            if text := _without_blank_end(lines):
                hunks.append(Hunk(text, None, heading))
                heading, lines = "", []
            heading = line[2:].strip().removesuffix("@@").strip() or heading
        elif line.rstrip() == _END_OF_FILE:
            continue
        elif not line or line[0] in _COLUMNS:
            lines.append(line or " ")
        else:
            raise _malformed(line, "starts with none of ' ', '+' and '-'")
    if len(hunks) > MOST_EDITS:
        raise PatchError(Failure.TOO_LARGE, f"the patch has more than {MOST_EDITS} hunks")
    return tuple(hunks)


def _without_blank_end(lines: Sequence[str]) -> tuple[str, ...]:
    stop = len(lines)
    while stop and not lines[stop - 1].strip():
        stop -= 1
    return tuple(lines[:stop])


def _prefixed(prefix: str, path: str) -> str:
    return path if path.startswith("/") else f"{prefix}/{path}"


def _malformed(line: str, what: str) -> PatchError:
    return PatchError(Failure.MALFORMED, f"a line of the patch {what}: {line[:80]!r}")
