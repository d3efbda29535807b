"""`swebench-tui settings`: show and change settings."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click
import msgspec

from swebench_providers.redaction import looks_like_a_key, mask_keys
from swebench_tui.cli.context import open_workspace, print_problems
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.settings.atomic_file import why_missing
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.layers import PROJECT_FILE, Layer
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text, one_line, sanitize

if TYPE_CHECKING:
    from swebench_tui.services.settings import KeyProblem

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
    "That looks like an API key. Keys are never passed as arguments, and do not belong in settings files.\n"
    "Run `swebench-tui provider init NAME`, which prompts for it. If it is a real key, consider replacing it."
)
_DEFAULT_EDITORS: Final = ("sensible-editor", "nano", "vi")
_EDITOR_HINT: Final = "Set EDITOR, such as EDITOR=nano, or the setting `editor`."


@click.group("settings", epilog=_EXAMPLES)
def command() -> None:
    """Show and change settings.

    Highest priority wins: command line, environment, project file, user file, keyring, default.
    """


@command.command(
    "show", short_help="Print every value and its origin.", epilog="Example: swebench-tui settings show --json"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(*, as_json: bool) -> None:
    """Print every setting that is set or has a default, and its origin.

    Keys, headers and passwords in URLs are never printed. Problems in the files are printed on standard error.
    """
    from swebench_tui.services.settings import setting_rows  # noqa: PLC0415 - only this command walks all definitions

    workspace = open_workspace(quiet=as_json)
    rows = [row for row in setting_rows(workspace) if row.has_value and not row.hidden]
    if as_json:
        settings = [
            {"key": dotted(row.path), "value": row.value, "layer": row.origin.layer, "where": row.origin.where}
            for row in rows
        ]
        problems = [{"what": str(each), "hint": each.hint, "line": each.line} for each in workspace.problems]
        click.echo(json_text({"settings": settings, "problems": problems}))
        return
    lines = [(one_line(dotted(row.path)), row.text, one_line(str(row.origin))) for row in rows]
    keys, values = (max(len(line[column]) for line in lines) for column in (0, 1))
    for key, value, origin in lines:
        click.echo(f"{key:<{keys}}  {value:<{min(values, 40)}}  {origin}".rstrip())


@command.command(
    "path", short_help="Print the files that are read.", epilog="Example: swebench-tui settings path --json"
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def path(*, as_json: bool) -> None:
    """Print the files that are read, highest priority first, and whether they exist."""
    workspace = open_workspace(quiet=True)
    project, missing = workspace.project_file, why_missing(workspace.user_file)
    files: list[dict[str, object]] = [
        {"layer": Layer.PROJECT_FILE, "path": str(project) if project else None, "exists": project is not None},
        {"layer": Layer.USER_FILE, "path": str(workspace.user_file), "exists": not missing},
    ]
    if not why_missing(workspace.providers_file):
        files.append({"layer": Layer.USER_FILE, "path": str(workspace.providers_file), "exists": True})
    if as_json:
        click.echo(json_text(files))
        return
    for file in files:
        location = file["path"] or f"no {PROJECT_FILE} in this folder or above it"
        note = "" if file["exists"] or not file["path"] else f"  ({missing})"
        click.echo(f"{file['layer']:<12}  {one_line(str(location))}{note}")


@command.command(
    "schema",
    short_help="Print the JSON Schema of the files.",
    epilog="Example: swebench-tui settings schema > settings.schema.json",
)
def schema() -> None:
    """Print the JSON Schema of the settings files, for completion and validation in editors.

    Reference it in the first line of the file: `#:schema ./settings.schema.json`
    """
    from swebench_tui.settings.schema import json_schema  # noqa: PLC0415 - only this command needs it

    click.echo(msgspec.json.format(msgspec.json.encode(json_schema())))


@command.command(
    "edit", short_help="Open your settings file in an editor.", epilog="Example: swebench-tui settings edit"
)
def edit() -> None:
    """Open your settings file in an editor, then validate it.

    The editor is the setting `editor`, $VISUAL or $EDITOR. A new file lists all settings, commented out. Exit status 1
    if the file has problems.
    """
    workspace = open_workspace(quiet=True)
    with failing():
        _open_in_editor(workspace)
    workspace.reload()
    print_problems(workspace)
    if workspace.problems:
        click.get_current_context().exit(1)
    click.echo(f"{one_line(str(workspace.user_file))} is valid.")


@command.command("set", short_help="Set one setting.", epilog=_SET_EXAMPLES)
@click.argument("key")
@click.argument("value")
def set_(key: str, value: str) -> None:
    """Set KEY to VALUE in your settings file; the rest of it is not changed.

    Separate several values with commas; write tables as in TOML. Exit status 2 for an unknown key or an invalid value.
    """
    from swebench_tui.services.settings import check_value  # noqa: PLC0415 - it walks all definitions
    from swebench_tui.settings.value import parse_key  # noqa: PLC0415

    workspace = open_workspace(quiet=True)
    if mask_keys(both := f"{key} {value}") != both or looks_like_a_key(value):
        raise click.UsageError(_NO_KEYS)
    with _usage_errors():
        path = parse_key(key)
        checked = check_value(workspace, path, value, check_keys=_check_keys)
    with failing():
        file = workspace.file_of(path)
        workspace.change(path, checked)
    click.echo(f"Set {one_line(dotted(path))} in {one_line(str(file))}.")
    _warn_if_overridden(workspace, path)


@command.command(
    "unset", short_help="Remove one setting.", epilog="Example: swebench-tui settings unset providers.openai.model"
)
@click.argument("key")
def unset(key: str) -> None:
    """Remove KEY, a setting or a whole table, from your settings file; the rest of it is not changed."""
    from swebench_tui.settings.value import parse_key  # noqa: PLC0415 - it walks all definitions

    workspace = open_workspace(quiet=True)
    with failing():
        path = parse_key(key, known=False)
        was_set = workspace.in_user_file(path)
        if not was_set:
            with _usage_errors():
                parse_key(key)  # removing a misspelled key is an error
        name, file = one_line(dotted(path)), one_line(str(workspace.file_of(path)))
        workspace.unset(path)
    click.echo(f"Removed {name} from {file}." if was_set else f"{name} was not set in {file}.")
    _warn_if_overridden(workspace, path)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Exit with status 2 for an invalid argument, as for a wrong option."""
    try:
        yield
    except SettingsError as error:
        raise click.UsageError(f"{one_line(str(error))}\n{sanitize(error.hint)}") from None


