r"""Parse SEARCH/REPLACE blocks as models write them.

    blocks := (text | block)*
    block  := open line* divider line* close
    open    := "<<<<<<< SEARCH" [path]
    divider := "======="
    close   := ">>>>>>> REPLACE"

That is the form of the prompt, with five to nine signs at the start of a line. Others are read where they are
clear, as a repair: three to twelve signs, lower case, indented, ORIGINAL and UPDATED or similar words,
`------- SEARCH` with `+++++++ REPLACE`, signs escaped as in HTML, and, in an answer without any other edit, a conflict
of git whose first side is HEAD. Fences around blocks mean nothing. The file of a block is named behind its marker or on
the closest line above.

Conflict markers inside a block are lines of its file. A heading underlined with as many `=` as the markers have looks
like the divider, so such a block is refused.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.file_names import name_above
from swebench_tui.bench.patches.retractions import retracts
from swebench_tui.bench.patches.unified_diff import Hunk
from swebench_tui.bench.patches.verdict import Repair

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_OLD, _NEW = "SEARCH|ORIGINAL|FIND|OLD|BEFORE", "REPLACE|UPDATED?|MODIFIED|NEW|AFTER"
_LEFT, _RIGHT = "<{3,12}|(?:&lt;){3,12}", ">{3,12}|(?:&gt;){3,12}"
_EXACT = re.compile(r"(<{5,9}) ?SEARCH\b[ :]*(\S*)\s*")
_OPEN = re.compile(rf"([ \t]*)(?:({_LEFT}) ?(?:{_OLD})|(-{{4,12}}) ?SEARCH)\b[ :>-]*(\S*)\s*", re.IGNORECASE)
_CONFLICT = re.compile(r"()(<{7}) (?:HEAD)()()\s*")
_DIVIDER = re.compile(r"[ \t]*={4,12}\s*")
_EXACT_CLOSE = re.compile(r">{5,9} ?REPLACE\s*")
_CLOSE = re.compile(
    rf"[ \t]*(?:(?:{_RIGHT}|<{{5,9}}) ?(?:{_NEW})\b[ :<]*|\+{{4,12}} ?REPLACE\b\s*|>{{5,9}})(?:`{{3,}})?\s*",
    re.IGNORECASE,
)
_CONFLICT_END = re.compile(r">{7}(?: \S.*)?\s*")
_NESTED = re.compile(r"<{7}(?: \S.*)?\s*")
_MARKER = re.compile(
    rf"[ \t]*(?:(?:{_LEFT}) ?(?:{_OLD}|HEAD)\b|(?:{_RIGHT}) ?(?:{_NEW})\b|-{{4,12}} ?SEARCH\b|\+{{4,12}} ?REPLACE\b"
    r"|(?:<{5,}|>{5,})(?:\s|\w|$))|</?(?:search|replace|original|updated)>|\[/?(?:search|replace)\]",
    re.IGNORECASE,
)
_MARKER_SIGNS = frozenset("<>-+&[")


class Block(msgspec.Struct, frozen=True):
    """One block: its file as written (None: not named) and the lines of its two parts.

    `first` and `last` are its lines in the answer, from 1. `indent` is in front of all of them, and perhaps not text.
    `retracts`: the prose in front of it takes back what the block before says. `conflict`: it is a conflict of git.
    """

    name: str | None
    search: tuple[str, ...]
    replace: tuple[str, ...]
    first: int = 0
    last: int = 0
    indent: str = ""
    retracts: bool = False
    conflict: bool = False
    repairs: tuple[Repair, ...] = ()

    @property
    def edit(self) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
        """What it does, wherever it stands in the answer."""
        return self.name, self.search, self.replace

    @property
    def hunk(self) -> Hunk:
        """The block as a hunk without line numbers."""
        return as_hunk(self.search, self.replace)

    def outdented(self) -> Block:
        """The block without the indentation that all of its lines have."""
        search, replace = (
            tuple(line.removeprefix(self.indent) for line in lines) for lines in (self.search, self.replace)
        )
        repairs = (*self.repairs, Repair.MARKERS)
        return msgspec.structs.replace(self, search=search, replace=replace, indent="", repairs=repairs)


class Blocks(msgspec.Struct, frozen=True):
    """The blocks of an answer. `error` says what is wrong with the one behind them, which starts at line `broken`."""

    blocks: tuple[Block, ...]
    error: str = ""
    broken: int = 0


def has_block(lines: Sequence[str]) -> bool:
    """Whether a block in the form of the prompt begins somewhere in `lines`."""
    return any(line[:5] == "<<<<<" and _EXACT.fullmatch(line) for line in lines)


def has_marker(lines: Sequence[str]) -> bool:
    """Whether any line is a marker of a block, well or badly written, or of a conflict."""
    return any(line.lstrip()[:1] in _MARKER_SIGNS and _MARKER.match(line[:200]) for line in lines if line)


def parse_blocks(lines: Sequence[str], *, diffs: Collection[int] = (), conflicts: bool = False) -> Blocks:
    """All blocks of an answer, up to the first that is not whole.

    Lines whose index is in `diffs` count only for blocks in the form of the prompt. With `conflicts`, a conflict of
    git is a block.
    """
    blocks: list[Block] = []
    behind = 0
    openings = [(index, mark) for index, line in enumerate(lines) if (mark := _opening(line, index, diffs, conflicts))]
    for number, (index, mark) in enumerate(openings):
        if index < behind:
            continue
        stop = openings[number + 1][0] if number + 1 < len(openings) else len(lines)
        end = _end(lines, index, stop, conflict=mark.re is _CONFLICT)
        where = f"the block at line {index + 1} of the answer"
        if end is None:
            return Blocks(tuple(blocks), f"{where} has no `>>>>>>> REPLACE`", index + 1)
        body = lines[index + 1 : end]
        dividers = _dividers(body, len(mark[1] if mark.re is _EXACT else mark[2] or mark[3]))
        if len(dividers) != 1:
            return Blocks(tuple(blocks), f"{where} has {len(dividers)} `=======` lines instead of one", index + 1)
        prose = lines[behind:index] if blocks else ()
        blocks.append(_block(lines, index, end, dividers[0], mark, takes_back=retracts(prose)))
        behind = end + 1
    return Blocks(tuple(blocks))


def _opening(line: str, index: int, diffs: Collection[int], conflicts: bool) -> re.Match[str] | None:
    if line[:5] == "<<<<<" and (mark := _EXACT.fullmatch(line)):
        return mark
    if not line or line.lstrip()[:1] not in _MARKER_SIGNS or index in diffs:
        return None
    return _CONFLICT.fullmatch(line) if conflicts else _OPEN.fullmatch(line)


def _end(lines: Sequence[str], opening: int, stop: int, *, conflict: bool) -> int | None:
    """The index of the marker that closes the block, which has to stand before the next opening one."""
    close = _CONFLICT_END if conflict else _CLOSE
    depth = 0
    for index in range(opening + 1, stop):
        line = lines[index]
        if not line or line.lstrip()[:1] not in _MARKER_SIGNS:
            continue
        if _EXACT_CLOSE.fullmatch(line) or (not depth and close.fullmatch(line)):
            return index
        depth += (_NESTED.fullmatch(line) is not None) - (depth > 0 and _CONFLICT_END.fullmatch(line) is not None)
    return None


def _dividers(body: Sequence[str], signs: int) -> list[int]:
    """Indexes of possible dividers: outside of conflicts, with as many signs as the opening marker, or else any."""
    marks = [index for index, line in enumerate(body) if line.lstrip()[:4] == "====" and _DIVIDER.fullmatch(line)]
    depth, outer = 0, list[int]()
    for index, line in enumerate(body if len(marks) > 1 else ()):
        depth += (_NESTED.fullmatch(line) is not None) - (depth > 0 and _CONFLICT_END.fullmatch(line) is not None)
        if not depth and line.lstrip()[:4] == "====" and _DIVIDER.fullmatch(line):
            outer.append(index)
    marks = outer or marks
    flush = [index for index in marks if body[index][0] == "="] or marks
    return [index for index in flush if len(body[index].strip()) == signs] or flush


def _block(lines: Sequence[str], index: int, end: int, divider: int, mark: re.Match[str], *, takes_back: bool) -> Block:
    body = lines[index + 1 : end]
    exact = mark.re is _EXACT and _EXACT_CLOSE.fullmatch(lines[end]) is not None
    indent, name = ("", mark[2]) if mark.re is _EXACT else (mark[1], mark[4])
    escaped = (
        mark.re is _OPEN and (mark[2] or "").startswith("&") and not any("<" in line or ">" in line for line in body)
    )
    if escaped:
        body = [html.unescape(line) for line in body]
    everywhere = bool(indent) and all(line.startswith(indent) for line in (*body, lines[end]) if line.strip())
    return Block(
        name or name_above(lines, index),
        tuple(body[:divider]),
        tuple(body[divider + 1 :]),
        first=index + 1,
        last=end + 1,
        indent=indent if everywhere else "",
        retracts=takes_back,
        conflict=mark.re is _CONFLICT,
        repairs=() if exact else (Repair.MARKERS,),
    )


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
