"""Extract the candidates for a patch from an answer.

They are SEARCH/REPLACE blocks, diffs, patches of `apply_patch`, and whole files. Thoughts are no candidates. All blocks
of an answer are one candidate, each diff is one, and so are all whole files; `outcome.py` makes one patch of them.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.apply_patch_parser import find_patches, parse_patch
from swebench_tui.bench.patches.block_parser import Block, has_block, has_marker, parse_blocks
from swebench_tui.bench.patches.diff_header import bare
from swebench_tui.bench.patches.diff_parser import ParsedDiff, looks_like_diff, parse_diff
from swebench_tui.bench.patches.file_names import name_above, name_alone, name_in_info
from swebench_tui.bench.patches.regions import DIFF_INFO, Answer, Region, read_regions
from swebench_tui.bench.patches.thoughts import Thoughts, remove_thoughts
from swebench_tui.bench.patches.unified_diff import FileChange
from swebench_tui.bench.patches.verdict import (
    MOST_ANSWER_LINES,
    MOST_CHARACTERS,
    MOST_EDITS,
    Failure,
    PatchError,
    Repair,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_PARTS = 200  # diffs, or files, in one answer
_NO_FILES = frozenset({"bash", "sh", "shell", "console", "text", "txt", "output", "log", "pycon", "traceback"})
_EXTENSION = re.compile(r"\w\.[A-Za-z]\w{0,9}$")
_TEST_NAME = re.compile(r"tests?_.*|.*_tests?|tests?|conftest")
_CONTINUES = re.compile(r"@@|\+|-(?! \S)| +\S")
_OUTPUT = re.compile(
    r"Traceback \(most recent call last\)|\$ \S|>>> |  File \"[^\"]+\", line \d|={3,} .* ={3,}$|\S+:\d+(?::\d+)?: \S"
    r"|(?:\w+\.)*\w*(?:Error|Exception|Warning): |(?:FAILED|PASSED|ERROR) \S|usage: |(?:error|fatal|warning): "
    r"|\S+: .*(?:command not found|No such file)"
)


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """A diff, paths as written. `first` and `last` are its lines in the answer, from 1.

    `lines` are the text it was read from. `other` is a second way to read it, for where the first one does not fit.
    """

    changes: tuple[FileChange, ...]
    repairs: tuple[Repair, ...] = ()
    first: int = 0
    last: int = 0
    lines: tuple[str, ...] = ()
    other: tuple[FileChange, ...] = ()


class Edits(msgspec.Struct, frozen=True):
    """All SEARCH/REPLACE blocks of an answer."""

    blocks: tuple[Block, ...]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file: the name as written, and the lines."""

    name: str
    lines: tuple[str, ...]
    first: int = 0
    last: int = 0


class Files(msgspec.Struct, frozen=True):
    """The whole files of an answer, each once."""

    files: tuple[File, ...]
    repairs: tuple[Repair, ...] = ()


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """What looks like a candidate and cannot be read. `cut`: because the answer ends in it."""

    error: PatchError
    first: int = 0
    last: int = 0
    lines: tuple[str, ...] = ()
    cut: bool = False


