"""Prompt templates: one built in for each answer format, and the user's own files."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.prompts.answer_format import AnswerFormat

if TYPE_CHECKING:
    from pathlib import Path

MAX_TEMPLATE_BYTES: Final = 200_000


class PromptError(Exception):
    """A template that cannot be used. `str(error)` names its file and line, `hint` what to do about it."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """How a prompt is written. `text` is the user's own template; None: the built-in one of the answer format.

    `numbered` puts numbers in front of the lines of files; None: where the answer format needs them.
    """

    answer_format: AnswerFormat = AnswerFormat.SEARCH_REPLACE
    text: str | None = None
    file: str = ""
    numbered: bool | None = None

    @property
    def name(self) -> str:
        """`search-replace`, or the file's name with the beginning of its hash: the same text has the same name."""
        if self.text is None:
            return self.answer_format.value
        digest = sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.file or 'template'}@{digest[:12]}"

    @property
    def instructions(self) -> str:
        """The system message, unless the template has its own."""
        return self.answer_format.instructions(numbered=self.numbers_lines)

    @property
    def numbers_lines(self) -> bool:
        """Whether lines of files have their numbers in front."""
        return self.answer_format.numbered if self.numbered is None else self.numbered


def read_template(
    path: Path, answer_format: AnswerFormat = AnswerFormat.SEARCH_REPLACE, *, numbered: bool | None = None
) -> Template:
    """The user's template in a file. Blocks. Raises `PromptError` for a file that cannot be read as one."""
    try:
        with open(path.expanduser(), "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PromptError(f"the template {path} is not a regular file", hint="Name a file with a template.")
            data = file.read(MAX_TEMPLATE_BYTES + 1)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PromptError(f"{path.name} is not UTF-8 text", hint="Save it as UTF-8.") from error
    except (OSError, ValueError, RuntimeError) as error:  # besides the disk's: a NUL in the path, a ~user without home
        what = getattr(error, "strerror", None) or error
        raise PromptError(f"the template {path} cannot be read: {what}", hint="Check the path.") from error
    if len(data) > MAX_TEMPLATE_BYTES:
        hint = "A template is the frame around issue and files, which come as variables."
        raise PromptError(f"{path.name} has more than {MAX_TEMPLATE_BYTES:,} bytes", hint=hint)
    return Template(answer_format=answer_format, text=text, file=path.name, numbered=numbered)


def _open_at_once(name: str, flags: int) -> int:
    """Without O_NONBLOCK, opening a pipe waits for a writer that may never come."""
    return os.open(name, flags | os.O_NONBLOCK)
