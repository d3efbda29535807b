"""`swebench-tui settings`: what is set and where it came from, and changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
import msgspec

from swebench_providers.redaction import looks_like_a_key, mask_keys
from swebench_tui.cli.context import open_workspace, tell_problems
from swebench_tui.cli.failure import failing
from swebench_tui.settings.atomic_file import why_missing
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.layers import PROJECT_FILE, Layer
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text, one_line, sanitize

_EXAMPLES: Final = """\b
Examples:
  swebench-tui settings show
  swebench-tui settings set providers.openai.model gpt-6-sol
  swebench-tui settings edit"""
_SET_EXAMPLES: Final = """\b
Examples:
  swebench-tui settings set appearance.theme nord
  swebench-tui settings set providers.openai.rate_limits.requests_per_minute 500
  swebench-tui settings set compare.lineup embedded:smollm2,ollama:qwen3-coder:30b
  swebench-tui settings set keymap.compare.run f5,enter"""

_NO_KEYS: Final = (
    "That looks like a key, which is never an argument and belongs in no settings file.\n"
    "Run `swebench-tui provider init NAME`, which asks for it. Where it was a real key, think about replacing it."
)


@click.group("settings", epilog=_EXAMPLES)
def command() -> None:
    """What is set, and where each value came from; change it.

    The strongest holds: command line, environment, project file, user file, keyring, default.
    """


@command.command("show", epilog="Example: swebench-tui settings show --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(*, as_json: bool) -> None:
    """Print every value that is set or has a default, and where it came from.

    Keys, headers and passwords in addresses are never shown. What is wrong in the files is told on standard error.
    """
    from swebench_tui.settings.listing import listed  # noqa: PLC0415 - only this command walks all definitions

    workspace = open_workspace(quiet=as_json)
    rows = listed(workspace)
    if as_json:
        shown = [
            {"key": dotted(row.path), "value": row.value, "layer": row.origin.layer, "where": row.origin.where}
            for row in rows
        ]
        problems = [{"what": str(each), "hint": each.hint, "line": each.line} for each in workspace.problems]
        click.echo(json_text({"settings": shown, "problems": problems}))
        return
    lines = [(one_line(dotted(row.path)), _value(row.value), one_line(str(row.origin))) for row in rows]
    keys, values = (max(len(line[column]) for line in lines) for column in (0, 1))
    for key, value, origin in lines:
        click.echo(f"{key:<{keys}}  {value:<{min(values, 40)}}  {origin}".rstrip())


@command.command("path", epilog="Example: swebench-tui settings path --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def path(*, as_json: bool) -> None:
    """Print which files are read, the strongest first, and whether they are there."""
    workspace = open_workspace(quiet=True)
    project, absent = workspace.project_file, why_missing(workspace.user_file)
    files: list[dict[str, object]] = [
        {"layer": Layer.PROJECT_FILE, "path": str(project) if project else None, "exists": project is not None},
        {"layer": Layer.USER_FILE, "path": str(workspace.user_file), "exists": not absent},
    ]
    if as_json:
        click.echo(json_text(files))
        return
    for file in files:
        where = file["path"] or f"no {PROJECT_FILE} in this folder or above it"
        note = "" if file["exists"] or not file["path"] else f"  ({absent})"
        click.echo(f"{file['layer']:<12}  {one_line(str(where))}{note}")


@command.command("schema", epilog="Example: swebench-tui settings schema > settings.schema.json")
def schema() -> None:
    """Print the JSON Schema of the settings files, by which editors complete and check them.

    Write `#:schema ./settings.schema.json` into the first line of the file.
    """
    from swebench_tui.settings.schema import schema as made  # noqa: PLC0415 - only this command needs it

    click.echo(msgspec.json.format(msgspec.json.encode(made())))


@command.command("edit", epilog="Example: swebench-tui settings edit")
def edit() -> None:
    """Open your settings file in the editor of the settings, of $VISUAL or of $EDITOR, and check it afterwards.

    Where there is none yet, it is begun with every setting explained. Exit status 1 when something is wrong in it.
    """
    from swebench_tui.cli.edit_settings import edit as run  # noqa: PLC0415 - only this command starts processes

    workspace = open_workspace(quiet=True)
    with failing():
        run(workspace)
    workspace.reload()
    tell_problems(workspace)
    if workspace.problems:
        click.get_current_context().exit(1)
    click.echo(f"{one_line(str(workspace.user_file))} is in order.")


@command.command("set", epilog=_SET_EXAMPLES)
@click.argument("key")
@click.argument("value")
def set_(key: str, value: str) -> None:
    """Write VALUE under KEY into your settings file; the rest of it stays as it is.

    Several values stand between commas, tables as in TOML. Exit status 2 for a key or a value that may not stand there.
    """
    from swebench_tui.cli.settings_meaning import check_meaning  # noqa: PLC0415 - only this command needs it
    from swebench_tui.settings.value import parse_key, parse_value  # noqa: PLC0415 - it walks all definitions

    workspace = open_workspace(quiet=True)
    if mask_keys(both := f"{key} {value}") != both or looks_like_a_key(value):
        raise click.UsageError(_NO_KEYS)
    with _wrong_usage():
        at = parse_key(key)
        typed = parse_value(at, value)
        workspace.check(at, typed)
        check_meaning(workspace, at, typed)
    with failing():
        workspace.change(at, typed)
    click.echo(f"{one_line(dotted(at))} is set in {one_line(str(workspace.user_file))}.")
    _tell_what_holds(workspace, at)


@command.command("unset", epilog="Example: swebench-tui settings unset providers.openai.model")
@click.argument("key")
def unset(key: str) -> None:
    """Take KEY, or a whole table, out of your settings file; the rest of it stays as it is."""
    from swebench_tui.settings.value import parse_key  # noqa: PLC0415 - it walks all definitions

    workspace = open_workspace(quiet=True)
    with failing():
        at = parse_key(key, known=False)
        there = workspace.in_user_file(at)
        if not there:
            with _wrong_usage():
                parse_key(key)  # a misspelled key is no success
        workspace.unset(at)
    file = one_line(str(workspace.user_file))
    what = f"is not set in {file} any more" if there else f"was not set in {file}"
    click.echo(f"{one_line(dotted(at))} {what}.")
    _tell_what_holds(workspace, at)


@contextmanager
def _wrong_usage() -> Iterator[None]:
    """What was typed and cannot be taken: exit status 2, as for wrong flags."""
    try:
        yield
    except SettingsError as error:
        raise click.UsageError(f"{one_line(str(error))}\n{sanitize(error.hint)}") from None


def _tell_what_holds(workspace: Workspace, at: SettingPath) -> None:
    """What else decides on a setting of which the user's file was changed."""
    origin = workspace.origin(at)
    if origin.layer not in {Layer.USER_FILE, Layer.DEFAULT}:
        click.echo(f"What holds is another value: {one_line(str(origin))}", err=True)


def _value(value: object) -> str:
    """A value in one line, tables and arrays as JSON."""
    if value is True:
        return "set"
    return one_line(value if isinstance(value, str) else msgspec.json.encode(value).decode())
