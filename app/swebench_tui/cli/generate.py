"""`swebench-tui generate`: predictions of models for the tasks of a dataset."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import click
import msgspec

from swebench_tui import paths
from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.datasets import Dataset, Selection, select
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.predictions import file_stem, model_name
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.dataset_loading import load_dataset
from swebench_tui.cli.failure import failing
from swebench_tui.cli.generate_confirmation import confirm
from swebench_tui.cli.generate_output import JSONLines, Printer, Text
from swebench_tui.cli.generate_signals import run_until_ended
from swebench_tui.cli.prompt_options import PromptFlags, with_prompt_flags
from swebench_tui.cli.selection import selection_options
from swebench_tui.runs.generation import Source
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.provider_resolver import ProviderResolver, ResolvedProvider, batch_coordinator
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs
from swebench_tui.services.generation_output import Output, output_path
from swebench_tui.services.generation_run import GenerationRun, RunOptions, TargetRun
from swebench_tui.services.guided import guides_run, why_never_guided
from swebench_tui.services.pick_store import PickStore
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.repositories import configured_repositories
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.settings import prices_file
from swebench_tui.settings.provider_config import rate_limits
from swebench_tui.settings.workspace import Workspace

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
@click.option("--dataset", metavar="D", required=True, help="Dataset: see `swebench-tui dataset`.")
@click.option("--split", metavar="S", help="Split of the dataset.")
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
@click.option(
    "--guided/--no-guided",
    default=None,
    help="Guide answers to starter tasks with a grammar: all llama.cpp servers. Default: the embedded model only.",
)
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
    split: str | None,
    selection: Selection,
    prompt_flags: PromptFlags,
    output: Path | None,
    concurrency: int,
    base_urls: tuple[str, ...],
    temperature: float | None,
    max_tokens: int | None,
    guided: bool | None,
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
        folder = output or _default_folder(dataset)
        if len(chosen) > 1 and folder.suffix.lower() == ".jsonl":
            raise click.UsageError("A predictions file is of one model: name a folder with --output.")
        workspace = open_workspace(spends=True)
        prompts = prompt_flags.options(workspace.settings, max_tokens=max_tokens)
        options = RunOptions(
            concurrency=concurrency,
            max_tokens=max_tokens,
            guided=workspace.settings.guided.starter if guided is None else "on" if guided else "off",
            allow_partial=allow_partial,
            unapplied=submit_unapplied,
            replace=replace,
            provenance=provenance,
        )
        loaded = load_dataset(dataset, split=split)
        tasks = select(loaded.instances, selection)
        if guided and (missing := why_never_guided(tasks, prompts.template, prompts.context)):
            raise click.UsageError(f"--guided needs {missing}.")
        prices_file.apply(paths.prices(), workspace.registry)
        plan = _Plan(chosen, urls, loaded, tasks, prompts, options, folder, yes)
        printer: Printer = JSONLines(loaded) if as_json else Text(loaded)
        with closing(PatchChecker()) as checker:
            status = asyncio.run(_generate(plan, workspace, checker, printer))
    if status:
        click.get_current_context().exit(status)


def _default_folder(dataset: str) -> Path:
    """`predictions/lite`; for the file data/tasks.jsonl `predictions/tasks`."""
    path = Path(dataset)
    name = path.stem if path.suffix in {".json", ".jsonl", ".parquet"} or path.is_dir() else dataset
    return Path("predictions") / file_stem(name).replace(".", "_")


class _Plan(NamedTuple):
    """What the command line asks for. `folder` may be a file. `confirmed`: requests may cost money."""

    targets: Sequence[Target]
    base_urls: BaseURLs
    dataset: Dataset
    tasks: Sequence[Instance]
    prompts: PromptOptions
    options: RunOptions
    folder: Path
    confirmed: bool


class _Sources:
    """The providers of the run, behind the policies. Their keys are read before anything is sent."""

    def __init__(self, workspace: Workspace, base_urls: BaseURLs) -> None:
        coordinator = batch_coordinator(rate_limits(workspace.settings))
        self._resolver = ProviderResolver(workspace.registry, coordinator, workspace.providers.configs_with_keys)
        self._base_urls = base_urls
        self._known: dict[str, ResolvedProvider] = {}

    def resolve(self, provider: str) -> ResolvedProvider:
        """Blocks; raises `ProviderError`."""
        if provider not in self._known:
            self._known[provider] = self._resolver.resolve(provider, base_url=self._base_urls.url(provider))
        return self._known[provider]

    async def __call__(self, provider: str, *, base_url: str | None) -> Source:  # noqa: ARG002 - that of the command
        return self.resolve(provider)


async def _generate(plan: _Plan, workspace: Workspace, checker: PatchChecker, printer: Printer) -> int:
    """Returns the exit status."""
    sources = _Sources(workspace, plan.base_urls)
    dataset = plan.dataset
    async with CommandAccess(workspace) as access:
        folder = plan.folder.parent if plan.folder.suffix.lower() == ".jsonl" else plan.folder
        prompts = TaskPrompts(
            access,
            sources=sources,
            base_urls=plan.base_urls,
            picks=PickStore(folder / "picks"),
            repositories=configured_repositories(workspace.settings),
        )

        async def prepare(instance: Instance, target: Target) -> TaskPrompt:
            return await prompts.build(instance, target, plan.prompts, dataset=dataset.name, revision=dataset.revision)

        runs = [await _target_run(target, sources.resolve(target.provider), plan) for target in plan.targets]
        _check_distinct(runs)
        if not plan.confirmed:
            await confirm(runs, plan.tasks, prompts, plan.prompts)
        run = GenerationRun(runs, prepare, checker, plan.options, printer.changed)
        printer.begin(run)
        stopped = await run_until_ended(run, printer)
    printer.end(run)
    return stopped or int(any(each.tally.without_prediction for each in runs))


async def _target_run(target: Target, source: ResolvedProvider, plan: _Plan) -> TargetRun:
    model = target.model or await source.provider.default_model()
    context, template = plan.prompts.context, plan.prompts.template
    labels = ["oracle"] if context is ContextMode.ORACLE else []
    labels += ["guided"] if guides_run(source, plan.options.guided, plan.tasks, template, context) else []
    name = model_name(target.provider, model, *labels)
    output = await asyncio.to_thread(Output, output_path(plan.folder, name), name)
    return TargetRun(msgspec.structs.replace(target, model=model), source, output, plan.tasks, labels=labels)


def _check_distinct(runs: Sequence[TargetRun]) -> None:
    files = [run.output.path for run in runs]
    for run in runs:
        if files.count(run.output.path) > 1:
            raise click.UsageError(f"{run.target} is named twice: a predictions file is of one model.")
