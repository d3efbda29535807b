"""`swebench-tui repo`: the repositories of tasks on this machine."""

from __future__ import annotations

import re
import shutil
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click

from swebench_tui.bench import datasets
from swebench_tui.bench.datasets import Selection
from swebench_tui.bench.repositories import cache
from swebench_tui.bench.repositories.cache import ClonedRepository, Pruned
from swebench_tui.bench.repositories.progress import FetchProgress
from swebench_tui.bench.repositories.sources import Repositories
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.dataset_loading import load_dataset
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.key_input import is_interactive
from swebench_tui.cli.live_lines import LiveLines
from swebench_tui.cli.selection import selection_options
from swebench_tui.services.repositories import (
    Fetched,
    commits_of,
    configured_repositories,
    fetch_all,
    format_size,
    parse_repo,
)
from swebench_tui.terminal_text import json_text, one_line

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_STEPS: Final = {
    "waiting": "waiting for another process",
    "checking": "checking what is missing",
    "commits": "fetching commits",
    "files": "fetching files",
}
_INTERRUPTED: Final = 130

_LIST_EXAMPLES: Final = """\b
Examples:
  swebench-tui repo list
  swebench-tui repo list --json"""
_FETCH_EXAMPLES: Final = """\b
Examples:
  swebench-tui repo fetch pallets/flask@182ce3dd15dfa3537391c3efaf9c3ff407d134d4
  swebench-tui repo fetch --dataset lite --repo sympy
  swebench-tui repo fetch --dataset tasks.jsonl --mirror 'ssh://git@git.example/mirrors/{repo}.git'"""
_PRUNE_EXAMPLES: Final = """\b
Examples:
  swebench-tui repo prune django/django
  swebench-tui repo prune --to 5GB --yes
  swebench-tui repo prune --all"""


@click.group("repo", epilog="Example: swebench-tui repo list")
def command() -> None:
    """List, fetch and remove the repositories of tasks.

    A repository is fetched as a bare clone without history, once for all its tasks.
    """


