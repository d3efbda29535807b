"""Text for a generation's state and metrics: the same on the screen and on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from swebench_providers import FinishReason
from swebench_tui.runs.generation_state import GenerationState, Status

if TYPE_CHECKING:
    from swebench_tui.bench.patches import PatchVerdict

GLYPHS: Final = {
    Status.WAITING: "◌",
    Status.CONNECTING: "◌",
    Status.THINKING: "◐",
    Status.STREAMING: "●",
    Status.DONE: "✓",
    Status.FAILED: "✗",
    Status.CANCELLED: "■",
}

_EARLY_ENDS: Final = {
    FinishReason.LENGTH: "cut off by the output limit",
    FinishReason.CONTENT_FILTER: "blocked by a content filter",
    FinishReason.REFUSAL: "refused",
    FinishReason.TOOL_CALLS: "requested a tool call",
    FinishReason.CANCELLED: "stopped by the server",
    FinishReason.ERROR: "interrupted by an error",
}

_PATCH_STATUS: Final = {
    "applies": "patch applies",
    "partial": "patch applies in part",
    "does_not_apply": "patch does not apply",
    "no_patch": "no patch",
    "unchecked": "patch not checked",
}


def glyph(state: GenerationState) -> str:
    """The sign of a status; an answer that ended early has a sign of its own."""
    return "▲" if ended_early(state) else GLYPHS[state.status]


def ended_early(state: GenerationState) -> bool:
    """Whether the answer ended, but not because the model was done."""
    return state.status is Status.DONE and state.finish_reason in _EARLY_ENDS


def status_text(state: GenerationState) -> str:
    """The status, with the reason of a wait or of an early end."""
    if state.wait is not None and state.status is Status.WAITING:
        return f"{state.status.value}, {state.wait.reason}"
    if ended_early(state) and state.finish_reason is not None:
        return f"{state.status.value}, {_EARLY_ENDS[state.finish_reason]}"
    return state.status.value


def seconds(value: float | None) -> str:
    """`0.61s`, `12.4s`, `3m05s`; `–` for unknown."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.2f}s"
    return f"{value:.1f}s" if value < 100 else f"{int(value) // 60}m{int(value) % 60:02d}s"


def rate(state: GenerationState) -> str:
    """Tokens per second, with `~` while deltas stand for tokens."""
    value = state.tokens_per_second
    return "– tok/s" if value is None else f"{_tilde(state)}{value:.0f} tok/s"


def tokens(state: GenerationState) -> str:
    """Tokens of the answer, with `~` while deltas stand for tokens."""
    return f"{_tilde(state)}{state.tokens:,} tok" if state.tokens else "– tok"


def cost(state: GenerationState) -> str:
    """`$0.0121`, `~$0.0121` for an estimate, `free`, `no charge`, or `price unknown`; `$–` before the end."""
    if state.free:
        return "free"
    if not state.status.ended:
        return "$–"
    if state.cost is None:
        return "price unknown"
    if not state.cost and state.status is not Status.DONE:
        return "no charge"
    return f"~{dollars(state.cost)}" if state.cost_estimated and state.cost else dollars(state.cost)


def dollars(amount: Decimal) -> str:
    """Two significant digits at least: `$0.0121`, `$0.000042`, `$1.25`."""
    if amount >= 1 or amount == 0:
        return f"${amount:.2f}"
    places = max(4, 1 - amount.adjusted())
    return f"${amount:.{places}f}"


class Metric(NamedTuple):
    """One metric of an answer: its text for people, and its fields in `compare --json`.

    Without `text` it is in JSON only. `line` is the line of a narrow column that shows it, below the status.
    """

    text: Callable[[GenerationState], str] | None = None
    json_fields: Mapping[str, Callable[[GenerationState], object]] = {}
    line: int = 0


METRICS: Final = (
    Metric(lambda state: f"ttft {seconds(state.ttft)}", {"ttft_ms": lambda state: milliseconds(state.ttft)}),
    Metric(None, {"latency_ms": lambda state: milliseconds(state.latency)}),
    Metric(None, {"waited_ms": lambda state: milliseconds(state.waited)}),
    Metric(rate, {"tokens_per_second": lambda state: _rounded(state.tokens_per_second)}),
    Metric(tokens, line=1),
    Metric(
        cost,
        {
            "cost": lambda state: None if state.cost is None else float(state.cost),
            "cost_estimated": lambda state: state.cost_estimated,
        },
        line=1,
    ),
)
"""All metrics, in the order in which columns, `compare` and `compare --json` show them."""


def metric_lines(state: GenerationState) -> list[str]:
    """The lines of metrics in a narrow column; joined by two spaces they are the line of a wide one."""
    shown = [(metric.line, metric.text(state)) for metric in METRICS if metric.text is not None]
    return ["  ".join(text for own, text in shown if own == line) for line in sorted({line for line, _ in shown})]


def metric_fields(state: GenerationState) -> dict[str, object]:
    """The metrics as fields of `compare --json`."""
    return {name: value(state) for metric in METRICS for name, value in metric.json_fields.items()}


def summary(state: GenerationState) -> str:
    """All metrics in one line, after the seconds from start to end."""
    elapsed = state.elapsed(state.ended_at) if state.ended_at is not None else None
    return "  ".join([seconds(elapsed), *metric_lines(state)])


def milliseconds(value: float | None) -> float | None:
    """Seconds as milliseconds; None stays None."""
    return None if value is None else round(value * 1000, 3)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def patch_text(patch: PatchVerdict, *, guided: bool = False) -> str:
    """`patch applies`, or another status, with the detail; `patch applies, guided` for a guided answer."""
    status = _PATCH_STATUS[patch.status] + (", guided" if guided else "")
    return f"{status} ({patch.detail})" if patch.detail else status


def _tilde(state: GenerationState) -> str:
    return "" if state.tokens_exact else "~"
