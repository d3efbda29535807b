"""The entry point: opens the app, or imports and runs one command."""

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
    "completions": ("completions", "Print a shell completion script."),
    "dataset": ("dataset", "List, show, fetch and count the tasks of datasets."),
    "doctor": ("doctor", "Show what is installed, configured and reachable."),
    "embedded": ("embedded", "Install the embedded model, which needs no key and no network."),
    "generate": ("generate", "Write predictions of models for the tasks of a dataset."),
    "keys": ("keys", "List the actions of the app and their keyboard shortcuts."),
    "models": ("models", "List the models of all configured providers."),
    "patch": ("patch", "Extract, repair and check the patch in a model's answer."),
    "predictions": ("predictions", "Check predictions files for the SWE-bench harness and sb-cli."),
    "prompt": ("prompt", "Show what would be sent for a task, with tokens and price."),
    "provider": ("provider", "List, set up, test and remove providers."),
    "repo": ("repo", "List, fetch and remove the repositories of tasks."),
    "settings": ("settings", "Show and change settings, with the source of each value."),
}
"""Module and help line by command name: `--help` imports none of the modules. A new command needs an entry here."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"swebench_tui.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)  # noqa: S101 - every command module defines it
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Mask API keys in error messages: one may have been given as a name or a value by mistake."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            from swebench_providers.redaction import mask_keys  # noqa: PLC0415 - only errors need it

            vars(error)["message"] = mask_keys(error.message)  # the attribute is final, and click prints it as it is
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click exits quietly when the reader has closed the pipe
            os_error = error
        raise _output_error(os_error)

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
    """Watch language models fix real bugs side by side. Without a command, open the full-screen app."""
    _replace_unencodable()
    _check_folders()
    if ctx.invoked_subcommand is None:
        if not all(
            stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)
        ):  # for keys and drawing
            raise click.UsageError("The app needs a terminal. Without one, run a command: see `swebench-tui --help`.")
        from swebench_tui.tui import collector  # noqa: PLC0415

        collector.pause()
        from swebench_tui.cli.context import open_workspace  # noqa: PLC0415 - listing commands needs none
        from swebench_tui.tui.launch import run  # noqa: PLC0415 - only the app needs Textual

        run(open_workspace(quiet=True))  # the app itself shows problems in the settings


def _output_error(error: OSError) -> click.ClickException:
    """An operating system error that nothing below has handled; mostly of standard output, such as a full disk."""
    from swebench_tui.cli.failure import Failed  # noqa: PLC0415 - listing commands needs none

    file = f"{error.filename!r}" if error.filename else "the output"
    with suppress(OSError, AttributeError, ValueError):  # flushing the buffer at exit would fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Failed(f"cannot read or write {file}: {error.strerror or error}", "Check free space and permissions.")


def _replace_unencodable() -> None:
    """Print a question mark for a character that the terminal's encoding lacks, instead of failing."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _check_folders() -> None:
    """Raise `Failed` when there is no home folder, as for a user without a passwd entry and without HOME."""
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
        "no home folder, so there is no place for settings, keys and data",
        "Set HOME to an absolute path, or XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_CACHE_HOME.",
    )
