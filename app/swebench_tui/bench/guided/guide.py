"""Makes the grammar of a guided answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from swebench_tui.bench.guided.changes import Module
from swebench_tui.bench.guided.expressions import Expressions, names
from swebench_tui.bench.guided.gbnf import Part, Rules, choice, literal, sequence
from swebench_tui.bench.guided.places import Place, place, ranked
from swebench_tui.bench.patches.file_names import name_above

MOST_PLACES: Final = 6
"""Lines that a grammar offers to change: with more, a very small model takes one that the issue is not about."""

_SPARE: Final = 8  # tokens, for the one that ends an answer
_OPEN, _DIVIDER, _CLOSE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """The grammar of a guided answer. `longest` is an output limit, in tokens, that no answer reaches.

    `heads` are all texts that an answer can begin with, up to the divider of its block. `lines` counts the lines of
    code that the files have, of which `len(heads)` can be changed.
    """

    grammar: str
    longest: int
    heads: frozenset[str]
    lines: int

    def followed_by(self, answer: str) -> bool:
        """Whether a whole answer has the form of the grammar: some servers ignore one that they cannot read."""
        head, divider, tail = answer.partition(f"\n{_DIVIDER}\n")
        return head in self.heads and bool(divider) and tail.endswith(f"\n{_CLOSE}")

    @property
    def note(self) -> str:
        """What the grammar offers, for people."""
        places = len(self.heads)
        offered = f"guided: one change to one of {places} line{'' if places == 1 else 's'} of code"
        return offered if places == self.lines else f"{offered}, the best matches of {self.lines}"


def make_guide(issue: str, files: Sequence[tuple[str, str]]) -> Guide | None:
    """The guide for some whole files, as (path, text); None where no line of them can be changed.

    Files that are no Python, and paths that no block can name, are left out.
    """
    modules = [(path, module) for path, text in files if (module := _module(path, text)) is not None]
    rules = Rules()
    known = Expressions(rules, names(module.tree for _, module in modules))
    blocks: dict[str, list[Part]] = {}
    heads: list[str] = []
    lines = 0
    for path, module, line in ranked(modules, issue):
        change = module.change(line, known)
        found = None if change is None else place(path, module.lines, line)
        if change is None or found is None:
            continue
        lines += 1
        if len(heads) < MOST_PLACES:
            heads.append(f"{path}\n{_OPEN}\n{found.search}")
            blocks.setdefault(path, []).append(_block(found, change))
    if not heads:
        return None
    root = choice(
        sequence(literal(f"{path}\n{_OPEN}\n"), choice(changes), literal(_CLOSE)) for path, changes in blocks.items()
    )
    return Guide(grammar=rules.render(root), longest=root.longest + _SPARE, heads=frozenset(heads), lines=lines)


def _module(path: str, text: str) -> Module | None:
    """A file, if it can be changed: its name can stand above a block, and Python counts its lines as git does."""
    if name_above([path, _OPEN], 1) != path or "\r" in text.replace("\r\n", ""):
        return None
    try:
        return Module(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _block(found: Place, change: Part) -> Part:
    """The rest of a block from its SEARCH text on, up to its last marker."""
    above = "".join(f"{text}\n" for text in found.run[: found.inside])
    below = "".join(f"\n{text}" for text in found.run[found.inside + 1 :])
    return sequence(literal(f"{found.search}\n{_DIVIDER}\n{above}"), change, literal(f"{below}\n"))
