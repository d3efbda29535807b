"""A line of text on a grid of cells."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from swebench_tui.terminal_text import sanitize
from swebench_tui.tui.answer.wrapping import expand_tabs, wrap

NASTY = st.text(
    st.one_of(
        st.sampled_from(" \t\r\n\x00\x07\x1b\x7f\x85\x9b\u2028\u2029\u202e\u2066\u200b\u200d\ufe0f\u0301\ud800[]"),
        st.sampled_from("aé→日か👩👧❤"),
        st.characters(),
    )
)


def rows(line: str, width: int, *, hang: int = 0, fold: bool = False) -> list[str]:
    starts = wrap(line, width, hang=hang, fold=fold)
    return [line[start:end] for start, end in pairwise([*starts, len(line)])]


@pytest.mark.parametrize(
    ("line", "shown"),
    [("\tx", "    x"), ("ab\tx", "ab  x"), ("abcd\tx", "abcd    x"), ("日\tx\t", "日  x   "), ("no tab", "no tab")],
)
def test_a_tab_reaches_the_next_multiple_of_four_cells(line: str, shown: str) -> None:
    assert expand_tabs(line) == shown


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        ("hello world again", 5, ["hello ", "world ", "again"]),
        ("hello    world", 5, ["hello    ", "world"]),
        ("hello    ", 5, ["hello    "]),
        ("a word", 6, ["a word"]),
        ("to pneumonoultra end", 6, ["to ", "pneumo", "noultr", "a end"]),
        ("日本語のテキスト abc", 7, ["日本語", "のテキ", "スト ", "abc"]),
        ("aaaa日本", 5, ["aaaa", "日本"]),
        ("cafe\u0301 noir", 4, ["cafe\u0301 ", "noir"]),
        ("ab👩\u200d👧cd", 5, ["ab", "👩\u200d👧", "cd"]),
        ("", 5, [""]),
    ],
)
def test_prose_breaks_at_words_and_beside_wide_characters(line: str, width: int, shown: list[str]) -> None:
    assert rows(line, width) == shown


def test_later_rows_leave_room_for_the_hanging_indent() -> None:
    assert rows("- one two three four", 9, hang=2) == ["- one two ", "three ", "four"]


def test_a_long_word_begins_beside_its_bullet() -> None:
    assert rows("- django/contrib/auth", 10, hang=2) == ["- django/c", "ontrib/a", "uth"]
    assert rows("    indentation", 10, hang=4) == ["    indent", "ation"]


def test_code_is_folded_where_the_row_ends() -> None:
    assert rows("+    return  value", 8, fold=True) == ["+    ret", "urn  val", "ue"]


@given(NASTY, st.integers(2, 12), st.integers(0, 10), st.booleans())
@example(text="👩\u200d👧\u200d👦", width=2, hang=0, fold=False)
@example(text="x" * 3 + "\u0301" * 5, width=3, hang=0, fold=True)
def test_rows_hold_all_of_the_line_and_fit(text: str, width: int, hang: int, fold: bool) -> None:
    line = expand_tabs(sanitize(text.replace("\n", "")))
    shown = rows(line, width, hang=hang, fold=fold)
    assert "".join(shown) == line
    assert all(shown) or shown == [""]
    for index, row in enumerate(shown):
        room = max(2, width - hang) if index else width
        assert cell_len(row if fold else row.rstrip(" ")) <= room


@given(NASTY, st.integers(2, 12))
@example(text="00 \u0300", width=2)
@example(text="é \u0300é", width=2)
def test_a_joined_character_is_split_only_if_wider_than_rows(text: str, width: int) -> None:
    line = expand_tabs(sanitize(text.replace("\n", "")))
    joined = [index > 0 and (line[index - 1] == "\u200d" or cell_len(c) == 0) for index, c in enumerate(line)]
    for before, start in pairwise(wrap(line, width)):
        assert not joined[start] or all(joined[before + 1 : start])
