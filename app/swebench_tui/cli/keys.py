"""`swebench-tui keys`: every action of the app and its key."""

from __future__ import annotations

import click

from swebench_tui.terminal_text import json_text


@click.command("keys", epilog="Example: swebench-tui keys --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(*, as_json: bool) -> None:
    """Print the actions of the app: id, key, what it does, and where it works.

    An action gets another key in settings.toml: below [keymap], "compare.run" = "f5". Several are separated by commas.
    """
    from swebench_tui.tui.actions import actions  # noqa: PLC0415 - no other command needs Textual

    found = actions()
    if as_json:
        click.echo(json_text(found))
        return
    wide = max(len(action.id) for action in found)
    for action in found:
        click.echo(f"{action.id:<{wide}}  {action.key:<14}  {action.description} ({action.screen})")
