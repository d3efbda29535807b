"""The functions and classes of a file, by their indentation, and what the heading of a hunk says about a place.

No language is parsed: a definition is a line such as `def name(`, `class Name:`, `pub fn name(` or `func (r T) name(`.
Nothing but a definition ends another one, so that a place can only have too many of them around it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DEFINITION = re.compile(
    r"^([ \t]*)(?:(?:export|default|public|private|protected|internal|static|abstract|final|virtual|override|async"
    r"|pub(?:\([a-z]+\))?|unsafe|inline)[ \t]+)*"
    r"(?:def|class|function\*?|func|fn|interface|struct|impl|trait|enum|module|namespace)[ \t]+"
    r"(?:\([^()\n]*\)[ \t]*)?([\w.$]+[?!]?)[ \t]*([(:{\[<]?)(.*)$",
    re.MULTILINE,
)
_TOP_LEVEL = re.compile(r"[A-Za-z_$]")  # git's heading for a file of any kind
_LONGEST_LINE = 300
_TAB = 8  # columns
_DEEPEST = 100
_FARTHEST = 200  # lines


class Agreement(IntEnum):
    """What the heading of a hunk says about a place: a higher one fits better."""

    ELSEWHERE = 0  # it names a definition that is elsewhere in the file
    NOWHERE = 1  # it names a definition that the file does not have
    UNKNOWN = 2  # there is no heading, or one that names no definition
    SAME_NAME = 3  # it names a definition around the place
    SAME_LINE = 4  # it is the line of one, or what git would print


class _Definition(msgspec.Struct, frozen=True):
    line: int
    indent: int
    name: str
    parent: int  # index among the definitions; -1 for none


class Scopes:
    """The definitions of a file."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._definitions: list[_Definition] = []
        self._top_level = [index for index, line in enumerate(lines) if _TOP_LEVEL.match(line)]
        stack: list[int] = []
        for index, line in enumerate(lines):
            if not (found := _definition(line)):
                continue
            indent, name = found
            while stack and self._definitions[stack[-1]].indent >= indent:
                stack.pop()
            parent = stack[-1] if stack else -1
            stack.append(len(self._definitions))
            self._definitions.append(_Definition(index, indent, name, parent))
        self._starts = [definition.line for definition in self._definitions]
        self._names = frozenset(definition.name for definition in self._definitions)

    def agreement(self, heading: str, start: int, stop: int, changed: Iterable[int]) -> Agreement:
        """What `heading` says about a hunk at lines `start` to `stop`, with its first and last changes at `changed`."""
        heading = heading.strip()
        if not heading:
            return Agreement.UNKNOWN
        around = {definition.line: definition for index in (start, *changed) for definition in self._around(index)}
        inside = self._definitions[bisect_left(self._starts, start) : bisect_left(self._starts, stop)]
        around |= {definition.line: definition for definition in inside}
        above = bisect_left(self._top_level, start)
        candidates = [*around, self._top_level[above - 1]] if above else list(around)
        if any(self._lines[line].strip().startswith(heading) for line in candidates):
            return Agreement.SAME_LINE
        if (found := _definition(heading)) is None:
            return Agreement.UNKNOWN
        if any(definition.name == found[1] for definition in around.values()):
            return Agreement.SAME_NAME
        return Agreement.ELSEWHERE if found[1] in self._names else Agreement.NOWHERE

    def _around(self, index: int) -> Iterator[_Definition]:
        """The closest definition at or above the line at `index`, then those around that one."""
        number = bisect_right(self._starts, index) - 1
        for _ in range(_DEEPEST):
            if number < 0:
                return
            yield self._definitions[number]
            number = self._definitions[number].parent


def definition_above(lines: Sequence[str], index: int) -> str:
    """The closest definition at or above the line at `index`, without blanks around it; "" for none that is near."""
    text = "\n".join(lines[max(0, index + 1 - _FARTHEST) : index + 1])
    found = [match[0].strip() for match in _DEFINITION.finditer(text) if _is_definition(match)]
    return found[-1] if found else ""


def names_definition(heading: str) -> bool:
    """Whether a text is the first line of a definition."""
    return _definition(heading.strip()) is not None


def _definition(line: str) -> tuple[int, str] | None:
    """Indentation and name of the definition that starts on this line."""
    found = _DEFINITION.match(line[:_LONGEST_LINE])
    if found is None or not _is_definition(found):
        return None
    return len(found[1].expandtabs(_TAB)), found[2]


def _is_definition(found: re.Match[str]) -> bool:
    rest = found[4].rstrip()
    return bool(found[3]) or not rest or rest.endswith((":", "{"))
