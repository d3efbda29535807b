"""Applying a parsed diff to a `Overlay`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.match import Match, place
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.unified_diff import FileChange
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator


class Located(msgspec.Struct, frozen=True):
    """A diff whose paths are relative, safe and bare, and what was mended in its headers."""

    changes: tuple[FileChange, ...]
    repairs: tuple[Repair, ...] = ()


class Applied(msgspec.Struct, frozen=True):
    """How a diff went into the tree. `as_written`: every hunk was found exactly where and as it stands in the diff."""

    as_written: bool
    repairs: tuple[Repair, ...] = ()


class Splice(msgspec.Struct, frozen=True):
    """Lines `at` to `at + removed` (from 0) are replaced by `added`."""

    at: int
    removed: int
    added: tuple[str, ...]


def locate(changes: Iterable[FileChange], locator: Locator, tree: Overlay | None) -> Located:
    """The same diff with bare paths, without `index` lines that name another version than the tree's.

    Raises `PatchError` for a path that leads out of the checkout.
    """
    repairs: dict[Repair, None] = {}
    located = [_located(change, locator, tree, repairs) for change in changes]
    return Located(tuple(located), tuple(repairs))


def _located(change: FileChange, locator: Locator, tree: Overlay | None, repairs: dict[Repair, None]) -> FileChange:
    old, new = (_bare(path, locator, repairs) for path in (change.old, change.new))
    index = change.index
    if tree is not None and index and not _names_version(index, tree.blob_id(old or new or "")):
        index = ""
        repairs[Repair.INDEX_LINE] = None
    if tree is not None and old is not None and old == new and not tree.exists(old) and _only_adds(change):
        old = None
        repairs[Repair.FILE_HEADER] = None
    return msgspec.structs.replace(change, old=old, new=new, index=index)


def _bare(written: str | None, locator: Locator, repairs: dict[Repair, None]) -> str | None:
    if written is None:
        return None
    path, mended = locator.from_diff(written)
    repairs.update(dict.fromkeys(mended))
    return path


def _names_version(index: str, blob_id: str) -> bool:
    """Whether an `index old..new` line has this version as its old one."""
    old = index.split()[1].split("..", maxsplit=1)[0]
    return bool(old) and blob_id.startswith(old)


def _only_adds(change: FileChange) -> bool:
    """Whether a diff creates its file without saying `/dev/null`: it starts at line 0 and has no old line."""
    return bool(change.hunks) and all(hunk.old_start == 0 and not hunk.old for hunk in change.hunks)


def apply_diff(changes: Iterable[FileChange], tree: Overlay) -> Applied:
    """Apply located changes one after the other. Raises `PatchError` at the first that does not fit."""
    done = [_apply(change, tree) for change in changes]
    repairs = dict.fromkeys(repair for applied in done for repair in applied.repairs)
    return Applied(all(applied.as_written for applied in done), tuple(repairs))


def _apply(change: FileChange, tree: Overlay) -> Applied:
    if change.old is None:
        return _create(change, tree)
    text, applied = _edited(change, tree.read(change.old))
    if change.new is None:
        if text.lines:
            raise PatchError(Failure.MALFORMED, f"{change.old!r}: is deleted, but not all of its lines are removed")
        tree.remove(change.old)
        return applied
    if change.renamed:
        tree.must_be_free(change.new)
        tree.rename(change.old, change.new)
    tree.write(change.new, text, change.modes)
    return applied


def _create(change: FileChange, tree: Overlay) -> Applied:
    path = change.new or ""
    tree.must_be_free(path)
    if any(hunk.old for hunk in change.hunks):
        raise PatchError(Failure.MALFORMED, f"{path!r}: is a new file, but the diff has old lines for it")
    lines = tuple(line for hunk in change.hunks for line in hunk.lines)
    ended = not (lines and lines[-1].startswith("\\"))
    tree.write(path, FileText(tuple(line[1:] for line in lines if line[0] == "+"), ended), change.modes)
    return Applied(len(change.hunks) <= 1 and all(hunk.old_start == 0 for hunk in change.hunks))


def _edited(change: FileChange, text: FileText) -> tuple[FileText, Applied]:
    placed: list[Match] = []
    for number, hunk in enumerate(change.hunks, start=1):
        try:
            placed.append(place(hunk, text))
        except PatchError as error:
            raise PatchError(error.failure, f"{change.old}: hunk {number} of {len(change.hunks)} {error}") from error
    try:
        edited, repairs = splice(text, placed)
    except PatchError as error:
        raise PatchError(error.failure, f"{change.old}: {error}") from error
    starts = [one.at for one in placed]
    in_order = starts == sorted(set(starts))
    return edited, Applied(not repairs and in_order and all(hunk.count("+-") for hunk in change.hunks), repairs)


def splice(text: FileText, placed: Sequence[Match]) -> tuple[FileText, tuple[Repair, ...]]:
    """`text` with all placed hunks done, and what was mended. Raises `PatchError` when two change the same line."""
    repairs = [repair for one in placed for repair in one.repairs]
    ended = text.final_newline
    for one in placed:
        ended, mended = _final_newline(one, text, ended=ended)
        repairs += [Repair.END_OF_FILE] if mended else []
    crlf_without_end = text.crlf and not text.final_newline
    lines = [*text.lines[:-1], text.lines[-1] + "\r"] if crlf_without_end else list(text.lines)
    last = len(lines) + 1
    for edit in sorted((edit for one in placed for edit in _splices(one, text)), key=lambda edit: edit.at)[::-1]:
        if edit.at + edit.removed > last or edit.at == last:
            raise PatchError(Failure.OVERLAPPING_HUNKS, f"two hunks change line {last + 1}")
        lines[edit.at : edit.at + edit.removed] = edit.added
        last = edit.at
    if crlf_without_end and not ended and lines:
        lines[-1] = lines[-1].removesuffix("\r")
    return FileText(tuple(lines), ended), tuple(dict.fromkeys(repairs))


def _splices(placed: Match, text: FileText) -> list[Splice]:
    """The hunk as the smallest replacements; context stays as the file has it, added lines follow its line ends."""
    follow = Repair.LINE_ENDS in placed.repairs
    there = text.lines[placed.at : placed.at + len(placed.hunk.old)]
    end = "\r" if 2 * sum(line.endswith("\r") for line in there) > len(there) else ""
    edits: list[Splice] = []
    at, removed, added = placed.at, 0, list[str]()
    for line in (*placed.hunk.lines, " "):
        if line[0] == "-":
            removed += 1
        elif line[0] == "+":
            added.append(line[1:].removesuffix("\r") + end if follow else line[1:])
        elif line[0] == " ":
            edits += [Splice(at, removed, tuple(added))] if removed or added else []
            at, removed, added = at + removed + 1, 0, []
    return edits


def _final_newline(placed: Match, text: FileText, *, ended: bool) -> tuple[bool, bool]:
    """Whether the file ends in a newline after the hunk, and whether its markers had to be mended to say so.

    Markers count only when the old side tells the truth about the end of the file; otherwise the file stays as it is.
    """
    lines = placed.hunk.lines
    old_marked, new_marked = (_marked(lines, columns) for columns in (" -", " +"))
    if placed.at + len(placed.hunk.old) < len(text.lines):
        return ended, old_marked or new_marked
    if old_marked == text.final_newline and text.lines:
        return ended, True
    return not new_marked, False


def _marked(lines: Sequence[str], columns: str) -> bool:
    """Whether the last line of one side, the one whose `columns` these are, is marked as having no newline."""
    last = max((at for at, line in enumerate(lines) if line[0] in columns), default=-1)
    return last + 1 < len(lines) and lines[last + 1][0] == "\\"
