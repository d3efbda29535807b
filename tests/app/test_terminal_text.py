"""Text from models and servers, as it may reach a terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.terminal_text import joined_lines, json_text, one_line, sanitize

ANY_TEXT = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from("\x00\x07\x08\x1b\x7f\x85\x9b\r\n\t \u200b\u2028\u2029\u202e\u2066\ud83d\x85[]0;m🐛é"), max_size=30
)
HARMLESS_CONTROLS = {"\t", "\n"}


def disturbs(char: str) -> bool:
    """Whether a terminal does something else than to show it: controls, separators, surrogates, overrides."""
    kind = unicodedata.category(char)
    overrides = unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return (kind in {"Cc", "Zl", "Zp", "Cs"} or overrides) and char not in HARMLESS_CONTROLS


@given(ANY_TEXT)
def test_nothing_that_disturbs_a_terminal_is_left(text: str) -> None:
    assert not any(disturbs(char) for char in sanitize(text))


@given(ANY_TEXT)
def test_each_character_stays_visible_and_harmless_ones_stay_unchanged(text: str) -> None:
    source = text.replace("\r\n", "\n")
    shown = sanitize(text)
    assert len(shown) == len(source)
    assert all(after == before for before, after in zip(source, shown, strict=True) if not disturbs(before))


@given(ANY_TEXT)
def test_sanitizing_twice_is_sanitizing_once(text: str) -> None:
    assert sanitize(sanitize(text)) == sanitize(text)
    assert one_line(one_line(text)) == one_line(text)


@given(ANY_TEXT)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert not any(disturbs(char) or char in HARMLESS_CONTROLS for char in line)
    assert line == line.strip(" ")
    assert "  " not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x9b31m", "\ufffd31m"),
        ("back\x08space and del\x7f", "back␈space and del␡"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("tab\tand\nline feed", "tab\tand\nline feed"),
        ("user\u202eexe.txt", "user\ufffdexe.txt"),
        ("a\u2028b", "a\ufffdb"),
        ("half \ud83d", "half \ufffd"),
        ("[b]markup[/b] <think>", "[b]markup[/b] <think>"),
        ("naïve 修复 🐛 e\u0301 👩\u200d👧", "naïve 修复 🐛 e\u0301 👩\u200d👧"),
    ],
)
def test_controls_become_pictures_and_words_stay(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("  a\r\n\t b\n", "a b"), ("", ""), (" \n ", ""), ("a\x1bb\rc", "a␛b c"), ("a\xa0b", "a\xa0b")],
)
def test_white_space_in_a_title_becomes_one_space(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_json_is_the_same_value_and_disturbs_no_terminal(text: str) -> None:
    written = json_text({"text": text}).decode()
    assert json.loads(written) == {"text": text}
    assert not any(disturbs(char) or char == "\n" for char in written)


def test_json_keeps_letters_and_escapes_the_rest() -> None:
    assert json_text(["é修🐛", "\x9b\u202e\u2028\x1b"]) == '["é修🐛","\\u009b\\u202e\\u2028\\u001b"]'.encode()


@given(ANY_TEXT, st.integers(2, 40))
def test_joined_lines_are_one_line_within_the_limit(text: str, limit: int) -> None:
    line = joined_lines(text, limit=limit)
    assert len(line) <= limit
    assert not any(disturbs(char) or char in HARMLESS_CONTROLS for char in line)


def test_joined_lines_leave_out_empty_ones() -> None:
    assert joined_lines("error: a\n\n  b\x1b[0m\tc\r\n", limit=80) == "error: a; b␛[0m c"
    assert joined_lines("abcdef", limit=4) == "abc…"
