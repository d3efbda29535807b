"""Editing a text in the user's own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_VARIABLES: Final = ("VISUAL", "EDITOR")
_UNCHANGED: Final = "The prompt is unchanged."


class EditorError(Exception):
    """The editor could not be started or returned no text. `hint` says what to do."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def command(setting: str, environ: Mapping[str, str]) -> list[str]:
    """Program and arguments from the setting, else $VISUAL, else $EDITOR. Starts nothing; raises `EditorError`."""
    sources = (("editor in settings.toml", setting), *((f"${name}", environ.get(name, "")) for name in _VARIABLES))
    source, line = next(((source, line) for source, line in sources if line.strip()), ("", ""))
    if not line:
        raise EditorError("No editor", hint="Set EDITOR, such as EDITOR=nano, or editor in settings.toml.")
    try:
        arguments = shlex.split(line)
    except ValueError as error:
        raise EditorError(f"{source} is {line!r}: {error}", hint="Close the quotation marks.") from error
    if not arguments or shutil.which(arguments[0], path=environ.get("PATH", os.defpath)) is None:
        raise EditorError(f"{source} is {line!r}, which is not installed", hint="Install it, or set another editor.")
    return arguments


def edit(text: str, editor: list[str]) -> str:
    """The text as it was saved in the editor. Blocks until the editor is closed; raises `EditorError`.

    The text is kept in a file of mode 0600 in a folder of mode 0700, which are removed afterwards.
    """
    name = Path(editor[0]).name
    try:
        with tempfile.TemporaryDirectory(prefix="swebench-tui-") as folder:
            path = Path(folder) / "prompt.md"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
                file.write(text)
            done = subprocess.run([*editor, str(path)], check=False)
            if done.returncode != 0:
                raise EditorError(f"{name} exited with status {done.returncode}", hint=_UNCHANGED)
            return _without_added_newline(path.read_bytes().decode("utf-8"), text)
    except OSError as error:
        raise EditorError(f"{name}: {error.strerror}", hint=_UNCHANGED) from error
    except UnicodeDecodeError as error:
        raise EditorError(f"{name} saved no UTF-8", hint=f"Save it as UTF-8. {_UNCHANGED}") from error


def _without_added_newline(edited: str, before: str) -> str:
    """Editors end the last line with a newline; a text with no other change is unchanged."""
    return before if edited in {f"{before}\n", f"{before}\r\n"} else edited
