"""File headers of a diff.

    header   := git_line extended* names? | names
    git_line := "diff --git " path " " path
    extended := "index" | "old mode" | "new mode" | "new file mode" | "deleted file mode" | "similarity index"
              | "rename from" | "rename to"
    names    := "--- " path LF "+++ " path          one of the two may be missing

Paths may be quoted as git quotes them, and a tab ends them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.unified_diff import DEV_NULL, unquote
from swebench_tui.bench.patches.verdict import Failure, PatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

GIT_LINE = "diff --git "

_MODES = ("old mode ", "new mode ", "new file mode ", "deleted file mode ")
_MOVES = ("rename from ", "rename to ")
_COPIES = ("copy from ", "copy to ")
_BINARY = ("GIT binary patch", "Binary files ")
_EXTENDED = ("index ", "similarity index ", "dissimilarity index ", *_MODES, *_MOVES, *_COPIES, *_BINARY)
_COPIED = frozenset({".orig", ".old", ".bak", ".backup", ".new", ".fixed", ".modified", "~"})
_FOLDERS = frozenset(
    (old, new)
    for old in ("a", "old", "orig", "original", "before", "current")
    for new in ("b", "new", "modified", "fixed", "updated", "after", "proposed")
)
HEADERS = (GIT_LINE, *_EXTENDED)
_REGULAR = {"100644", "100755"}


class Header(msgspec.Struct, frozen=True):
    """A file header. Paths are as written, None for the side that does not exist.

    `named`: it has a `---` or `+++` line. `mended`: these were completed or corrected. `end` is the index behind it.
    """

    old: str | None
    new: str | None
    end: int
    git_line: bool
    named: bool
    mended: bool
    modes: tuple[str, ...] = ()
    similarity: str = ""
    index: str = ""

    @property
    def changes_file(self) -> bool:
        """Whether the header alone is a change: of a mode or a name, a new or a deleted file."""
        return bool(self.modes) or self.old is None or self.new is None or bare(self.old) != bare(self.new)


def starts_file(lines: Sequence[str], index: int) -> bool:
    """Whether a file header starts at `index`."""
    return index < len(lines) and (lines[index].startswith(GIT_LINE) or starts_names(lines, index))


def starts_names(lines: Sequence[str], index: int) -> bool:
    """Whether file names start at `index`: `---` followed by `+++`, or one of them followed by a hunk."""
    if index + 1 >= len(lines) or not lines[index].startswith(("--- ", "+++ ")) or not lines[index][4:].strip():
        return False
    return lines[index + 1].startswith("@@") or (lines[index][0] == "-" and lines[index + 1].startswith("+++ "))


def malformed(lines: Sequence[str], index: int, what: str) -> PatchError:
    """The error for the line at `index`, with its text."""
    line = lines[index] if index < len(lines) else ""
    return PatchError(Failure.MALFORMED, f"line {index + 1} of the diff {what}: {line[:80]!r}")


def read_header(lines: Sequence[str], start: int) -> Header:
    """The file header that starts at index `start`. Raises `PatchError` when it names no file that can be patched."""
    git_names, index, extended = _read_git_line(lines, start)
    old, new, end = _read_names(lines, index)
    named, mended = end > index, end == index + 1
    modes = tuple(line for line in extended if line.startswith(_MODES))
    if moves := [line for line in extended if line.startswith(_MOVES)]:
        if len(moves) != 2:
            raise malformed(lines, start, "renames a file but has only one of the two names")
        old, new = ("a/" + unquote(moves[0][len(_MOVES[0]) :]), "b/" + unquote(moves[1][len(_MOVES[1]) :]))
    elif not named:
        old, new = git_names or ("", "")
    if not old or not new:
        raise PatchError(Failure.NO_FILE_NAME, f"line {start + 1} of the diff starts a file without a readable name")
    if not moves and (one := _one_file(old, new)) is not None:
        old, new = "a/" + one, "b/" + one
        mended = True
    created = old == DEV_NULL or any(mode.startswith("new file") for mode in modes)
    deleted = new == DEV_NULL or any(mode.startswith("deleted file") for mode in modes)
    if created and deleted:
        raise malformed(lines, start, "starts a file that is both new and deleted")
    if not (created or deleted or moves) and bare(old) != bare(new):
        raise malformed(lines, start, f"names two files, {bare(old)!r} and {bare(new)!r}, without `rename from`")
    return Header(
        old=None if created else old,
        new=None if deleted else new,
        end=end,
        git_line=index > start,
        named=named,
        mended=mended or (named and (created, deleted) != (old == DEV_NULL, new == DEV_NULL)),
        modes=modes,
        similarity=next((line for line in extended if "similarity index " in line), ""),
        index=next((line for line in extended if line.startswith("index ")), ""),
    )


def _read_git_line(lines: Sequence[str], index: int) -> tuple[tuple[str, str] | None, int, list[str]]:
    """`git_line extended*`: its two names if they can be separated, the index behind, and the extended lines."""
    if not lines[index].startswith(GIT_LINE):
        return None, index, []
    names = _both_names(lines[index][len(GIT_LINE) :].rstrip())
    extended: list[str] = []
    index += 1
    while index < len(lines) and (line := lines[index].rstrip()).startswith(_EXTENDED):
        if line.startswith(_BINARY):
            raise PatchError(Failure.BINARY, "the answer has a binary patch, which cannot be checked as text")
        if line.startswith(_COPIES):
            raise malformed(lines, index, "copies a file, which is not supported")
        if line.startswith(_MODES) and line.rsplit(" ", 1)[1] not in _REGULAR:
            raise PatchError(Failure.UNSAFE_PATH, f"`{line}` creates something other than a regular file")
        extended.append(line)
        index += 1
    return names, index, extended


def _read_names(lines: Sequence[str], index: int) -> tuple[str, str, int]:
    """`names`: old and new path and the index behind. A missing one is taken from the other; both are "" for none."""
    if not starts_names(lines, index):
        return "", "", index
    written = {"---": "", "+++": ""}
    for mark in written:
        if index < len(lines) and lines[index].startswith(mark + " "):
            written[mark] = unquote(lines[index][4:].split("\t", 1)[0].rstrip())
            index += 1
    old, new = written.values()
    return old or _other_side(new), new or _other_side(old), index


def bare(path: str) -> str:
    """`path` without git's prefix."""
    return path[2:] if path.startswith(("a/", "b/")) else path


def _one_file(old: str, new: str) -> str | None:
    """The file that two names mean: a copy of it (`x.py.orig`), or one below two folders (`old/x.py`, `new/x.py`)."""
    before, after = bare(old), bare(new)
    if DEV_NULL in {old, new} or before == after:
        return None
    if before.startswith(after) and before[len(after) :] in _COPIED:
        return after
    if after.startswith(before) and after[len(before) :] in _COPIED:
        return before
    (top, _, rest), (other_top, _, other_rest) = before.partition("/"), after.partition("/")
    return rest if rest and rest == other_rest and (top, other_top) in _FOLDERS else None


def _other_side(path: str) -> str:
    swap = {"a/": "b/", "b/": "a/"}
    return swap.get(path[:2], path[:2]) + path[2:]


def _both_names(rest: str) -> tuple[str, str] | None:
    """Old and new name of a git line, None where it can be split in several ways."""
    half = len(rest) // 2
    old, new = unquote(rest[:half]), unquote(rest[half + 1 :])
    if rest[half : half + 1] == " " and bare(old) == bare(new):
        return old, new
    pieces = rest.split(" ")
    return (unquote(pieces[0]), unquote(pieces[1])) if len(pieces) == 2 else None
