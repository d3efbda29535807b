"""Grammars as text: any text can be a literal, and what is written is read the same by an independent reader."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.guided.gbnf import Part, Rules, choice, literal, literals, one_of, optional, repeated, sequence
from tests.app.bench.guided.grammars import Grammar

RNG = st.randoms(use_true_random=False)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def drawn(part: Part, rng: random.Random) -> str:
    return Grammar(Rules().render(part)).sample(rng)


@given(TEXT, RNG)
def test_any_text_can_be_a_literal(text: str, rng: random.Random) -> None:
    part = literal(text)
    assert drawn(part, rng) == text
    assert part.longest == len(text.encode())
    assert part.text.isascii()
    assert "\n" not in part.text


@given(st.lists(TEXT, min_size=1, max_size=12, unique=True))
def test_shared_beginnings_leave_the_same_texts(texts: list[str]) -> None:
    part = literals(texts)
    grammar, rng = Grammar(Rules().render(part)), random.Random(1)
    assert {grammar.sample(rng) for _ in range(400)} <= set(texts)
    for text in texts:  # each of them can be drawn: one alone is a literal
        assert drawn(literals([text]), rng) == text
    assert part.longest == max(len(text.encode()) for text in texts)


def test_each_of_several_texts_is_drawn() -> None:
    texts = ["", "in", "is", "is not", "isinstance", "not in", '"', "\\", "]", "日本"]
    grammar, rng = Grammar(Rules().render(literals(texts))), random.Random(1)
    assert {grammar.sample(rng) for _ in range(2_000)} == set(texts)


@given(st.sets(st.characters(max_codepoint=0x7F), min_size=1), RNG)
def test_classes_hold_any_ascii_character(characters: set[str], rng: random.Random) -> None:
    assert drawn(one_of(characters), rng) in characters


@given(TEXT, TEXT, RNG)
def test_no_text_is_longer_than_the_part_says(first: str, second: str, rng: random.Random) -> None:
    rules = Rules()
    rule = rules.add("rule-1", choice([literal(first), literal(second)]))
    part = sequence(rule, optional(literal(second)), repeated(rule, 0, 3))
    text = Grammar(rules.render(part)).sample(rng)
    assert len(text.encode()) <= part.longest
