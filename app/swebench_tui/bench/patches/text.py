"""A file as lines. Only LF ends a line: a CR belongs to its line, and U+2028 is text."""

from __future__ import annotations

from functools import cached_property

import msgspec

TRAILING = " \t\r"


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

    @cached_property
    def crlf(self) -> bool:
        """Whether most lines end in CR LF."""
        return 2 * sum(line.endswith("\r") for line in self.lines) > len(self.lines)

    @cached_property
    def stripped(self) -> tuple[str, ...]:
        """The lines without trailing blanks and CR."""
        return tuple(line.rstrip(TRAILING) for line in self.lines)

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        """Stripped line -> its indexes."""
        positions: dict[str, list[int]] = {}
        for index, line in enumerate(self.stripped):
            positions.setdefault(line, []).append(index)
        return positions
