"""State and figures as text: what the screen and the command line both print."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import FinishReason, TokenUsage
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.patches.verdict import Status as PatchStatus
from swebench_tui.runs import formatting
from swebench_tui.runs.generation_state import GenerationState, Status

DONE = GenerationState(
    status=Status.DONE,
    started_at=100.0,
    first_token_at=100.61,
    last_token_at=105.61,
    ended_at=106.0,
    deltas=400,
    usage=TokenUsage(prompt_tokens=10, completion_tokens=421),
    cost=Decimal("0.0121"),
    finish_reason=FinishReason.STOP,
)


def state(**changes: object) -> GenerationState:
    return msgspec.structs.replace(DONE, **changes)


@pytest.mark.parametrize(
    ("value", "shown"),
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
def test_seconds_get_coarser_as_they_grow(value: float | None, shown: str) -> None:
    assert formatting.seconds(value) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
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
def test_small_amounts_keep_two_significant_digits(amount: str, shown: str) -> None:
    assert formatting.dollars(Decimal(amount)) == shown


@given(st.decimals("0.0000001", "1000000", allow_nan=False, allow_infinity=False))
def test_dollars_are_never_off_by_more_than_five_percent(amount: Decimal) -> None:
    parsed = Decimal(formatting.dollars(amount).removeprefix("$"))
    assert abs(parsed - amount) <= amount / 20


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (DONE, "$0.0121"),
        (state(cost_estimated=True), "~$0.0121"),
        (state(free=True, cost=Decimal(0)), "free"),
        (state(cost=Decimal(0)), "$0.00"),
        (state(cost=None), "price unknown"),
        (GenerationState(status=Status.STREAMING), "$–"),
        (GenerationState(free=True), "free"),
        (state(status=Status.CANCELLED, cost=None), "price unknown"),
        (state(status=Status.CANCELLED, cost_estimated=True), "~$0.0121"),
        (state(status=Status.CANCELLED, cost=Decimal(0)), "no charge"),
        (state(status=Status.FAILED, cost=Decimal(0)), "no charge"),
    ],
)
def test_an_unknown_price_is_never_a_number(known: GenerationState, shown: str) -> None:
    assert formatting.cost(known) == shown


@pytest.mark.parametrize(
    ("known", "tokens", "rate"),
    [
        (DONE, "421 tok", "84 tok/s"),
        (state(usage=None), "~400 tok", "~80 tok/s"),
        (state(usage=None, deltas=1234), "~1,234 tok", "~247 tok/s"),
        (state(deltas=0, usage=None, first_token_at=None, last_token_at=None), "– tok", "– tok/s"),
        (state(last_token_at=100.61), "421 tok", "– tok/s"),
        (state(status=Status.STREAMING, finish_reason=None), "~400 tok", "~80 tok/s"),
        (state(usage=TokenUsage(prompt_tokens=10)), "~400 tok", "~80 tok/s"),
        (GenerationState(), "– tok", "– tok/s"),
    ],
)
def test_a_count_by_deltas_is_marked_as_an_estimate(known: GenerationState, tokens: str, rate: str) -> None:
    assert (formatting.tokens(known), formatting.rate(known)) == (tokens, rate)


@pytest.mark.parametrize(
    ("known", "glyph", "shown"),
    [
        (GenerationState(), "◌", "waiting"),
        (GenerationState(status=Status.CONNECTING), "◌", "connecting"),
        (GenerationState(status=Status.THINKING), "◐", "thinking"),
        (GenerationState(status=Status.STREAMING), "●", "streaming"),
        (DONE, "✓", "done"),
        (state(finish_reason=FinishReason.LENGTH), "▲", "done, cut off by the output limit"),
        (state(finish_reason=FinishReason.CONTENT_FILTER), "▲", "done, blocked by a content filter"),
        (state(finish_reason=FinishReason.REFUSAL), "▲", "done, refused"),
        (state(finish_reason=FinishReason.TOOL_CALLS), "▲", "done, requested a tool call"),
        (state(finish_reason=FinishReason.CANCELLED), "▲", "done, stopped by the server"),
        (state(finish_reason=FinishReason.ERROR), "▲", "done, interrupted by an error"),
        (state(status=Status.FAILED), "✗", "failed"),
        (state(status=Status.FAILED, finish_reason=FinishReason.LENGTH), "✗", "failed"),
        (state(status=Status.CANCELLED), "■", "cancelled"),
    ],
)
def test_each_status_has_a_glyph_and_text_of_its_own(known: GenerationState, glyph: str, shown: str) -> None:
    assert (formatting.glyph(known), formatting.status_text(known)) == (glyph, shown)


@pytest.mark.parametrize("reason", FinishReason)
def test_no_answer_that_was_stopped_looks_like_one_that_ended(reason: FinishReason) -> None:
    known = state(finish_reason=reason)
    assert (formatting.glyph(known) == "✓") is known.complete


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (DONE, "6.00s  ttft 0.61s  84 tok/s  421 tok  $0.0121"),
        (state(free=True), "6.00s  ttft 0.61s  84 tok/s  421 tok  free"),
        (GenerationState(), "–  ttft –  – tok/s  – tok  $–"),
    ],
)
def test_the_summary_is_one_line_of_all_figures(known: GenerationState, shown: str) -> None:
    assert formatting.summary(known) == shown


@pytest.mark.parametrize(
    ("status", "detail", "shown"),
    [
        ("applies", "", "patch applies"),
        ("applies", "recounted a hunk", "patch applies (recounted a hunk)"),
        ("does_not_apply", "SEARCH text not found in a.py", "patch does not apply (SEARCH text not found in a.py)"),
        ("partial", "1 of 2 hunks applies", "patch applies in part (1 of 2 hunks applies)"),
        ("no_patch", "", "no patch"),
        ("unchecked", "no checkout", "patch not checked (no checkout)"),
    ],
)
def test_the_patch_status_is_shown_with_its_detail(status: PatchStatus, detail: str, shown: str) -> None:
    assert formatting.patch_text(PatchVerdict(status=status, detail=detail)) == shown
