"""Files of the repository that go into the prompt, chosen under a token budget.

`build` chooses them, `markup` writes them as text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec


class ContextMode(StrEnum):
    """How the files of a prompt are chosen. The values are stored with runs, so they never change."""

    NONE = "none"  # the issue alone
    ORACLE = "oracle"  # the files that the gold patch touches: it reads the solution, and every record says so
    SEARCH = "search"  # ranked by a search for the words, definitions, named and traceback files
    PICK = "pick"  # named by the model in a first call
    ALL = "all"  # every source file, for small repositories


class Window(msgspec.Struct, frozen=True):
    """Consecutive whole lines of a file, the first of which is line `first` (from 1)."""

    first: int
    text: str


class ContextFile(msgspec.Struct, frozen=True):
    """A file of a prompt: whole, or some windows of it in line order. `lines` is the number of lines of the file."""

    path: str
    lines: int
    windows: tuple[Window, ...]
    whole: bool = True


class LeftOut(msgspec.Struct, frozen=True):
    """A file that is not in the prompt although its mode would have it there, and why."""

    path: str
    reason: str


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a prompt.

    `tokens` are the tokens of the files with their markers, counted as `budget` was. `budget` is None without a limit.
    `numbered`: the lines are shown, and were counted, with their numbers. `match` says how sure a search is; `note` is
    a sentence about it for people.
    """

    mode: ContextMode
    files: tuple[ContextFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    tokens: int = 0
    budget: int | None = None
    numbered: bool = False
    match: Literal["strong", "weak"] | None = None
    note: str = ""
