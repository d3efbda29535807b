"""What became of an answer: status, failure classes, repairs, and the verdict that carries them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

Status = Literal["applies", "does_not_apply", "no_patch", "unchecked"]

MOST_EDITS = 2000  # hunks and files, or blocks, in one patch; real ones have under fifty
MOST_LINES = 50_000  # in one diff
_LONGEST_DETAIL = 600


class Failure(StrEnum):
    """Why an answer has no patch that applies. The values are stored with runs, so they stay as they are."""

    # Nothing to check.
    EMPTY_ANSWER = "empty_answer"  # no text at all
    PROSE_ONLY = "prose_only"  # text without any code fence, diff or block
    NO_DIFF = "no_diff"  # code fences, but neither a diff, a block nor a named file in them
    TRUNCATED = "truncated"  # cut by the output limit before a complete patch that applies
    NO_CHANGE = "no_change"  # the patch leaves every file as it is
    # Wrong in itself.
    MALFORMED = "malformed"  # not readable as a diff or block without guessing at content
    NESTED_FENCE = "nested_fence"  # a fence inside the diff's fence cuts it in two
    NO_FILE_NAME = "no_file_name"  # nothing says which file is meant
    BINARY = "binary"  # a binary patch, or a text patch for a binary file
    NOT_UTF8 = "not_utf8"  # cannot be written down as UTF-8, so not as a prediction
    TOO_LARGE = "too_large"  # more edits than anybody will review
    OVERLAPPING_HUNKS = "overlapping_hunks"  # two hunks change the same line
    # Wrong place in the file system.
    UNSAFE_PATH = "unsafe_path"  # `..`, outside of the checkout, `.git`, through a symlink
    FILE_NOT_FOUND = "file_not_found"
    FILE_EXISTS = "file_exists"  # a new file, or the target of a rename, is already there
    # Does not fit the file.
    CONTEXT_NOT_FOUND = "context_not_found"
    CONTEXT_AMBIGUOUS = "context_ambiguous"
    SEARCH_NOT_FOUND = "search_not_found"
    SEARCH_AMBIGUOUS = "search_ambiguous"
    ALREADY_APPLIED = "already_applied"  # the file holds the new lines instead of the old ones, or the diff is reversed
    ELISION = "elision"  # `...` stands where lines should be
    TABS_AS_SPACES = "tabs_as_spaces"
    WHITESPACE = "whitespace"  # same words, other blanks
    PARTIAL_FILE = "partial_file"  # a whole-file answer that would drop most of the file
    # Not the answer's fault.
    GIT_REFUSED = "git_refused"  # every line was found and git still says no
    GIT_UNAVAILABLE = "git_unavailable"  # git could not run, or did not finish in time
    NEEDS_CHECKOUT = "needs_checkout"  # becomes a diff only beside the files


class Repair(StrEnum):
    """What was mended in the form of a patch. No repair touches what is added or removed."""

    DRAFT_DROPPED = "draft_dropped"  # an earlier fence for the same file was passed over
    FENCES_JOINED = "fences_joined"  # fences for different files became one patch
    FENCE_LEFT_OUT = "fence_left_out"  # another fence does not apply and was left out
    REPEATED_BLOCK = "repeated_block"  # a block that says the same as an earlier one
    FENCE_CLOSED = "fence_closed"
    FILE_HEADER = "file_header"  # missing `---` or `+++` line
    PREFIXES = "prefixes"  # missing a/ and b/
    PATH = "path"  # `./`, absolute or /testbed path made relative
    INDEX_LINE = "index_line"  # made-up `index` line dropped
    RECOUNTED = "recounted"  # line counts of a hunk header
    NUMBERED = "numbered"  # a hunk without line numbers got them
    BLANK_CONTEXT = "blank_context"  # blank context line that had lost its space
    TRAILING_BLANK_CONTEXT = "trailing_blank_context"  # blank lines after a hunk that are not in the file
    FINAL_NEWLINE = "final_newline"  # the patch ended in the middle of its last line
    END_OF_FILE = "end_of_file"  # "No newline at end of file" follows the file
    LINE_NUMBERS = "line_numbers"  # numbers copied into the lines
    LINE_ENDS = "line_ends"  # CRLF or LF, as the file has it
    TRAILING_BLANKS = "trailing_blanks"  # blanks at the end of context lines, as the file has them
    MOVED = "moved"  # put where its old lines are
    CONTEXT = "context"  # context lines completed from the file


class PatchError(Exception):
    """An answer, or a part of it, that cannot be used. `str(error)` is one sentence for the user."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(plain(detail))
        self.failure = failure


class PatchVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What `judge` says of one answer.

    `patch` is a unified diff with a/ and b/ prefixes that ends in a newline, or "". It is there for a diff that does
    not apply too, so that it can be shown; only `status == "applies"` says that git took it. `detail` is for reading
    and holds no control characters; `patch` is the model's text and may.
    """

    status: Status
    failure: Failure | None = None
    detail: str = ""
    patch: str = ""
    files: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    added: int = 0
    removed: int = 0


def plain(text: str) -> str:
    """`text` as one line that is safe to print: no control, format or surrogate characters, of bounded length."""
    if len(text) <= _LONGEST_DETAIL and text.isprintable():
        return text
    lines = (line.strip() for line in text[: 4 * _LONGEST_DETAIL].split("\n"))
    joined = "; ".join(line for line in lines if line)
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in joined.replace("\t", " "))
    return clean if len(clean) <= _LONGEST_DETAIL else clean[: _LONGEST_DETAIL - 1] + "…"
