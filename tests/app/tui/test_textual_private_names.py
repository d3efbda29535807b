"""Textual's private names: `crash_handling` overrides four of them, and no other module of the app touches any."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from textual.message_pump import MessagePump

import swebench_tui
from swebench_tui import tui

ROOT = Path(swebench_tui.__file__).parent
OVERRIDDEN = {"_dispatch_message", "_handle_exception", "_fatal_error", "_screen_stacks"}
"""Reasons: see the module's docstring. A name that the installed Textual no longer has is not found below."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def private_names(kind: type, *, own: bool) -> frozenset[str]:
    """The private methods a class defines, and the private attributes it uses: its `own`, or those of any object."""
    (definition,) = ast.parse(inspect.cleandoc(f"\n{inspect.getsource(kind)}")).body
    names = set[str]()
    for node in ast.walk(definition):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and (not own or ast.unparse(node.value) in {"self", "cls", "super()"}):
            names.add(node.attr)
    return frozenset(filter(is_private, names))


def subclasses(kind: type[MessagePump]) -> Iterator[type[MessagePump]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def touched() -> dict[str, set[str]]:
    """Private names that a class of the app shares with a Textual class it inherits from, by module."""
    for module in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        import_module(module.name)
    found = defaultdict[str, set[str]](set)
    for kind in set(subclasses(MessagePump)):
        if kind.__module__.startswith("swebench_tui."):
            bases = [base for base in kind.__mro__ if base.__module__.startswith("textual.")]
            inherited = set().union(*(private_names(base, own=True) for base in bases))
            names = private_names(kind, own=False) & inherited
            if names:
                found[kind.__module__.removeprefix("swebench_tui.")] |= names
    return dict(found)


def test_private_textual_names_exist_and_stay_in_one_file() -> None:
    assert touched() == {"tui.crash_handling": OVERRIDDEN}


def test_nothing_private_is_imported_from_textual() -> None:
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "textual":
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                assert not any(map(is_private, names)), f"{path}: {node.module}"
