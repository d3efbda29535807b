"""`swebench-tui completions`: what makes the shell complete commands, options and providers."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

_PROGRAM: Final = "swebench-tui"
_VARIABLE: Final = "_SWEBENCH_TUI_COMPLETE"  # click's own name for it
_INSTRUCTIONS: Final = {
    "bash": 'Add this line to ~/.bashrc:\n#   eval "$(swebench-tui completions bash)"',
    "zsh": 'Add this line to ~/.zshrc, below compinit:\n#   eval "$(swebench-tui completions zsh)"',
    "fish": "Run once:\n#   swebench-tui completions fish > ~/.config/fish/completions/swebench-tui.fish",
}


@click.command("completions", epilog='Example: eval "$(swebench-tui completions bash)"')
@click.argument("shell", type=click.Choice(sorted(_INSTRUCTIONS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that makes SHELL complete commands, options and names of providers.

    How to install it stands on top of it.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows these three
    script = kind(ctx.find_root().command, {}, _PROGRAM, _VARIABLE)
    click.echo(f"# {_INSTRUCTIONS[shell]}\n")
    click.echo(script.source_template % script.source_vars())


def provider_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """For `shell_complete=`: providers that begin so. Reads no file and sends nothing."""
    from swebench_providers import get_registry  # noqa: PLC0415 - only the completing shell waits for it

    return [CompletionItem(name) for name in get_registry().list_providers() if name.startswith(incomplete)]
