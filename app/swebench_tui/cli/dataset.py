"""`swebench-tui dataset`: list, show, fetch and count datasets."""

from __future__ import annotations

import math
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Final

import click

from swebench_tui.bench.datasets import KNOWN, STARTER, CachedDataset, Dataset, Selection, cached, select, starter
from swebench_tui.bench.instance import Instance
from swebench_tui.cli.dataset_loading import cut, load_dataset
from swebench_tui.cli.failure import failing
from swebench_tui.cli.selection import selection_options
from swebench_tui.terminal_text import json_text, one_line, sanitize

_EXAMPLES: Final = """\b
Examples:
  swebench-tui dataset list
  swebench-tui dataset show lite --repo django --count 10
  swebench-tui dataset fetch SWE-bench/SWE-bench_Verified@main:test
  swebench-tui dataset stats ./tasks.jsonl --json"""
_SHOW_EXAMPLES: Final = """\b
Examples:
  swebench-tui dataset show starter
  swebench-tui dataset show lite:dev --filter sqlfluff
  swebench-tui dataset show verified --difficulty "<15 min fix" --sample 20 --seed 7 --json
  swebench-tui dataset show starter --instance starter__tallybox-1"""
_FETCH_EXAMPLES: Final = """\b
Examples:
  swebench-tui dataset fetch lite
  swebench-tui dataset fetch nebius/SWE-rebench:test
  swebench-tui dataset fetch verified@COMMIT:test"""
_SHOWN: Final = 20
"""Rows of one table of `stats`."""


@click.group("dataset", epilog=_EXAMPLES)
def command() -> None:
    """List, show, fetch and count the tasks of datasets.

    DATASET is `starter`; lite, verified, full, multilingual or multimodal; a dataset of the Hugging Face hub as
    OWNER/NAME; or a path: a .jsonl, .json, .parquet or .arrow file, or ./FOLDER. A revision and a split may follow, as
    in lite@COMMIT:dev. Without a split it is `test`, or the only one.
    """


@command.command("list", epilog="Example: swebench-tui dataset list --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_datasets(*, as_json: bool) -> None:
    """List the datasets with a short name, and which of them are in the cache.

    The cache is that of the Hugging Face hub. Nothing is sent.
    """
    copies = {name: cached(known.repo) for name, known in KNOWN.items()}
    if as_json:
        click.echo(json_text([_starter_json(), *(_known_json(name, copies[name]) for name in KNOWN)]))
        return
    rows = [("name", "tasks", "in the cache", "dataset"), (STARTER, str(len(starter.load().instances)), "bundled", "–")]
    for name, known in KNOWN.items():
        rows.append((name, f"{next(iter(known.splits.values())):,}", _copy(copies[name]), known.repo))
    for name, tasks, copy, repo in rows:
        click.echo(f"{name:<12}  {tasks:>6}  {copy:<22}  {repo}")


def _copy(copy: CachedDataset | None) -> str:
    return f"{copy.revision[:12]}  {copy.size / 1e6:.1f} MB" if copy else "no"


def _starter_json() -> dict[str, object]:
    loaded = starter.load()
    return {
        "name": STARTER,
        "dataset": None,
        "about": "bundled with its repositories, Python",
        "tasks": {"test": len(loaded.instances)},
        "cached": True,
        "revision": loaded.revision,
        "bytes": None,
    }


def _known_json(name: str, copy: CachedDataset | None) -> dict[str, object]:
    known = KNOWN[name]
    return {
        "name": name,
        "dataset": known.repo,
        "about": known.about,
        "tasks": known.splits,
        "cached": copy is not None,
        "revision": copy.revision if copy else None,
        "bytes": copy.size if copy else None,
    }


@command.command("show", short_help="List the tasks of a dataset, or show single ones.", epilog=_SHOW_EXAMPLES)
@click.argument("dataset")
@selection_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(dataset: str, selection: Selection, *, as_json: bool) -> None:
    """List the tasks of DATASET: ID, repository, version, difficulty and title. With --instance: the whole issue.

    Selection flags apply in their order here, each to what the ones before it left. --json has the dataset's revision
    and the issues. Solutions and tests are not shown.
    """
    with failing():
        loaded = load_dataset(dataset)
        tasks = select(loaded.instances, selection)
    if as_json:
        click.echo(json_text(_dataset_json(loaded) | {"instances": [_task_json(task) for task in tasks]}))
    elif selection.ids:
        click.echo("\n\n".join(_issue(task) for task in tasks))
    else:
        for line in _table(tasks):
            click.echo(line)


def _issue(task: Instance) -> str:
    facts = (
        ("repository", task.repo),
        ("version", task.version),
        ("difficulty", task.difficulty),
        ("base commit", task.base_commit),
        ("created", task.created_at),
        ("pictures", " ".join(task.issue_images)),
    )
    head = [one_line(task.instance_id), *(f"{name:<11}  {one_line(text)}" for name, text in facts if text)]
    return "\n".join([*head, "", sanitize(task.problem_statement).strip()])


def _table(tasks: Sequence[Instance]) -> list[str]:
    """A heading and a row for each task; columns without a value are left out, titles end at the terminal's width."""
    rows = [("id", "repository", "version", "difficulty", "title")]
    rows += [
        (
            one_line(task.instance_id),
            one_line(task.repo),
            one_line(task.version),
            one_line(task.difficulty),
            one_line(task.title),
        )
        for task in tasks
    ]
    widths = [
        max(len(row[column]) for row in rows) if any(row[column] for row in rows[1:]) else 0 for column in range(4)
    ]
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False) if width), row[4]])
        for row in rows
    )
    return [line if limit is None else cut(line, limit) for line in lines]


