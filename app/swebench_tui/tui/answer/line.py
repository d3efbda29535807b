"""A formatted line, and the looks of its parts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from typing import NamedTuple


class Look(Flag):
    """What a piece of text is; the view has a style for each. Looks combine: bold text in a heading is both."""

    PLAIN = 0
    MARKER = auto()
    HEADING = auto()
    QUOTE = auto()
    REASONING = auto()
    CODE_BLOCK = auto()
    FILE = auto()
    HUNK = auto()
    REMOVED = auto()
    ADDED = auto()
    CODE = auto()
    BOLD = auto()
    ITALIC = auto()


class Span(NamedTuple):
    """The look of `text[start:end]` of a line."""

    start: int
    end: int
    look: Look


@dataclass(frozen=True, slots=True)
class Line:
    """A formatted line before it is wrapped. The spans cover its text without gaps.

    Wrapped rows are indented by `hang` cells. A `verbatim` line is wrapped at any cell and keeps all its spaces.
    """

    text: str
    spans: tuple[Span, ...]
    hang: int = 0
    verbatim: bool = False
