"""How facts are written for people: the same words on the screen and on the command line."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from swebench_providers import FinishReason
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.runs.column import GenerationState, State

GLYPHS: Final = {
    State.WAITING: "◌",
    State.CONNECTING: "◌",
    State.THINKING: "◐",
    State.STREAMING: "●",
    State.DONE: "✓",
    State.FAILED: "✗",
    State.CANCELLED: "■",
}

_ENDINGS: Final = {
    FinishReason.LENGTH: "cut off by the output limit",
    FinishReason.CONTENT_FILTER: "blocked by a content filter",
    FinishReason.REFUSAL: "refused",
    FinishReason.TOOL_CALLS: "asked for a tool",
    FinishReason.CANCELLED: "stopped by the server",
    FinishReason.ERROR: "broken off by an error",
}

_PATCH_WORDS: Final = {
    "applies": "patch applies",
    "does_not_apply": "patch does not apply",
    "no_patch": "no patch",
    "unchecked": "patch not checked",
}


def glyph(facts: GenerationState) -> str:
    """The sign of a state; an answer that ended but not by itself gets a sign of its own."""
    return "▲" if cut_short(facts) else GLYPHS[facts.state]


def cut_short(facts: GenerationState) -> bool:
    """Whether the answer ended, but not because the model was done."""
    return facts.state is State.DONE and facts.finish_reason in _ENDINGS


def state_words(facts: GenerationState) -> str:
    """The state, what is waited for, and what kind of end it was where that was not the model's own."""
    if facts.wait is not None and facts.state is State.WAITING:
        return f"{facts.state.value}, {facts.wait.reason}"
    ending = _ENDINGS.get(facts.finish_reason) if facts.state is State.DONE and facts.finish_reason else None
    return f"{facts.state.value}, {ending}" if ending else facts.state.value


def seconds(value: float | None) -> str:
    """`0.61s`, `12.4s`, `3m05s`; `–` for unknown."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.2f}s"
    return f"{value:.1f}s" if value < 100 else f"{int(value) // 60}m{int(value) % 60:02d}s"


def rate(facts: GenerationState) -> str:
    """Tokens per second, with `~` while pieces stand for tokens."""
    value = facts.tokens_per_second
    return "– tok/s" if value is None else f"{_about(facts)}{value:.0f} tok/s"


def tokens(facts: GenerationState) -> str:
    """Tokens of the answer, with `~` while pieces stand for tokens."""
    return f"{_about(facts)}{facts.tokens:,} tok" if facts.tokens else "– tok"


def cost(facts: GenerationState, *, free: bool) -> str:
    """Dollars, with `~` for an estimate, `free`, or `price unknown`; `–` while it is not due yet."""
    if free:
        return "free"
    if facts.cost is not None:
        return f"~{dollars(facts.cost)}" if facts.cost_estimated and facts.cost else dollars(facts.cost)
    return "price unknown" if facts.settled else "$–"


def dollars(amount: Decimal) -> str:
    """Two significant digits at least: `$0.0121`, `$0.000042`, `$1.25`."""
    if amount >= 1 or amount == 0:
        return f"${amount:.2f}"
    places = max(4, 1 - amount.adjusted())
    return f"${amount:.{places}f}"


def summary(facts: GenerationState, *, free: bool) -> str:
    """One line of figures."""
    elapsed = facts.elapsed(facts.ended or 0.0) if facts.ended is not None else None
    parts = [seconds(elapsed), f"ttft {seconds(facts.ttft)}", rate(facts), tokens(facts), cost(facts, free=free)]
    return "  ".join(parts)


def patch_words(patch: PatchVerdict) -> str:
    """`patch applies`, or what became of it instead, with the reason."""
    words = _PATCH_WORDS[patch.status]
    return f"{words} ({patch.detail})" if patch.detail else words


def _about(facts: GenerationState) -> str:
    return "" if facts.tokens_exact else "~"
