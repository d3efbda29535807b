"""The prompt for a task. The gold patch, its tests and the hints never become part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SYSTEM: Final = """\
You fix bugs. You get an issue and, where they are at hand, the source files of the project.
Answer with one short explanation and then the change, as one or more blocks of exactly this form:

path/to/file.py
<<<<<<< SEARCH
lines copied from the file, exactly as they stand there
=======
the lines that replace them
>>>>>>> REPLACE

Copy only the lines that change and what makes their place unique. Do not change the tests."""


def user_prompt(issue: str, files: Sequence[tuple[str, str]]) -> str:
    """The issue, and the files as (path, text), in one message. Line ends become LF: many issues carry CRs."""
    parts = ["<issue>", _lines(issue).strip(), "</issue>"]
    for path, text in files:
        parts += ["", f'<file path="{path}">', _lines(text).rstrip("\n"), "</file>"]
    parts += [
        "",
        "Fix the issue." if files else "Fix the issue. The files are not at hand: name them as the project does.",
    ]
    return "\n".join(parts)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
