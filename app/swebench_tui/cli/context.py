"""The workspace of a command."""

from __future__ import annotations

from pathlib import Path

import click

from swebench_tui import paths
from swebench_tui.cli.failure import Failed
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line


def open_workspace(*, spends: bool = False, quiet: bool = False) -> Workspace:
    """Open the workspace and print the problems of its settings, unless `quiet`: then the caller reports them.

    Raises `Failed` for a command that `spends` money if there are problems.
    """
    workspace = Workspace(config_folder=paths.config(), data_folder=paths.data(), project_folder=working_folder())
    if spends and workspace.problems:
        first = workspace.problems[0]
        raise Failed(str(first), f"{first.hint}\nNothing is sent until the settings are fixed.")
    if not quiet:
        print_problems(workspace)
    return workspace


def print_problems(workspace: Workspace) -> None:
    """Print the problems of the settings on standard error, two lines each: the problem and its hint."""
    for problem in workspace.problems:
        click.echo(f"{one_line(str(problem))}\n  {one_line(problem.hint)}", err=True)


def working_folder() -> Path | None:
    """The working directory, None if it no longer exists."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None
