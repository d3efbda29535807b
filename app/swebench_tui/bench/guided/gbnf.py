"""Writes GBNF, the grammar format of llama.cpp.

Only what every version reads is written: literals, classes, groups, `?` and `{m,n}`. Characters outside of printable
ASCII, and all but letters and digits in a class, are written as escapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """A piece of a grammar. `longest` is the most bytes that match it: a token of any model is one byte at least."""

    text: str
    longest: int


EMPTY = Part('""', 0)


def literal(text: str) -> Part:
    """Exactly `text`. Raises `UnicodeEncodeError` for a lone surrogate."""
    return Part(f'"{"".join(map(_in_literal, text))}"', len(text.encode()))


def one_of(characters: Iterable[str]) -> Part:
    """One of these ASCII characters."""
    return Part(f"[{''.join(map(_in_class, sorted(set(characters))))}]", 1)


def sequence(*parts: Part) -> Part:
    """The parts one after the other."""
    return Part(" ".join(part.text for part in parts), sum(part.longest for part in parts))


def choice(parts: Iterable[Part]) -> Part:
    """One of the parts, of which there is at least one."""
    different = list(dict.fromkeys(parts))
    if len(different) == 1:
        return different[0]
    return Part(f"( {' | '.join(part.text for part in different)} )", max(part.longest for part in different))


def optional(part: Part) -> Part:
    """The part, or nothing."""
    return Part(f"( {part.text} )?", part.longest)


def repeated(part: Part, least: int, most: int) -> Part:
    """The part `least` to `most` times."""
    return Part(f"( {part.text} ){{{least},{most}}}", part.longest * most)


def literals(texts: Iterable[str]) -> Part:
    """One of these texts. What they begin with in common is written once: each alternative costs the sampler time."""
    ordered = sorted(set(texts))
    return _tree(ordered, 0)


class Rules:
    """The named rules of a grammar."""

    def __init__(self) -> None:
        self._rules: dict[str, str] = {}

    def add(self, name: str, part: Part) -> Part:
        """Define a rule, and return the reference to it. Names are letters, digits and hyphens."""
        self._rules[name] = part.text
        return Part(name, part.longest)

    def render(self, root: Part) -> str:
        """The grammar of `root`."""
        rules = {"root": root.text} | self._rules
        return "".join(f"{name} ::= {text}\n" for name, text in rules.items())


def _tree(texts: Sequence[str], depth: int) -> Part:
    """The sorted `texts` from character `depth` on, up to which they are the same."""
    if len(texts) == 1:
        return literal(texts[0][depth:])
    common = _common(texts[0], texts[-1], depth)
    head, rest = texts[0][depth:common], texts
    ends = len(texts[0]) == common
    rest = texts[1:] if ends else texts
    groups: dict[str, list[str]] = {}
    for text in rest:
        groups.setdefault(text[common], []).append(text)
    branch = choice(_tree(group, common) for group in groups.values())
    tail = optional(branch) if ends else branch
    return sequence(literal(head), tail) if head else tail


def _common(first: str, last: str, depth: int) -> int:
    """How far the first and the last of some sorted texts are the same, and so all of them."""
    end = depth
    while end < len(first) and first[end] == last[end]:
        end += 1
    return end


def _in_literal(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if " " <= character <= "~" else _escape(character)


def _in_class(character: str) -> str:
    return character if character.isalnum() and character.isascii() else _escape(character)


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
