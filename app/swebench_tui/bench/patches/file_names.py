"""File names around code: above a block, in a fence's info string."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_LINE = 300
_LABEL = re.compile(
    r"(?:(?://|#+|\*+|[-+]|<!--|\d{1,3}[.)])\s+)?(?:(?:file|filename|path|in|update|edit|create)(?::\s*|\s+))?",
    re.IGNORECASE,
)
_PART = r"[^\s:()<>`*|\"'/]"
_PATH = re.compile(rf"(?:{_PART}*/)*(?:(?<=/){_PART}+|{_PART}*[\w-]\.[A-Za-z]\w{{0,9}})")
_TICKED = re.compile(r"`([^`\s]+)`")
_DECORATION = "*_`:[]()# \t\r"
_FENCE_MARKS = ("```", "~~~")
_LOOK_BACK = 4


def name_above(lines: Sequence[str], index: int) -> str | None:
    """The file named on the closest non-blank line above `index`; of a fence, its info string counts."""
    for line in reversed(lines[max(0, index - _LOOK_BACK) : index]):
        text = line.strip()
        if text.startswith(_FENCE_MARKS):
            if name := name_in_info(text.strip("`~ ")):
                return name
        elif text:
            return name_in(line)
    return None


def name_in_info(info: str) -> str | None:
    """The file named in an info string: `python app/x.py`, `python:app/x.py`, `app/x.py`, `python title="app/x.py"`."""
    if len(info) > _LONGEST_LINE:
        return None
    parts = [part.split("=", 1)[-1].strip("\"'{}") for part in info.replace(":", " ").split()]
    return next((part for part in reversed(parts) if _PATH.fullmatch(part)), None)


def name_in(line: str) -> str | None:
    """The one file a line names: the whole line under some decoration, or its only path in backticks."""
    ticked = {part for part in _TICKED.findall(line[:_LONGEST_LINE]) if _PATH.fullmatch(part)}
    return ticked.pop() if len(ticked) == 1 else name_alone(line)


def name_alone(line: str) -> str | None:
    """The path a line consists of: `app/x.py`, `**app/x.py**`, `### File: app/x.py`. No sentence counts."""
    if len(line) > _LONGEST_LINE:
        return None
    text = line.strip().removesuffix("-->").strip(_DECORATION)
    label = _LABEL.match(text)
    text = text[label.end() if label else 0 :].strip(_DECORATION)
    return text if _PATH.fullmatch(text) else None
