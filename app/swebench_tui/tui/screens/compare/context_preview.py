"""Lines that show a prompt before it is sent: its models with tokens and price, its files, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from textual.content import Content

from swebench_tui.bench.context import ContextFile
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.formatting import dollars
from swebench_tui.runs.target import Target
from swebench_tui.services.input_estimate import InputEstimate
from swebench_tui.terminal_text import one_line

_MAX_FILES: Final = 200


class Seen(NamedTuple):
    """The prompt of one model, and what sending it is expected to cost."""

    target: Target
    prompt: TaskPrompt
    estimate: InputEstimate


def model_line(seen: Seen) -> Content:
    """`openai · gpt-6.1  search: 5 files · 12,931 tokens of 400,000 · $0.0161 + answer`."""
    prompt, estimate = seen.prompt, seen.estimate
    tokens = "tokens unknown"
    if prompt.tokens is not None:
        tokens = f"{'' if prompt.tokens.source == 'exact' else '~'}{prompt.tokens.tokens:,} tokens"
    window = estimate.limits.window
    of_window = " · window unknown" if window is None else f" of {window:,}"
    price = "price unknown" if estimate.cost is None else f"{dollars(estimate.cost)} + answer"
    details = f"{prompt.context} · {tokens}{of_window} · {'free' if estimate.free else price}"
    return Content.assemble((one_line(str(seen.target)), "bold"), f"  {one_line(details)}")


def file_lines(prompt: TaskPrompt) -> Iterator[Content]:
    """The files that a prompt shows, and how many were left out for which reason."""
    context = prompt.shown
    if context is None:
        return
    yield Content.styled(f"FILES: {len(context.files)}", "$text-muted")
    for file in context.files[:_MAX_FILES]:
        yield Content.assemble(one_line(file.path), (f"  {_lines(file)}", "$text-muted"))
    if len(context.files) > _MAX_FILES:
        yield Content.styled(f"… {len(context.files) - _MAX_FILES} more", "$text-muted")
    for reason, count in Counter(one_line(left.reason.partition(":")[0]) for left in context.left_out).most_common(
        _MAX_FILES
    ):
        yield Content.styled(f"left out: {count} · {reason}", "$text-muted")


def note_lines(models: Sequence[Seen]) -> list[Content]:
    """The notes about the prompts, each once."""
    notes = dict.fromkeys(one_line(note) for seen in models for note in seen.prompt.notes)
    return [Content.styled(f"⚠ {note}", "$text-warning") for note in notes]


def _lines(file: ContextFile) -> str:
    if file.whole:
        return f"{file.lines:,} lines"
    ranges = [f"{window.first}-{window.first + window.text.count(chr(10)) - 1}" for window in file.windows]
    shown = ", ".join(ranges[:8]) + (" …" if len(ranges) > 8 else "")
    return f"{shown} of {file.lines:,}"
