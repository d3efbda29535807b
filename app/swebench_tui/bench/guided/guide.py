"""Makes the grammar of a guided answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from swebench_tui.bench.guided.changes import Module
from swebench_tui.bench.guided.expressions import Expressions, names
from swebench_tui.bench.guided.gbnf import Part, Rules, choice, literal, sequence
from swebench_tui.bench.guided.places import place, ranked
from swebench_tui.bench.patches.file_names import name_above

MOST_PLACES: Final = 24
"""Lines that a grammar offers to change: each costs some hundred bytes, and time at the first token of the block."""

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
        if places == self.lines:
            return f"guided: one change to one of {places} lines of code"
        return f"guided: one change to one of {places} lines of code, the best matches of {self.lines}"


def make_guide(issue: str, files: Sequence[tuple[str, str]]) -> Guide | None:
    """The guide for some whole files, as (path, text); None where no line of them can be changed.

    Files that are no Python, and paths that no block can name, are left out.
    """
    modules: list[tuple[str, Module]] = []
    for path, text in files:
        with suppress(SyntaxError, ValueError, RecursionError):
            if name_above([path, _OPEN], 1) == path:
                modules.append((path, Module(text)))
    rules = Rules()
    known = Expressions(rules, names(module.tree for _, module in modules))
    blocks: dict[str, list[Part]] = {}
    heads: list[str] = []
    lines = 0
    for path, module, line in ranked(modules, issue):
        change = module.change(line, known)
        found = place(path, module.lines, line) if change is not None else None
        if change is None or found is None:
            continue
        lines += 1
        if len(heads) < MOST_PLACES:
            search = "\n".join(found.run)
            heads.append(f"{path}\n{_OPEN}\n{search}")
            above = "".join(f"{text}\n" for text in found.run[: found.inside])
            below = "".join(f"\n{text}" for text in found.run[found.inside + 1 :])
            blocks.setdefault(path, []).append(
                sequence(literal(f"{search}\n{_DIVIDER}\n{above}"), change, literal(f"{below}\n"))
            )
    if not heads:
        return None
    files_ = [
        sequence(literal(f"{path}\n{_OPEN}\n"), choice(changes), literal(_CLOSE)) for path, changes in blocks.items()
    ]
    root = choice(files_)
    return Guide(grammar=rules.render(root), longest=root.longest + 8, heads=frozenset(heads), lines=lines)
