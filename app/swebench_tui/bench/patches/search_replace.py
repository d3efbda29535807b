r"""SEARCH/REPLACE blocks: reading them, and applying them to a `Overlay`.

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
from swebench_tui.bench.patches.match import Match, place, placed_at, places_of
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
    for at in [at for at, line in enumerate(lines) if line[:5] == _SIGNS]:
        mark = _OPEN.fullmatch(lines[at])
        if mark is None or at < behind:
            continue
        end = next((end for end in range(at + 1, len(lines)) if _ends(lines[end])), len(lines))
        body = tuple(lines[at + 1 : end])
        dividers = _dividers(body, mark[1])
        where = f"the block at line {at + 1} of the answer"
        if end == len(lines) or lines[end][0] != ">":
            return Blocks(tuple(blocks), f"{where} has no `>>>>>>> REPLACE`")
        if len(dividers) != 1:
            return Blocks(tuple(blocks), f"{where} has {len(dividers)} `=======` lines instead of one")
        blocks.append(Block(mark[2] or name_above(lines, at), body[: dividers[0]], body[dividers[0] + 1 :]))
        behind = end + 1
    return Blocks(tuple(blocks))


def _dividers(body: Sequence[str], opening: str) -> list[int]:
    """Where the divider could be: lines with as many signs as the opening marker, or else with any number of them."""
    marks = [at for at, line in enumerate(body) if line.startswith("=====") and _DIVIDER.fullmatch(line)]
    return [at for at in marks if len(body[at].rstrip()) == len(opening)] or marks


def _ends(line: str) -> bool:
    """Whether a block cannot go on behind this line: it closes here, or the next one opens."""
    return line[:5] in _ENDS and (_CLOSE.fullmatch(line) or _OPEN.fullmatch(line)) is not None


def as_hunk(search: Sequence[str], replace: Sequence[str]) -> Hunk:
    """The hunk that replaces `search` by `replace`; what they share at both ends is context."""
    shortest = min(len(search), len(replace))
    head = next((at for at in range(shortest) if search[at] != replace[at]), shortest)
    tail = next((at for at in range(shortest - head) if search[-1 - at] != replace[-1 - at]), shortest - head)
    lines = [" " + line for line in search[:head]]
    lines += ["-" + line for line in search[head : len(search) - tail]]
    lines += ["+" + line for line in replace[head : len(replace) - tail]]
    lines += [" " + line for line in search[len(search) - tail :]]
    return Hunk(tuple(lines))


def apply_blocks(
    blocks: Sequence[Block], tree: Overlay, locator: Locator, files_with: Callable[[str], list[str]]
) -> tuple[Repair, ...]:
    """Apply the blocks in order, each to what the ones before it left. Returns what was mended; raises `PatchError`.

    `files_with` gives the files that hold a line, for blocks that name none: exactly one must hold the whole text.
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
            before, mended = _file_of(block, before, tree, locator, files_with)
            repairs += [*mended, *_apply(block, before, tree, times[block])]
        except PatchError as error:
            raise PatchError(error.failure, f"block {number} of {len(blocks)}: {error}") from error
    return tuple(dict.fromkeys(repairs))


def _file_of(
    block: Block, before: str | None, tree: Overlay, locator: Locator, files_with: Callable[[str], list[str]]
) -> tuple[str, list[Repair]]:
    if block.name is not None:
        return locator.from_text(block.name)
    if before is not None and _fits(block, before, tree):
        return before, []
    longest = max((line.rstrip("\r") for line in block.search), key=len, default="")
    near = (locator.from_text(path)[0] for path in files_with(longest)) if longest.strip() else ()
    holding = [path for path in near if _fits(block, path, tree)]
    if len(holding) != 1:
        found = f"{len(holding)} files hold" if holding else "no file holds"
        raise PatchError(Failure.NO_FILE_NAME, f"names no file, and {found} its SEARCH text")
    return holding[0], [Repair.FILE_HEADER]


def _fits(block: Block, path: str, tree: Overlay) -> bool:
    return tree.exists(path) and bool(places_of(block.hunk, tree.read(path)))


def _apply(block: Block, path: str, tree: Overlay, times: int) -> list[Repair]:
    if not any(line.strip() for line in block.search):
        return _create(block, path, tree)
    text = tree.read(path)
    edited, repairs = splice(text, _placed(block.hunk, path, text, times))
    tree.write(path, edited)
    return [repair for repair in repairs if repair not in {Repair.NUMBERED, Repair.END_OF_FILE}]


def _placed(hunk: Hunk, path: str, text: FileText, times: int) -> list[Match]:
    """Where the block goes. One that is repeated as often as the file has its SEARCH text goes to all those places."""
    if times > 1 and len(at := places_of(hunk, text)) == times:
        return [placed_at(hunk, start, text) for start in at]
    try:
        return [place(hunk, text, whole=True)]
    except PatchError as error:
        raise PatchError(_CLASSES.get(error.failure, error.failure), f"{path}: its SEARCH text {error}") from error


def _create(block: Block, path: str, tree: Overlay) -> list[Repair]:
    if tree.exists(path) and tree.read(path).lines:
        raise PatchError(Failure.FILE_EXISTS, f"{path}: the SEARCH part is empty, but the file is already there")
    if not tree.exists(path):
        tree.must_be_free(path)
    tree.write(path, FileText(block.replace))
    return []
