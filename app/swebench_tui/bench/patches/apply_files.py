"""Apply whole files from an answer to an `Overlay`.

A named fence replaces a file only if it can be all of it: it keeps most of its lines and every name of its top level,
and starts and ends as it does, or is not shorter. A quote, an excerpt, an error message or a diff is none.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.patches.diagnose import is_elision
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swebench_tui.bench.patches.extract import File
    from swebench_tui.bench.patches.overlay import Overlay
    from swebench_tui.bench.patches.paths import Locator

_SHORT = 10  # lines; the share of a shorter file that is left tells nothing
_LOST_ENDS = 3  # lines; a file that lost its first or last line and is that much shorter is an excerpt
_NAME = re.compile(
    r"(?:export |default |pub(?:\([a-z]+\))? |static |abstract |final |public |async )*"
    r"(?:def|class|function\*?|func|fn|struct|interface|enum|trait|type|const|let|var)[ \t]+\(?[^()\n]*?\)?[ \t]*"
    r"([A-Za-z_$][\w$]*)|([A-Za-z_]\w*)[ \t]*(?::[^=\n]{1,80})?=(?!=)"
)
_MOST_NAMED = 5  # names that an error lists


class AppliedFiles(msgspec.Struct, frozen=True):
    """The result of applying files: repairs, the errors of those that are left out, and the paths of replaced files."""

    repairs: tuple[Repair, ...]
    errors: tuple[PatchError, ...]
    replaced: tuple[str, ...]


def apply_files(files: Iterable[File], overlay: Overlay, locator: Locator) -> AppliedFiles:
    """Put the files into the overlay. Raises the first `PatchError` when none can be."""
    repairs: list[Repair] = []
    errors: list[PatchError] = []
    replaced: list[str] = []
    count = 0
    for file in files:
        count += 1
        try:
            path, fixed = locator.whole_file(file.name)
            if overlay.exists(path):
                repairs += [*fixed, *_replace(path, file.lines, overlay)]
                replaced.append(path)
            else:
                overlay.must_be_free(path)
                overlay.write(path, FileText(file.lines))
                repairs += fixed
        except PatchError as error:
            errors.append(error)
    if errors and len(errors) == count:
        raise errors[0]
    return AppliedFiles(tuple(dict.fromkeys(repairs)), tuple(errors), tuple(replaced))


def _replace(path: str, lines: tuple[str, ...], overlay: Overlay) -> list[Repair]:
    """The new text with the line ends of the old one, and its final newline, which a fence cannot express."""
    before = overlay.read(path)
    _must_be_whole(path, lines, before)
    crlf = before.crlf and not any(line.endswith("\r") for line in lines)
    text = FileText(tuple(line + "\r" for line in lines) if crlf else lines)
    repairs = [Repair.LINE_ENDS] if crlf else []
    if not before.final_newline:
        text = FileText.parse(text.render().removesuffix("\n").removesuffix("\r"))
        repairs.append(Repair.END_OF_FILE)
    overlay.write(path, text)
    return repairs


def _must_be_whole(path: str, lines: tuple[str, ...], before: FileText) -> None:
    known = set(before.lines)
    if any(is_elision(line) and line not in known for line in lines):
        raise PatchError(Failure.ELISION, f"{path}: has `...` in place of lines of the file")
    old = [line.rstrip() for line in before.lines if line.strip()]
    new = [line.rstrip() for line in lines if line.strip()]
    old_lines = set(old)
    if any(line[:1] in {"+", "-"} and line not in old_lines and line[1:] in old_lines for line in new):
        raise PatchError(Failure.MALFORMED, f"{path}: has lines of a diff, but no header or hunk of one")
    if what := _missing(old, new):
        raise PatchError(Failure.PARTIAL_FILE, f"{path}: {what}, so it is treated as a part of the file")


def _missing(old: list[str], new: list[str]) -> str:
    """What shows that `new` is not all of a file with the lines `old`, both without blank ones; "" for nothing."""
    sizes = f"the answer has {len(new)} lines for a file of {len(old)} (blank ones not counted)"
    kept = (Counter(new) & Counter(old)).total()
    defined = set(_names(new))
    names = [name for name in _names(old) if name not in defined]
    more = ", ..." if len(names) > _MOST_NAMED else ""
    shorter = len(old) - len(new)
    signs = {
        sizes: len(old) >= _SHORT and 4 * len(new) < 3 * len(old),
        f"the answer has {kept} of the file's {len(old)} lines (blank ones not counted)": 2 * kept < len(old),
        f"{sizes}, all of them consecutive lines of it": shorter > 0 and _is_run(new, old),
        f"{sizes}, and it lacks the first or the last one": shorter >= _LOST_ENDS and not {old[0], old[-1]} <= set(new),
        f"the answer lacks {', '.join(names[:_MOST_NAMED])}{more} of the file's top level": bool(names),
    }
    return next((sign for sign, holds in signs.items() if holds), "")


def _is_run(part: list[str], whole: list[str]) -> bool:
    """Whether `part` stands in `whole` without a gap. In linear time: both become text whose lines end in LF."""
    return bool(part) and "\n".join(["", *part, ""]) in "\n".join(["", *whole, ""])


def _names(lines: Iterable[str]) -> list[str]:
    """The names that lines without indentation define, each once."""
    found = (_NAME.match(line[:300]) for line in lines if not line[:1].isspace())
    return list(dict.fromkeys(name[1] or name[2] for name in found if name))
