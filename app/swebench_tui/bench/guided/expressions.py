"""The holes of a guided answer: short Python expressions of the names in the files.

    condition  := comparison ((" and " | " or ") comparison)?
    comparison := "not " atom | atom (operator atom)?
    atom       := path call? ("." attribute call?)? | number | string | "None" | "True" | "False"

No rule is recursive, so every hole ends.
"""

from __future__ import annotations

import ast
import string
from collections.abc import Iterable
from keyword import iskeyword
from typing import Final, NamedTuple

from swebench_tui.bench.guided.gbnf import Part, Rules, choice, literal, literals, one_of, optional, repeated, sequence

COMPARISONS: Final = (" == ", " != ", " <= ", " >= ", " < ", " > ", " in ", " not in ", " is ", " is not ")
_CONSTANTS: Final = ("None", "True", "False")
_LONGEST_NAME: Final = 30  # characters
_MOST_NAMES: Final = 150
_IN_STRINGS: Final = string.ascii_letters + string.digits + " _.,:/-"
_BUILTINS: Final = (
    "abs all any bool dict enumerate float int isinstance len list map max min range reversed round set sorted str sum"
    " tuple zip KeyError TypeError ValueError"
)


class Names(NamedTuple):
    """The names that holes may have, sorted: of variables and functions, and of attributes."""

    plain: tuple[str, ...]
    attributes: tuple[str, ...]


def names(trees: Iterable[ast.Module]) -> Names:
    """The names in some files, with those of Python that are used most."""
    plain, attributes = set(_BUILTINS.split()), {name for kind in (str, list, dict, set) for name in _public(kind)}
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                plain.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                plain.add(name)
                attributes.add(name)
            case ast.Attribute(attr=name):
                attributes.add(name)
    return Names(_usable(plain), _usable(attributes))


def _public(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_")]


def _usable(found: Iterable[str]) -> tuple[str, ...]:
    fitting = (name for name in found if name.isascii() and len(name) <= _LONGEST_NAME and not iskeyword(name))
    return tuple(sorted(fitting)[:_MOST_NAMES])


class Expressions:
    """The rules of expressions over some names."""

    def __init__(self, rules: Rules, known: Names) -> None:
        self._rules = rules
        self._known = known
        self._without: dict[str, Part] = {}
        self._by_start = {start: self._named_rule(start) for start in sorted({name[0] for name in known.plain})}
        self.name = rules.add("name", choice(self._by_start.values()))
        self.attribute = rules.add("attribute", literals(known.attributes))
        self.string = rules.add("string", sequence(literal('"'), repeated(one_of(_IN_STRINGS), 0, 20), literal('"')))
        digits = string.digits
        self._number = rules.add(
            "number",
            choice(
                [
                    sequence(literal("0"), optional(sequence(literal("."), repeated(one_of(digits), 1, 2)))),
                    sequence(one_of(digits[1:]), repeated(one_of(digits), 0, 3)),
                ]
            ),
        )
        self._argument = rules.add(
            "argument",
            choice(
                [
                    sequence(self.name, optional(sequence(literal("."), self.attribute))),
                    self._number,
                    self.string,
                    literals(_CONSTANTS),
                ]
            ),
        )
        more = repeated(sequence(literal(", "), self._argument), 0, 1)
        self.call = rules.add("call", sequence(literal("("), optional(sequence(self._argument, more)), literal(")")))
        self.access = rules.add("access", sequence(literal("."), self.attribute, optional(self.call)))
        self.atom = rules.add("atom", self._atom())
        comparison = choice(
            [
                sequence(literal("not "), self.atom),
                sequence(self.atom, optional(sequence(literals(COMPARISONS), self.atom))),
            ]
        )
        self._comparison = rules.add("comparison", comparison)
        self.logic = rules.add("logic", sequence(literals((" and ", " or ")), self._comparison))
        self.condition = rules.add("condition", sequence(self._comparison, optional(self.logic)))
        self.either = rules.add("either", sequence(literal(" if "), self.condition, literal(" else "), self.atom))

    def atom_without(self, start: str) -> Part:
        """An atom that does not begin with the character `start`."""
        if start not in self._without:
            self._without[start] = self._rules.add(f"atom-without-{ord(start):x}", self._atom(without=start))
        return self._without[start]

    def attribute_without(self, start: str) -> Part:
        """An attribute that does not begin with the character `start`."""
        return literals(name for name in self._known.attributes if name[0] != start)

    def _named_rule(self, start: str) -> Part:
        """The names that begin with the character `start`."""
        group = literals(name for name in self._known.plain if name[0] == start)
        return self._rules.add(f"name-{ord(start):x}", group)

    def _atom(self, *, without: str = "") -> Part:
        name = choice(rule for start, rule in self._by_start.items() if start != without)
        constants = literals(name for name in _CONSTANTS if name[0] != without)
        kinds = [sequence(name, optional(self.call), optional(self.access)), constants]
        kinds += [] if without.isdigit() else [self._number]
        kinds += [] if without == '"' else [self.string]
        return choice(kinds)