def _dataset_json(dataset: Dataset) -> dict[str, object]:
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "revision": dataset.revision,
        "notice": dataset.notice,
        "tasks": len(dataset.instances),
    }


def _task_json(task: Instance) -> dict[str, object]:
    return {
        "instance_id": task.instance_id,
        "repo": task.repo,
        "version": task.version,
        "difficulty": task.difficulty or None,
        "title": task.title,
        "base_commit": task.base_commit,
        "created_at": task.created_at,
        "images": task.issue_images,
        "problem_statement": task.problem_statement,
    }


@command.command("fetch", short_help="Download a dataset into the cache.", epilog=_FETCH_EXAMPLES)
@click.argument("dataset")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fetch(dataset: str, *, as_json: bool) -> None:
    """Download DATASET into the cache of the Hugging Face hub, and print the revision.

    DATASET@REVISION then needs no network. Ctrl+c stops; what was downloaded in whole files is kept.
    """
    with failing():
        loaded = load_dataset(dataset)
    if as_json:
        click.echo(json_text(_dataset_json(loaded)))
        return
    split = f", split {one_line(loaded.split)}" if loaded.split else ""
    tasks = f"{len(loaded.instances):,} task{'s' if len(loaded.instances) != 1 else ''}"
    click.echo(f"{one_line(loaded.name)}: {tasks}{split}, revision {loaded.revision}")


@command.command(
    "stats", short_help="Count the tasks of a dataset.", epilog="Example: swebench-tui dataset stats lite --repo django"
)
@click.argument("dataset")
@selection_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def stats(dataset: str, selection: Selection, *, as_json: bool) -> None:
    """Count the tasks of DATASET by repository, version and difficulty, and measure their issues in characters."""
    with failing():
        loaded = load_dataset(dataset)
        tasks = select(loaded.instances, selection)
    counts = {
        "repositories": _counted(task.repo for task in tasks),
        "versions": _counted(f"{task.repo} {task.version}" for task in tasks if task.version),
        "difficulties": _counted(task.difficulty for task in tasks if task.difficulty),
    }
    lengths = _lengths([len(task.problem_statement) for task in tasks])
    if as_json:
        click.echo(json_text(_dataset_json(loaded) | {"selected": len(tasks), **counts, "issue_characters": lengths}))
        return
    click.echo(f"{len(tasks):,} of {len(loaded.instances):,} tasks, revision {loaded.revision}")
    for name, counted in counts.items():
        for line in _counts(name, counted):
            click.echo(line)
    click.echo("\nissues, characters\n  " + "  ".join(f"{name} {value:,}" for name, value in lengths.items()))


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _counts(name: str, counted: Mapping[str, int]) -> Iterator[str]:
    if not counted:
        return
    yield f"\n{name}"
    shown = list(counted.items())[:_SHOWN]
    yield from (f"{count:>7,}  {one_line(value)}" for value, count in shown)
    if len(counted) > _SHOWN:
        yield f"{sum(counted.values()) - sum(count for _, count in shown):>7,}  in {len(counted) - _SHOWN} more"


def _lengths(lengths: Sequence[int]) -> dict[str, int]:
    ordered = sorted(lengths)
    return {
        "shortest": ordered[0],
        "median": round(median(ordered)),
        "p90": ordered[max(math.ceil(len(ordered) * 0.9) - 1, 0)],
        "longest": ordered[-1],
    }
