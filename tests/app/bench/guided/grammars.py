"""A reader of GBNF that shares nothing with the writer: it draws random texts from a grammar.

Written after llama.cpp's description of the format (grammars/README.md): rules, literals, classes, groups, `|`, `?`
and `{m,n}`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import TypeAlias

Node: TypeAlias = Callable[[random.Random], str]
"""Draws one text that the node matches."""

_RULE = re.compile(r"([a-zA-Z][a-zA-Z0-9-]*) ::= (.*)\n")
_TOKEN = re.compile(
    r'\s*(?:("(?:[^"\\]|\\.)*")|(\[(?:[^\]\\]|\\.)*\])|(\{\d+,\d+\})|([a-zA-Z][a-zA-Z0-9-]*)|([()|?*+]))'
)
_ESCAPE = re.compile(r'\\(?:x([0-9A-F]{2})|u([0-9A-F]{4})|U([0-9A-F]{8})|([nrt"\\\[\]]))')
_SHORT = {"n": "\n", "r": "\r", "t": "\t"}


def unescaped(text: str) -> str:
    """The characters of a literal or class. Refuses an escape that llama.cpp does not know."""
    assert "\\" not in _ESCAPE.sub("", text)

    def character(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        return chr(int(code, 16)) if code else _SHORT.get(found[4], found[4])

    return _ESCAPE.sub(character, text)


class Grammar:
    """The rules of a grammar. Every rule must be used and defined once."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        found = [_RULE.fullmatch(line) for line in lines]
        assert all(found), [line for line, match in zip(lines, found, strict=True) if not match][:1]
        pairs = [(match[1], match[2]) for match in found if match]
        assert len(dict(pairs)) == len(pairs)
        self._rules: dict[str, Node] = {name: self._parse(body) for name, body in pairs}

    def sample(self, rng: random.Random) -> str:
        """A random text of the rule `root`."""
        return self._rules["root"](rng)

    def _parse(self, body: str) -> Node:
        tokens: list[str] = []
        end = 0
        while end < len(body.rstrip()):
            token = _TOKEN.match(body, end)
            assert token, body[end : end + 40]
            tokens.append(token[0].strip())
            end = token.end()
        node = self._choice(tokens)
        assert not tokens, tokens[:3]
        return node

    def _choice(self, tokens: list[str]) -> Node:
        branches = [self._sequence(tokens)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            branches.append(self._sequence(tokens))
        return lambda rng: rng.choice(branches)(rng)

    def _sequence(self, tokens: list[str]) -> Node:
        parts: list[Node] = []
        while tokens and tokens[0] not in {"|", ")"}:
            parts.append(self._repeated(self._single(tokens), tokens))
        return lambda rng: "".join(part(rng) for part in parts)

    def _single(self, tokens: list[str]) -> Node:
        token = tokens.pop(0)
        if token.startswith('"'):
            text = unescaped(token[1:-1])
            return lambda _: text
        if token.startswith("["):
            assert not token.startswith("[^")
            characters = unescaped(token[1:-1])
            return lambda rng: rng.choice(characters)
        if token == "(":
            inner = self._choice(tokens)
            assert tokens.pop(0) == ")"
            return inner
        return lambda rng: self._rules[token](rng)  # noqa: PLW0108 - a rule may be defined behind its use

    def _repeated(self, part: Node, tokens: list[str]) -> Node:
        if not tokens or not (tokens[0] == "?" or tokens[0].startswith("{")):
            return part
        mark = tokens.pop(0)
        least, most = (0, 1) if mark == "?" else map(int, mark[1:-1].split(","))
        return lambda rng: "".join(part(rng) for _ in range(rng.randint(least, most)))
