"""Facts as words: what the screen and the command line both print."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import FinishReason, TokenUsage
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.patches.verdict import Status
from swebench_tui.runs import formatting
from swebench_tui.runs.column import GenerationState, State

DONE = GenerationState(
    state=State.DONE,
    started=100.0,
    first_token=100.61,
    last_token=105.61,
    ended=106.0,
    pieces=400,
    usage=TokenUsage(prompt_tokens=10, completion_tokens=421),
    cost=Decimal("0.0121"),
    finish_reason=FinishReason.STOP,
    settled=True,
)


def facts(**changes: object) -> GenerationState:
    return msgspec.structs.replace(DONE, **changes)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0, "0.00s"),
        (0.614, "0.61s"),
        (9.99, "9.99s"),
        (10.0, "10.0s"),
        (12.44, "12.4s"),
        (99.94, "99.9s"),
        (100.0, "1m40s"),
        (185.2, "3m05s"),
        (3600.0, "60m00s"),
    ],
)
def test_seconds_get_coarser_as_they_grow(value: float | None, words: str) -> None:
    assert formatting.seconds(value) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "$0.00"),
        ("0.0000001", "$0.00000010"),
        ("0.000000123", "$0.00000012"),
        ("0.000042", "$0.000042"),
        ("0.0000425", "$0.000042"),
        ("0.00042", "$0.00042"),
        ("0.0042", "$0.0042"),
        ("0.0121", "$0.0121"),
        ("0.05", "$0.0500"),
        ("0.999", "$0.9990"),
        ("1", "$1.00"),
        ("1.254", "$1.25"),
        ("1234.5", "$1234.50"),
    ],
)
def test_small_amounts_keep_two_digits_that_say_something(amount: str, words: str) -> None:
    assert formatting.dollars(Decimal(amount)) == words


@given(st.decimals("0.0000001", "1000000", allow_nan=False, allow_infinity=False))
def test_dollars_are_never_off_by_more_than_five_percent_and_never_shown_as_nothing(amount: Decimal) -> None:
    shown = Decimal(formatting.dollars(amount).removeprefix("$"))
    assert abs(shown - amount) <= amount / 20


@pytest.mark.parametrize(
    ("known", "free", "words"),
    [
        (DONE, False, "$0.0121"),
        (DONE, True, "free"),
        (facts(cost=Decimal(0)), False, "$0.00"),
        (facts(cost=None), False, "price unknown"),
        (facts(cost=None, settled=False), False, "$–"),
        (GenerationState(state=State.STREAMING), False, "$–"),
        (GenerationState(), True, "free"),
        (facts(state=State.CANCELLED, cost=None), False, "price unknown"),
    ],
)
def test_an_unknown_price_is_never_a_number(known: GenerationState, *, free: bool, words: str) -> None:
    assert formatting.cost(known, free=free) == words


@pytest.mark.parametrize(
    ("known", "tokens", "rate"),
    [
        (DONE, "421 tok", "84 tok/s"),
        (facts(usage=None), "~400 tok", "~80 tok/s"),
        (facts(usage=None, pieces=1234), "~1,234 tok", "~247 tok/s"),
        (facts(pieces=0, usage=None, first_token=None, last_token=None), "– tok", "– tok/s"),
        (facts(last_token=100.61), "421 tok", "– tok/s"),
        (facts(state=State.STREAMING, finish_reason=None), "~400 tok", "~80 tok/s"),
        (facts(usage=TokenUsage(prompt_tokens=10)), "~400 tok", "~80 tok/s"),
        (GenerationState(), "– tok", "– tok/s"),
    ],
)
def test_a_count_the_provider_did_not_make_is_marked_as_an_estimate(
    known: GenerationState, tokens: str, rate: str
) -> None:
    assert (formatting.tokens(known), formatting.rate(known)) == (tokens, rate)


@pytest.mark.parametrize(
    ("known", "glyph", "words"),
    [
        (GenerationState(), "◌", "waiting"),
        (GenerationState(state=State.CONNECTING), "◌", "connecting"),
        (GenerationState(state=State.THINKING), "◐", "thinking"),
        (GenerationState(state=State.STREAMING), "●", "streaming"),
        (DONE, "✓", "done"),
        (facts(finish_reason=FinishReason.LENGTH), "▲", "done, cut off by the output limit"),
        (facts(finish_reason=FinishReason.CONTENT_FILTER), "▲", "done, blocked by a content filter"),
        (facts(finish_reason=FinishReason.REFUSAL), "▲", "done, refused"),
        (facts(finish_reason=FinishReason.TOOL_CALLS), "▲", "done, asked for a tool"),
        (facts(finish_reason=FinishReason.CANCELLED), "▲", "done, stopped by the server"),
        (facts(finish_reason=FinishReason.ERROR), "▲", "done, broken off by an error"),
        (facts(state=State.FAILED), "✗", "failed"),
        (facts(state=State.FAILED, finish_reason=FinishReason.LENGTH), "✗", "failed"),
        (facts(state=State.CANCELLED), "■", "cancelled"),
    ],
)
def test_each_state_has_a_sign_and_words_of_its_own(known: GenerationState, glyph: str, words: str) -> None:
    assert (formatting.glyph(known), formatting.state_words(known)) == (glyph, words)


@pytest.mark.parametrize("reason", FinishReason)
def test_no_answer_that_was_stopped_looks_like_one_that_ended(reason: FinishReason) -> None:
    known = facts(finish_reason=reason)
    assert (formatting.glyph(known) == "✓") is known.complete


@pytest.mark.parametrize(
    ("known", "free", "words"),
    [
        (DONE, False, "6.00s  ttft 0.61s  84 tok/s  421 tok  $0.0121"),
        (DONE, True, "6.00s  ttft 0.61s  84 tok/s  421 tok  free"),
        (GenerationState(), False, "–  ttft –  – tok/s  – tok  $–"),
    ],
)
def test_the_summary_is_one_line_of_all_figures(known: GenerationState, *, free: bool, words: str) -> None:
    assert formatting.summary(known, free=free) == words


@pytest.mark.parametrize(
    ("status", "detail", "words"),
    [
        ("applies", "", "patch applies"),
        ("applies", "recounted a hunk", "patch applies (recounted a hunk)"),
        ("does_not_apply", "SEARCH text not found in a.py", "patch does not apply (SEARCH text not found in a.py)"),
        ("no_patch", "", "no patch"),
        ("unchecked", "no checkout", "patch not checked (no checkout)"),
    ],
)
def test_what_became_of_a_patch_is_said_with_its_reason(status: Status, detail: str, words: str) -> None:
    assert formatting.patch_words(PatchVerdict(status=status, detail=detail)) == words
