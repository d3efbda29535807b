"""The changes that a grammar offers for one line of Python.

Each is another text than the line, and by its syntax Python again where the line was:

    the line with one expression changed: continued (`x` to `x or y`, `x if y else z`, `x.y()`), put into a call
    (`list(x)`), replaced, or compared in another way
    the line behind a new statement: `if condition:` with `return`, `raise` or `continue`, or an assignment
    to a variable that the line reads
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from swebench_tui.bench.guided.expressions import COMPARISONS, Expressions
from swebench_tui.bench.guided.gbnf import Part, choice, literal, literals, optional, sequence

_INDENT: Final = "    "
_CHANGEABLE: Final = (
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.BinOp,
    ast.Compare,
    ast.BoolOp,
    ast.Subscript,
    ast.Constant,
)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_WHOLE: Final = (*_FUNCTIONS, ast.ClassDef)
_OPERATORS: Final = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}

_Edits = defaultdict[int, list[Part]]


class Module:
    """A parsed file, by line (from 0)."""

    def __init__(self, text: str) -> None:
        """Raises `SyntaxError` and `ValueError` for what is no Python."""
        self.tree = ast.parse(text)
        self.lines = text.removesuffix("\n").split("\n")
        self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self._expressions: defaultdict[int, list[ast.expr]] = defaultdict(list)
        self._statements: dict[int, ast.stmt] = {}
        fixed = {node for part in _fixed(self.tree) for node in ast.walk(part)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.stmt):
                self._statements.setdefault(node.lineno - 1, node)
            elif isinstance(node, ast.expr) and node not in fixed and self._is_changeable(node):
                self._expressions[node.lineno - 1].append(node)

    def change(self, line: int, known: Expressions) -> Part | None:
        """All changes of one line, with its indentation, without its line end; None where there is none."""
        changes = [*self._new_statements(line, known), *self._edited(line, known)]
        return choice(changes) if changes else None

    def definition(self, line: int) -> ast.stmt | None:
        """The function that a line is part of, else its own statement; None for a class, whose parts count alone."""
        statement = self._statements.get(line)
        if statement is None:
            return None
        found = next((node for node in self._above(statement) if isinstance(node, _FUNCTIONS)), statement)
        return None if isinstance(found, ast.ClassDef) else found

    def _is_changeable(self, node: ast.expr) -> bool:
        """Whether it is on one line, and is read where it stands."""
        is_read = isinstance(getattr(node, "ctx", None), ast.Load | None)
        return isinstance(node, _CHANGEABLE) and node.lineno == node.end_lineno and is_read

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        while (above := self._parents.get(node)) is not None:
            yield above
            node = above

    def _new_statements(self, line: int, known: Expressions) -> Iterator[Part]:
        statement = self._statements.get(line)
        code = self.lines[line].strip()
        if statement is None or isinstance(statement, _WHOLE) or not self._starts(statement, line):
            return
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):  # a docstring
            return
        indent = self.lines[line][: len(self.lines[line]) - len(self.lines[line].lstrip())]
        above = list(self._above(statement))
        function = next((node for node in above if isinstance(node, _FUNCTIONS)), None)
        if function is None:
            return
        kept = literal(f"\n{indent}{code}")
        exits = [
            sequence(literal("return"), optional(sequence(literal(" "), known.atom))),
            sequence(literal("raise ValueError("), known.string, literal(")")),
        ]
        if isinstance(
            next((n for n in above if isinstance(n, (*_FUNCTIONS, ast.For, ast.While))), None), ast.For | ast.While
        ):
            exits.append(literal("continue"))
        yield sequence(literal(f"{indent}if "), known.condition, literal(f":\n{indent}{_INDENT}"), choice(exits), kept)
        for name in self._variables(line, function):
            start = literal(f"{indent}{name} = ")
            yield sequence(start, known.name, literal(f"({name})"), kept)
            yield sequence(start, literal(name), choice([known.access, known.logic, known.either]), kept)

    def _variables(self, line: int, function: ast.AST) -> list[str]:
        """The variables of a function that a line reads."""
        own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        own |= {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        read = {node.id for node in self._expressions[line] if isinstance(node, ast.Name)}
        return sorted(own & read - {"self", "cls"})

    def _starts(self, statement: ast.stmt, line: int) -> bool:
        """Whether the line begins with the statement; `elif` begins with another one's."""
        text = self.lines[line]
        return text[: statement.col_offset].strip() == "" and not text.lstrip().startswith(("elif", "else"))

    def _edited(self, line: int, known: Expressions) -> Iterator[Part]:
        """The line with one of its expressions changed, written once up to each place of a change."""
        text = self.lines[line].rstrip()
        edits: _Edits = defaultdict(list)
        for node in self._expressions[line]:
            for place, edit, end in self._edits_of(node, line, known):
                edits[place].append(sequence(edit, literal(text[end:])) if text[end:] else edit)
        part: Part | None = None
        behind = len(text)
        for place in sorted(edits, reverse=True):
            onward = [] if part is None else [sequence(literal(text[place:behind]), part)]
            part, behind = choice([*edits[place], *onward]), place
        if part is not None:
            yield sequence(literal(text[:behind]), part) if behind else part

    def _edits_of(self, node: ast.expr, line: int, known: Expressions) -> Iterator[tuple[int, Part, int]]:
        """Where each change begins, what is written there, and where the line goes on."""
        start, end = self._span(node)
        text = self.lines[line][start:end]
        for tail in self._tails(node, known):
            yield end, tail, end
        parent = self._parents.get(node)
        is_called = isinstance(parent, ast.Call) and parent.func is node
        if not is_called:
            yield start, sequence(known.name, literal("("), literal(text), literal(")")), end
        if not is_called and not isinstance(parent, ast.Attribute | ast.Expr):
            yield start, known.atom_without(text[0]), end
        if isinstance(node, ast.Attribute):
            yield end - len(node.attr), known.attribute_without(node.attr[0]), end
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self._span(node.left)[1], self._span(node.comparators[0])[0]
            between = self.lines[line][left:right]
            if between.strip() == _OPERATORS[type(node.ops[0])]:  # no bracket around an operand
                yield left, literals(other for other in COMPARISONS if other.strip() != between.strip()), right

    def _tails(self, node: ast.expr, known: Expressions) -> Iterator[Part]:
        """What can stand behind an expression."""
        parent = self._parents.get(node)
        if isinstance(parent, ast.Call) and parent.func is node:
            return
        if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            yield known.access
        if isinstance(parent, ast.Attribute | ast.Expr):  # `1.name` is no Python, and `call() or x` changes nothing
            return
        above = list(self._above(node))
        if any(isinstance(one, ast.Starred | ast.Dict) for one in above):
            return
        yield known.logic
        if not any(isinstance(one, ast.comprehension) for one in above):
            yield known.either

    def _span(self, node: ast.expr) -> tuple[int, int]:
        """First and last column, in characters: Python counts bytes."""
        line = self.lines[node.lineno - 1].encode()
        end = node.end_col_offset or node.col_offset
        return len(line[: node.col_offset].decode()), len(line[:end].decode())


def _fixed(tree: ast.Module) -> Iterator[ast.AST]:
    """What is left as it is: annotations, docstrings, patterns, bases of classes, f-strings, what is assigned to."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr() | ast.pattern() | ast.Expr(value=ast.Constant()):
                yield node
            case ast.ClassDef(bases=bases):
                yield from bases
            case ast.expr() if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
                yield node
            case ast.arg(annotation=ast.AST() as annotation) | ast.AnnAssign(annotation=annotation):
                yield annotation
            case ast.FunctionDef(returns=ast.AST() as returns) | ast.AsyncFunctionDef(returns=ast.AST() as returns):
                yield returns
