"""`swebench-tui compare`: a comparison without the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from swebench_tui import paths
from swebench_tui.bench.datasets import Dataset, Selection, select
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.task import TaskPrompt, custom_prompt
from swebench_tui.cli.compare_output import JSONLines, Printer, Text
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.dataset_loading import load_dataset
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.prompt_options import PromptFlags, with_prompt_flags
from swebench_tui.cli.selection import selection_options
from swebench_tui.runs.column import run_all
from swebench_tui.runs.generation import Source
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.provider_resolver import ProviderResolver, interactive_coordinator
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs, Comparison
from swebench_tui.services.guided import guide_for, why_never_guided
from swebench_tui.services.input_estimate import InputEstimate
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.repositories import configured_repositories
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.settings import prices_file
from swebench_tui.settings.definitions import GuidedStarter
from swebench_tui.settings.provider_config import rate_limits
from swebench_tui.settings.workspace import Workspace

_EXAMPLES = """\b
Examples:
  swebench-tui compare -t embedded --dataset starter --count 1
  swebench-tui compare -t openai:gpt-6-luna -t anthropic:claude-haiku-5-5 --prompt "Why is the sky blue?"
  swebench-tui compare -t compatible:qwen --base-url http://127.0.0.1:8080 --dataset tasks.jsonl --instance ID --json
