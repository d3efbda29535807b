"""`swebench-tui generate`: predictions of models for the tasks of a dataset."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import click
import msgspec

from swebench_tui import paths
from swebench_tui.bench.datasets import Dataset, Selection, select
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.predictions import file_stem, model_name
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.dataset_loading import load_dataset
from swebench_tui.cli.failure import failing
from swebench_tui.cli.generate_output import JSONLines, Printer, Text
from swebench_tui.cli.key_input import is_interactive
from swebench_tui.cli.prompt_options import PromptFlags, with_prompt_flags
from swebench_tui.cli.selection import selection_options
from swebench_tui.runs.generation import Source
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.provider_resolver import ProviderResolver, ResolvedProvider, batch_coordinator
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs
from swebench_tui.services.generation_output import Output, output_path
from swebench_tui.services.generation_run import GenerationRun, RunOptions, TargetRun
from swebench_tui.services.pick_store import PickStore
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.settings import prices_file
from swebench_tui.settings.provider_config import rate_limits
from swebench_tui.settings.workspace import Workspace

_INTERRUPTED: Final = 130
_EXAMPLES: Final = """\b
Examples:
  swebench-tui generate -t embedded --dataset starter
  swebench-tui generate -t openai:gpt-6-luna --dataset tasks.jsonl --count 10 --yes
  swebench-tui generate -t ollama:qwen3-coder:30b --dataset starter --output predictions.jsonl --json
"""


@click.command("generate", epilog=_EXAMPLES)
@click.option(
    "-t",
    "--target",
    "targets",
    multiple=True,
    required=True,
    metavar="PROVIDER[:MODEL]",
    shell_complete=provider_names,
    help="Model to generate predictions with. Repeatable.",
)
@click.option("--dataset", metavar="D", required=True, help="Dataset: `starter`, or a .json or .jsonl file.")
@selection_options
@with_prompt_flags
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="Folder of the predictions files, or the .jsonl file of a single target. Default: predictions/DATASET.",
)
@click.option(
    "--concurrency", type=click.IntRange(1, 512), default=4, show_default=True, help="Tasks at once, for each target."
)
@click.option("--base-url", "base_urls", multiple=True, metavar="[PROVIDER=]URL", help="Base URL. Repeatable.")
@click.option("--temperature", type=click.FloatRange(min=0), metavar="T", help="Temperature. Not sent by default.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Output limit, including reasoning.")
@click.option("--allow-partial", is_flag=True, help="Also submit patches of which a part was left out.")
@click.option("--submit-unapplied", is_flag=True, help="Also submit patches that do not apply.")
@click.option("--replace", is_flag=True, help="Replace predictions that were made with another prompt.")
@click.option(
    "--provenance/--no-provenance", default=True, show_default=True, help="Add how each prediction was made to it."
)
@click.option("--yes", is_flag=True, help="Do not prompt before requests that cost money.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event.")
def command(
    *,
    targets: tuple[str, ...],
    dataset: str,
    selection: Selection,
    prompt_flags: PromptFlags,
    output: Path | None,
    concurrency: int,
    base_urls: tuple[str, ...],
    temperature: float | None,
    max_tokens: int | None,
    allow_partial: bool,
    submit_unapplied: bool,
    replace: bool,
    provenance: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Write predictions of one or more models for the tasks of a dataset.

    One predictions file per model, which the SWE-bench harness and sb-cli take as it is; the answers are kept beside
    it. Tasks that have a prediction are not requested again: the same command continues a stopped run. Ctrl+C waits for
    the answers in flight, a second one cancels them. Exit status 1 if a task has no prediction, 130 if interrupted.
    """
    with failing():
        chosen = [msgspec.structs.replace(parse_target(name), temperature=temperature) for name in targets]
        urls = BaseURLs(base_urls)
        for name in urls.unknown(chosen):
            raise click.UsageError(f"--base-url names {name!r}, which is the provider of no target.")
        folder = output or Path("predictions") / file_stem(dataset)
        if len(chosen) > 1 and folder.suffix.lower() == ".jsonl":
            raise click.UsageError("A predictions file is of one model: name a folder with --output.")
        options = RunOptions(
            concurrency=concurrency,
            max_tokens=max_tokens,
            allow_partial=allow_partial,
            unapplied=submit_unapplied,
            replace=replace,
            provenance=provenance,
        )
        loaded = load_dataset(dataset)
        tasks = select(loaded.instances, selection)
        workspace = open_workspace(spends=True)
        prices_file.apply(paths.prices(), workspace.registry)
        printer: Printer = JSONLines(dataset) if as_json else Text(dataset)
        prompts = prompt_flags.options(workspace.settings, max_tokens=max_tokens)
        plan = _Plan(chosen, urls, loaded, tasks, folder, options, prompts, yes)
        with closing(PatchChecker()) as checker:
            status = asyncio.run(_generate(plan, workspace, checker, printer))
    if status:
        click.get_current_context().exit(status)


