"""How a prompt shows files: markers around each, and the numbers of its lines where the answer format needs them.

A whole file, and a file of which two windows are shown:

    <file path="pkg/a.py">
    ...
    </file>
    <file path="pkg/b.py" lines="310">
    <lines from="12" to="40">
    ...
    </lines>
    <lines from="200" to="231">
    ...
    </lines>
    </file>

The text of a file may contain anything, its own closing marker too. Then its markers have another name (`file2`), so
that no file can end itself and go on as something else. Text is never changed or cut.
"""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING

from swebench_tui.bench.context.corpus import lines_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_tui.bench.context import ContextFile


def render_files(files: Sequence[ContextFile], *, numbered: bool = False) -> str:
    """All files of a prompt. The tokens of a context are those of this text."""
    return "\n".join(render_file(file, numbered=numbered) for file in files)


def render_file(file: ContextFile, *, numbered: bool = False) -> str:
    """A file between its markers, without a line end behind them."""
    texts = [number_lines(window.text, window.first) if numbered else window.text for window in file.windows]
    name = _free_name("file", texts)
    if file.whole:
        return "\n".join([f'<{name} path="{file.path}">', *_body(texts), f"</{name}>"])
    part = _free_name("lines", texts)
    shown = [f'<{name} path="{file.path}" lines="{file.lines}">']
    for window, text in zip(file.windows, texts, strict=True):
        last = window.first + len(lines_in(window.text)) - 1
        shown += [f'<{part} from="{window.first}" to="{last}">', *_body([text]), f"</{part}>"]
    return "\n".join([*shown, f"</{name}>"])


def number_lines(text: str, first: int) -> str:
    """The lines of a text with their numbers before them, as `12| code`. The patch check knows this form."""
    return "\n".join(f"{number}| {line}" if line else f"{number}|" for number, line in enumerate(lines_in(text), first))


def _body(texts: Sequence[str]) -> list[str]:
    """Without a line where a file is empty."""
    return [text.removesuffix("\n") for text in texts if text]


def _free_name(name: str, texts: Sequence[str]) -> str:
    """The name, with the least number that no marker in the texts has."""
    taken = {number for text in texts for number in re.findall(rf"</?{name}(\d{{0,9}})[\s>]", text)}
    return next(f"{name}{number}" for number in chain([""], map(str, count(2))) if number not in taken)
