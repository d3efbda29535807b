r"""SEARCH/REPLACE blocks: parse them, and apply them to an `Overlay`.

    blocks := (text | block)*
    block  := open line* divider line* close
    open    := "<<<<<<< SEARCH" [path]
    divider := "======="
    close   := ">>>>>>> REPLACE"

Markers stand at the start of a line and have five to nine signs. Fences around blocks mean nothing. The file of a
block is named behind its marker or on the closest line above; when that line names nothing, it is the file of the
block before. A heading underlined with as many `=` as the markers have looks like the divider, so such a block is
refused.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.apply_diff import splice
from swebench_tui.bench.patches.file_names import name_above
from swebench_tui.bench.patches.match import Match, candidate_starts, match, match_at
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.unified_diff import Hunk
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator

_SIGNS = "<<<<<"
_ENDS = (_SIGNS, ">>>>>")
_OPEN = re.compile(r"(<{5,9}) ?SEARCH\b[ :]*(\S*)\s*")
_DIVIDER = re.compile(r"={5,9}\s*")
_CLOSE = re.compile(r">{5,9} ?REPLACE\s*")
_CLASSES = {
    Failure.CONTEXT_AMBIGUOUS: Failure.SEARCH_AMBIGUOUS,
    Failure.CONTEXT_NOT_FOUND: Failure.SEARCH_NOT_FOUND,
    Failure.ALREADY_APPLIED: Failure.SEARCH_NOT_FOUND,
    Failure.ELISION: Failure.SEARCH_NOT_FOUND,
    Failure.TABS_AS_SPACES: Failure.SEARCH_NOT_FOUND,
    Failure.WHITESPACE: Failure.SEARCH_NOT_FOUND,
}


class Block(msgspec.Struct, frozen=True):
    """One block: its file as written (None: not named) and the lines of its two parts."""

    name: str | None
    search: tuple[str, ...]
    replace: tuple[str, ...]

    @property
    def hunk(self) -> Hunk:
        """The block as a hunk without line numbers."""
        return as_hunk(self.search, self.replace)


class Blocks(msgspec.Struct, frozen=True):
    """The blocks of an answer. `error` says what is wrong with the last one, which is then not among `blocks`."""

    blocks: tuple[Block, ...]
    error: str = ""


def has_block(lines: Sequence[str]) -> bool:
    """Whether a block begins somewhere in `lines`."""
    return any(line[:5] == _SIGNS and _OPEN.fullmatch(line) for line in lines)


def parse_blocks(lines: Sequence[str]) -> Blocks:
    """All blocks of an answer, up to the first that is not whole."""
    blocks: list[Block] = []
    behind = 0
    for index in [index for index, line in enumerate(lines) if line[:5] == _SIGNS]:
        mark = _OPEN.fullmatch(lines[index])
        if mark is None or index < behind:
            continue
        end = next((end for end in range(index + 1, len(lines)) if _ends(lines[end])), len(lines))
        body = tuple(lines[index + 1 : end])
        dividers = _dividers(body, mark[1])
        where = f"the block at line {index + 1} of the answer"
        if end == len(lines) or lines[end][0] != ">":
            return Blocks(tuple(blocks), f"{where} has no `>>>>>>> REPLACE`")
        if len(dividers) != 1:
            return Blocks(tuple(blocks), f"{where} has {len(dividers)} `=======` lines instead of one")
        blocks.append(Block(mark[2] or name_above(lines, index), body[: dividers[0]], body[dividers[0] + 1 :]))
        behind = end + 1
    return Blocks(tuple(blocks))


def _dividers(body: Sequence[str], opening: str) -> list[int]:
    """Indexes of possible dividers: lines with as many signs as the opening marker, or else with any number of them."""
    marks = [index for index, line in enumerate(body) if line.startswith("=====") and _DIVIDER.fullmatch(line)]
    return [index for index in marks if len(body[index].rstrip()) == len(opening)] or marks


def _ends(line: str) -> bool:
    """Whether a block ends at this line: it closes here, or the next one opens."""
    return line[:5] in _ENDS and (_CLOSE.fullmatch(line) or _OPEN.fullmatch(line)) is not None


def as_hunk(search: Sequence[str], replace: Sequence[str]) -> Hunk:
    """The hunk that replaces `search` by `replace`; their common lines at both ends are context."""
    shortest = min(len(search), len(replace))
    head = next((index for index in range(shortest) if search[index] != replace[index]), shortest)
    tail = next(
        (index for index in range(shortest - head) if search[-1 - index] != replace[-1 - index]), shortest - head
    )
    lines = [" " + line for line in search[:head]]
    lines += ["-" + line for line in search[head : len(search) - tail]]
    lines += ["+" + line for line in replace[head : len(replace) - tail]]
    lines += [" " + line for line in search[len(search) - tail :]]
    return Hunk(tuple(lines))


def apply_blocks(
    blocks: Sequence[Block], overlay: Overlay, locator: Locator, files_with: Callable[[str], Sequence[str]]
) -> tuple[Repair, ...]:
    """Apply the blocks in order, each to the result of the previous ones. Returns the repairs; raises `PatchError`.

    `files_with` returns the files that contain a line, for blocks that name none: exactly one must contain the whole
    SEARCH text.
    """
    times, done = Counter(blocks), set[Block]()
    repairs: list[Repair] = []
    before: str | None = None
    for number, block in enumerate(blocks, start=1):
        if block in done:
            repairs.append(Repair.REPEATED_BLOCK)
            continue
        done.add(block)
        try:
            before, fixed = _resolve_file(block, before, overlay, locator, files_with)
            repairs += [*fixed, *_apply(block, before, overlay, times[block])]
        except PatchError as error:
            raise PatchError(error.failure, f"block {number} of {len(blocks)}: {error}") from error
    return tuple(dict.fromkeys(repairs))


def _resolve_file(
    block: Block, before: str | None, overlay: Overlay, locator: Locator, files_with: Callable[[str], Sequence[str]]
) -> tuple[str, list[Repair]]:
    if block.name is not None:
        return locator.from_text(block.name)
    if before is not None and _contains_search(block, before, overlay):
        return before, []
    longest = max((line.rstrip("\r") for line in block.search), key=len, default="")
    near = (locator.from_text(path)[0] for path in files_with(longest)) if longest.strip() else ()
    holding = [path for path in near if _contains_search(block, path, overlay)]
    if len(holding) != 1:
        found = f"{len(holding)} files contain" if holding else "no file contains"
        raise PatchError(Failure.NO_FILE_NAME, f"names no file, and {found} its SEARCH text")
    return holding[0], [Repair.FILE_HEADER]


def _contains_search(block: Block, path: str, overlay: Overlay) -> bool:
    return overlay.exists(path) and bool(candidate_starts(block.hunk, overlay.read(path)))


def _apply(block: Block, path: str, overlay: Overlay, times: int) -> list[Repair]:
    if not any(line.strip() for line in block.search):
        return _create(block, path, overlay)
    text = overlay.read(path)
    edited, repairs = splice(text, _matches(block.hunk, path, text, times))
    overlay.write(path, edited)
    return [repair for repair in repairs if repair not in {Repair.NUMBERED, Repair.END_OF_FILE}]


def _matches(hunk: Hunk, path: str, text: FileText, times: int) -> list[Match]:
    """The matches of the block. One repeated as often as the file has its SEARCH text matches at all those places."""
    if times > 1 and len(index := candidate_starts(hunk, text)) == times:
        return [match_at(hunk, start, text) for start in index]
    try:
        return [match(hunk, text, block=True)]
    except PatchError as error:
        raise PatchError(_CLASSES.get(error.failure, error.failure), f"{path}: its SEARCH text {error}") from error


def _create(block: Block, path: str, overlay: Overlay) -> list[Repair]:
    if overlay.exists(path) and overlay.read(path).lines:
        raise PatchError(Failure.FILE_EXISTS, f"{path}: the SEARCH part is empty, but the file is already there")
    if not overlay.exists(path):
        overlay.must_be_free(path)
    overlay.write(path, FileText(block.replace))
    return []