class _Plan(NamedTuple):
    """What the command line asks for. `folder` may be a file. `confirmed`: requests may cost money."""

    targets: Sequence[Target]
    base_urls: BaseURLs
    dataset: Dataset
    tasks: Sequence[Instance]
    folder: Path
    options: RunOptions
    prompts: PromptOptions
    confirmed: bool


async def _generate(plan: _Plan, workspace: Workspace, checker: PatchChecker, printer: Printer) -> int:
    """Returns the exit status."""
    coordinator = batch_coordinator(rate_limits(workspace.settings))
    resolver = ProviderResolver(workspace.registry, coordinator, workspace.providers.configs_with_keys)
    async with CommandAccess(workspace) as access:

        async def sources(provider: str, *, base_url: str | None) -> Source:
            return resolver.source(provider, base_url=base_url)

        folder = plan.folder.parent if plan.folder.suffix.lower() == ".jsonl" else plan.folder
        picks = PickStore(folder / "picks")
        prompts = TaskPrompts(access, sources=sources, base_urls=plan.base_urls, picks=picks)

        async def prepare(instance: Instance, target: Target) -> TaskPrompt:
            dataset = plan.dataset
            return await prompts.build(instance, target, plan.prompts, dataset=dataset.name, revision=dataset.revision)

        runs = []
        for target in plan.targets:
            source = resolver.resolve(target.provider, base_url=plan.base_urls.url(target.provider))
            runs.append(await _target_run(target, source, plan.tasks, plan.folder))
        _check_distinct(runs)
        _confirm(runs, confirmed=plan.confirmed)
        run = GenerationRun(runs, prepare, checker, plan.options, printer.changed)
        printer.begin(run)
        interrupted = await _until_ended(run, printer)
    printer.end(run)
    return _INTERRUPTED if interrupted else int(any(each.tally.without_prediction for each in runs))


async def _target_run(target: Target, source: ResolvedProvider, tasks: Sequence[Instance], folder: Path) -> TargetRun:
    model = target.model or await source.provider.default_model()
    name = model_name(target.provider, model)
    output = await asyncio.to_thread(Output, output_path(folder, name), name)
    return TargetRun(msgspec.structs.replace(target, model=model), source, output, tasks)


def _check_distinct(runs: Sequence[TargetRun]) -> None:
    files = [run.output.path for run in runs]
    for run in runs:
        if files.count(run.output.path) > 1:
            raise click.UsageError(f"{run.target} is named twice: a predictions file is of one model.")


def _confirm(runs: Sequence[TargetRun], *, confirmed: bool) -> None:
    paid = [str(run.target) for run in runs if not run.source.is_free(run.target.model)]
    if confirmed or not paid:
        return
    if not is_interactive():
        raise click.UsageError("Not a terminal: pass --yes to send requests that cost money.")
    click.confirm(f"Send {runs[0].tally.total} tasks to {', '.join(paid)}?", abort=True, err=True)


async def _until_ended(run: GenerationRun, printer: Printer) -> bool:
    """Run to the end. The first SIGINT begins no more tasks, the second cancels. Returns whether there was one."""
    task = asyncio.ensure_future(run.run())
    ticker = asyncio.ensure_future(printer.tick())
    presses = 0

    def interrupt() -> None:
        nonlocal presses
        presses += 1
        run.stop()
        if presses > 1:
            task.cancel()
        printer.stopping(run, cancelled=presses > 1)

    with _on_sigint(interrupt):
        try:
            await task
        except asyncio.CancelledError:
            if presses < 2:
                raise
        except BaseExceptionGroup as errors:  # of the output, as a full disk or a closed pipe; one from each worker
            raise _first(errors) from None
        finally:
            ticker.cancel()
    return presses > 0


def _first(errors: BaseExceptionGroup) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


@contextmanager
def _on_sigint(act: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
