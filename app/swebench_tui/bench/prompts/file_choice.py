"""The prompt in which a model chooses files, and the reading of its answer.

The model gets the issue and paths: the ranked ones, or, where the search is not sure, all of them by folder. Whatever
it answers is checked against the paths of the repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from swebench_tui.bench.prompts.prompt_hash import prompt_hash
from swebench_tui.bench.prompts.render import Prompt
from swebench_tui.bench.prompts.text import plain_lines

MAX_FILES: Final = 10
"""Files of an answer that are used."""

RANKED_TOKENS: Final = 2_000
"""Of the list of ranked paths: it then has the file to change in 97 % of the measured tasks."""

TREE_TOKENS: Final = 8_000
"""Of all paths by folder; in a larger repository the ranked list stands in."""

_MAX_ANSWER: Final = 100_000  # characters that are read
_PATH: Final = re.compile(r"[^\s\"'`,;()\[\]{}<>|*]+")
_LINE_SUFFIX: Final = re.compile(r"(?::\d[\d:-]*|#L\d[\dL-]*)$")
_MARKER: Final = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")

_SYSTEM: Final = f"""\
You find the files of a project that must change to fix an issue. You get the issue and paths of the project.
Answer with paths from the list and nothing else: one a line, the most important first, {MAX_FILES} at most."""


class Choice(msgspec.Struct, frozen=True):
    """The files that an answer names, best first, and the other paths in it, which the repository does not have."""

    files: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def choice_prompt(issue: str, listing: str) -> Prompt:
    """The prompt for a choice from `listing`."""
    user = "\n".join(
        ["<issue>", plain_lines(issue).strip(), "</issue>", "", "<paths>", listing, "</paths>", "", "Which files?"]
    )
    return Prompt(_SYSTEM, user, prompt_hash(_SYSTEM, user))


def read_choice(answer: str, paths: Iterable[str], *, most: int = MAX_FILES) -> Choice:
    """The files of `paths` that an answer names, as lines, bullets, JSON or in prose, whole or by a unique ending."""
    known = frozenset(paths)
    by_name: dict[str, list[str]] = {}
    for path in known:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    chosen: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for written in _written(answer[:_MAX_ANSWER], known):
        resolved = _resolved(written, known, by_name)
        if resolved is not None:
            chosen.setdefault(resolved)
        elif "/" in written and "." in written.rpartition("/")[2]:
            unknown.setdefault(written)
    return Choice(tuple(chosen)[:most], tuple(unknown)[:most])


def _written(answer: str, known: frozenset[str]) -> Iterable[str]:
    """Everything in the answer that may be a path, in its order."""
    for line in answer.replace("\\/", "/").splitlines():
        whole = _MARKER.sub("", line).strip().strip("`\"',*")
        if whole in known:  # a path with spaces
            yield whole
            continue
        folder = ""
        for part in _PATH.findall(line):
            if part.endswith("/:"):  # a line of the tree, copied
                folder = part[:-1].removeprefix("./")
            else:
                name = _LINE_SUFFIX.sub("", part.rstrip(".:!?"))
                yield folder + name if folder + name in known else name


def _resolved(written: str, known: frozenset[str], by_name: dict[str, list[str]]) -> str | None:
    """The path that is meant: itself, or the one path that ends so, or of which `written` is an ending."""
    path = re.sub(r"^(?:\./|/)+", "", written)
    if path in known:
        return path
    same_name = by_name.get(path.rpartition("/")[2], ())
    longer = [each for each in same_name if each.endswith(f"/{path}")]
    if len(longer) == 1 and "." in path:
        return longer[0]
    shorter = [each for each in same_name if path.endswith(f"/{each}")]
    return max(shorter, key=len, default=None)
