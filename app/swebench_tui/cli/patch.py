"""`swebench-tui patch`: the patch in an answer, extracted, repaired and checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO, Final

import click

from swebench_tui.bench import datasets
from swebench_tui.bench.git import GitError
from swebench_tui.bench.patches import PatchVerdict, judge
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.revision import commit_id
from swebench_tui.bench.repositories.snapshot import Snapshot
from swebench_tui.bench.repositories.sources import snapshot_of
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.dataset_loading import load_dataset
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.patch_output import patch_fields, patch_lines
from swebench_tui.services.repositories import configured_repositories
from swebench_tui.terminal_text import json_text, sanitize

_LONGEST_ANSWER: Final = 64 * 1024 * 1024  # bytes
_EXAMPLES: Final = """\b
Examples:
  swebench-tui patch check answer.md --instance starter__tallybox-1
  swebench-tui patch check answer.md --repo ~/src/flask --base 2.3.0 > fix.patch
  pbpaste | swebench-tui patch check - --json"""


@click.group("patch", epilog="Example: swebench-tui patch check answer.md --instance starter__tallybox-1")
def command() -> None:
    """Extract, repair and check the patch in a model's answer."""


@command.command("check", short_help="Check the patch in an answer.", epilog=_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--repo", type=click.Path(path_type=Path), metavar="DIR", help="Check against this git repository.")
@click.option("--base", metavar="COMMIT", help="Commit of --repo. Default: HEAD. The working tree is not read.")
@click.option("--instance", metavar="ID", help="Check against the repository of this task.")
@click.option("--dataset", default="starter", show_default=True, metavar="D", help="Dataset of --instance.")
@click.option("--allow-partial", is_flag=True, help="Also accept a patch of which a part was left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(
    *,
    file: Path,
    repo: Path | None,
    base: str | None,
    instance: str | None,
    dataset: str,
    allow_partial: bool,
    as_json: bool,
) -> None:
    """Check the patch in FILE, a model's answer or a diff; `-` is standard input.

    The verdict goes to standard error, the patch to standard output: `> fix.patch` keeps the patch alone. Without a
    repository its form alone is checked. Exit status 1 if there is no patch to submit.
    """
    if repo is not None and instance is not None:
        raise click.UsageError("Give one of --repo and --instance.")
    if base is not None and repo is None:
        raise click.UsageError("--base needs --repo.")
    with failing():
        answer = _read(file)
        snapshot = _snapshot(repo, base, instance, dataset)
    verdict = judge(answer, snapshot=snapshot)
    accepted = _accepted(verdict, checked=snapshot is not None, allow_partial=allow_partial)
    if as_json:
        click.echo(json_text(patch_fields(verdict) | {"accepted": accepted}))
    else:
        for line in patch_lines(verdict):
            click.echo(line, err=True)
        if accepted:
            click.echo(_shown(verdict.patch), nl=False)
    if not accepted:
        click.get_current_context().exit(1)


def _accepted(verdict: PatchVerdict, *, checked: bool, allow_partial: bool) -> bool:
    if verdict.status == "unchecked":
        return not checked and bool(verdict.patch)
    return verdict.status == "applies" or (allow_partial and verdict.status == "partial")


def _snapshot(repo: Path | None, base: str | None, instance: str | None, dataset: str) -> Snapshot | None:
    if repo is not None:
        folder = repo.expanduser()
        try:
            return CommitSnapshot(folder, commit_id(folder, base or "HEAD"))
        except GitError as error:
            raise Failed(
                str(error), "Name a git repository with --repo, and one of its commits with --base."
            ) from error
    if instance is None:
        return None
    task = datasets.find(load_dataset(dataset).instances, instance)
    located = snapshot_of(task, configured_repositories(open_workspace().settings))
    if located.snapshot is None:
        raise Failed(located.reason, f"{located.hint}\nOr name a clone of it with --repo and --base.")
    return located.snapshot


def _read(file: Path) -> str:
    """The answer. Bytes that are not UTF-8 are kept as surrogates: the verdict then says so."""
    try:
        if str(file) == "-":
            data = _stdin().read(_LONGEST_ANSWER + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(_LONGEST_ANSWER + 1)
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}", "Name a file, or - for standard input.") from error
    if len(data) > _LONGEST_ANSWER:
        raise Failed(f"{file} is larger than {_LONGEST_ANSWER:,} bytes", "Give the answer of one task.")
    return data.decode("utf-8", "surrogateescape")


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise Failed("standard input is closed", "Name a file.")
    return sys.stdin.buffer


def _shown(patch: str) -> str | bytes:
    """The patch byte for byte, or made safe where it goes to a terminal."""
    if sys.stdout is not None and sys.stdout.isatty():
        return sanitize(patch)
    return patch.encode("utf-8", "surrogateescape")
