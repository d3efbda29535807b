"""Markdown line by line, for answers that are still streaming in.

`format_line` turns one source line into a `Line` and the `State` for the next one. It never looks ahead. So the result
does not depend on how the text was cut, the ten thousandth line costs no more than the tenth, and a line that is shown
does not change when more text arrives.

Hidden are the asterisks of `*italic*`, `**bold**` and `***both***` and the backticks of a code span, if the span is
closed on its line. Heading hashes, bullets, quote marks, fences and rules are dimmed. HTML, links, escapes, underscores
and the rest of Markdown are shown as typed. In code, diffs, SEARCH/REPLACE blocks and tables nothing is hidden, so no
character of a patch is lost.

A line is the first of these that matches:

    SEARCH/REPLACE block    from `<<<<<<< SEARCH` to `>>>>>>> REPLACE`, anywhere; fences inside are content
    closing fence           of the same character, at least as long as the opening one, at most three columns deeper
    unified diff            in a `diff` fence, or from a file or hunk header to the first line that is no diff line
    fenced code
    prose                   fence, code by indentation, heading, rule, table, quote, list item, paragraph
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from operator import itemgetter

from swebench_tui.tui.answer.line import Line, Look, Span
from swebench_tui.tui.answer.wrapping import display_line


class Patch(Enum):
    """The kind of patch that the next line continues."""

    NONE = auto()
    DIFF = auto()
    SEARCH = auto()
    REPLACE = auto()


@dataclass(frozen=True, slots=True)
class Fence:
    """The opening fence of a code block: its backticks or tildes, and their column."""

    run: str
    column: int
    is_diff: bool


@dataclass(frozen=True, slots=True)
class State:
    """What the earlier lines determine about the next one.

    `hunk` is the number of lines that the header of a hunk still announces; a context line counts twice, once for each
    side. While it is positive, an empty line is a context line that lost its space; after that it ends the diff.
    """

    patch: Patch = Patch.NONE
    fence: Fence | None = None
    hunk: int = 0
    after_blank: bool = True
    in_list: bool = False
    in_code: bool = False


_Formatted = tuple[Line, State]

_LONGEST_STYLED = 4_000  # characters; a longer line is shown as typed, as its open end is parsed again with each piece
_HUNK_WITHOUT_COUNTS = 1_000_000_000

_SEARCH = re.compile(r"<{5,9} SEARCH\s*$")
_DIVIDER = re.compile(r"={5,9}\s*$")
_REPLACE = re.compile(r">{5,9} REPLACE\s*$")

_LIST_MARK = r" *(?:[-*+]|\d{1,9}[.)]) +"
_OPENING_FENCE = re.compile(rf"((?:{_LIST_MARK})* *)(`{{3,}}(?=[^`]*$)|~{{3,}}) *(\w*)")
_CLOSING_FENCE = re.compile(r"( *)(`{3,}|~{3,}) *$")

_HUNK = re.compile(r"@@ -\d+(?:,(\d{1,9}))? \+\d+(?:,(\d{1,9}))?")
_FILE = re.compile(
    r'diff --git |--- (?:"?a/|/dev/null)|\+\+\+ (?:"?b/|/dev/null)'
    r"|\*\*\* (?:(?:Begin|End) Patch|(?:Add|Update|Delete) File: )"
)
_FILE_DETAIL = re.compile(
    r"--- |\+\+\+ |index [0-9a-f]+\.\.|(?:old|new|new file|deleted file) mode |(?:dis)?similarity index "
    r"|(?:rename|copy) (?:from|to) |Binary files |GIT binary patch"
)

# By first character: the look, and how many sides of the hunk have the line. An empty one lost its space on the way.
_DIFF_LINES = {
    "+": (Look.ADDED, 1),
    "-": (Look.REMOVED, 1),
    " ": (Look.CODE_BLOCK, 2),
    "": (Look.CODE_BLOCK, 2),
    "\\": (Look.MARKER, 0),
}

_HEADING = re.compile(r" {0,3}#{1,6}(?: +|$)")
_RULE = re.compile(r" {0,3}([-*_])(?: *\1){2,} *$")
_TABLE = re.compile(r" *\|")
_QUOTE = re.compile(r" {0,3}(?:> ?)+")
_LIST_ITEM = re.compile(_LIST_MARK)

_CODE_SPAN = r"(?<![`\\])(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
_INLINE = re.compile(rf"{_CODE_SPAN}|(?<![*\\])\*{{1,3}}(?!\*)")
_EMPHASIS = {1: Look.ITALIC, 2: Look.BOLD, 3: Look.BOLD | Look.ITALIC}
_WORD = re.compile(r"\w", re.ASCII)
_NEVER_INSIDE_START = frozenset(["", *string.whitespace, *")]},.;:!?/"])
_NEVER_INSIDE_END = frozenset([*string.whitespace, *"([{/"])


def format_line(source: str, state: State) -> _Formatted:
    """Format `source`, a line without its line feed; returns the state for the next line too."""
    text = display_line(source)
    in_patch = _edit_block(text, state) or _closing_fence(text, state) or _diff(text, state)
    if in_patch:
        return in_patch
    state = replace(state, patch=Patch.NONE, hunk=0)
    if state.fence:
        return _whole(text, Look.CODE_BLOCK), state
    return next(filter(None, (block(text, state) for block in _PROSE)))


def _edit_block(text: str, state: State) -> _Formatted | None:
    """A line of a SEARCH/REPLACE block: the first half is removed, the second added."""
    if _SEARCH.match(text):
        return _whole(text, Look.HUNK), replace(state, patch=Patch.SEARCH)
    if state.patch is Patch.SEARCH:
        if _DIVIDER.match(text):
            return _whole(text, Look.HUNK), replace(state, patch=Patch.REPLACE)
        return _whole(text, Look.REMOVED), state
    if state.patch is Patch.REPLACE:
        if _REPLACE.match(text):
            return _whole(text, Look.HUNK), replace(state, patch=Patch.NONE)
        return _whole(text, Look.ADDED), state
    return None


def _closing_fence(text: str, state: State) -> _Formatted | None:
    """A fence deeper than the opening one may be a context line of a hunk, which starts with a space."""
    fence, match = state.fence, _CLOSING_FENCE.match(text)
    if not fence or not match or not match[2].startswith(fence.run):
        return None
    if len(match[1]) > fence.column + (0 if state.hunk > 0 else 3):
        return None
    return _whole(text, Look.MARKER), replace(state, fence=None, patch=Patch.NONE, hunk=0, after_blank=False)


def _diff(text: str, state: State) -> _Formatted | None:
    line = text[min(state.fence.column, _indent(text)) :] if state.fence else text
    if _FILE.match(line):
        return _whole(text, Look.FILE), replace(state, patch=Patch.DIFF, hunk=0, after_blank=False)
    if match := _HUNK.match(line):
        announced = sum(int(count or 1) for count in match.groups())
        return _whole(text, Look.HUNK), replace(state, patch=Patch.DIFF, hunk=announced, after_blank=False)
    if state.patch is not Patch.DIFF:
        return None
    inside = _inside_diff(line, state)
    return (_whole(text, inside[0]), replace(state, hunk=inside[1])) if inside else None


def _inside_diff(line: str, state: State) -> tuple[Look, int] | None:
    """The look of a line of a diff, and the lines its hunk still announces; None if the diff ended before it."""
    fenced = state.fence is not None and state.fence.is_diff
    if line.startswith("@@"):
        return Look.HUNK, _HUNK_WITHOUT_COUNTS
    if state.hunk <= 0 and _FILE_DETAIL.match(line):
        return Look.FILE, 0
    if not fenced and (line[:1] not in _DIFF_LINES or (not line and state.hunk <= 0)):
        return None
    look, sides = _DIFF_LINES.get(line[:1], (Look.CODE_BLOCK, 0))
    return look, state.hunk - sides


def _opening_fence(text: str, state: State) -> _Formatted | None:
    """A fence at any depth. Code formatted as prose could lose characters; prose formatted as code cannot."""
    match = _OPENING_FENCE.match(text)
    if not match:
        return None
    column = len(match[1])
    is_diff = match[3].lower() in {"diff", "patch", "udiff"}
    in_list = column > 0 and (state.in_list or not match[1].isspace())
    patch = Patch.DIFF if is_diff else Patch.NONE
    return _whole(text, Look.MARKER), State(patch, Fence(match[2], column, is_diff), after_blank=False, in_list=in_list)


def _blank(text: str, state: State) -> _Formatted | None:
    return None if text.strip() else (_whole(text, Look.PLAIN), replace(state, after_blank=True))


def _indented_code(text: str, state: State) -> _Formatted | None:
    if _indent(text) < 4 or state.in_list or not (state.after_blank or state.in_code):
        return None
    return _whole(text, Look.CODE_BLOCK), replace(state, after_blank=False, in_code=True)


def _heading(text: str, _state: State) -> _Formatted | None:
    match = _HEADING.match(text)
    return (_marked(text, match.end(), Look.HEADING), State(after_blank=False)) if match else None


def _rule(text: str, _state: State) -> _Formatted | None:
    return (_whole(text, Look.MARKER), State(after_blank=False)) if _RULE.match(text) else None


def _table(text: str, state: State) -> _Formatted | None:
    return (_whole(text, Look.PLAIN), _after_prose(text, state)) if _TABLE.match(text) else None


def _quote(text: str, state: State) -> _Formatted | None:
    match = _QUOTE.match(text)
    return (_marked(text, match.end(), Look.QUOTE), _after_prose(text, state)) if match else None


def _list_item(text: str, _state: State) -> _Formatted | None:
    match = _LIST_ITEM.match(text)
    return (_marked(text, match.end(), Look.PLAIN), State(after_blank=False, in_list=True)) if match else None


def _paragraph(text: str, state: State) -> _Formatted:
    return _line(_inline(text, Look.PLAIN), hang=_indent(text)), _after_prose(text, state)


_PROSE = (_blank, _opening_fence, _indented_code, _heading, _rule, _table, _quote, _list_item, _paragraph)


def _after_prose(text: str, state: State) -> State:
    """A list ends at a line that follows a blank one and starts in the first column."""
    return State(after_blank=False, in_list=state.in_list and (not state.after_blank or text.startswith(" ")))


def _whole(text: str, look: Look) -> Line:
    return _line([(text, look)], verbatim=True)


def _marked(text: str, start: int, look: Look) -> Line:
    """A line whose first `start` characters are its marker."""
    return _line([(text[:start], look | Look.MARKER), *_inline(text[start:], look)], hang=start)


def _line(pieces: Iterable[tuple[str, Look]], *, hang: int = 0, verbatim: bool = False) -> Line:
    shown, spans = "", []
    for text, look in pieces:
        if text:
            spans.append(Span(len(shown), len(shown) + len(text), look))
            shown += text
    return Line(shown, tuple(spans), hang, verbatim)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _inline(text: str, look: Look) -> Iterator[tuple[str, Look]]:
    """The pieces of `text` without the marks of its inline spans."""
    position = 0
    for start, end, switched in _marks(text):
        yield text[position:start], look
        look ^= switched
        position = end
    yield text[position:], look


def _marks(text: str) -> list[tuple[int, int, Look]]:
    """Start, end and look of each mark that opens or closes an inline span, in order."""
    if len(text) > _LONGEST_STYLED:
        return []
    marks: list[tuple[int, int, Look]] = []
    opened: dict[int, int] = {}
    for match in _INLINE.finditer(text):
        start, end = match.span()
        size = end - start
        if match["code"]:
            marks += [(start, match.start("code"), Look.CODE), (match.end("code"), end, Look.CODE)]
        elif size in opened and _may_close(text, start, end):
            opening = opened[size]
            marks += [(opening, opening + size, _EMPHASIS[size]), (start, end, _EMPHASIS[size])]
            opened = {other: position for other, position in opened.items() if position < opening}
        elif _may_open(text, start, end):
            opened[size] = start
    return sorted(marks, key=itemgetter(0))


def _may_open(text: str, start: int, end: int) -> bool:
    """Whether asterisks are at the start of a word: those of `2*3`, `f(*)` and `**/*.py` are not."""
    return not _WORD.match(text, start - 1, start) and text[end : end + 1] not in _NEVER_INSIDE_START


def _may_close(text: str, start: int, end: int) -> bool:
    return not _WORD.match(text, end) and text[start - 1] not in _NEVER_INSIDE_END