def _warn_if_overridden(workspace: Workspace, path: SettingPath) -> None:
    origin = workspace.origin(path)
    if origin.layer not in {Layer.USER_FILE, Layer.DEFAULT}:
        click.echo(f"Another value has priority: {one_line(str(origin))}", err=True)


def _check_keys(keymap: Mapping[str, str], action: str, keys: str) -> KeyProblem | None:
    from swebench_tui.tui.actions import check_keys  # noqa: PLC0415 - only keys of actions need Textual

    return check_keys(keymap, action, keys)


def _open_in_editor(workspace: Workspace) -> None:
    """Create the user file if there is none, and wait until the editor is closed.

    Raises `Failed` if no editor can be started or it failed, and `SettingsError` if the file cannot be created.
    """
    import subprocess  # noqa: PLC0415 - only this command starts processes

    editor = _editor(workspace)
    workspace.create_user_file()
    try:
        status = subprocess.run([*editor, os.fspath(workspace.user_file)], check=False).returncode
    except OSError as error:
        raise Failed(f"the editor {editor[0]!r} cannot be started: {error.strerror}", _EDITOR_HINT) from None
    if status:
        raise Failed(f"the editor {editor[0]!r} exited with status {status}", "The file is as the editor left it.")


def _editor(workspace: Workspace) -> list[str]:
    setting = workspace.effective(("editor",)).value
    try:
        arguments = shlex.split(str(setting)) if setting else []
    except ValueError as error:
        raise Failed(f"the editor {setting!r} cannot be parsed: {error}", _EDITOR_HINT) from None
    arguments = arguments or [editor for editor in map(shutil.which, _DEFAULT_EDITORS) if editor][:1]
    if not arguments:
        raise Failed("no editor found", _EDITOR_HINT)
    return arguments