Candidate = Diff | Edits | Files


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates of an answer, in its order but blocks first; what cannot be read; and its lines.

    `beside` are whole files in an answer with blocks or diffs, where they are no candidates.
    """

    candidates: tuple[Candidate, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    thoughts: Thoughts
    lines: tuple[str, ...] = ()
    beside: tuple[File, ...] = ()

    @property
    def errors(self) -> tuple[PatchError, ...]:
        return tuple(broken.error for broken in self.unreadable)


def find_candidates(answer: str, *, cut: bool = False) -> Found:
    """The candidates in `answer`.

    With `cut`, an edit that the end of the answer interrupts is an error, not a candidate.
    """
    if not answer.strip():
        return _only(PatchError(Failure.EMPTY_ANSWER, "the answer is empty"), Thoughts(""))
    if len(answer) > MOST_CHARACTERS or answer.count("\n") > MOST_ANSWER_LINES:
        what = f"the answer has more than {MOST_CHARACTERS:,} characters or {MOST_ANSWER_LINES:,} lines"
        return _only(PatchError(Failure.TOO_LARGE, what), Thoughts(""))
    if "\r\n" in answer and answer.count("\r\n") == answer.count("\n"):
        answer = answer.replace("\r\n", "\n")  # every line ends in CRLF: the transport's doing, not content
    if answer.endswith("\r"):
        answer = answer.rstrip("\r") + ("\n" if "\r\n" in answer else "")  # half of a line end
    thoughts = remove_thoughts(answer)
    try:
        read = read_regions(thoughts.answer)
        candidates, unreadable = _candidates(read, cut=cut, ended=answer.endswith("\n"))
    except PatchError as error:
        return _only(error, thoughts)
    if not candidates and not unreadable:
        return _only(_nothing(read, thoughts, cut=cut), thoughts)
    return Found(
        candidates=tuple(candidates),
        unreadable=tuple(unreadable),
        thoughts=thoughts,
        lines=read.lines,
        beside=tuple(_files_beside(read, candidates)),
    )


def _only(error: PatchError, thoughts: Thoughts) -> Found:
    return Found(unreadable=(Unreadable(error=error),), thoughts=thoughts)


def _nothing(read: Answer, thoughts: Thoughts, *, cut: bool) -> PatchError:
    if cut:
        return PatchError(Failure.TRUNCATED, "the answer was cut off at the output limit before any patch")
    if thoughts.edits:
        what = "the answer has no patch outside of the model's thoughts, and drafts in thoughts do not count"
        return PatchError(Failure.PROSE_ONLY, what)
    if all(region.kind == "prose" for region in read.regions):
        return PatchError(Failure.PROSE_ONLY, "the answer has no code")
    what = "the answer has code, but no diff, no SEARCH/REPLACE block and no named file"
    return PatchError(Failure.NO_DIFF, what)


def _candidates(read: Answer, *, cut: bool, ended: bool) -> tuple[list[Candidate], list[Unreadable]]:
    regions = [region for region in read.regions if _may_be_diff(region)]
    if len(regions) > _MOST_PARTS:
        raise PatchError(Failure.TOO_LARGE, f"the answer has more than {_MOST_PARTS} diffs")
    in_diffs = {index for region in regions for index in range(region.start, region.start + len(region.lines))}
    candidates: list[Candidate] = []
    unreadable: list[Unreadable] = []
    edits = _edits(read, in_diffs, cut=cut)
    in_blocks = {index for one in edits if isinstance(one, Edits) for index in _lines_of(one.blocks)}
    diffs: list[Diff | Unreadable] = []
    for region in regions:
        if region.start not in in_blocks:
            diffs.append(_part(region, read, cut=cut, ended=ended, before=_last_file(diffs)))
    for found in (edits, _patches(read, cut=cut), diffs):
        candidates += [one for one in found if not isinstance(one, Unreadable)]
        unreadable += [one for one in found if isinstance(one, Unreadable)]
    if not candidates and not unreadable:
        conflicts = parse_blocks(read.lines, conflicts=True)
        candidates += [Edits(conflicts.blocks)] if conflicts.blocks and not conflicts.error else []
    if not candidates:
        files = _files(read, cut=cut)
        candidates += [one for one in files if not isinstance(one, Unreadable)]
        unreadable += [one for one in files if isinstance(one, Unreadable)]
    return candidates, unreadable


def _lines_of(blocks: Iterable[Block]) -> Iterable[int]:
    """Indexes of the lines of blocks: a fence or a tag in them is text of a file."""
    return (index for block in blocks for index in range(block.first - 1, block.last))


def _cut_off(what: str) -> PatchError:
    return PatchError(Failure.TRUNCATED, f"the answer was cut off at the output limit, in the middle of {what}")


def _edits(read: Answer, in_diffs: set[int], *, cut: bool) -> list[Edits | Unreadable]:
    blocks = parse_blocks(read.lines, diffs=in_diffs)
    if len(blocks.blocks) > MOST_EDITS:
        raise PatchError(Failure.TOO_LARGE, f"the answer has more than {MOST_EDITS} blocks")
    found: list[Edits | Unreadable] = [Edits(blocks.blocks)] if blocks.blocks else []
    if blocks.error:
        error = _cut_off("a SEARCH/REPLACE block") if cut else PatchError(Failure.MALFORMED, blocks.error)
        found.append(Unreadable(error=error, first=blocks.broken, last=len(read.lines), cut=cut))
    return found


def _patches(read: Answer, *, cut: bool) -> list[Diff | Unreadable]:
    """The patches in the form of `apply_patch`."""
    found: list[Diff | Unreadable] = []
    for first, last in find_patches(read.lines):
        lines = read.lines[first:last]
        try:
            changes = parse_patch(lines)
        except PatchError as error:
            runs_out = cut and last == len(read.lines)
            error = _cut_off("a patch") if runs_out else error
            found.append(Unreadable(error=error, first=first + 1, last=last, lines=tuple(lines), cut=runs_out))
        else:
            repairs = (Repair.APPLY_PATCH,)
            found.append(Diff(changes=changes, repairs=repairs, first=first + 1, last=last, lines=tuple(lines)))
    if len(found) > _MOST_PARTS:
        raise PatchError(Failure.TOO_LARGE, f"the answer has more than {_MOST_PARTS} patches")
    return found


def _may_be_diff(region: Region) -> bool:
    if has_block(region.lines) or not any(line.strip() for line in region.lines) or find_patches(region.lines):
        return False
    if region.kind == "tag" or looks_like_diff(region.lines):
        return True
    return region.language in DIFF_INFO and not has_marker(region.lines)


def _last_file(diffs: Sequence[Diff | Unreadable]) -> str | None:
    """The file that the diffs so far end with, if the last one can be read."""
    change = diffs[-1].changes[-1] if diffs and isinstance(diffs[-1], Diff) else None
    path = (change.new or change.old or "") if change else ""
    return bare(path) or None


def _part(region: Region, read: Answer, *, cut: bool, ended: bool, before: str | None) -> Diff | Unreadable:
    first, last = region.span
    runs_out = region.end == "answer"
    name = _name_outside(region, read) or (before if region.kind != "prose" else None)
    try:
        parsed = _parsed(region, name)
    except PatchError as error:
        cut_off = cut and runs_out
        return Unreadable(
            error=_cut_off("a diff") if cut_off else error, first=first, last=last, lines=region.lines, cut=cut_off
        )
    to_the_end = runs_out and (region.kind != "prose" or not any(line.strip() for line in region.lines[parsed.end :]))
    if cut and to_the_end:
        return Unreadable(error=_cut_off("a diff"), first=first, last=last, lines=region.lines, cut=True)
    if _is_cut_in_two(region, parsed):
        nested = PatchError(Failure.NESTED_FENCE, "a fence inside the diff closes the fence around it")
        return Unreadable(error=nested, first=first, last=last, lines=region.lines)
    closed = region.end == "misplaced" or (runs_out and region.kind != "prose")
    repairs = [Repair.FENCE_CLOSED] if closed else []
    repairs += [Repair.FINAL_NEWLINE] if to_the_end and not ended and parsed.end == len(region.lines) else []
    changes, repeated = _without_repeats(parsed.changes)
    repairs += [Repair.REPEATED_BLOCK] if repeated else []
    return Diff(
        changes=changes,
        repairs=tuple(dict.fromkeys([*repairs, *parsed.repairs])),
        first=first,
        last=last,
        lines=region.lines,
        other=_without_repeats(parsed.other)[0],
    )


def _parsed(region: Region, name: str | None) -> ParsedDiff:
    """The diff of a region. A misplaced mark that closes it is a line of it where the counts of its hunks say so."""
    fenced = region.kind != "prose"
    if region.mark:
        try:
            parsed = parse_diff((*region.lines, region.mark), fenced=fenced, name=name)
        except PatchError:
            pass
        else:
            if Repair.RECOUNTED not in parsed.repairs and parsed.numbered:
                return parsed
    return parse_diff(region.lines, fenced=fenced, name=name)


def _without_repeats(changes: Sequence[FileChange]) -> tuple[tuple[FileChange, ...], bool]:
    """The changes without files and hunks that are in them already, word for word, and whether there were any."""
    seen = set[object]()
    kept: list[FileChange] = []
    for change in changes:
        hunks = []
        for hunk in change.hunks:
            key = (change.old, change.new, hunk.old_start, hunk.lines)
            if key not in seen:
                hunks.append(hunk)
            seen.add(key)
        if hunks or not change.hunks:
            kept.append(msgspec.structs.replace(change, hunks=tuple(hunks)))
    repeated = len(kept) < len(changes) or any(
        len(now.hunks) < len(before.hunks) for now, before in zip(kept, changes, strict=False)
    )
    return tuple(kept), repeated


def _name_outside(region: Region, read: Answer) -> str | None:
    """The file of a diff without any header: named in its fence's info string or above the fence."""
    if region.kind == "prose":
        return None
    return name_in_info(region.info.partition(" ")[2]) or name_above(read.lines, region.start - 1)


