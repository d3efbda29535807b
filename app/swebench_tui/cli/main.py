"""The program's entry: without a command the app, else one command, whose file is imported only then."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

from swebench_tui import __version__

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "compare": ("compare", "Ask several models the same and print what they answer."),
    "completions": ("completions", "What makes your shell complete commands and providers."),
    "doctor": ("doctor", "What is installed, configured and reachable."),
    "embedded": ("embedded", "The model that needs no key and no network."),
    "keys": ("keys", "Every action of the app, and its key."),
    "models": ("models", "The models of every provider that is ready."),
    "provider": ("provider", "Providers: which there are, how they are reached, whether they answer."),
    "settings": ("settings", "What is set, and where each value came from; change it."),
}
"""Name, then the module and the line for `--help`: listing the commands imports none of them."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"swebench_tui.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a command's file without one is a fault of ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in sorted(COMMANDS.items())])


@click.command(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Examples: swebench-tui    swebench-tui compare -t embedded --dataset starter --count 1",
)
@click.version_option(__version__, prog_name="swebench-tui")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Watch language models fix real bugs side by side. Without a command: the full-screen app."""
    if ctx.invoked_subcommand is None:
        from swebench_tui.cli.setup import open_setup  # noqa: PLC0415 - listing commands needs none
        from swebench_tui.tui.app import run  # noqa: PLC0415 - no command but this one needs Textual

        run(open_setup(quiet=True))  # the app itself tells what is wrong with the settings
