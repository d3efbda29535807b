"""What the user has set up, opened once for a command."""

from __future__ import annotations

from pathlib import Path

import click

from swebench_tui import paths
from swebench_tui.cli.failure import Failed
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line


def open_workspace(*, spends: bool = False, quiet: bool = False) -> Workspace:
    """What is wrong with the settings is told on standard error, but where `quiet`: the caller tells it.

    A command that `spends` money does not go on with it: raises `Failed`.
    """
    workspace = Workspace(config_folder=paths.config(), data_folder=paths.data(), project_folder=working_folder())
    if spends and workspace.problems:
        first = workspace.problems[0]
        raise Failed(str(first), f"{first.hint}\nNothing is sent before the settings are in order.")
    if not quiet:
        tell_problems(workspace)
    return workspace


def tell_problems(workspace: Workspace) -> None:
    """Two lines for each: what and where, then what to do."""
    for problem in workspace.problems:
        click.echo(f"{one_line(str(problem))}\n  {one_line(problem.hint)}", err=True)


def working_folder() -> Path | None:
    """None where the folder that the program was started in is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None
