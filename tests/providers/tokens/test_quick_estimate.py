"""The quick estimate and its upper bound are close to the labelled estimate, and take microseconds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import Message, UnifiedRequest
from swebench_providers.tokens.estimate import estimate_request
from swebench_providers.tokens.quick_estimate import estimate, estimate_length, upper_bound
from tests.providers.tokens.token_texts import CHAT, CHAT_FRAMING, CHAT_TEXTS, TEXTS

CODE_AND_PROSE = ["100 kB of code", "a patch", "an issue", "prose", "CRLF lines", "tabs"]
OTHER_SCRIPTS = ["Chinese", "Japanese", "Korean", "Arabic and Hebrew", "Russian", "accents", "frames"]
DENSE = ["numbers", "base64"]


def prompt(text: str) -> UnifiedRequest:
    return UnifiedRequest(model="m", prompt=text)


@pytest.mark.parametrize("name", CODE_AND_PROSE)
def test_code_and_prose_are_estimated_within_40_percent(name: str) -> None:
    labelled = estimate_request(prompt(TEXTS[name]))
    assert 0.9 * labelled <= estimate(prompt(TEXTS[name])) <= 1.4 * labelled


@pytest.mark.parametrize("name", OTHER_SCRIPTS)
def test_other_scripts_are_not_estimated_too_low(name: str) -> None:
    labelled = estimate_request(prompt(TEXTS[name]))
    assert 0.9 * labelled <= estimate(prompt(TEXTS[name])) <= 2.5 * labelled


@pytest.mark.parametrize("name", CODE_AND_PROSE + OTHER_SCRIPTS)
def test_the_upper_bound_holds_for_what_is_sent_here(name: str) -> None:
    assert upper_bound(prompt(TEXTS[name])) > estimate_request(prompt(TEXTS[name]))


@pytest.mark.parametrize("name", DENSE)
def test_dense_text_exceeds_the_bound_by_a_quarter_at_most(name: str) -> None:
    assert upper_bound(prompt(TEXTS[name])) > 0.75 * estimate_request(prompt(TEXTS[name]))


def test_one_accent_does_not_multiply_the_bound() -> None:
    code = TEXTS["100 kB of code"]
    assert upper_bound(prompt(f"{code}é")) == pytest.approx(upper_bound(prompt(code)), rel=0.01)
    assert estimate(prompt(f"é{code}")) == pytest.approx(estimate(prompt(code)), rel=0.01)


def test_every_turn_and_its_framing_are_part_of_the_estimate() -> None:
    assert estimate(CHAT) == estimate_length(sum(map(len, CHAT_TEXTS))) + CHAT_FRAMING
    assert upper_bound(CHAT) > upper_bound(prompt(CHAT.prompt))


@given(st.text(max_size=3_000), st.text(max_size=50), st.lists(st.text(max_size=50), max_size=3))
def test_any_request_has_an_estimate_below_its_bound(text: str, system: str, turns: list[str]) -> None:
    messages = tuple(Message("user", turn) for turn in turns)
    request = UnifiedRequest(model="m", prompt=text, system_message=system or None, messages=messages)
    assert 0 < estimate(request) <= upper_bound(request)
    assert estimate(request) >= estimate(prompt(""))


@pytest.mark.parametrize("more", ["", "é", TEXTS["Chinese"] * 2_000], ids=["ASCII", "one accent", "Chinese"])
def test_a_request_of_any_size_is_estimated_in_microseconds(more: str) -> None:
    request, seconds = prompt(f"{TEXTS['100 kB of code']}{more}"), []
    for _ in range(50):
        began = time.perf_counter()
        estimate(request), upper_bound(request)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 200e-6  # estimate_tokens takes 20 milliseconds
