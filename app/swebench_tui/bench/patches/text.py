"""A file as lines. Only LF ends a line: a CR stays with its line, and U+2028 is text like any other."""

from __future__ import annotations

from functools import cached_property

import msgspec

TRAILING = " \t\r"


class FileText(msgspec.Struct, frozen=True, dict=True):
    """The text of one file; `final_newline` says whether its last line has its LF."""

    lines: tuple[str, ...]
    final_newline: bool = True

    @classmethod
    def parse(cls, text: str) -> FileText:
        """The lines of `text`; `render` gives the same text back."""
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
        """The lines without blanks and CR at their ends."""
        return tuple(line.rstrip(TRAILING) for line in self.lines)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Stripped line -> where it stands, from 0."""
        index: dict[str, list[int]] = {}
        for at, line in enumerate(self.stripped):
            index.setdefault(line, []).append(at)
        return index
