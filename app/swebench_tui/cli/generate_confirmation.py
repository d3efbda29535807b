"""Asks before requests that cost money, with what they are expected to cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.cli.key_input import is_interactive
from swebench_tui.runs.formatting import dollars
from swebench_tui.runs.provider_resolver import ResolvedProvider
from swebench_tui.services.generation_estimate import SAMPLE, RunEstimate, estimate_run
from swebench_tui.services.generation_run import TargetRun
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.terminal_text import one_line


async def confirm(
    runs: Sequence[TargetRun], tasks: Sequence[Instance], prompts: TaskPrompts, options: PromptOptions
) -> None:
    """Prompt for a run whose answers are not free. Raises `click.Abort`, and `click.UsageError` without a terminal."""
    paid = [run for run in runs if not run.source.is_free(run.target.model)]
    if not paid:
        return
    if not is_interactive():
        raise click.UsageError("Not a terminal: pass --yes to send requests that cost money.")
    for run in paid:
        assert isinstance(run.source, ResolvedProvider)  # noqa: S101 - the command resolves its providers itself
        sample = [await _prompt(prompts, task, run, options) for task in tasks[:SAMPLE]]
        estimate = await estimate_run(run.source.provider, run.target.model, sample, tasks=len(tasks))
        for line in estimate_lines(str(run.target), estimate):
            click.echo(line, err=True)
        if options.context is ContextMode.PICK:
            click.echo("  This is the first call, in which the model names files; the prompts follow.", err=True)
    click.confirm("Send these requests?", abort=True, err=True)


async def _prompt(prompts: TaskPrompts, task: Instance, run: TargetRun, options: PromptOptions) -> TaskPrompt:
    build = prompts.first_call if options.context is ContextMode.PICK else prompts.build
    return await build(task, run.target, options)


def estimate_lines(target: str, estimate: RunEstimate) -> Iterator[str]:
    """What is sent to a target, and what it costs."""
    tasks = "1 task" if estimate.tasks == 1 else f"{estimate.tasks:,} tasks"
    yield f"{one_line(target)}: {tasks}, prompts of about {estimate.prompt_tokens:,} tokens (from {estimate.sampled})"
    if estimate.prompts is None or estimate.answers is None:
        yield "  price unknown"
    else:
        yield f"  prompts about {dollars(estimate.prompts)}, answers {dollars(estimate.answers)} for 1,000 tokens"
