"""What a report must not have in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import Secret
from swebench_tui.tui import crash_report, redact
from swebench_tui.tui.crash_report import Surroundings

KEYS = [
    "sk-proj-abcdEFGH1234",
    "AIzaSyA1234567890abcdef",
    "hf_abcdefghijklmnop",
    "gsk_abcdefgh12345678",
    "AKIAABCDEFGHIJKLMNOP",
    "0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
]
PLACES = ["{}", "key {} refused", "Authorization: Bearer {}", "https://u:{}@host/v1", "https://h/v1?key={}&x=1", "'{}'"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", KEYS)
def test_what_looks_like_a_key_is_masked_wherever_it_stands(key: str, place: str) -> None:
    assert key not in redact.without_keys(place.format(key))


@given(st.text(min_size=8, max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_a_known_key_is_masked_whatever_it_looks_like(key: str, before: str, after: str) -> None:
    masked = redact.without_keys(before + key + after, [Secret(key)])
    assert masked.replace(redact.MASK, "").count(key) == 0


def test_the_places_of_a_traceback_stay_readable() -> None:
    place = "swebench_tui/tui/screens/compare.py:212 in _ask_first_task\n    question = await _question_about(tasks[0])"
    assert redact.without_keys(place) == place


def test_a_variable_is_secret_by_its_name() -> None:
    environ = {"ACME_API_KEY": "abcdefgh1", "MY_TOKEN": "abcdefgh2", "KEYBOARD": "abcdefgh3", "A_KEY": "1"}
    assert redact.secrets_of(environ) == [Secret("abcdefgh1"), Secret("abcdefgh2")]


@given(st.text("ab c\n", min_size=16, max_size=80), st.text("xy z", max_size=20))
def test_no_sixteen_letters_of_a_private_text_stay(private: str, words: str) -> None:
    cleaned = redact.without_quotations(words + private + words, [private])
    for start in range(len(private) - 15):
        assert private[start : start + 16] not in cleaned


def test_the_users_folder_is_not_named() -> None:
    around = Surroundings(home=Path("/home/jane.doe"), environ={"ACME_API_KEY": "opensesame"})
    error = OSError("cannot open /home/jane.doe/secret.txt with opensesame")
    error.__cause__ = ValueError("first /home/jane.doe")
    report = crash_report.make(error, around)
    assert "jane.doe" not in report.text + report.what
    assert "opensesame" not in report.text + report.what
    assert "OSError: cannot open ~/secret.txt with ••••" in report.text
    assert report.text.index("ValueError: first ~") < report.text.index("OSError")


def test_a_report_is_made_of_errors_that_cannot_be_told() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "its message cannot be read" in crash_report.make(MuteError(), Surroundings()).text


def test_where_private_texts_are_not_known_no_words_are_taken_over() -> None:
    report = crash_report.make(ValueError("words of a prompt"), Surroundings(private=None))
    assert "words" not in report.text
    assert "ValueError" in report.text
