"""Long text in the user's own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path


class EditorError(Exception):
    """Nothing came back from the editor. `hint` says what to do."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def command(setting: str, environ: Mapping[str, str]) -> list[str]:
    """Program and arguments: the setting, else $VISUAL, else $EDITOR. Raises `EditorError`; nothing is started."""
    sources = (("editor in settings.toml", setting), *((f"${name}", environ.get(name, "")) for name in _VARIABLES))
    where, line = next(((where, line) for where, line in sources if line.strip()), ("", ""))
    if not line:
        raise EditorError("no editor is set", hint="Set EDITOR, such as EDITOR=nano, or editor in settings.toml.")
    try:
        arguments = shlex.split(line)
    except ValueError as error:
        raise EditorError(f"{where} is {line!r}: {error}", hint="Close the quotation marks.") from error
    if not arguments or shutil.which(arguments[0], path=environ.get("PATH", os.defpath)) is None:
        raise EditorError(f"{where} is {line!r}, which is not installed", hint="Install it, or name another editor.")
    return arguments


_VARIABLES = ("VISUAL", "EDITOR")


def edit(text: str, editor: list[str]) -> str:
    """What the editor made of `text`. Blocks until it is closed; raises `EditorError`.

    The text lies in a file of mode 0600 meanwhile, in a folder of mode 0700, and both are gone in the end.
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
                raise EditorError(f"{name} ended with status {done.returncode}", hint="The prompt is as it was before.")
            return _without_added_end(path.read_bytes().decode("utf-8"), text)
    except OSError as error:
        raise EditorError(f"{name}: {error.strerror}", hint="The prompt is as it was before.") from error
    except UnicodeDecodeError as error:
        raise EditorError(f"{name} saved no UTF-8", hint="Save it as UTF-8. The prompt is as before.") from error


def _without_added_end(edited: str, before: str) -> str:
    """Editors end the last line; a text that had no such end and was not changed otherwise is unchanged."""
    return before if edited in {f"{before}\n", f"{before}\r\n"} else edited
