"""`swebench-tui keys`: the actions of the app and their keys."""

from __future__ import annotations

import click

from swebench_tui.terminal_text import json_text


@click.command("keys", epilog="Example: swebench-tui keys --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(*, as_json: bool) -> None:
    """List the actions of the app with id, key, description and screen.

    To change a key, set it in settings.toml, below [keymap]: "compare.run" = "f5". Separate several keys with commas.
    """
    from swebench_tui.tui.actions import actions  # noqa: PLC0415 - no other command needs Textual

    known = actions()
    if as_json:
        click.echo(json_text(known))
        return
    width = max(len(action.id) for action in known)
    for action in known:
        click.echo(f"{action.id:<{width}}  {action.key:<14}  {action.description} ({action.screen})")
