"""Extract the candidates for a patch from an answer, in the order in which they are tried.

SEARCH/REPLACE blocks come first, all together. Then diffs: of fences that touch the same file the last one counts and
earlier ones are drafts; fences for different files are parts of one patch. If that does not apply, each fence alone,
the last one first, but never one that touches only tests when another does more. Whole files are extracted only from
answers without blocks and diffs.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.diff_parser import ParsedDiff, looks_like_diff, parse_diff
from swebench_tui.bench.patches.file_names import name_above, name_alone, name_in_info
from swebench_tui.bench.patches.regions import DIFF_INFO, Answer, Region, read_regions
from swebench_tui.bench.patches.search_replace import Block, has_block, parse_blocks
from swebench_tui.bench.patches.unified_diff import FileChange
from swebench_tui.bench.patches.verdict import MOST_EDITS, Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_PARTS = 200  # diffs, or files, in one answer
_MOST_TRIED = 8  # diffs tried alone, from the last one back
_NO_FILES = frozenset({"bash", "sh", "shell", "console", "text", "txt", "output", "log", "pycon", "traceback"})
_EXTENSION = re.compile(r"\w\.[A-Za-z]\w{0,9}$")
_TEST_NAME = re.compile(r"tests?_.*|.*_tests?|tests?|conftest")
_CONTINUES = re.compile(r"@@|\+|-(?! \S)| +\S")


class Diff(msgspec.Struct, frozen=True):
    """A unified diff, paths as written."""

    changes: tuple[FileChange, ...]
    repairs: tuple[Repair, ...] = ()


class Edits(msgspec.Struct, frozen=True):
    """All SEARCH/REPLACE blocks of an answer."""

    blocks: tuple[Block, ...]
    repairs: tuple[Repair, ...] = ()


class Files(msgspec.Struct, frozen=True):
    """Whole files: the name as written, and the lines."""

    contents: tuple[tuple[str, tuple[str, ...]], ...]
    repairs: tuple[Repair, ...] = ()


Candidate = Diff | Edits | Files


class Found(msgspec.Struct, frozen=True):
    """The candidates of an answer in the order to try them, and the errors of the rest."""

    candidates: tuple[Candidate, ...] = ()
    errors: tuple[PatchError, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.candidates or self.errors)


def find_candidates(answer: str, *, cut: bool = False) -> Found:
    """The candidates in `answer`.

    With `cut`, an edit that the end of the answer interrupts is an error, not a candidate.
    """
    if not answer.strip():
        return _broken(PatchError(Failure.EMPTY_ANSWER, "the answer is empty"))
    if answer.endswith("\r"):
        answer = answer.rstrip("\r") + ("\n" if "\r\n" in answer else "")  # half of a line end
    if "\r\n" in answer and answer.count("\r\n") == answer.count("\n"):
        answer = answer.replace("\r\n", "\n")  # every line ends in CRLF: the transport's doing, not content
    try:
        read = read_regions(answer)
    except PatchError as error:
        return _broken(error)
    edits, diffs = _edits(read, cut=cut), _diffs(read, cut=cut, ended=answer.endswith("\n"))
    if edits and diffs:
        return Found(tuple(map(_alone, edits.candidates + diffs.candidates)), edits.errors + diffs.errors)
    return edits or diffs or _files(read, cut=cut) or Found(errors=(_nothing(read, cut=cut),))


def _alone(candidate: Candidate) -> Candidate:
    """A candidate of an answer that has both blocks and diffs, of which only one is used."""
    repairs = tuple(dict.fromkeys([*candidate.repairs, Repair.FENCE_LEFT_OUT]))
    return msgspec.structs.replace(candidate, repairs=repairs)


def _nothing(read: Answer, *, cut: bool) -> PatchError:
    if cut:
        return PatchError(Failure.TRUNCATED, "the answer was cut off at the output limit before any patch")
    if all(region.kind == "prose" for region in read.regions):
        return PatchError(Failure.PROSE_ONLY, "the answer has no code")
    what = "the answer has code, but no diff, no SEARCH/REPLACE block and no named file"
    return PatchError(Failure.NO_DIFF, what)


def _cut_off(what: str) -> PatchError:
    return PatchError(Failure.TRUNCATED, f"the answer was cut off at the output limit, in the middle of {what}")


def _edits(read: Answer, *, cut: bool) -> Found:
    blocks = parse_blocks(read.lines)
    if len(blocks.blocks) > MOST_EDITS:
        return _broken(PatchError(Failure.TOO_LARGE, f"the answer has more than {MOST_EDITS} blocks"))
    if blocks.error:
        return _broken(_cut_off("a SEARCH/REPLACE block") if cut else PatchError(Failure.MALFORMED, blocks.error))
    return Found((Edits(blocks.blocks),)) if blocks.blocks else Found()


def _broken(error: PatchError) -> Found:
    return Found(errors=(error,))


class _Part(msgspec.Struct, frozen=True):
    """The diff of one region, or the error of reading it; `cut`: the answer ends inside it."""

    parsed: ParsedDiff | None = None
    error: PatchError | None = None
    cut: bool = False

    @property
    def files(self) -> frozenset[str]:
        changes = self.parsed.changes if self.parsed else ()
        return frozenset(path.removeprefix("a/").removeprefix("b/") for change in changes for path in change.paths)


def _diffs(read: Answer, *, cut: bool, ended: bool) -> Found:
    regions = [region for region in read.regions if _may_be_diff(region)]
    if len(regions) > _MOST_PARTS:
        return _broken(PatchError(Failure.TOO_LARGE, f"the answer has more than {_MOST_PARTS} diffs"))
    parts = [_part(region, read, cut=cut, ended=ended) for region in regions]
    whole = [part for part in parts if part.parsed is not None and not part.cut]
    known = frozenset[str]().union(*(part.files for part in whole))
    lost = [part for part in parts if part.cut and not (part.files and part.files <= known)]
    if lost:
        return _broken(_cut_off("a diff"))
    errors = tuple(part.error for part in parts if part.error is not None)
    return Found(tuple(_in_order(whole, left_out=len(whole) < len(parts))), errors)


def _in_order(parts: Sequence[_Part], *, left_out: bool) -> Iterable[Diff]:
    latest = _latest(parts)
    only_tests_allowed = not left_out and all(map(_only_tests, parts))
    if latest and (only_tests_allowed or not all(map(_only_tests, latest))):
        chosen = [Repair.DRAFT_DROPPED] if len(latest) < len(parts) else []
        chosen += [Repair.FENCES_JOINED] if len(latest) > 1 else []
        yield _joined(latest, [*chosen, Repair.FENCE_LEFT_OUT] if left_out else chosen)
    for part in parts[: -_MOST_TRIED - 1 : -1]:
        if [part] != latest and (only_tests_allowed or not _only_tests(part)):
            yield _joined([part], [Repair.FENCE_LEFT_OUT])


def _latest(parts: Sequence[_Part]) -> list[_Part]:
    """The last of the parts that share a file, in the order of the answer."""
    latest: list[_Part] = []
    seen: set[str] = set()
    for part in reversed(parts):
        if not seen & part.files:
            latest.append(part)
            seen |= part.files
    return latest[::-1]


def _joined(parts: Sequence[_Part], chosen: Sequence[Repair]) -> Diff:
    diffs = [part.parsed for part in parts if part.parsed is not None]
    repairs = dict.fromkeys([*chosen, *(repair for diff in diffs for repair in diff.repairs)])
    return Diff(tuple(change for diff in diffs for change in diff.changes), tuple(repairs))


def _may_be_diff(region: Region) -> bool:
    if has_block(region.lines) or not any(line.strip() for line in region.lines):
        return False
    return region.kind == "tag" or region.language in DIFF_INFO or looks_like_diff(region.lines)


def _part(region: Region, read: Answer, *, cut: bool, ended: bool) -> _Part:
    runs_out = region.end == "answer"
    try:
        parsed = parse_diff(region.lines, fenced=region.kind != "prose", name=_name_outside(region, read))
    except PatchError as error:
        return _Part(error=error, cut=cut and runs_out)
    to_the_end = runs_out and (region.kind != "prose" or not any(line.strip() for line in region.lines[parsed.end :]))
    if _is_cut_in_two(region, parsed):
        return _Part(error=PatchError(Failure.NESTED_FENCE, "a fence inside the diff closes the fence around it"))
    repairs = [Repair.FENCE_CLOSED] if runs_out and region.kind != "prose" else []
    repairs += [Repair.FINAL_NEWLINE] if to_the_end and not ended and parsed.end == len(region.lines) else []
    return _Part(msgspec.structs.replace(parsed, repairs=(*repairs, *parsed.repairs)), cut=cut and to_the_end)


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


def _only_tests(part: _Part) -> bool:
    return touches_only_tests(part.files)


def touches_only_tests(files: Iterable[str]) -> bool:
    """Whether every path is a test by its name: below a `tests` folder, `test_*.py`, `*_test.py`, `conftest.py`.

    Folders named `test` or `testing` do not count: `django/test` is not a test.
    """
    return all("tests" in path.parts[:-1] or _TEST_NAME.fullmatch(path.stem) for path in map(PurePosixPath, files))


def _files(read: Answer, *, cut: bool) -> Found:
    contents: dict[str, tuple[str, ...]] = {}
    repairs: list[Repair] = []
    for region in read.regions:
        name = _file_name(region, read) if region.kind == "fence" else None
        if name is None or not any(line.strip() for line in region.lines):
            continue
        if region.end == "interrupted":
            return _broken(PatchError(Failure.NESTED_FENCE, f"a fence inside {name!r} closes the fence around it"))
        if region.end == "answer":
            unclosed = PatchError(Failure.MALFORMED, f"the fence with the file {name!r} is not closed")
            return _broken(_cut_off(f"the file {name!r}") if cut else unclosed)
        repairs += [Repair.DRAFT_DROPPED] if contents.pop(name, None) is not None else []
        contents[name] = region.lines
        if len(contents) > _MOST_PARTS:
            return _broken(PatchError(Failure.TOO_LARGE, f"the answer has more than {_MOST_PARTS} files"))
    return Found((Files(tuple(contents.items()), tuple(repairs)),)) if contents else Found()


def _file_name(region: Region, read: Answer) -> str | None:
    """The file name of a fence: in its info string, or alone on the line above. It must have an extension."""
    above = next(
        (line for line in reversed(read.lines[max(0, region.start - 3) : region.start - 1]) if line.strip()), ""
    )
    name = name_in_info(region.info) or (None if region.language in _NO_FILES else name_alone(above))
    return name if name and _EXTENSION.search(name) else None
