"""What the user has set up, opened once for a command."""

from __future__ import annotations

import click
from platformdirs import user_config_path, user_data_path

from swebench_tui.cli.failure import Failed
from swebench_tui.printable import one_line
from swebench_tui.settings.setup import Setup

_NAME = "swebench-tui"


def open_setup(*, spends: bool = False) -> Setup:
    """What is wrong with the settings is told on standard error; a command that `spends` money ends there."""
    setup = Setup(config_folder=user_config_path(_NAME), data_folder=user_data_path(_NAME))
    for problem in setup.problems:
        if spends:
            raise Failed(str(problem), problem.hint)
        click.echo(one_line(f"{problem} {problem.hint}"), err=True)
    return setup
