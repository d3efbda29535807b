"""Lines at the bottom of a terminal that are drawn anew in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any

from rich.cells import set_cell_size


class LiveLines:
    """Draws a block of lines, and prints others above it. `columns` is the width of the terminal now."""

    def __init__(self, stream: IO[Any], columns: Callable[[], int]) -> None:
        self._stream = stream
        self._columns = columns
        self._drawn: Sequence[str] = ()

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines in place of the last ones."""
        if lines != self._drawn:
            self._write(self._erased(), lines)

    def print(self, text: str) -> None:
        """Print a line above the block."""
        self._write(f"{self._erased()}{text}\n", self._drawn)

    def _erased(self) -> str:
        return f"\x1b[{len(self._drawn)}F\x1b[J" if self._drawn else ""

    def _write(self, before: str, lines: Sequence[str]) -> None:
        width = max(1, self._columns() - 1)
        self._stream.write(before + "".join(f"{set_cell_size(line, width).rstrip()}\n" for line in lines))
        self._stream.flush()
        self._drawn = lines
