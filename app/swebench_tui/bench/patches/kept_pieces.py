"""The pieces of a patch that are kept so far, by file and place, so that a comparison of all with all is not needed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swebench_tui.bench.patches.combine import Piece

_LINES = 64  # of a bucket


class KeptPieces:
    """Pieces in the order in which they were added."""

    def __init__(self) -> None:
        self.all: list[Piece] = []
        self._of_file: defaultdict[str, list[Piece]] = defaultdict(list)
        self._whole: defaultdict[str, list[Piece]] = defaultdict(list)
        self._buckets: defaultdict[tuple[str, int], list[Piece]] = defaultdict(list)
        self._parts: defaultdict[str, set[int]] = defaultdict(set)

    def add(self, pieces: Sequence[Piece]) -> None:
        """Keep `pieces`."""
        for piece in pieces:
            self.all.append(piece)
            self._of_file[piece.path].append(piece)
            self._parts[piece.path].add(piece.part)
            if piece.match is None:
                self._whole[piece.path].append(piece)
            for bucket in _buckets(piece):
                self._buckets[piece.path, bucket].append(piece)

    def parts(self, path: str) -> set[int]:
        """The diffs that have a piece for this file."""
        return self._parts[path]

    def near(self, piece: Piece) -> Iterator[Piece]:
        """At least those pieces for the same file that share a line with this one. Some come twice."""
        if piece.match is None:
            yield from self._of_file[piece.path]
            return
        yield from self._whole[piece.path]
        for bucket in _buckets(piece):
            yield from self._buckets[piece.path, bucket]


def _buckets(piece: Piece) -> range:
    if piece.match is None:
        return range(0)
    return range(piece.match.start // _LINES, max(piece.end, piece.changed[1]) // _LINES + 1)
