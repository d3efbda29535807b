"""`swebench-tui provider remove`."""

from __future__ import annotations

from typing import Final

import click

from swebench_providers import ProviderError
from swebench_providers.redaction import looks_like_a_key
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.key_input import is_interactive
from swebench_tui.settings.workspace import Workspace

_EXAMPLES: Final = """\b
Examples:
  swebench-tui provider remove openai --label work
  swebench-tui provider remove mybox --yes"""


@click.command("remove", short_help="Remove a provider's settings, or one of its keys.", epilog=_EXAMPLES)
@click.argument("name", shell_complete=provider_names)
@click.option("--label", metavar="L", help="Remove only the key with this label.")
@click.option("--yes", is_flag=True, help="Do not prompt.")
def remove(*, name: str, label: str | None, yes: bool) -> None:
    """Remove the settings and stored keys of provider NAME, or one key. Environment variables are not changed."""
    with failing():
        workspace = open_workspace()
        labels = [entry.label for entry in workspace.keys.entries(name)]
        if name not in workspace.settings.providers:
            _fail_not_configured(workspace, name)
        what = f"key {label!r} of {name}" if label else f"all settings of {name}"
        if not label and labels:
            what += f" and its keys: {', '.join(labels)}"
        if not yes:
            if not is_interactive():
                raise click.UsageError("Not a terminal: pass --yes.")
            click.confirm(f"Remove {what}?", abort=True, err=True)
        if label:
            workspace.keys.remove(name, label)
        else:
            workspace.providers.remove(name)
    click.echo(f"Removed {what}")


def _fail_not_configured(workspace: Workspace, name: str) -> None:
    """Raises the error for a provider without settings. A key in place of a name is not printed."""
    if looks_like_a_key(name):
        raise click.UsageError("That looks like an API key. Keys are never passed as arguments: pass a provider name.")
    try:
        workspace.registry.spec(name)
    except ProviderError as error:
        raise Failed(str(error), error.hint) from None
    raise Failed(f"{name} has no settings", "`swebench-tui provider list` shows where its key comes from.")
