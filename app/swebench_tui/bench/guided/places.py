"""The lines that a guided answer can change: their SEARCH text, and which of them the issue is about.

The SEARCH text of a line is the line, with as many of the lines above and below as make it unique in its file. Only
the issue and the files are read.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from swebench_tui.bench.guided.changes import Module
from swebench_tui.bench.patches.text import TRAILING

_MOST_AROUND: Final = 6  # lines that a SEARCH text has besides its own
_LONGEST_LINE: Final = 160  # characters
_MARKS: Final = ("`", "~", "<", ">", "=")  # what begins a fence, a tag or a marker of a block
_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*")
_SHORTEST_TERM: Final = 3


class Place(NamedTuple):
    """A line (from 0) of a file, and the unique run of lines around it, of which it is number `inside`."""

    path: str
    line: int
    run: tuple[str, ...]
    inside: int

    @property
    def search(self) -> str:
        """The SEARCH text, without the end of its last line."""
        return "\n".join(self.run)


def place(path: str, lines: Sequence[str], line: int) -> Place | None:
    """The place of one line; None where no short run of lines around it is unique, or one cannot stand in a block."""
    stripped = [text.rstrip(TRAILING) for text in lines]
    for around in range(_MOST_AROUND + 1):
        for above in range(around, -1, -1):
            first, end = line - above, line + 1 + around - above
            if first < 0 or end > len(lines):
                continue
            run = tuple(text.rstrip("\r") for text in lines[first:end])
            if _count(stripped, stripped[first:end]) == 1:
                return Place(path, line, run, above) if all(map(_fits, run)) else None
    return None


def _count(lines: Sequence[str], run: Sequence[str]) -> int:
    return sum(lines[start : start + len(run)] == run for start in range(len(lines)))


def _fits(line: str) -> bool:
    """Whether a line can be part of a block, and can be written in a grammar."""
    printable = line.replace("\t", " ").isprintable()
    return len(line) <= _LONGEST_LINE and printable and not line.lstrip().startswith(_MARKS)


def ranked(files: Sequence[tuple[str, Module]], issue: str) -> list[tuple[str, Module, int]]:
    """The lines of code of all files, those of the functions first that share the most and the rarest words with the
    issue. A definition counts half as much as what uses it, too: a cause is often one call below its symptom.
    """
    groups: dict[tuple[str, int], list[tuple[str, Module, int]]] = {}
    names: dict[tuple[str, int], str] = {}
    texts: dict[tuple[str, int], str] = {}
    for path, module in files:
        for line in range(len(module.lines)):
            definition = module.definition(line)
            if definition is None:
                continue
            key = path, definition.lineno
            groups.setdefault(key, []).append((path, module, line))
            names[key] = _name(definition)
            texts[key] = "\n".join(module.lines[definition.lineno - 1 : definition.end_lineno])
    scores = _scores(texts, names, issue)
    order = sorted(groups, key=lambda key: -scores[key])
    return [line for key in order for line in groups[key]]


def _name(definition: ast.stmt) -> str:
    """What a definition defines, if that is one name."""
    match definition:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""


def _scores(
    texts: dict[tuple[str, int], str], names: dict[tuple[str, int], str], issue: str
) -> dict[tuple[str, int], float]:
    wanted, vocabulary = _terms(issue), {key: _terms(text) for key, text in texts.items()}
    used = {key: set(_IDENTIFIER.findall(text)) - {names[key]} for key, text in texts.items()}
    number = Counter(term for found in vocabulary.values() for term in found)
    mentioned = set(_IDENTIFIER.findall(issue))
    own = {
        key: (
            sum(math.log(1 + len(texts) / number[term]) for term in found & wanted) / math.sqrt(len(found) or 1)
            + (1.0 if names[key] in mentioned else 0.0)
        )
        for key, found in vocabulary.items()
    }
    return {
        key: score + max((own[caller] / 2 for caller in used if names[key] and names[key] in used[caller]), default=0.0)
        for key, score in own.items()
    }


def _terms(text: str) -> set[str]:
    """The words of a text in lower case, also those that names are made of."""
    found = {word.lower() for name in _IDENTIFIER.findall(text) for word in (name, *_PART.findall(name))}
    return {word for word in found if len(word) >= _SHORTEST_TERM}
