"""How a prompt shows files: markers around each, and the numbers of its lines where the answer format needs them.

A whole file, and two windows of a file:

    <file path="pkg/a.py">
    ...
    </file>

    <file path="pkg/b.py" lines="12-40 of 310">
    ...
    </file>

    <file path="pkg/b.py" lines="200-231 of 310">
    ...
    </file>

The text of a file may contain anything, such markers too. Then its own have another name (`file2`), so that no file can
end itself and go on as something else. Text is never changed or cut.
"""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.context.corpus import lines_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_tui.bench.context import ContextFile, Window

_MARKER: Final = re.compile(r"</?file(\d{0,9})[\s>]")


def render_files(files: Sequence[ContextFile], *, numbered: bool = False) -> str:
    """All files of a prompt. The tokens of a context are those of this text."""
    return "\n\n".join(render_file(file, numbered=numbered) for file in files)


def render_file(file: ContextFile, *, numbered: bool = False) -> str:
    """A file, or its windows, between markers, without a line end behind the last."""
    if not file.windows:
        return _between_markers(f'path="{file.path}"', "")
    return "\n\n".join(render_window(file, window, numbered=numbered) for window in file.windows)


def render_window(file: ContextFile, window: Window, *, numbered: bool = False) -> str:
    """A window of a file between markers, which name its lines unless it is the whole file."""
    last = window.first + len(lines_in(window.text)) - 1
    lines = "" if file.whole else f' lines="{window.first}-{last} of {file.lines}"'
    text = number_lines(window.text, window.first) if numbered else window.text
    return _between_markers(f'path="{file.path}"{lines}', text)


def number_lines(text: str, first: int) -> str:
    """The lines of a text with their numbers before them, as `12| code`. The patch check knows this form."""
    return "\n".join(f"{number}| {line}" if line else f"{number}|" for number, line in enumerate(lines_in(text), first))


def _between_markers(attributes: str, text: str) -> str:
    taken = set(_MARKER.findall(text))
    number = next(number for number in chain([""], map(str, count(2))) if number not in taken)
    body = [text.removesuffix("\n")] if text else []
    return "\n".join([f"<file{number} {attributes}>", *body, f"</file{number}>"])