def _is_cut_in_two(region: Region, parsed: ParsedDiff) -> bool:
    """Whether the fence ended too early: another one opened inside it, or a short hunk continues behind its end."""
    if region.kind == "prose":
        return False
    if region.end == "interrupted":
        return True
    return Repair.RECOUNTED in parsed.repairs and _CONTINUES.match(region.after) is not None


def touches_only_tests(files: Iterable[str]) -> bool:
    """Whether every path is a test by its name: below a `tests` folder, `test_*.py`, `*_test.py`, `conftest.py`.

    Folders named `test` or `testing` do not count: `django/test` is not a test.
    """
    return all("tests" in path.parts[:-1] or _TEST_NAME.fullmatch(path.stem) for path in map(PurePosixPath, files))


def _files(read: Answer, *, cut: bool) -> list[Files | Unreadable]:
    files: dict[str, File] = {}
    broken: list[Files | Unreadable] = []
    repairs: list[Repair] = []
    for region in read.regions:
        name = _file_name(region, read) if region.kind == "fence" else None
        if region.kind == "fence" and has_marker(region.lines):
            what = "a fence has markers of SEARCH/REPLACE blocks or of a conflict, but no whole block"
            broken.append(_unreadable(region, PatchError(Failure.MALFORMED, what)))
        elif name is None or not any(line.strip() for line in region.lines) or _is_output(region.lines):
            continue
        elif region.end == "interrupted":
            what = f"a fence inside {name!r} closes the fence around it"
            broken.append(_unreadable(region, PatchError(Failure.NESTED_FENCE, what)))
        elif region.end == "answer":
            unclosed = PatchError(Failure.MALFORMED, f"the fence with the file {name!r} is not closed")
            broken.append(_unreadable(region, _cut_off(f"the file {name!r}") if cut else unclosed, cut=cut))
        else:
            repairs += [Repair.DRAFT_DROPPED] if files.pop(name, None) is not None else []
            repairs += [Repair.FENCE_CLOSED] if region.end == "misplaced" else []
            first, last = region.span
            files[name] = File(name=name, lines=region.lines, first=first, last=last)
        if len(files) > _MOST_PARTS:
            raise PatchError(Failure.TOO_LARGE, f"the answer has more than {_MOST_PARTS} files")
    return [*([Files(tuple(files.values()), tuple(repairs))] if files else []), *broken]


