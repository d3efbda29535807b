"""The flags that select tasks: the same ones, with the same meaning, on every command that takes a dataset."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Final, TypeVar

import click

from swebench_tui.bench.datasets import DatasetError, Selection
from swebench_tui.bench.datasets.selection import compile_pattern, parse_slice, read_ids
from swebench_tui.cli.failure import failing

T = TypeVar("T")


def _slice(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int | None, int | None]:
    try:
        return (None, None) if value is None else parse_slice(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from error


def _pattern(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        if value is not None:
            compile_pattern(value)
    except DatasetError as error:
        raise click.BadParameter(f"{error}. {error.hint}", ctx, parameter) from error
    return value


_OPTIONS: Final = (
    click.option(
        "--instance", "--instances", "ids", multiple=True, metavar="ID[,ID]", help="Tasks with these IDs. Repeatable."
    ),
    click.option(
        "--instances-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Tasks whose IDs are in FILE, one a line; # begins a comment.",
    ),
    click.option(
        "--filter", "pattern", callback=_pattern, metavar="REGEX", help="Tasks whose ID has a match of REGEX."
    ),
    click.option("--repo", "repos", multiple=True, metavar="[OWNER/]NAME", help="Tasks of this repository."),
    click.option("--repo-version", "versions", multiple=True, metavar="V", help="Tasks of this version. Repeatable."),
    click.option(
        "--difficulty", "difficulties", multiple=True, metavar="D", help="Tasks of this difficulty. Repeatable."
    ),
    click.option("--slice", "bounds", callback=_slice, metavar="A:B", help="Tasks A to B-1, counted from 0."),
    click.option("--sample", type=click.IntRange(min=1), metavar="N", help="N random tasks, the same ones every time."),
    click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Another --sample for another S."),
    click.option("--count", type=click.IntRange(min=1), metavar="N", help="First N tasks."),
)


def selection_options(function: Callable[..., T]) -> Callable[..., T]:
    """Add the flags to a command, which gets a `Selection` as its argument `selection`."""

    @wraps(function)
    def command(
        *,
        ids: tuple[str, ...],
        instances_file: Path | None,
        pattern: str | None,
        repos: tuple[str, ...],
        versions: tuple[str, ...],
        difficulties: tuple[str, ...],
        bounds: tuple[int | None, int | None],
        sample: int | None,
        seed: int,
        count: int | None,
        **others: object,
    ) -> T:
        named = tuple(part.strip() for value in ids for part in value.split(",") if part.strip())
        with failing():
            listed = read_ids(instances_file) if instances_file is not None else ()
        selection = Selection(
            ids=named + listed,
            pattern=pattern,
            repos=repos,
            versions=versions,
            difficulties=difficulties,
            start=bounds[0],
            stop=bounds[1],
            sample=sample,
            seed=seed,
            count=count,
        )
        return function(selection=selection, **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
