"""Files that an issue names, and the frames of its tracebacks, found in the repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_MENTIONS: Final = 300
"""Files named, and frames of a traceback; more are not looked for."""

_MOST_OF_ONE_NAME: Final = 1_000

_BARE_NAME: Final = 0.7
_MOST_BARE_MATCHES: Final = 3
_GENERIC: Final = frozenset({"__init__.py", "setup.py", "conftest.py", "conf.py"})
_FRAME: Final = re.compile(
    r"File \"(?P<path>[^\"\n]{1,400})\", line \d+(?:, in (?P<function>[\w<>]+))?"
    r"|(?<![\w./\\-])(?P<short>[\w./\\-]{1,300}\.\w{1,6}):\d+(?::|\b)(?:[ \t]*in (?P<short_function>\w+))?"
)
_START: Final = "Traceback (most recent call last)"


class Frame(msgspec.Struct, frozen=True):
    """A frame of a traceback: the path as written, and the function where it is known."""

    path: str
    function: str = ""


class PathIndex:
    """Finds files of a repository by the end of a path."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._matches: dict[str, dict[str, float]] = {}
        for path in paths:
            self._by_name.setdefault(path.rpartition("/")[2], []).append(path)

    def matches(self, written: str) -> dict[str, float]:
        """The files that end as `written` does, over as many folders as possible, with weights that sum to 1 at most.

        `/site-packages/pkg/a/b.py` is `pkg/a/b.py`. A bare name counts less, and not at all where many files have it.
        """
        if written not in self._matches:
            self._matches[written] = self._find(written)
        return self._matches[written]

    def _find(self, written: str) -> dict[str, float]:
        parts = [part for part in written.replace("\\", "/").split("/") if part not in {"", "."}]
        candidates = self._by_name.get(parts[-1], [])[:_MOST_OF_ONE_NAME] if parts else []
        if not candidates:
            return {}
        shared = {path: _shared(path.split("/"), parts) for path in candidates}
        most = max(shared.values())
        best = [path for path in candidates if shared[path] == most]
        if most == 1 and (parts[-1] in _GENERIC or len(best) > _MOST_BARE_MATCHES):
            return {}
        weight = _BARE_NAME if most == 1 and len(best[0].split("/")) > 1 else 1.0
        return dict.fromkeys(best, weight / len(best))


def _shared(path: Sequence[str], written: Sequence[str]) -> int:
    """How many parts two paths have in common at their ends."""
    count = 0
    for one, other in zip(reversed(path), reversed(written), strict=False):
        if one != other:
            break
        count += 1
    return count


def tracebacks(text: str) -> list[list[Frame]]:
    """The frames of each traceback, outermost first."""
    found: list[list[Frame]] = []
    for part in text.split(_START):
        frames = [
            Frame(match["path"] or match["short"], match["function"] or match["short_function"] or "")
            for match in _FRAME.finditer(part)
        ]
        if frames:
            found.append(frames[-MAX_MENTIONS:])
    return found[:MAX_MENTIONS]


def functions_in(traces: Iterable[Sequence[Frame]]) -> frozenset[str]:
    """The functions of the frames."""
    return frozenset(frame.function for trace in traces for frame in trace if frame.function.isidentifier())


def traceback_scores(traces: Iterable[Sequence[Frame]], index: PathIndex) -> dict[str, float]:
    """The files of the frames: 1 for the last frame, 1/2 for the one before it, and so on."""
    scores: dict[str, float] = {}
    for trace in traces:
        position = 0
        for frame in reversed(trace):
            matches = index.matches(frame.path)
            position += bool(matches)
            for path, weight in matches.items():
                scores[path] = max(scores.get(path, 0.0), weight / position)
    return scores


def named_scores(text: str, linked: Iterable[str], extensions: Sequence[str], index: PathIndex) -> Mapping[str, float]:
    """The files that a text names, by paths with one of the extensions."""
    pattern = re.compile(rf"(?<![\w./\\-])[\w./\\-]{{1,300}}\.(?:{'|'.join(map(re.escape, extensions))})\b")
    scores: dict[str, float] = {}
    for written in list(dict.fromkeys([*linked, *pattern.findall(text)]))[:MAX_MENTIONS]:
        for path, weight in index.matches(written).items():
            scores[path] = max(scores.get(path, 0.0), weight)
    return scores
