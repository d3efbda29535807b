"""How many tokens of files a prompt may have."""

from __future__ import annotations

import pytest

from swebench_providers import TokenCount
from swebench_tui.bench.context import Context, ContextMode, LeftOut
from swebench_tui.services.file_budget import budget_notes, excess, file_budget
from swebench_tui.services.windows import ModelLimits
from swebench_tui.settings.definitions import DEFAULT_CONTEXT_TOKENS

UNKNOWN = ModelLimits()
SMALL = ModelLimits(window=8_192, max_output=2_000, source="server")
CUT = Context(mode=ContextMode.SEARCH, left_out=(LeftOut("a.py", "over budget: 900 tokens"),))


def counted(tokens: int) -> TokenCount:
    return TokenCount(tokens, "exact", "counted")


def test_an_unknown_window_leaves_the_requested_tokens() -> None:
    assert file_budget(None, UNKNOWN, fixed=300, exact=True, max_tokens=None).tokens == DEFAULT_CONTEXT_TOKENS
    assert file_budget(500, UNKNOWN, fixed=300, exact=True, max_tokens=None).tokens == 500


def test_the_window_less_answer_and_issue_is_the_limit() -> None:
    budget = file_budget(None, SMALL, fixed=300, exact=True, max_tokens=None)
    assert budget.tokens == budget.room == 8_192 - 2_000 - 300 - 16
    assert file_budget(1_000, SMALL, fixed=300, exact=True, max_tokens=None).tokens == 1_000
    assert file_budget(None, SMALL, fixed=300, exact=True, max_tokens=500).tokens == 8_192 - 500 - 300 - 16


def test_an_estimate_leaves_a_part_of_the_window_free() -> None:
    exact, estimated = (
        file_budget(None, SMALL, fixed=300, exact=exact, max_tokens=None).tokens for exact in (True, False)
    )
    assert exact - estimated == round(8_192 * 0.15)


def test_an_issue_longer_than_the_window_leaves_no_room() -> None:
    assert file_budget(None, SMALL, fixed=9_000, exact=True, max_tokens=None).tokens == 0


@pytest.mark.parametrize(
    ("limits", "max_tokens", "kept"),
    [
        (ModelLimits(window=100_000, max_output=8_000), None, 8_000),
        (ModelLimits(window=100_000, max_output=8_000), 500, 500),
        (ModelLimits(window=100_000, max_output=100_000), None, 50_000),
        (ModelLimits(window=100_000), None, 4_096),
        (ModelLimits(window=8_192), None, 2_048),
        (ModelLimits(window=8_192), 9_000, 4_096),
    ],
)
def test_half_of_the_window_is_kept_for_answers_at_most(limits: ModelLimits, max_tokens: int | None, kept: int) -> None:
    assert limits.answer_tokens(max_tokens) == kept


def test_a_prompt_fits_up_to_its_answer() -> None:
    assert excess(counted(6_192), SMALL, max_tokens=None) == 0
    assert excess(counted(6_193), SMALL, max_tokens=None) == 1
    assert excess(counted(99_999), UNKNOWN, max_tokens=None) == 0


@pytest.mark.parametrize(
    ("requested", "limits", "context", "tokens", "notes"),
    [
        (None, UNKNOWN, CUT, 99, ["window unknown: the budget of files is 27,000 tokens, the default"]),
        (500, UNKNOWN, CUT, 99, ["window unknown: the budget of files is 500 tokens, as requested"]),
        (500, UNKNOWN, Context(mode=ContextMode.NONE), 99, []),
        (None, SMALL, CUT, 99, ["the window of 8,192 tokens has room for 5,876 tokens of files"]),
        (None, SMALL, Context(mode=ContextMode.SEARCH), 99, []),
        (500, SMALL, CUT, 99, []),
        (None, SMALL, CUT, 9_000, ["the prompt does not fit the window of 8,192 tokens with its answer"]),
    ],
)
def test_notes_say_what_limits_the_files(
    requested: int | None, limits: ModelLimits, context: Context, tokens: int, notes: list[str]
) -> None:
    budget = file_budget(requested, limits, fixed=300, exact=True, max_tokens=None)
    assert list(budget_notes(context, budget, counted(tokens), limits, max_tokens=None)) == notes
