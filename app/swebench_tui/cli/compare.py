"""`swebench-tui compare`: a comparison without the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click
import msgspec

from swebench_tui import paths
from swebench_tui.bench.datasets import Selection
from swebench_tui.bench.task import TaskPrompt, custom_prompt
from swebench_tui.cli.compare_output import JSONLines, Printer, Text
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.selection import selection_options
from swebench_tui.runs.column import run_all
from swebench_tui.runs.generation import Source
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.provider_resolver import ProviderResolver, interactive_coordinator
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs, Comparison, load_prompts
from swebench_tui.services.guided import can_be_guided, guide_for
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
@click.option("--dataset", metavar="D", help="Send tasks of this dataset: `starter`, or a .json or .jsonl file.")
@selection_options
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
    base_urls: tuple[str, ...],
    temperature: float | None,
    max_tokens: int | None,
    guided: bool | None,
    stream: bool,
    as_json: bool,
) -> None:
    """Send one prompt to several models and print their answers.

    Tasks of a dataset are sent one by one. Selection flags apply in their order here, each to what the ones before it
    left.

    Exit status 1 if a column failed. With --json each line is an object with `event` (state, delta, reset, notice or
    done), `column` and `target`. `reset` voids the deltas of the column so far. `done` has text, reasoning,
    finish_reason, usage, cost (null: unknown), ttft_ms, latency_ms, guided, patch and error.
    """
    names = [*targets, *(name for name in (providers or "").split(",") if name.strip())]
    if not names:
        raise click.UsageError("Name at least one column with -t PROVIDER:MODEL or --providers.")
    with failing():
        prompts = _prompts(prompt, prompt_file, dataset, selection)
        columns = [msgspec.structs.replace(parse_target(name), temperature=temperature) for name in names]
        urls = _base_urls(base_urls, columns)
        workspace = open_workspace(spends=True)
        choice = _guided(guided, workspace, prompts)
        prices_file.apply(paths.prices(), workspace.registry)
        printer: Printer = JSONLines() if as_json else Text()
        with closing(PatchChecker()) as checker:
            comparison = Comparison(_Lookup(workspace), checker, base_urls=urls, max_tokens=max_tokens, stream=stream)
            asyncio.run(_compare(comparison, workspace, columns, prompts, printer, guided=choice))
    if printer.failures:
        click.get_current_context().exit(1)


def _prompts(
    prompt: str | None, prompt_file: Path | None, dataset: str | None, selection: Selection
) -> list[TaskPrompt]:
    if sum(value is not None for value in (prompt, prompt_file, dataset)) != 1:
        raise click.UsageError("Give one of --prompt, --prompt-file and --dataset.")
    if dataset is None:
        if not selection.selects_all:
            raise click.UsageError("--instance, --count and the other selection flags need --dataset.")
        return [custom_prompt(_read(prompt_file) if prompt_file else prompt or "")]
    if selection.selects_all:
        raise click.UsageError("Select tasks of the dataset, as with --instance ID or --count N.")
    return load_prompts(dataset, selection)


def _guided(flag: bool | None, workspace: Workspace, prompts: Sequence[TaskPrompt]) -> GuidedStarter:
    if flag and not any(map(can_be_guided, prompts)):
        raise click.UsageError("--guided needs starter tasks: --dataset starter.")
    return workspace.settings.guided.starter if flag is None else "on" if flag else "off"


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


async def _compare(
    comparison: Comparison,
    workspace: Workspace,
    targets: Sequence[Target],
    prompts: Sequence[TaskPrompt],
    printer: Printer,
    *,
    guided: GuidedStarter,
) -> None:
    unwritten: OSError | None = None
    try:
        sources = [(target, await comparison.source(target)) for target in targets]
        for prompt in prompts:
            guides = [await guide_for(prompt, source, guided) for _, source in sources]
            columns = [
                comparison.column(target, prompt, source, guide=guide, observe=printer.changed)
                for (target, source), guide in zip(sources, guides, strict=True)
            ]
            printer.begin(prompt, columns)
            await run_all(columns)
    except* OSError as errors:  # one from each column
        unwritten = _first(errors)
    finally:
        await workspace.registry.aclose()
    if unwritten is not None:
        raise unwritten  # ends the command, and without a message where the reader of a pipe has left


def _first(errors: BaseExceptionGroup[OSError]) -> OSError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
