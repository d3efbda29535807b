"""From an answer to the candidates for its patch, in the order in which they are to be tried.

An answer is cut once into *regions*: the insides of fences and of <patch> or <diff> tags, and the prose between them. A
fence closes on a line of the same sign, at least as long, indented the same, with nothing behind it; a fence that opens inside
another one is read on its own.

SEARCH/REPLACE blocks come first, all together. Then diffs: of regions that touch the same file the last one counts, earlier ones
are drafts; regions for different files are parts of one patch. If that does not apply, each region by itself, last one first, those that
touch only tests not at all as long as another does more. Named whole files are looked at only in answers without blocks and diffs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

_MOST_TRIED = 8
_DIFF_INFO = {"diff", "patch", "udiff", "git-diff"}
_TEXT_INFO = {"", "markdown", "md", "text", "txt"}
_TAGS = {"<patch>": "</patch>", "<diff>": "</diff>"}
