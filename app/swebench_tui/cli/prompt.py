"""`swebench-tui prompt`: what a task's prompt holds. Nothing is sent to a model."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final, NamedTuple

import click

from swebench_tui import paths
from swebench_tui.bench import datasets
from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.datasets import STARTER, Dataset
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.dataset_loading import load_dataset
from swebench_tui.cli.failure import failing
from swebench_tui.cli.prompt_options import PromptFlags, with_prompt_flags
from swebench_tui.cli.prompt_output import (
    context_line,
    estimate_fields,
    input_line,
    note_lines,
    print_progress,
    prompt_fields,
    shown_lines,
    token_text,
)
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs
from swebench_tui.services.input_estimate import InputEstimate
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.repositories import configured_repositories
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.settings import prices_file
from swebench_tui.terminal_text import json_text, one_line, sanitize

_LINES: Final = 40
"""Lines of a message that are printed without --full."""

_LEFT_OUT: Final = 10
_EXAMPLES: Final = """\b
Examples:
  swebench-tui prompt show starter__tallybox-1
  swebench-tui prompt show starter__tallybox-1 -t embedded -t openai:gpt-6-luna --full
  swebench-tui prompt show starter__tallybox-1 --context search --format diff --json"""


@click.group("prompt", epilog="Example: swebench-tui prompt show starter__tallybox-1")
def command() -> None:
    """Show the prompts of tasks."""


@command.command("show", epilog=_EXAMPLES)
@click.argument("instance")
@click.option("--dataset", metavar="D", default=STARTER, show_default=True, help="Dataset of the task.")
@click.option(
    "-t",
    "--target",
    "targets",
    multiple=True,
    metavar="PROVIDER[:MODEL]",
    shell_complete=provider_names,
    help="Model the prompt is for: its window, tokens and price. Repeatable.",
)
@with_prompt_flags
@click.option("--base-url", "base_urls", multiple=True, metavar="[PROVIDER=]URL", help="Base URL. Repeatable.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Output limit, including reasoning.")
@click.option("--full", is_flag=True, help="Print messages whole, and every file that was left out.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per target.")
def show(
    *,
    instance: str,
    dataset: str,
    targets: tuple[str, ...],
    prompt_flags: PromptFlags,
    base_urls: tuple[str, ...],
    max_tokens: int | None,
    full: bool,
    as_json: bool,
) -> None:
    """Show exactly what would be sent for task INSTANCE, and what it is expected to cost.

    Nothing is sent to a model: servers are requested for windows, prices, and local ones for token counts. With
    --context pick it is the prompt of the first call, in which the model names files. `~` marks estimates.
    """
    with failing():
        loaded = load_dataset(dataset)
        task = datasets.find(loaded.instances, instance)
        chosen = [parse_target(name) for name in targets]
        urls = BaseURLs(base_urls)
        for name in urls.unknown(chosen):
            raise click.UsageError(f"--base-url names {name!r}, which is the provider of no target.")
        workspace = open_workspace()
        prices_file.apply(paths.prices(), workspace.registry)
        options = prompt_flags.options(workspace.settings, max_tokens=max_tokens)
        access = CommandAccess(workspace)
        repositories = configured_repositories(workspace.settings)
        builder = TaskPrompts(access, base_urls=urls, repositories=repositories)
        shown = asyncio.run(_build(access, builder, loaded, task, targets=chosen or [None], options=options))
    if as_json:
        for each in shown:
            click.echo(json_text(_fields(each)))
        return
    for line in _report(shown, full=full):
        click.echo(line)


class _Shown(NamedTuple):
    """A prompt, and what is expected at its target; without a target nothing is."""

    target: Target | None
    prompt: TaskPrompt
    estimate: InputEstimate | None


async def _build(
    access: CommandAccess,
    prompts: TaskPrompts,
    dataset: Dataset,
    task: Instance,
    *,
    targets: Sequence[Target | None],
    options: PromptOptions,
) -> list[_Shown]:
    shown = []
    async with access:
        for target in targets:
            if options.context is ContextMode.PICK:
                prompt = await prompts.first_call(task, target, options)
            else:
                prompt = await prompts.build(
                    task, target, options, dataset=dataset.name, revision=dataset.revision, progress=print_progress
                )
            estimate = None
            if target is not None:
                estimate = await prompts.estimate(prompt, target, max_tokens=options.max_tokens)
            shown.append(_Shown(target, prompt, estimate))
    return shown


def _fields(shown: _Shown) -> dict[str, object]:
    estimate = {} if shown.estimate is None else estimate_fields(shown.estimate)
    return {
        "target": None if shown.target is None else str(shown.target),
        **prompt_fields(shown.prompt),
        **estimate,
        "system": shown.prompt.system,
        "user": shown.prompt.prompt,
    }


def _report(shown: Sequence[_Shown], *, full: bool) -> Iterator[str]:
    """Each prompt once, under the targets that it is for."""
    groups: dict[str, list[_Shown]] = {}
    for each in shown:
        groups.setdefault(each.prompt.hash, []).append(each)
    yield from _wrapped(one_line(shown[0].prompt.title))
    if len(groups) > 1:
        yield "The prompts of the targets differ."
    for same in groups.values():
        yield ""
        for line in _facts(same, full=full):
            yield from _wrapped(line)
        prompt = same[0].prompt
        yield from _message("system", prompt.system or "(none)", full=full)
        yield from _message("user", prompt.prompt, full=full)


def _wrapped(line: str) -> list[str]:
    """The line in the width of a terminal; whole for a pipe or a file."""
    if not sys.stdout.isatty():
        return [line]
    width = shutil.get_terminal_size().columns
    return wrap(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False) or [line]


def _facts(same: Sequence[_Shown], *, full: bool) -> Iterator[str]:
    """What is known of a prompt at the targets that it is for."""
    prompt = same[0].prompt
    for each in same:
        if each.estimate is None:
            yield f"{token_text(prompt.tokens)} ({_means(prompt)}); name a model with -t for its window and price"
        else:
            yield one_line(input_line(each.target, each.estimate))
    yield one_line(context_line(prompt))
    yield from _files(prompt, full=full)
    yield from note_lines([(each.target, each.prompt) for each in same])
    template = "" if prompt.template is None else f"template {one_line(prompt.template.name)}, "
    yield f"Prompt: {template}sha256 {prompt.hash}"


def _means(prompt: TaskPrompt) -> str:
    return "" if prompt.tokens is None else prompt.tokens.means


def _files(prompt: TaskPrompt, *, full: bool) -> Iterator[str]:
    if prompt.shown is None:
        return
    for file in prompt.shown.files:
        windows = ", ".join(f"{first}-{last}" for first, last in shown_lines(file))
        yield f"  {one_line(file.path)}  {f'{file.lines} lines' if file.whole else f'lines {windows} of {file.lines}'}"
    left_out = prompt.shown.left_out
    if left_out:
        yield "Left out:"
    for left in left_out if full else left_out[:_LEFT_OUT]:
        yield f"  {one_line(left.path)}  {one_line(left.reason)}"
    if len(left_out) > _LEFT_OUT and not full:
        yield f"  … and {len(left_out) - _LEFT_OUT} more: --full lists them"


def _message(role: str, text: str, *, full: bool) -> Iterator[str]:
    lines = sanitize(text).split("\n")
    yield ""
    yield f"── {role} ──"
    yield from lines if full else lines[:_LINES]
    if len(lines) > _LINES and not full:
        yield f"… {len(lines) - _LINES} more lines: --full prints them"
