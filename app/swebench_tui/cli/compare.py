"""`swebench-tui compare`: the comparison without the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import click
import msgspec

from swebench_providers import Event, ProviderError, ProviderRegistry, UnifiedRequest
from swebench_tui import paths
from swebench_tui.bench import datasets
from swebench_tui.bench.task import Question, free_question, task_question
from swebench_tui.cli.compare_output import JSONLines, Printer, Text
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.runs.asking import Asking, Reach, Reached
from swebench_tui.runs.column import Column, run_all
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.settings import prices_file
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
    help="A column. May be repeated.",
)
@click.option("--providers", metavar="A,B", help="A column for each of these providers, with its default model.")
@click.option("--prompt", metavar="TEXT", help="Ask this.")
@click.option(
    "--prompt-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Ask what is in FILE."
)
@click.option("--dataset", metavar="D", help="Ask a task of this dataset: `starter`, or a .json or .jsonl file.")
@click.option("--instance", metavar="ID", help="Which task.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="The first N tasks, one after the other.")
@click.option("--base-url", "base_urls", multiple=True, metavar="[PROVIDER=]URL", help="Where the provider is reached.")
@click.option("--temperature", type=click.FloatRange(min=0), metavar="T", help="Sent only when given.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Output limit, reasoning included.")
@click.option("--stream/--no-stream", default=True, help="As it is written (usual), or the whole answer at once.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line as things happen.")
def command(
    *,
    targets: tuple[str, ...],
    providers: str | None,
    prompt: str | None,
    prompt_file: Path | None,
    dataset: str | None,
    instance: str | None,
    count: int | None,
    base_urls: tuple[str, ...],
    temperature: float | None,
    max_tokens: int | None,
    stream: bool,
    as_json: bool,
) -> None:
    """Ask several models the same, side by side, and print what they answer.

    Exit status 1 when a column failed. With --json each line is an object with `event` (state, delta, notice or done),
    `column` and `target`; `done` has text, reasoning, finish_reason, usage, cost (null: unknown), ttft_ms, latency_ms,
    patch and error.
    """
    names = [*targets, *(name for name in (providers or "").split(",") if name.strip())]
    if not names:
        raise click.UsageError("Name at least one column with -t PROVIDER:MODEL or --providers.")
    with failing():
        questions = _questions(prompt, prompt_file, dataset, instance, count)
        asked = [msgspec.structs.replace(parse_target(name), temperature=temperature) for name in names]
        _check_names(base_urls, asked)
        workspace = open_workspace(spends=True)
        prices_file.apply(paths.prices(), workspace.registry)
        reach = Reach(workspace.registry, Asking(rate_limits(workspace.settings)), workspace.configs)
        reached = [_reached(reach, workspace, target, base_urls) for target in asked]
        printer: Printer = JSONLines() if as_json else Text()
        requests = [question.request(max_tokens=max_tokens, stream=stream) for question in questions]
        asyncio.run(
            _compare(
                workspace.registry,
                list(zip(asked, reached, strict=True)),
                list(zip(questions, requests, strict=True)),
                printer,
            )
        )
    if printer.failures:
        click.get_current_context().exit(1)


def _questions(
    prompt: str | None, prompt_file: Path | None, dataset: str | None, instance: str | None, count: int | None
) -> list[Question]:
    if sum(value is not None for value in (prompt, prompt_file, dataset)) != 1:
        raise click.UsageError("Give one of --prompt, --prompt-file and --dataset.")
    if dataset is None:
        if instance or count:
            raise click.UsageError("--instance and --count choose from a --dataset.")
        return [free_question(_read(prompt_file) if prompt_file else prompt or "")]
    if (instance is None) == (count is None):
        raise click.UsageError("Give --instance ID or --count N with --dataset.")
    tasks = datasets.load(dataset)
    chosen = tasks[:count] if instance is None else [datasets.find(tasks, instance)]
    return [task_question(task, repositories=paths.repositories()) for task in chosen]


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Failed(f"{file} is not text in UTF-8", "Save it in UTF-8, or give another file.") from None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}", "Make it readable, or give another file.") from None


def _check_names(base_urls: Sequence[str], asked: Sequence[Target]) -> None:
    """A misspelled name would send the question to the provider's usual address."""
    for value in base_urls:
        name, _ = _address(value)
        if name and name not in {target.provider for target in asked}:
            raise click.UsageError(f"--base-url names {name!r}, which is the provider of no column.")


class _OutOfReach:
    """In the place of a provider whose key cannot be read: its column fails, and the others are asked."""

    def __init__(self, error: ProviderError) -> None:
        self._error = error

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:  # noqa: ARG002
        nothing: Sequence[Event] = ()
        for event in nothing:
            yield event
        raise self._error


def _reached(reach: Reach, workspace: Workspace, target: Target, base_urls: Sequence[str]) -> Reached:
    """The target's provider, at the last address given for it or for all, else as it is set up."""
    registry = workspace.registry
    given = [url for name, url in map(_address, base_urls) if name in {"", target.provider}]
    if not given:
        try:
            return reach.reach(target.provider)
        except ProviderError as error:
            if error.reason != "key_out_of_reach":
                raise
            without = registry.get_provider(target.provider, workspace.outline(target.provider))
            return Reached(without, _OutOfReach(error))
    config = registry.configure(target.provider, base_url=given[-1])
    return reach.reached({"": registry.get_provider(target.provider, config)})


def _address(value: str) -> tuple[str, str]:
    """`PROVIDER=URL` as its two parts, `URL` with no name; a URL's own `=` stays in it."""
    name, equals, url = value.partition("=")
    return (name, url) if equals and "://" not in name else ("", value)


async def _compare(
    registry: ProviderRegistry,
    asked: Sequence[tuple[Target, Reached]],
    questions: Sequence[tuple[Question, UnifiedRequest]],
    printer: Printer,
) -> None:
    unwritten: OSError | None = None
    try:
        for question, request in questions:
            columns = [
                Column(
                    target,
                    request,
                    reached.provider,
                    streams=reached.streams,
                    judge=question.judge if question.wants_patch else None,
                    observe=printer.changed,
                )
                for target, reached in asked
            ]
            printer.begin(question, columns)
            await run_all(columns)
    except* OSError as errors:  # each column brings its own
        unwritten = _first(errors)
    finally:
        await registry.aclose()
    if unwritten is not None:
        raise unwritten  # the command line ends on it, and quietly where only nobody reads any more


def _first(errors: BaseExceptionGroup[OSError]) -> OSError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
