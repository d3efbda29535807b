"""Find runs of lines in a file, in linear time whatever repeats."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from swebench_tui.bench.patches.verdict import Failure, PatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from swebench_tui.bench.patches.text import Splice


class LineIndex:
    """The lines of a file as a string with one character for each of them: `str.find` then finds a run of lines.

    `form` normalises a line; lines of the same form get the same character.
    """

    def __init__(self, text: str, characters: dict[str, str], form: Callable[[str], str]) -> None:
        self._text, self._characters, self._form = text, characters, form

    @classmethod
    def build(cls, lines: Iterable[str], form: Callable[[str], str]) -> LineIndex:
        """The index of `lines`. Raises `PatchError` for a file with more different lines than there are characters."""
        index = cls("", {}, form)
        index._text = index._encoded(lines)
        return index

    def spliced(self, splices: Sequence[Splice]) -> LineIndex:
        """The index of the file after `splices`, which are in ascending order and do not overlap."""
        pieces: list[str] = []
        done = 0
        for splice in splices:
            pieces += [self._text[done : splice.start], self._encoded(splice.added)]
            done = splice.start + splice.removed
        return LineIndex("".join([*pieces, self._text[done:]]), self._characters, self._form)

    def find(self, lines: Sequence[str]) -> Iterator[int]:
        """The indexes at which `lines` follow each other in the file, in ascending order."""
        run = self._run(lines)
        start = self._text.find(run) if run else -1
        while start >= 0:
            yield start
            start = self._text.find(run, start + 1)

    def holds(self, lines: Sequence[str], start: int) -> bool:
        """Whether `lines` follow each other in the file from index `start` on."""
        run = self._run(lines)
        return bool(run) and start >= 0 and self._text.startswith(run, start)

    def _run(self, lines: Sequence[str]) -> str:
        """The characters of `lines`; "" where there are none, or one of them was never in the file."""
        characters = [self._characters.get(self._form(line), "") for line in lines]
        return "".join(characters) if all(characters) else ""

    def missing(self, lines: Iterable[str]) -> list[str]:
        """Those of `lines` that are not in the file."""
        present = set(self._text)
        return [line for line in lines if self._characters.get(self._form(line)) not in present]

    def _encoded(self, lines: Iterable[str]) -> str:
        characters, form = self._characters, self._form
        encoded: list[str] = []
        for line in lines:
            key = form(line)
            character = characters.get(key)
            if character is None:
                character = characters[key] = _character(len(characters))
            encoded.append(character)
        return "".join(encoded)


def _character(number: int) -> str:
    if number > sys.maxunicode:
        raise PatchError(Failure.TOO_LARGE, f"the file has more than {number} different lines")
    return chr(number)
