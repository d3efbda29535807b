"""A file as lines. Only LF ends a line: a CR belongs to its line, and U+2028 is text."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.line_index import LineIndex
from swebench_tui.bench.patches.scopes import Scopes

if TYPE_CHECKING:
    from collections.abc import Sequence

TRAILING = " \t\r"


class Splice(msgspec.Struct, frozen=True):
    """Lines `start` to `start + removed` (from 0) are replaced by `added`."""

    start: int
    removed: int
    added: tuple[str, ...]


class FileText(msgspec.Struct, frozen=True, dict=True):
    """The text of one file; `final_newline`: its last line ends in LF."""

    lines: tuple[str, ...]
    final_newline: bool = True

    @classmethod
    def parse(cls, text: str) -> FileText:
        """The lines of `text`; `render` returns the same text."""
        lines = text.split("\n")
        ended = lines[-1] == ""
        return cls(tuple(lines[:-1] if ended else lines), ended)

    def render(self) -> str:
        """The text of the file."""
        return "\n".join(self.lines) + ("\n" if self.lines and self.final_newline else "")

    def spliced(self, splices: Sequence[Splice], *, final_newline: bool) -> FileText:
        """The text after `splices`, which are in ascending order and do not overlap."""
        lines: list[str] = []
        done, returns = 0, self.carriage_returns
        for splice in splices:
            lines += self.lines[done : splice.start]
            lines += splice.added
            done = splice.start + splice.removed
            returns += _count_returns(splice.added) - _count_returns(self.lines[splice.start : done])
        lines += self.lines[done:]
        text = FileText(tuple(lines), final_newline)
        text.__dict__["carriage_returns"] = returns
        if "index" in self.__dict__:
            text.__dict__["index"] = self.index.spliced(splices)
        return text

    @property
    def ends_in_return(self) -> bool:
        """Whether the text ends in a CR without LF."""
        return not self.final_newline and bool(self.lines) and self.lines[-1].endswith("\r")

    def with_last_return(self) -> FileText:
        """The text with the CR that the last line of a CR LF file gets when a LF follows it."""
        if self.final_newline or not self.crlf or self.ends_in_return:
            return self
        text = FileText((*self.lines[:-1], self.lines[-1] + "\r"), final_newline=False)
        text.__dict__["carriage_returns"] = self.carriage_returns + 1
        if "index" in self.__dict__:
            text.__dict__["index"] = self.index
        return text

    def without_last_return(self) -> FileText:
        """The text without the CR of a last line that has no LF."""
        if not self.ends_in_return:
            return self
        text = FileText((*self.lines[:-1], self.lines[-1].removesuffix("\r")), final_newline=False)
        text.__dict__["carriage_returns"] = self.carriage_returns - 1
        if "index" in self.__dict__:
            text.__dict__["index"] = self.index
        return text

    @cached_property
    def carriage_returns(self) -> int:
        """The number of lines that end in CR."""
        return _count_returns(self.lines)

    @property
    def crlf(self) -> bool:
        """Whether most line ends are CR LF."""
        return 2 * self.carriage_returns > len(self.lines) - (not self.final_newline)

    @cached_property
    def index(self) -> LineIndex:
        """The lines without trailing blanks and CR."""
        return LineIndex.build(self.lines, without_trailing)

    @cached_property
    def index_without_blanks(self) -> LineIndex:
        """The lines without indentation and trailing blanks, and with one space for all blanks between two words."""
        return LineIndex.build(self.lines, without_blanks)

    @cached_property
    def scopes(self) -> Scopes:
        """The functions and classes."""
        return Scopes(self.lines)


def without_trailing(line: str) -> str:
    """The line without trailing blanks and CR."""
    return line.rstrip(TRAILING)


def without_blanks(line: str) -> str:
    """The line with one space for each run of blanks, and none at its ends."""
    return " ".join(line.split())


def _count_returns(lines: Sequence[str]) -> int:
    return sum(line.endswith("\r") for line in lines)
