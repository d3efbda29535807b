"""The tokens that the files of a prompt may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.context import Context, ContextMode
from swebench_tui.settings.definitions import DEFAULT_CONTEXT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swebench_providers import TokenCount
    from swebench_tui.services.windows import ModelLimits

_FRAMING: Final = 16  # tokens that a chat adds to its texts, at most
_ESTIMATE_SLACK: Final = 0.15
"""Share of a window that stays free where tokens are estimated: 99 % of the estimates are closer than that."""


class FileBudget(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` for files; `room` is what the model's window has for them, None where the window is unknown.

    `requested` is the budget of the options, None for the default.
    """

    tokens: int
    room: int | None = None
    requested: int | None = None
    exact: bool = True


def file_budget(
    requested: int | None, limits: ModelLimits, *, fixed: int, exact: bool, max_tokens: int | None
) -> FileBudget:
    """What is requested, else 27,000 tokens, and no more than the window has room for.

    `fixed` are the tokens of the prompt without files, and `exact` says whether tokens are counted or estimated.
    """
    tokens = DEFAULT_CONTEXT_TOKENS if requested is None else requested
    if limits.window is None:
        return FileBudget(tokens=tokens, requested=requested, exact=exact)
    slack = 0 if exact else round(limits.window * _ESTIMATE_SLACK)
    room = max(0, limits.window - limits.answer_tokens(max_tokens) - fixed - _FRAMING - slack)
    return FileBudget(tokens=min(tokens, room), room=room, requested=requested, exact=exact)


def excess(tokens: TokenCount, limits: ModelLimits, *, max_tokens: int | None) -> int:
    """By how many tokens a prompt is too long for the window with its answer; 0 or less where it fits."""
    return 0 if limits.window is None else tokens.tokens + limits.answer_tokens(max_tokens) - limits.window


def budget_notes(
    context: Context, budget: FileBudget, tokens: TokenCount, limits: ModelLimits, *, max_tokens: int | None
) -> Iterator[str]:
    """What the user must know of the budget: an unknown window, one that leaves less than was requested, none."""
    if context.mode is not ContextMode.NONE and budget.room is None:
        origin = "the default" if budget.requested is None else "as requested"
        yield f"window unknown: the budget of files is {budget.tokens:,} tokens, {origin}"
    if excess(tokens, limits, max_tokens=max_tokens) > 0:
        yield f"the prompt does not fit the window of {limits.window:,} tokens with its answer"
    elif budget.room == budget.tokens and any(left.reason.startswith("over budget") for left in context.left_out):
        slack = "" if budget.exact else "; 15 % of it stay free, since tokens are estimated"
        yield f"the window of {limits.window:,} tokens has room for {budget.room:,} tokens of files{slack}"
