"""Opening the user's settings file in an editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import Final

from swebench_tui.cli.failure import Failed
from swebench_tui.settings.workspace import Workspace

_USUAL: Final = ("sensible-editor", "nano", "vi")
_HINT: Final = "Set EDITOR, such as EDITOR=nano, or the setting `editor`."


def edit(workspace: Workspace) -> None:
    """Begin the file where there is none, and wait until the editor is closed.

    Raises `Failed` where no editor can be started or it failed, and `SettingsError` where the file cannot be begun.
    """
    command = _editor(workspace)
    workspace.begin_user_file()
    try:
        status = subprocess.run([*command, os.fspath(workspace.user_file)], check=False).returncode
    except OSError as error:
        raise Failed(f"the editor {command[0]!r} cannot be started: {error.strerror}", _HINT) from None
    if status:
        raise Failed(f"the editor {command[0]!r} ended with exit status {status}", "The file is as it left it.")


def _editor(workspace: Workspace) -> list[str]:
    chosen = workspace.effective(("editor",)).value
    try:
        command = shlex.split(str(chosen)) if chosen else []
    except ValueError as error:
        raise Failed(f"the editor {chosen!r} cannot be read: {error}", _HINT) from None
    command = command or [found for found in map(shutil.which, _USUAL) if found][:1]
    if not command:
        raise Failed("there is no editor", _HINT)
    return command
