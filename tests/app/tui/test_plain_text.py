"""Text made safe to show, and fitted to a grid of cells."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from swebench_tui.tui.plain_text import expand_tabs, neutralise, one_line, wrap

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
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x00\x08\x0b\x0c\x1f\x7f", "␀␈␋␌␟␡"),
        ("\x80\x85\x9b\x9f", "����"),
        ("a\u202eb\u2066c\u2069", "a�b�c�"),
        ("a\u2028b\u2029", "a�b�"),
        ("\ud83d", "�"),
        ("one\r\ntwo\rthree\n", "one\ntwo␍three\n"),
        ("[red]x[/] <b> tab\there é 日本 👩\u200d👧", "[red]x[/] <b> tab\there é 日本 👩\u200d👧"),
    ],
)
def test_what_could_disturb_a_terminal_is_shown_and_the_rest_left_alone(text: str, shown: str) -> None:
    assert neutralise(text) == shown


@given(NASTY)
def test_nothing_dangerous_is_left_and_nothing_is_lost(text: str) -> None:
    safe = neutralise(text)
    assert len(safe) == len(text.replace("\r\n", "\n"))
    assert all(unicodedata.category(c) not in {"Cc", "Cs", "Zl", "Zp"} or c in "\t\n" for c in safe)
    assert not set(safe) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert neutralise(safe) == safe
    safe.encode()


@given(NASTY)
def test_one_line_is_one_line(text: str) -> None:
    assert one_line(text).splitlines() in ([], [one_line(text)])
    assert "  " not in one_line(text.replace("\t", " "))


def test_one_line_keeps_the_words_of_a_server_message() -> None:
    assert one_line(" 429 Too\tMany\r\n\n  Requests\x1b[0m ") == "429 Too Many Requests␛[0m"


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


def test_a_long_word_begins_beside_its_bullet_and_not_under_it() -> None:
    assert rows("- django/contrib/auth", 10, hang=2) == ["- django/c", "ontrib/a", "uth"]
    assert rows("    indentation", 10, hang=4) == ["    indent", "ation"]


def test_code_is_folded_where_the_row_ends() -> None:
    assert rows("+    return  value", 8, fold=True) == ["+    ret", "urn  val", "ue"]


@given(NASTY, st.integers(2, 12), st.integers(0, 10), st.booleans())
@example(text="👩\u200d👧\u200d👦", width=2, hang=0, fold=False)
@example(text="x" * 3 + "\u0301" * 5, width=3, hang=0, fold=True)
def test_rows_hold_all_of_the_line_and_fit(text: str, width: int, hang: int, fold: bool) -> None:
    line = expand_tabs(neutralise(text.replace("\n", "")))
    shown = rows(line, width, hang=hang, fold=fold)
    assert "".join(shown) == line
    assert all(shown) or shown == [""]
    for index, row in enumerate(shown):
        room = max(2, width - hang) if index else width
        assert cell_len(row if fold else row.rstrip(" ")) <= room


@given(NASTY, st.integers(2, 12))
def test_a_joined_character_is_cut_only_where_it_fills_a_row_by_itself(text: str, width: int) -> None:
    line = expand_tabs(neutralise(text.replace("\n", "")))
    joined = [index > 0 and (line[index - 1] == "\u200d" or cell_len(c) == 0) for index, c in enumerate(line)]
    for before, start in pairwise(wrap(line, width)):
        assert not joined[start] or all(joined[before + 1 : start])
