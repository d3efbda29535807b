"""Words that no name may use: the field's own word stands instead (CONTRIBUTING.md, "Words")."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
SOURCES = [
    path
    for folder in ("app", "providers", "tests", "examples", "scripts", "screenshots")
    for path in sorted((PROJECT / folder).rglob("*.py"))
    if "starter" not in path.parts
]
TESTS = [path for path in SOURCES if path.name.startswith("test_")]

BANNED = frozenset({"told", "said", "heard", "asked", "whom", "words", "doubts", "patience", "steady"})
"""Parts of a name, between its underscores."""

BANNED_WHOLE = frozenset({"at", "of"})
"""Whole names: as part of one, such as `reset_at`, they are the field's."""

LONGEST_TEST_NAME = 10  # words


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that the code defines: functions, classes, parameters, variables, attributes, imports under a name."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str() as name):
                yield 0, name
            case _:
                pass


def is_banned(name: str) -> bool:
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")
    return not BANNED.isdisjoint(parts) or name.strip("_") in BANNED_WHOLE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_no_name_uses_a_banned_word(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    own = [name for name in names_in(tree) if not name[1].startswith("test_")]
    assert [f"{line}: {name}" for line, name in own if is_banned(name)] == []


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name.startswith("test_")], ids=lambda path: path.stem
)
def test_test_names_have_ten_words_at_most(path: Path) -> None:
    names = [name for _, name in names_in(ast.parse(path.read_text("utf-8"))) if name.startswith("test_")]
    assert [name for name in names if len(name.split("_")) - 1 > LONGEST_TEST_NAME] == []


@pytest.mark.parametrize("name", ["told", "_heard", "retries_asked", "ToldTwice", "at", "_of"])
def test_a_banned_word_is_found_in_any_case(name: str) -> None:
    assert is_banned(name)


@pytest.mark.parametrize("name", ["reset_at", "number_of_tokens", "keywords", "wordsmith", "atlas", "passwords"])
def test_other_names_are_allowed(name: str) -> None:
    assert not is_banned(name)
