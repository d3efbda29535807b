"""How commands print prompts: a line or two before they are sent, and fields of JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from swebench_tui.runs.formatting import dollars
from swebench_tui.terminal_text import one_line

if TYPE_CHECKING:
    from swebench_providers import TokenCount, TokenUsage
    from swebench_tui.bench.context import ContextFile
    from swebench_tui.bench.task import Pick, TaskPrompt
    from swebench_tui.runs.target import Target
    from swebench_tui.services.input_estimate import InputEstimate


def print_progress(sentence: str) -> None:
    """A line on standard error, where that is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(f"{one_line(sentence)} …", err=True)


def context_line(prompt: TaskPrompt) -> str:
    """The context in a sentence: `Context: search: 5 files, weak match. 12,310 tokens of 27,000.`."""
    shown = prompt.shown
    if shown is None or not shown.files:
        return f"Context: {prompt.context}."
    budget = "" if shown.budget is None else f" of {shown.budget:,}"
    return f"Context: {prompt.context}. {shown.tokens:,} tokens{budget}."


def note_lines(prompts: Sequence[tuple[Target | None, TaskPrompt]]) -> Iterator[str]:
    """The notes, each once; one that is not for all targets names those it is for."""
    targets: dict[str, list[str]] = {}
    for target, prompt in prompts:
        for note in prompt.notes:
            targets.setdefault(note, []).append(str(target))
    for note, names in targets.items():
        whose = "" if len(names) == len(prompts) else f" ({', '.join(dict.fromkeys(names))})"
        yield one_line(f"Note{whose}: {note}")


def token_text(tokens: TokenCount | None) -> str:
    """`1,240 tokens`, with `~` for an estimate."""
    if tokens is None:
        return "tokens not counted"
    return f"{'' if tokens.source == 'exact' else '~'}{tokens.tokens:,} tokens"


def input_line(target: Target | None, estimate: InputEstimate) -> str:
    """`openai:gpt-6-luna: ~1,240 tokens in, ~$0.0003 plus output; window 400,000 (catalog), 128,000 left to answer`."""
    limits = estimate.limits
    window = "window unknown" if limits.window is None else f"window {limits.window:,} ({limits.source})"
    left = "" if estimate.answer_tokens is None else f", {estimate.answer_tokens:,} left for the answer"
    name = "" if target is None else f"{target}: "
    return f"{name}{token_text(estimate.tokens)} in, {price_text(estimate)}; {window}{left}"


def price_text(estimate: InputEstimate) -> str:
    """`$0.0003 plus output`, `free` or `price unknown`; `~` marks an estimate."""
    if estimate.free:
        return "free"
    if estimate.cost is None:
        return "price unknown"
    exact = estimate.tokens is not None and estimate.tokens.source == "exact"
    return f"{'' if exact else '~'}{dollars(estimate.cost)} plus output"


def prompt_fields(prompt: TaskPrompt) -> dict[str, object]:
    """The record of a prompt: where it is from and what it shows, but not its text."""
    shown, template = prompt.shown, prompt.template
    return {
        "hash": prompt.hash,
        "dataset": prompt.dataset or None,
        "revision": prompt.revision or None,
        "template": None if template is None else template.name,
        "format": None if template is None else template.answer_format.value,
        "numbered": None if template is None else template.numbers_lines,
        "context": prompt.mode or None,
        "oracle": prompt.mode == "oracle",
        "label": prompt.context,
        "match": None if shown is None else shown.match,
        "files": [] if shown is None else list(map(_file_fields, shown.files)),
        "left_out": [] if shown is None else [{"path": each.path, "reason": each.reason} for each in shown.left_out],
        "context_tokens": None if shown is None else shown.tokens,
        "budget": None if shown is None else shown.budget,
        "tokens": token_fields(prompt.tokens),
        "notes": list(prompt.notes),
    }


def token_fields(tokens: TokenCount | None) -> dict[str, object] | None:
    """A count with its label."""
    if tokens is None:
        return None
    return {"tokens": tokens.tokens, "source": tokens.source, "means": tokens.means}


def estimate_fields(estimate: InputEstimate) -> dict[str, object]:
    """What is known of a prompt at a model before it is sent."""
    limits = estimate.limits
    return {
        "window": limits.window,
        "window_source": limits.source,
        "max_output": limits.max_output,
        "answer_tokens": estimate.answer_tokens,
        "input_cost": None if estimate.cost is None else float(estimate.cost),
        "input_cost_estimated": estimate.tokens is None or estimate.tokens.source != "exact",
    }


def pick_fields(pick: Pick | None) -> dict[str, object] | None:
    """The first call of `pick`: its usage and cost are not part of those of the answer."""
    if pick is None:
        return None
    return {
        "files": list(pick.files),
        "unknown": list(pick.unknown),
        "problem": pick.problem or None,
        "usage": usage_fields(pick.usage),
        "cost": None if pick.cost is None else float(pick.cost),
        "cost_estimated": pick.cost_estimated,
        "prompt_hash": pick.prompt_hash,
    }


def usage_fields(usage: TokenUsage | None) -> dict[str, object] | None:
    """Tokens of a call."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "source": usage.source,
    }


def differ(prompts: Sequence[TaskPrompt]) -> bool:
    """Whether columns are not sent the same prompt."""
    return len({prompt.hash for prompt in prompts}) > 1


def shown_lines(file: ContextFile) -> list[tuple[int, int]]:
    """The first and last line of each window of a file."""
    return [
        (window.first, window.first + max(1, len(window.text.removesuffix("\n").split("\n"))) - 1)
        for window in file.windows
    ]


def _file_fields(file: ContextFile) -> dict[str, object]:
    return {
        "path": file.path,
        "lines": file.lines,
        "whole": file.whole,
        "windows": [{"first": first, "last": last} for first, last in shown_lines(file)],
    }
