"""`swebench-tui completions`: shell completion for commands, options and provider names."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

_PROGRAM: Final = "swebench-tui"
_VARIABLE: Final = "_SWEBENCH_TUI_COMPLETE"  # the name that click derives from the program's
_INSTRUCTIONS: Final = {
    "bash": 'Add this line to ~/.bashrc:\n#   eval "$(swebench-tui completions bash)"',
    "zsh": 'Add this line to ~/.zshrc, below compinit:\n#   eval "$(swebench-tui completions zsh)"',
    "fish": "Run once:\n#   swebench-tui completions fish > ~/.config/fish/completions/swebench-tui.fish",
}


@click.command("completions", epilog='Example: eval "$(swebench-tui completions bash)"')
@click.argument("shell", type=click.Choice(sorted(_INSTRUCTIONS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a completion script for SHELL. Its first lines say how to install it."""
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click supports these three
    script = kind(ctx.find_root().command, {}, _PROGRAM, _VARIABLE)
    click.echo(f"# {_INSTRUCTIONS[shell]}\n")
    click.echo(script.source_template % script.source_vars())


def provider_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Provider names with this prefix, for `shell_complete=`. Reads no settings and sends nothing."""
    from swebench_providers import get_registry  # noqa: PLC0415 - slow to import; only completion needs it

    return [CompletionItem(name) for name in get_registry().list_providers() if name.startswith(incomplete)]