"""


@click.command("compare", epilog=_EXAMPLES)
@click.option(
    "-t",
    "--target",
    "targets",
    multiple=True,
    metavar="PROVIDER[:MODEL]",
    shell_complete=provider_names,
    help="Add a column. Repeatable.",
)
@click.option("--providers", metavar="A,B", help="Add a column for each provider, with its default model.")
@click.option("--prompt", metavar="TEXT", help="Prompt to send.")
@click.option(
    "--prompt-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the prompt from FILE."
)
@click.option("--dataset", metavar="D", help="Send tasks of this dataset: see `swebench-tui dataset`.")
@selection_options
@with_prompt_flags
@click.option("--base-url", "base_urls", multiple=True, metavar="[PROVIDER=]URL", help="Base URL. Repeatable.")
@click.option("--temperature", type=click.FloatRange(min=0), metavar="T", help="Temperature. Not sent by default.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Output limit, including reasoning.")
@click.option(
    "--guided/--no-guided",
    default=None,
    help="Guide answers to starter tasks with a grammar: all llama.cpp servers. Default: the embedded model only.",
)
@click.option("--stream/--no-stream", default=True, show_default=True, help="Stream answers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event.")
def command(
    *,
    targets: tuple[str, ...],
    providers: str | None,
    prompt: str | None,
    prompt_file: Path | None,
    dataset: str | None,
    selection: Selection,
    prompt_flags: PromptFlags,
    base_urls: tuple[str, ...],
    temperature: float | None,
    max_tokens: int | None,
    guided: bool | None,
    stream: bool,
    as_json: bool,
) -> None:
    """Send one prompt to several models and print their answers.

    Tasks of a dataset are sent one by one. Selection flags apply in their order here, each to what the ones before it
    left. `prompt show` prints the prompt of a task and sends nothing.

    Exit status 1 if a column failed. With --json each line is an object with `event` (pick, prompt, state, delta,
    reset, notice or done), `column` and `target`. `pick` is the first call of --context pick with its own cost,
    `prompt` has context, tokens and hash of a task's prompt. `reset` voids the deltas of the column so far. `done` has
    text, reasoning, finish_reason, usage, cost (null: unknown), ttft_ms, latency_ms, guided, patch,
    prompt_hash and error.
    """
    names = [*targets, *(name for name in (providers or "").split(",") if name.strip())]
    if not names:
        raise click.UsageError("Name at least one column with -t PROVIDER:MODEL or --providers.")
    with failing():
        prompts, loaded = _prompts(prompt, prompt_file, dataset, selection, prompt_flags)
        columns = [msgspec.structs.replace(parse_target(name), temperature=temperature) for name in names]
        urls = _base_urls(base_urls, columns)
        workspace = open_workspace(spends=True)
        prices_file.apply(paths.prices(), workspace.registry)
        printer: Printer = JSONLines() if as_json else Text()
        options = prompt_flags.options(workspace.settings, max_tokens=max_tokens)
        choice = _guided(guided, workspace.settings.guided.starter, prompts, options)
        with closing(PatchChecker()) as checker:
            lookup = _Lookup(workspace)
            comparison = Comparison(lookup, checker, base_urls=urls, max_tokens=max_tokens, stream=stream)
            access = CommandAccess(workspace)
            repositories = configured_repositories(workspace.settings)
            builder = TaskPrompts(access, sources=lookup, base_urls=urls, repositories=repositories)
            tasks = _Tasks(builder, loaded, columns, options, printer)
            asyncio.run(_compare(comparison, access, columns, tasks.sets(prompts), printer, guided=choice))
    if printer.failures:
        click.get_current_context().exit(1)


def _prompts(
    prompt: str | None, prompt_file: Path | None, dataset: str | None, selection: Selection, flags: PromptFlags
) -> tuple[Sequence[TaskPrompt | Instance], Dataset | None]:
    """The prompt of the command line, or the tasks of a dataset, whose prompts are made one after the other."""
    if sum(value is not None for value in (prompt, prompt_file, dataset)) != 1:
        raise click.UsageError("Give one of --prompt, --prompt-file and --dataset.")
    if dataset is None:
        if not selection.selects_all:
            raise click.UsageError("--instance, --count and the other selection flags need --dataset.")
        if flags.given:
            raise click.UsageError("--context, --format and the other flags of a task's prompt need --dataset.")
        return [custom_prompt(_read(prompt_file) if prompt_file else prompt or "")], None
    if selection.selects_all:
        raise click.UsageError("Select tasks of the dataset, as with --instance ID or --count N.")
    loaded = load_dataset(dataset)
    return select(loaded.instances, selection), loaded


def _guided(
    flag: bool | None,
    setting: GuidedStarter,
    items: Sequence[TaskPrompt | Instance],
    options: PromptOptions,
) -> GuidedStarter:
    tasks = [item for item in items if isinstance(item, Instance)]
    if flag and (missing := why_never_guided(tasks, options.template, options.context)):
        raise click.UsageError(f"--guided needs {missing}.")
    return setting if flag is None else "on" if flag else "off"


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Failed(f"{file} is not UTF-8 text", "Save it as UTF-8, or give another file.") from None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}", "Make it readable, or give another file.") from None


def _base_urls(values: Sequence[str], targets: Sequence[Target]) -> BaseURLs:
    urls = BaseURLs(values)
    for name in urls.unknown(targets):
        raise click.UsageError(f"--base-url names {name!r}, which is the provider of no column.")
    return urls


class _Lookup:
    """Providers of the workspace. Keys are read here one after the other, before anything is sent."""

    def __init__(self, workspace: Workspace) -> None:
        coordinator = interactive_coordinator(rate_limits(workspace.settings))
        self._resolver = ProviderResolver(workspace.registry, coordinator, workspace.providers.configs_with_keys)

    async def __call__(self, provider: str, *, base_url: str | None) -> Source:
        return self._resolver.source(provider, base_url=base_url)


class _Set(NamedTuple):
    """The prompts of one task, one for each target, and what each is expected to cost."""

    prompts: Sequence[TaskPrompt]
    estimates: Sequence[InputEstimate] = ()


class _Tasks(NamedTuple):
    """Makes the prompts of one task after the other."""

    builder: TaskPrompts
    dataset: Dataset | None
    targets: Sequence[Target]
    options: PromptOptions
    printer: Printer

    async def sets(self, items: Sequence[TaskPrompt | Instance]) -> AsyncGenerator[_Set, None]:
        for item in items:
            if isinstance(item, TaskPrompt):
                yield _Set([item] * len(self.targets))
            else:
                yield await self._set(item)

    async def _set(self, instance: Instance) -> _Set:
        printed: set[str] = set()

        def progress(sentence: str) -> None:
            if sentence not in printed:
                printed.add(sentence)
                self.printer.prepare(sentence)

        name, revision = (self.dataset.name, self.dataset.revision) if self.dataset else ("", "")
        prompts = await self.builder.build_all(
            instance, self.targets, self.options, dataset=name, revision=revision, progress=progress
        )
        estimates = [
            await self.builder.estimate(prompt, target, max_tokens=self.options.max_tokens)
            for prompt, target in zip(prompts, self.targets, strict=True)
        ]
        return _Set(prompts, estimates)


async def _compare(
    comparison: Comparison,
    access: CommandAccess,
    targets: Sequence[Target],
    sets: AsyncGenerator[_Set, None],
    printer: Printer,
    *,
    guided: GuidedStarter,
) -> None:
    unwritten: OSError | None = None
    try:
        async with access, aclosing(sets):
            sources = [await comparison.source(target) for target in targets]
            async for each in sets:
                columns = [
                    comparison.column(
                        target,
                        prompt,
                        source,
                        guide=await guide_for(prompt, source, guided),
                        observe=printer.changed,
                    )
                    for target, prompt, source in zip(targets, each.prompts, sources, strict=True)
                ]
                printer.begin(each.prompts, columns, each.estimates)
                await run_all(columns)
    except* OSError as errors:  # one from each column
        unwritten = _first(errors)
    if unwritten is not None:
        raise unwritten  # ends the command, and without a message where the reader of a pipe has left


def _first(errors: BaseExceptionGroup[OSError]) -> OSError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
