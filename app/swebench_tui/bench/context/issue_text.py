"""An issue without what templates and bug-report tools add to it, and its parts: title, code, inline code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS: Final = 200_000
"""Of an issue, the rest is not looked at; the longest of SWE-bench has 60,000."""

_LEAST_KEPT: Final = 0.15
"""If less of an issue than this were left, nothing is cut."""

_FENCE: Final = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_HEADING: Final = re.compile(r"[ ]{0,3}#{1,6}[ \t]*+([^\n]{1,120})$|\*\*([^*\n]{1,120})\*\*:?[ \t]*$")
_UNDERLINE: Final = re.compile(r"[ ]{0,3}(?:-{3,}|={3,})[ \t]*$")
_NOISE: Final = re.compile(
    r"(?:\w+ )?(?:versions?|version info(?:rmation)?|environment|os|pip (?:list|freeze)|--version output)"
    r"|(?:operating )?system(?: (?:info(?:rmation)?|details))?|additional dependencies|screenshots?|output of .*"
    r"|.*\b(?:version(?:s|\(\))? output|show_versions|environment)\b.*"
)
_TEMPLATE: Final = re.compile(
    r"(?:bug )?(?:description|summary|issue|steps?(?: to reproduce)?|how to reproduce|to reproduce|reproduction)"
    r"|(?:minimal )?(?:complete )?(?:verifiable )?example|mcve.*|mve.*"
    r"|(?:expected|actual|current|observed) (?:behaviou?r|results?|outcome|output)"
    r"|what happened.*|what (?:you|did you) expect.*|additional (?:context|info.*)|anything else.*"
    r"|problem description|configuration|command used|pylint output|your project|relevant log output"
)
_URL: Final = re.compile(r"https?://\S+")
_BLOB: Final = re.compile(r"/blob/[^/\s]+/([\w./+-]+\.\w+)")
_MARKDOWN: Final = " \t:#*`_.?!()"


class IssueText(msgspec.Struct, frozen=True):
    """What is left of an issue. `prose` and `code` together are its text; `inline` are its code spans.

    `linked` are the paths of files that URLs in it lead to.
    """

    title: str
    prose: str
    code: str
    inline: tuple[str, ...]
    linked: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.prose}\n{self.code}"


def read_issue(problem_statement: str) -> IssueText:
    """Divide and clean an issue. Line ends may be of any kind."""
    text = problem_statement[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    lines = _without_comments(text).split("\n")
    title = next((line.strip() for line in lines if line.strip()), "")
    kept = list(_without_noise(lines))
    if sum(len(line) for _, line in kept) < _LEAST_KEPT * sum(map(len, lines)):
        kept = list(_marked(lines))
    code = "\n".join(line for is_code, line in kept if is_code)
    prose = "\n".join(line for is_code, line in kept if not is_code)
    linked = tuple(dict.fromkeys(_BLOB.findall(prose)))
    prose = _URL.sub(" ", prose)
    inline = tuple(re.findall(r"`([^`\n]{1,200})`", prose))
    return IssueText(title, prose, code, inline, linked)


def _without_comments(text: str) -> str:
    """The text without HTML comments; one that does not end stays."""
    parts: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts.append(text[position:start])
        position = end + 3
    return "".join([*parts, text[position:]])


def _marked(lines: list[str]) -> Iterator[tuple[bool, str]]:
    """Each line but the fences, and whether it is code: fenced, or a line of an interpreter's session."""
    fence = ""
    for line in lines:
        if match := _FENCE.match(line):
            mark = match[1]
            if not fence:
                fence = mark
                continue
            if mark.startswith(fence) and not line[match.end() :].strip("`~ \t"):
                fence = ""
                continue
        yield bool(fence) or line.startswith((">>>", "    ", "\t")), line


def _without_noise(lines: list[str]) -> Iterator[tuple[bool, str]]:
    """The lines outside of sections about the reporter's machine, without the headings of templates."""
    cut = False
    marked = list(_marked(lines))
    for (is_code, line), (_, below) in zip(marked, [*marked[1:], (False, "")], strict=True):
        heading = None if is_code else _heading(line, below)
        if heading is not None:
            cut = _NOISE.fullmatch(heading) is not None
        if not cut and not (heading and _TEMPLATE.fullmatch(heading)):
            yield is_code, line


def _heading(line: str, below: str) -> str | None:
    """The text of a heading in lower case, without marks; None for any other line."""
    if match := _HEADING.match(line):
        return (match[1] or match[2]).strip(_MARKDOWN).replace("`", "").lower()
    if line.strip() and len(line) < 80 and _UNDERLINE.match(below):
        return line.strip(_MARKDOWN).lower()
    return None
