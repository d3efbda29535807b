"""Apply a parsed diff to an `Overlay`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.match import Match, match
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.unified_diff import FileChange
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator


class Located(msgspec.Struct, frozen=True):
    """A diff with relative, safe and bare paths, and the repairs of its headers."""

    changes: tuple[FileChange, ...]
    repairs: tuple[Repair, ...] = ()


class Applied(msgspec.Struct, frozen=True):
    """The result of applying a diff. `as_written`: every hunk matched exactly where and as the diff states it."""

    as_written: bool
    repairs: tuple[Repair, ...] = ()


class Splice(msgspec.Struct, frozen=True):
    """Lines `start` to `start + removed` (from 0) are replaced by `added`."""

    start: int
    removed: int
    added: tuple[str, ...]


def locate(changes: Iterable[FileChange], locator: Locator, overlay: Overlay | None) -> Located:
    """The same diff with bare paths, and without `index` lines that name another version than the checkout's.

    Raises `PatchError` for a path outside of the checkout.
    """
    repairs: dict[Repair, None] = {}
    located = [_located(change, locator, overlay, repairs) for change in changes]
    return Located(tuple(located), tuple(repairs))


def _located(change: FileChange, locator: Locator, overlay: Overlay | None, repairs: dict[Repair, None]) -> FileChange:
    old, new = (_bare(path, locator, repairs) for path in (change.old, change.new))
    index = change.index
    if overlay is not None and index and not _names_version(index, overlay.blob_id(old or new or "")):
        index = ""
        repairs[Repair.INDEX_LINE] = None
    if overlay is not None and old is not None and old == new and not overlay.exists(old) and _only_adds(change):
        old = None
        repairs[Repair.FILE_HEADER] = None
    return msgspec.structs.replace(change, old=old, new=new, index=index)


def _bare(written: str | None, locator: Locator, repairs: dict[Repair, None]) -> str | None:
    if written is None:
        return None
    path, fixed = locator.from_diff(written)
    repairs.update(dict.fromkeys(fixed))
    return path


def _names_version(index: str, blob_id: str) -> bool:
    """Whether an `index old..new` line names this version as the old one."""
    old = index.split()[1].split("..", maxsplit=1)[0]
    return bool(old) and blob_id.startswith(old)


def _only_adds(change: FileChange) -> bool:
    """Whether a diff creates its file without `/dev/null`: it starts at line 0 and has no old line."""
    return bool(change.hunks) and all(hunk.old_start == 0 and not hunk.old for hunk in change.hunks)


def apply_diff(changes: Iterable[FileChange], overlay: Overlay) -> Applied:
    """Apply located changes in order. Raises `PatchError` at the first that does not match."""
    applied = [_apply(change, overlay) for change in changes]
    repairs = dict.fromkeys(repair for applied in applied for repair in applied.repairs)
    return Applied(all(applied.as_written for applied in applied), tuple(repairs))


def _apply(change: FileChange, overlay: Overlay) -> Applied:
    if change.old is None:
        return _create(change, overlay)
    text, applied = _edited(change, overlay.read(change.old))
    if change.new is None:
        if text.lines:
            raise PatchError(Failure.MALFORMED, f"{change.old!r}: is deleted, but not all of its lines are removed")
        overlay.remove(change.old)
        return applied
    if change.renamed:
        overlay.must_be_free(change.new)
        overlay.rename(change.old, change.new)
    overlay.write(change.new, text, change.modes)
    return applied


def _create(change: FileChange, overlay: Overlay) -> Applied:
    path = change.new or ""
    overlay.must_be_free(path)
    if any(hunk.old for hunk in change.hunks):
        raise PatchError(Failure.MALFORMED, f"{path!r}: is a new file, but the diff has old lines for it")
    lines = tuple(line for hunk in change.hunks for line in hunk.lines)
    final_newline = not (lines and lines[-1].startswith("\\"))
    overlay.write(path, FileText(tuple(line[1:] for line in lines if line[0] == "+"), final_newline), change.modes)
    return Applied(len(change.hunks) <= 1 and all(hunk.old_start == 0 for hunk in change.hunks))


def _edited(change: FileChange, text: FileText) -> tuple[FileText, Applied]:
    matches: list[Match] = []
    for number, hunk in enumerate(change.hunks, start=1):
        try:
            matches.append(match(hunk, text))
        except PatchError as error:
            raise PatchError(error.failure, f"{change.old}: hunk {number} of {len(change.hunks)} {error}") from error
    try:
        edited, repairs = splice(text, matches)
    except PatchError as error:
        raise PatchError(error.failure, f"{change.old}: {error}") from error
    starts = [one.start for one in matches]
    in_order = starts == sorted(set(starts))
    return edited, Applied(not repairs and in_order and all(hunk.count("+-") for hunk in change.hunks), repairs)


def splice(text: FileText, matches: Sequence[Match]) -> tuple[FileText, tuple[Repair, ...]]:
    """`text` with all matched hunks applied, and the repairs. Raises `PatchError` when two change the same line."""
    repairs = [repair for one in matches for repair in one.repairs]
    final_newline = text.final_newline
    for one in matches:
        final_newline, fixed = _final_newline(one, text, final_newline=final_newline)
        repairs += [Repair.END_OF_FILE] if fixed else []
    crlf_without_end = text.crlf and not text.final_newline
    lines = [*text.lines[:-1], text.lines[-1] + "\r"] if crlf_without_end else list(text.lines)
    last = len(lines) + 1
    for edit in sorted((edit for one in matches for edit in _splices(one, text)), key=lambda edit: edit.start)[::-1]:
        if edit.start + edit.removed > last or edit.start == last:
            raise PatchError(Failure.OVERLAPPING_HUNKS, f"two hunks change line {last + 1}")
        lines[edit.start : edit.start + edit.removed] = edit.added
        last = edit.start
    if crlf_without_end and not final_newline and lines:
        lines[-1] = lines[-1].removesuffix("\r")
    return FileText(tuple(lines), final_newline), tuple(dict.fromkeys(repairs))


def _splices(matches: Match, text: FileText) -> list[Splice]:
    """The hunk as the smallest replacements; context keeps the file's text, added lines take its line ends."""
    follow = Repair.LINE_ENDS in matches.repairs
    actual = text.lines[matches.start : matches.start + len(matches.hunk.old)]
    end = "\r" if 2 * sum(line.endswith("\r") for line in actual) > len(actual) else ""
    edits: list[Splice] = []
    index, removed, added = matches.start, 0, list[str]()
    for line in (*matches.hunk.lines, " "):
        if line[0] == "-":
            removed += 1
        elif line[0] == "+":
            added.append(line[1:].removesuffix("\r") + end if follow else line[1:])
        elif line[0] == " ":
            edits += [Splice(index, removed, tuple(added))] if removed or added else []
            index, removed, added = index + removed + 1, 0, []
    return edits


def _final_newline(matches: Match, text: FileText, *, final_newline: bool) -> tuple[bool, bool]:
    """Whether the file ends in a newline after the hunk, and whether its markers needed a repair.

    Markers count only when the old side is right about the end of the file; otherwise the file keeps its end.
    """
    lines = matches.hunk.lines
    old_marked, new_marked = (_marked(lines, columns) for columns in (" -", " +"))
    if matches.start + len(matches.hunk.old) < len(text.lines):
        return final_newline, old_marked or new_marked
    if old_marked == text.final_newline and text.lines:
        return final_newline, True
    return not new_marked, False


def _marked(lines: Sequence[str], columns: str) -> bool:
    """Whether the last line of one side, given by its `columns`, is marked as having no newline."""
    last = max((index for index, line in enumerate(lines) if line[0] in columns), default=-1)
    return last + 1 < len(lines) and lines[last + 1][0] == "\\"
