"""Apply a parsed diff to an `Overlay`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.diff_header import bare
from swebench_tui.bench.patches.match import Match, match
from swebench_tui.bench.patches.text import FileText, Splice
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


def locate(changes: Iterable[FileChange], locator: Locator, overlay: Overlay | None) -> Located:
    """The same diff with bare paths, and without `index` lines that name another version than the checkout's.

    Raises `PatchError` for a path outside of the checkout.
    """
    repairs: dict[Repair, None] = {}
    located = [_located(change, locator, overlay, repairs) for change in changes]
    return Located(tuple(located), tuple(repairs))


def _located(change: FileChange, locator: Locator, overlay: Overlay | None, repairs: dict[Repair, None]) -> FileChange:
    same = change.old is not None and change.new is not None and bare(change.old) == bare(change.new)
    old, new = (_bare(path, locator, repairs) for path in (change.old, change.new))
    if overlay is not None and old is not None and not overlay.exists(old) and not _only_adds(change):
        old, fixed = locator.existing(old, [])
        new = old if same else new
        repairs.update(dict.fromkeys(fixed))
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
    text = FileText(tuple(line[1:] for line in lines if line[0] == "+"), not (lines and lines[-1][0] == "\\"))
    whole = text.without_last_return()
    overlay.write(path, whole, change.modes)
    if whole is not text:
        return Applied(as_written=False, repairs=(Repair.LINE_ENDS,))
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
    splices: list[Splice] = []
    for found in matches:
        made, fixed = _splices(found, text)
        splices += made
        repairs += [Repair.LINE_ENDS] if fixed else []
    splices.sort(key=lambda splice: splice.start)
    for splice_before, splice_after in pairwise(splices):
        if not splice_before.start < splice_after.start >= splice_before.start + splice_before.removed:
            raise PatchError(Failure.OVERLAPPING_HUNKS, f"two hunks change line {splice_after.start + 1}")
    before = text.with_last_return()
    edited = before.spliced(splices, final_newline=final_newline)
    whole = edited if text.ends_in_return else edited.without_last_return()
    if whole is not edited and edited.lines[-1] is not before.lines[-1]:
        repairs.append(Repair.LINE_ENDS)
    return whole, tuple(dict.fromkeys(repairs))


def _splices(match: Match, text: FileText) -> tuple[list[Splice], bool]:
    """The hunk as the smallest replacements; context keeps the file's text, added lines take its line ends.

    Also whether these differ from those of the hunk.
    """
    end = _line_end(match, text)
    fixed = False
    splices: list[Splice] = []
    index, removed, added = match.start, 0, list[str]()
    for line in (*match.hunk.lines, " "):
        if line[0] == "-":
            removed += 1
        elif line[0] == "+":
            added.append(line[1:] if end is None else line[1:].removesuffix("\r") + end)
            fixed = fixed or added[-1] != line[1:]
        elif line[0] == " ":
            splices += [Splice(index, removed, tuple(added))] if removed or added else []
            index, removed, added = index + removed + 1, 0, []
    return splices, fixed


def _line_end(match: Match, text: FileText) -> str | None:
    """The CR, or "", that added lines need to be like the file's lines around them; None to leave them as written."""
    hunk = match.hunk
    old = hunk.old
    ended = text.lines[match.start : min(match.start + len(old), len(text.lines) - (not text.final_newline))]
    pairs = [(line.endswith("\r"), actual.endswith("\r")) for line, actual in zip(old, ended, strict=False)]
    if not pairs:
        return "\r" if text.crlf and not any(line.endswith("\r") for line in hunk.lines) else None
    if all(written == actual for written, actual in pairs):
        return None
    return "\r" if 2 * sum(actual for _, actual in pairs) > len(pairs) else ""


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
