"""The program's entry: without a command the app, else one command, whose file is imported only then."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Final

import click

from swebench_tui import __version__

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "compare": ("compare", "Send one prompt to several models and print their answers."),
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

    def invoke(self, ctx: click.Context) -> object:
        """No error shows a key that was given as something else: not here, and not in any log of it."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            from swebench_providers.redaction import mask_keys  # noqa: PLC0415 - only errors need it

            vars(error)["message"] = mask_keys(error.message)  # click has it final, and shows it as it stands
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly where nobody reads any more
            unwritten = error
        raise _failed(unwritten)

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
    _take_any_letter()
    _need_folders()
    if ctx.invoked_subcommand is None:
        if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):  # keys, drawing
            raise click.UsageError(
                "The app needs a terminal. Without one, use a command: `swebench-tui --help` lists them."
            )
        from swebench_tui.cli.context import open_workspace  # noqa: PLC0415 - listing commands needs none
        from swebench_tui.tui.app import run  # noqa: PLC0415 - no command but this one needs Textual

        run(open_workspace(quiet=True))  # the app itself tells what is wrong with the settings


def _failed(error: OSError) -> click.ClickException:
    """What nothing below has a sentence for; most often standard output, as on a full disk."""
    from swebench_tui.cli.failure import Failed  # noqa: PLC0415 - listing commands needs none

    what = f"{error.filename!r}" if error.filename else "the output"
    with suppress(OSError, AttributeError, ValueError):  # what waits to be written would fail again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Failed(f"{what} cannot be written or read: {error.strerror or error}", "Make room and rights for it.")


def _take_any_letter() -> None:
    """A terminal of few letters shows a question mark for the others, instead of an error at the first of them."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _need_folders() -> None:
    """Raises where nothing says where the user's files are, as for a user without an entry and without HOME."""
    from platformdirs import user_cache_path, user_config_path, user_data_path  # noqa: PLC0415 - not for `--help`

    try:
        for find in (user_config_path, user_data_path, user_cache_path):
            find("swebench-tui")
    except RuntimeError:
        pass
    else:
        return
    from swebench_tui.cli.failure import Failed  # noqa: PLC0415 - listing commands needs none

    raise Failed(
        "no home folder is known, so there is no place for settings, keys and what is kept",
        "Set HOME to a folder, with its whole path; or XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_CACHE_HOME.",
    )