def _files_beside(read: Answer, candidates: Sequence[Candidate]) -> Iterable[File]:
    """The whole files of an answer whose patch is something else."""
    if not candidates or isinstance(candidates[0], Files):
        return
    for region in read.regions:
        name = _file_name(region, read) if region.kind == "fence" and region.end in {"closed", "misplaced"} else None
        if name and not (has_marker(region.lines) or _may_be_diff(region) or _is_output(region.lines)):
            first, last = region.span
            yield File(name=name, lines=region.lines, first=first, last=last)


def _unreadable(region: Region, error: PatchError, *, cut: bool = False) -> Unreadable:
    first, last = region.span
    return Unreadable(error=error, first=first, last=last, lines=region.lines, cut=cut)


def _is_output(lines: Sequence[str]) -> bool:
    """Whether a fence quotes an error or the output of a shell: by its first line, or its last one."""
    texts = [line for line in lines if line.strip()]
    return bool(texts) and any(_OUTPUT.match(text[:300]) for text in (texts[0], texts[-1]))


def _file_name(region: Region, read: Answer) -> str | None:
    """The file name of a fence: in its info string, or alone on the line above. It must have an extension."""
    above = next(
        (line for line in reversed(read.lines[max(0, region.start - 3) : region.start - 1]) if line.strip()), ""
    )
    quoted = region.language in _NO_FILES
    name = name_in_info(region.info) or name_alone(above)
    return name if name and not quoted and _EXTENSION.search(name) else None