@command.command("list", short_help="List the fetched repositories.", epilog=_LIST_EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_repositories(*, as_json: bool) -> None:
    """List the fetched repositories with size, number of commits, and when they were last used."""
    with failing():
        repositories = configured_repositories(open_workspace().settings)
        clones = cache.list_clones(repositories.folder)
    if as_json:
        click.echo(json_text([_json_row(clone) for clone in clones]))
        return
    for line in _table(clones):
        click.echo(line)
    total = sum(clone.size for clone in clones)
    limit = format_size(repositories.limit or 0)
    click.echo(f"{format_size(total)} of {limit} in {one_line(str(repositories.folder))}", err=True)


@command.command("fetch", short_help="Fetch commits of repositories.", epilog=_FETCH_EXAMPLES)
@click.argument("named", nargs=-1, metavar="[REPO[@COMMIT]]...")
@click.option("--dataset", metavar="D", help="Fetch the base commits of this dataset's tasks.")
@selection_options
@click.option("--mirror", metavar="FOLDER|URL", help="Use this in place of the setting repositories.mirror.")
def fetch(*, named: tuple[str, ...], dataset: str | None, selection: Selection, mirror: str | None) -> None:
    """Fetch repositories of tasks, so that they can be read without a network.

    REPO is owner/name, with a full commit or at its newest one. With --dataset, the base commits of the selected tasks
    are fetched; REPO then needs no commit and limits them to these repositories. What is on this machine already is not
    fetched again. Exit status 1 if a repository cannot be fetched, 130 if interrupted; what has arrived stays.
    """
    if dataset is None and not selection.selects_all:
        raise click.UsageError("--instance, --count and the other selection flags need --dataset.")
    if not named and dataset is None:
        raise click.UsageError("Name repositories, or a dataset with --dataset.")
    with failing():
        repositories = configured_repositories(open_workspace().settings, mirror=mirror)
        wanted = _wanted(named, dataset, selection)
    try:
        failures = _fetch(wanted, repositories)
    except KeyboardInterrupt:
        click.echo("Interrupted. What has arrived is kept.", err=True)
        click.get_current_context().exit(_INTERRUPTED)
    if failures:
        click.get_current_context().exit(1)


def _wanted(named: Sequence[str], dataset: str | None, selection: Selection) -> dict[str, list[str]]:
    """The commits to fetch by repository."""
    wanted: dict[str, list[str]] = {}
    if dataset is not None:
        wanted = commits_of(datasets.select(load_dataset(dataset).instances, selection))
        if not wanted:
            raise Failed("the repositories of these tasks are bundled", "There is nothing to fetch.")
    chosen: dict[str, list[str]] = {}
    for text in named:
        repo, commit = parse_repo(text)
        chosen.setdefault(repo, []).extend([commit] if commit else wanted.get(repo, []))
        if dataset is not None and repo not in wanted and commit is None:
            raise Failed(f"no selected task is of {repo}", f"They are of: {', '.join(map(one_line, wanted))}.")
    return chosen or wanted


def _fetch(wanted: dict[str, list[str]], repositories: Repositories) -> int:
    """Returns how many repositories failed."""
    output = _FetchOutput(live=sys.stderr.isatty())
    failures = 0
    for fetched in fetch_all(wanted, repositories, report=output.report):
        output.end(fetched)
        failures += fetched.error is not None
    return failures


class _FetchOutput:
    """Progress on standard error: a live line for each repository on a terminal, else a line for each step."""

    def __init__(self, *, live: bool) -> None:
        self._live = LiveLines(sys.stderr, lambda: shutil.get_terminal_size().columns) if live else None
        self._lines: dict[str, str] = {}
        self._lock = threading.Lock()

    def report(self, progress: FetchProgress) -> None:
        """Called from the threads that fetch."""
        line = f"{progress.repo}: {_STEPS[progress.step]}"
        with self._lock:
            if self._live is None:
                if self._lines.get(progress.repo) != line:
                    self._lines[progress.repo] = line
                    click.echo(line, err=True)
                return
            percent = "" if progress.percent is None else f" {progress.percent} %"
            received = f", {format_size(progress.received)}" if progress.received else ""
            self._lines[progress.repo] = line + percent + received
            self._live.draw(list(self._lines.values()))

    def end(self, fetched: Fetched) -> None:
        with self._lock:
            self._lines.pop(fetched.repo, None)
            if self._live is not None:
                self._live.draw(list(self._lines.values()))
            if fetched.error is None:
                click.echo(_summary(fetched))
                return
            hint = getattr(fetched.error, "hint", "")
            click.echo(f"Error: {one_line(str(fetched.error))}" + (f"\n{one_line(hint)}" if hint else ""), err=True)


def _summary(fetched: Fetched) -> str:
    parts = [f"{_count(fetched.new, 'commit')} fetched"]
    if fetched.present:
        parts.append(f"{fetched.present} already here")
    if fetched.size:
        parts.append(f"{format_size(fetched.size)} on disk")
    return f"{fetched.repo}: {', '.join(parts)}"


@command.command("prune", short_help="Remove fetched repositories.", epilog=_PRUNE_EXAMPLES)
@click.argument("repos", nargs=-1, metavar="[REPO]...")
@click.option("--all", "everything", is_flag=True, help="Remove all fetched repositories.")
@click.option("--to", "target", metavar="SIZE", help="Remove what was not used for longest, down to SIZE, such as 5GB.")
@click.option("--yes", is_flag=True, help="Do not prompt.")
def prune(*, repos: tuple[str, ...], everything: bool, target: str | None, yes: bool) -> None:
    """Remove fetched repositories, but none that is being read or fetched. They can be fetched again."""
    if sum((bool(repos), everything, target is not None)) != 1:
        raise click.UsageError("Give one of REPO, --all and --to SIZE.")
    limit = None if target is None else _parse_size(target)
    with failing():
        folder = configured_repositories(open_workspace().settings).folder
        clones = cache.list_clones(folder)
        chosen = _chosen(clones, repos, limit)
        if not chosen:
            click.echo("Nothing to remove", err=True)
            return
        what = f"{', '.join(clone.repo for clone in chosen)} ({format_size(sum(clone.size for clone in chosen))})"
        if not yes:
            if not is_interactive():
                raise click.UsageError("Not a terminal: pass --yes.")
            click.confirm(f"Remove {what}?", abort=True, err=True)
        pruned = cache.prune(folder, {clone.repo for clone in chosen}) if limit is None else cache.shrink(folder, limit)
    _print_pruned(pruned)


def _chosen(clones: Sequence[ClonedRepository], repos: Sequence[str], limit: int | None) -> list[ClonedRepository]:
    if limit is not None:
        return cache.oldest(clones, limit)
    known = {clone.repo for clone in clones}
    for repo in repos:
        if parse_repo(repo)[0] not in known:
            raise Failed(f"{one_line(repo)} is not fetched", "`swebench-tui repo list` shows what is.")
    return [clone for clone in clones if not repos or clone.repo in repos]


def _print_pruned(pruned: Pruned) -> None:
    for clone in pruned.removed:
        click.echo(f"Removed {clone.repo}, {format_size(clone.size)}")
    for clone in pruned.in_use:
        click.echo(f"{clone.repo} is in use, and stays", err=True)
    if pruned.in_use and not pruned.removed:
        click.get_current_context().exit(1)


def _parse_size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is not a size such as 500MB or 5GB.", param_hint="'--to'")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def _table(clones: Sequence[ClonedRepository]) -> list[str]:
    rows = [
        (clone.repo, format_size(clone.size), str(clone.commits), _time(clone), str(clone.path)) for clone in clones
    ]
    if not rows:
        return ["No repositories are fetched"]
    width = max(len(name) for name, *_ in rows)
    table = [("repository", "size", "commits", "last used", "path"), *rows]
    return [f"{name:<{width}}  {size:>8}  {n:>7}  {used:<16}  {one_line(path)}" for name, size, n, used, path in table]


def _json_row(clone: ClonedRepository) -> dict[str, object]:
    return {
        "repo": clone.repo,
        "size": clone.size,
        "commits": clone.commits,
        "last_used": datetime.fromtimestamp(clone.last_used).astimezone().isoformat(timespec="seconds"),
        "path": str(clone.path),
    }


def _time(clone: ClonedRepository) -> str:
    return datetime.fromtimestamp(clone.last_used).astimezone().strftime("%Y-%m-%d %H:%M")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
