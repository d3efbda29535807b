"""The budget holds for every counter."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swebench_providers.tokens.encodings import Encodings
from swebench_tui.bench.context.blocks import Source, cut, wholes
from swebench_tui.bench.context.errors import ContextStoppedError, never
from swebench_tui.bench.context.fill import Filled, Filler, TokenCounts
from swebench_tui.bench.context.markup import render_files

ENCODINGS = Encodings()


def cl100k(text: str) -> int:
    tokens = ENCODINGS.count("cl100k_base", text)
    assert tokens is not None
    return tokens


@lru_cache
def erratic(text: str) -> int:
    """Depends on the text as a whole: the count of a sum may be many times the sum of the counts."""
    return len(text) * (1 + sum(map(ord, text)) % 7)


COUNTERS = [cl100k, len, erratic, lambda text: len(text) ** 2, lambda _: 7, lambda text: -len(text)]
LINE = st.text(st.sampled_from("ab \t_()äß\U0001f600.\\"), max_size=30)
FILE = st.tuples(st.sampled_from(["a.py", "pkg/b.py", "b.rs"]), st.lists(LINE, max_size=90))
SOURCES = st.lists(FILE.map(lambda file: Source(*file)), max_size=5)


def filled(
    sources: list[Source], budget: int | None, count: Callable[[str], int], *, parts: bool, numbered: bool
) -> Filled:
    filler = Filler(sources, budget, TokenCounts(count), numbered=numbered, should_stop=never)
    blocks = [block for number, source in enumerate(sources) for block in cut(number, source)]
    return filler.fill(blocks[::2] + blocks[1::2] if parts else wholes(sources))


@pytest.mark.parametrize("count", COUNTERS)
@settings(max_examples=40)
@given(sources=SOURCES, budget=st.integers(-5, 3_000), parts=st.booleans(), numbered=st.booleans())
def test_the_text_in_the_prompt_never_exceeds_the_budget(
    count: Callable[[str], int], sources: list[Source], budget: int, parts: bool, numbered: bool
) -> None:
    result = filled(sources, budget, count, parts=parts, numbered=numbered)
    text = render_files(result.files, numbered=numbered)
    assert not text or count(text) <= budget
    assert result.tokens == (count(text) if text else 0)


@settings(max_examples=60)
@given(sources=SOURCES, budget=st.integers(0, 1_500), parts=st.booleans())
def test_windows_are_whole_lines_in_order(sources: list[Source], budget: int, parts: bool) -> None:
    result = filled(sources, budget, cl100k, parts=parts, numbered=False)
    shown = [number for number in range(len(sources)) if number not in result.missing]
    assert [file.path for file in result.files] == [sources[number].path for number in shown]
    for number, file in zip(shown, result.files, strict=True):
        last = 0
        for window in file.windows:
            lines = window.text.split("\n")[:-1]
            assert window.first > last + 1 or last == 0
            last = window.first + len(lines) - 1
            assert lines == sources[number].lines[window.first - 1 : last]
        assert file.lines == len(sources[number].lines)
        assert file.whole == ([(w.first, w.text.count("\n")) for w in file.windows] == [(1, file.lines)])


@given(sources=SOURCES)
def test_everything_fits_without_a_limit(sources: list[Source]) -> None:
    result = filled(sources, None, len, parts=False, numbered=False)
    assert result.complete
    assert not result.missing


def test_what_does_not_fit_is_passed_over() -> None:
    sources = [Source("a.py", ["a" * 50]), Source("b.py", ["b" * 500]), Source("c.py", ["c" * 50])]
    result = filled(sources, 250, len, parts=False, numbered=False)
    assert (result.missing, result.complete) == ((1,), False)


def test_blocks_that_touch_share_their_markers() -> None:
    source = Source("a.py", [f"line {number}" for number in range(200)])
    first, second, *_ = cut(0, source)
    budget = len(render_files(filled([source], None, len, parts=False, numbered=False).files))
    exact = Filler([source], budget, TokenCounts(len), numbered=False, should_stop=never).fill([first, second]).tokens
    again = Filler([source], exact + 9, TokenCounts(len), numbered=False, should_stop=never).fill([first, second])
    assert (again.complete, len(again.files[0].windows)) == (True, 1)


def test_a_text_is_counted_once() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return len(text)

    sources = [Source("a.py", ["same"]), Source("a.py", ["same"])]
    filled(sources, 1_000, count, parts=False, numbered=False)
    assert len(counted) == len(set(counted))


def test_a_text_far_over_the_budget_is_not_counted() -> None:
    def count(text: str) -> int:
        assert len(text) < 10_000
        return len(text)

    assert filled([Source("a.py", ["x" * 100_000])], 1_000, count, parts=False, numbered=False).files == ()


def test_filling_stops_when_the_caller_wants() -> None:
    filler = Filler([Source("a.py", ["x"])], 100, TokenCounts(len), numbered=False, should_stop=lambda: True)
    with pytest.raises(ContextStoppedError):
        filler.fill(wholes([Source("a.py", ["x"])]))
