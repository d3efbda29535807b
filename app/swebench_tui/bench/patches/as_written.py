"""The last step of the ladder: the answer's diffs as they stand, where git takes all of them.

Git ignores what it does not understand, and cuts a hunk at its counts. So its count of added and removed lines has to
be that of the text. Where the place of a hunk is ambiguous, git takes the nearest one, which is right only if no
heading and no new start says otherwise. A hunk without old lines it puts at the end of the file, whatever its numbers
say.
"""

from __future__ import annotations

import re
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.git import run_git
from swebench_tui.bench.patches.block_parser import has_marker
from swebench_tui.bench.patches.diff_header import HEADERS, bare, starts_names
from swebench_tui.bench.patches.extract import Diff
from swebench_tui.bench.patches.unified_diff import DEV_NULL
from swebench_tui.bench.patches.verdict import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swebench_tui.bench.patches.extract import Found, Unreadable
    from swebench_tui.bench.patches.verdict import PatchVerdict
    from swebench_tui.bench.repositories.snapshot import Tree

_NEVER = {
    Failure.ALREADY_APPLIED,  # git would apply it twice
    Failure.UNSAFE_PATH,
    Failure.BINARY,
    Failure.NOT_UTF8,
    Failure.TOO_LARGE,
    Failure.NO_CHANGE,
    Failure.TRUNCATED,
    Failure.GIT_UNAVAILABLE,
    Failure.EMPTY_ANSWER,
    Failure.PROSE_ONLY,
    Failure.NO_DIFF,
}


_RANGE = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_PLACELESS = re.compile(r"@@ -[1-9]\d*,0 ")


class Taken(msgspec.Struct, frozen=True):
    """A patch that git takes as it stands."""

    patch: str
    files: tuple[str, ...]
    added: int
    removed: int


def accepted_as_written(refused: PatchVerdict, found: Found, tree: Tree) -> Taken | None:
    """The diffs of an answer as they stand; None where git does not take them, or not all of their lines."""
    if refused.failure in _NEVER or any(not isinstance(one, Diff) for one in found.candidates):
        return None
    parts: list[Diff | Unreadable] = [one for one in found.candidates if isinstance(one, Diff)]
    parts = sorted([*parts, *found.unreadable], key=lambda part: part.first)
    lines = [line for part in parts for line in part.lines]
    if len(parts) > 1 and refused.dropped:
        return None
    if not lines or (refused.failure is Failure.CONTEXT_AMBIGUOUS and _says_otherwise(lines, found)):
        return None
    if any(map(_PLACELESS.match, lines)) or _names_two_files(lines) or has_marker(lines):
        return None  # git drops a block without a word
    return _taken(lines, tree)


def _says_otherwise(lines: Sequence[str], found: Found) -> bool:
    """Whether anything but the old start says where a hunk is: a heading, or a new start that means another line."""
    changes = [change for one in found.candidates if isinstance(one, Diff) for change in one.changes]
    return any(map(_has_heading, lines)) or any(
        hunk.other_start is not None for change in changes for hunk in change.hunks
    )


def _names_two_files(lines: Sequence[str]) -> bool:
    """Whether git would have to choose between the two names of a file."""
    for old, new in pairwise(lines):
        if old.startswith("--- ") and new.startswith("+++ "):
            names = [name[4:].split("\t")[0].rstrip() for name in (old, new)]
            if DEV_NULL not in names and bare(names[0]) != bare(names[1]):
                return not any(line.startswith("rename from ") for line in lines)
    return False


def _has_heading(line: str) -> bool:
    return line.startswith("@@ ") and bool(line[3:].rpartition("@@")[2].strip())


def _taken(lines: Sequence[str], tree: Tree) -> Taken | None:
    patch = "".join(line + "\n" for line in _read_by_git(lines))
    try:
        content = patch.encode()
    except UnicodeEncodeError:
        return None
    added, removed, files = _counts(content)
    if not files or (added, removed) != _changed(lines):
        return None
    if not all(f"a/{file}" in patch or f"b/{file}" in patch for file in files):
        return None  # git took the first folder for a prefix
    return Taken(patch, files, added, removed) if tree.apply_check(content) is None else None


def _read_by_git(lines: Sequence[str]) -> Iterator[str]:
    """The lines that git does not skip: headers, the names of a file that has hunks, and hunks by their counts."""
    old = new = 0
    for index, line in enumerate(lines):
        if old > 0 or new > 0 or line.startswith("\\"):
            old -= line[:1] in {"", " ", "-"}
            new -= line[:1] in {"", " ", "+"}
            yield line
        elif numbers := _RANGE.match(line):
            old, new = int(numbers[1] or 1), int(numbers[2] or 1)
            yield line
        elif line.startswith(HEADERS) or _has_hunk(lines, index) or (index and _has_hunk(lines, index - 1)):
            yield line


def _has_hunk(lines: Sequence[str], index: int) -> bool:
    """Whether the two names of a file stand at `index`, with a hunk behind them."""
    names = [line[:4] for line in lines[index : index + 2]]
    return names == ["--- ", "+++ "] and any(line[:3] == "@@ " for line in lines[index + 2 : index + 3])


def _changed(lines: Sequence[str]) -> tuple[int, int]:
    """The lines that are added and removed, by their first column; names of files are neither."""
    added = removed = 0
    for index, line in enumerate(lines):
        names = starts_names(lines, index) or (index and line.startswith("+++ ") and starts_names(lines, index - 1))
        added += line[:1] == "+" and not names
        removed += line[:1] == "-" and not names
    return added, removed


def _counts(patch: bytes) -> tuple[int, int, tuple[str, ...]]:
    """What git makes of `patch`: lines added and removed, and the files; none where it is not a patch for git."""
    with tempfile.TemporaryDirectory(prefix="swebench-tui-") as folder:
        result = run_git(Path(folder), ["apply", "--numstat", "-z", "-"], stdin=patch)
    added = removed = 0
    files: list[str] = []
    for entry in result.stdout.decode("utf-8", "replace").split("\0") if not result.status else ():
        counts = entry.split("\t", 2)
        if len(counts) < 3:
            files.append(entry)  # one of the two names of a rename or a copy, which follow its counts
            continue
        if not (counts[0].isdigit() and counts[1].isdigit()):
            return 0, 0, ()  # a binary file
        added, removed = added + int(counts[0]), removed + int(counts[1])
        files.append(counts[2])
    return added, removed, tuple(dict.fromkeys(file for file in files if file))
