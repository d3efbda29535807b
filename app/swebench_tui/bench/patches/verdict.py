"""The verdict on an answer's patch: status, failure class, repairs, warnings, and a report of its hunks."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from swebench_tui.terminal_text import joined_lines

Status = Literal["applies", "partial", "does_not_apply", "no_patch", "unchecked"]
"""`partial`: some hunks, files or blocks apply and others do not. `patch` has those that do."""

MOST_EDITS = 2000  # hunks and files, or blocks, in one patch; real ones have under fifty
MOST_LINES = 50_000  # in one diff, or block
MOST_ANSWER_LINES = 200_000
MOST_CHARACTERS = 8_000_000  # in one answer, thoughts included; no model writes as much
MOST_REPORTED = 200  # hunks, dropped regions and warnings, each, in one verdict
_LONGEST_DETAIL = 600


class Failure(StrEnum):
    """Why an answer has no patch that applies. The values are stored with runs, so they never change."""

    # No patch.
    EMPTY_ANSWER = "empty_answer"  # no text at all
    PROSE_ONLY = "prose_only"  # text without any code fence, diff or block
    NO_DIFF = "no_diff"  # code fences, but neither a diff, a block nor a named file in them
    TRUNCATED = "truncated"  # cut by the output limit before a complete patch that applies
    NO_CHANGE = "no_change"  # the patch leaves every file as it is
    # Invalid patch.
    MALFORMED = "malformed"  # not readable as a diff or block without guessing content
    NESTED_FENCE = "nested_fence"  # a fence inside the diff's fence cuts it in two
    NO_FILE_NAME = "no_file_name"  # no file name
    BINARY = "binary"  # a binary patch, or a text patch for a binary file
    NOT_UTF8 = "not_utf8"  # not encodable as UTF-8, so not as a prediction
    TOO_LARGE = "too_large"  # more edits than anyone reviews
    OVERLAPPING_HUNKS = "overlapping_hunks"  # two hunks change the same line
    # Wrong path.
    UNSAFE_PATH = "unsafe_path"  # `..`, outside of the checkout, `.git`, through a symlink
    FILE_NOT_FOUND = "file_not_found"
    FILE_EXISTS = "file_exists"  # a new file, or the target of a rename, already exists
    # No match in the file.
    CONTEXT_NOT_FOUND = "context_not_found"
    CONTEXT_AMBIGUOUS = "context_ambiguous"
    SEARCH_NOT_FOUND = "search_not_found"
    SEARCH_AMBIGUOUS = "search_ambiguous"
    ALREADY_APPLIED = "already_applied"  # the file has the new lines instead of the old ones, or the diff is reversed
    ELISION = "elision"  # `...` in place of lines
    TABS_AS_SPACES = "tabs_as_spaces"
    WHITESPACE = "whitespace"  # differs in whitespace only
    PARTIAL_FILE = "partial_file"  # a whole-file answer that would drop most of the file
    # Not the answer's fault.
    GIT_REFUSED = "git_refused"  # every line matches and git still refuses it
    GIT_UNAVAILABLE = "git_unavailable"  # git is missing, failed or timed out
    TIMED_OUT = "timed_out"  # the time limit for a verdict passed
    NEEDS_CHECKOUT = "needs_checkout"  # becomes a diff only with the files


class Repair(StrEnum):
    """A repair of a patch's form. No repair changes what is added or removed."""

    DRAFT_DROPPED = "draft_dropped"  # an earlier fence for the same file was skipped
    FENCES_JOINED = "fences_joined"  # fences for different files became one patch
    FENCE_LEFT_OUT = "fence_left_out"  # another fence does not apply and was left out
    REPEATED_BLOCK = "repeated_block"  # a duplicate of another block, hunk or diff
    MARKERS = "markers"  # misspelt markers of a block
    APPLY_PATCH = "apply_patch"  # written for the tool `apply_patch`
    BULLETS = "bullets"  # lines of a list behind a bare diff told from its lines, or the reverse
    FENCE_CLOSED = "fence_closed"
    FILE_HEADER = "file_header"  # missing `---` or `+++` line
    PREFIXES = "prefixes"  # missing a/ and b/
    PATH = "path"  # `./`, absolute or /testbed path made relative
    INDEX_LINE = "index_line"  # made-up `index` line dropped
    RECOUNTED = "recounted"  # line counts of a hunk header
    NUMBERED = "numbered"  # a hunk without line numbers got them
    BLANK_CONTEXT = "blank_context"  # blank context line that had lost its space
    TRAILING_BLANK_CONTEXT = "trailing_blank_context"  # blank lines at the ends of a hunk that are not in the file
    FINAL_NEWLINE = "final_newline"  # the patch ended in the middle of its last line
    END_OF_FILE = "end_of_file"  # "No newline at end of file" adapted to the file
    LINE_NUMBERS = "line_numbers"  # numbers copied into the lines
    LINE_ENDS = "line_ends"  # CRLF or LF, adapted to the file
    TRAILING_BLANKS = "trailing_blanks"  # trailing blanks of context lines, adapted to the file
    MOVED = "moved"  # moved to where its old lines match
    CONTEXT = "context"  # context lines completed from the file


class WarningCode(StrEnum):
    """What a user should look at in a patch that can be used. The values are stored with runs, so they never change."""

    ONLY_TESTS = "only_tests"  # it touches only tests
    HELPER_SCRIPT = "helper_script"  # it adds a script such as `reproduce_bug.py` at the top of the repository
    CUT_OFF = "cut_off"  # the answer was cut off, so there may have been more to the patch
    JOINED = "joined"  # parts from several fences became one patch
    DROPPED_FITS = "dropped_fits"  # a part that was dropped would apply too
    LEFT_OUT = "left_out"  # a part does not apply and was left out
    WHOLE_FILE = "whole_file"  # a file is replaced as a whole; says how many lines that removes
    THOUGHTS = "thoughts"  # edits in the model's thoughts were ignored
    PLACED_BY_GIT = "placed_by_git"  # the place is ambiguous, and git takes the nearest one


class PatchWarning(msgspec.Struct, frozen=True):
    """A warning about a patch. `text` is one sentence for the user."""

    code: WarningCode
    text: str


class HunkReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where one hunk or block goes. Lines count from 1 in the file at the base commit.

    `failure` is None where it applies, else the class, with the sentence in `detail`.
    """

    file: str
    number: int  # from 1, among the hunks of its file or the blocks of the answer
    stated: int | None = None  # the line that the answer states
    line: int | None = None  # the line at which it matches
    rivals: tuple[int, ...] = ()  # other lines at which it matches
    function: str = ""  # the heading of the function or class around the place
    failure: Failure | None = None
    detail: str = ""


class DroppedRegion(msgspec.Struct, frozen=True):
    """Lines `first` to `last` of the answer, counted from 1, that look like an edit and are not part of the patch."""

    first: int
    last: int
    reason: str


class PatchError(Exception):
    """An unusable answer, or part of one. `str(error)` is one sentence for the user."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail_line(detail))
        self.failure = failure


class PatchVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `judge` for one answer.

    `patch` is a unified diff with a/ and b/ prefixes that ends in a newline, or "". A diff that does not apply is kept
    too, so that it can be shown; only `status == "applies"` means that git accepted all of it. `detail` is for people
    and has no control characters; `patch` is the model's text and may have some. `hunks`, `dropped` and `warnings` have
    at most `MOST_REPORTED` entries each.
    """

    status: Status
    failure: Failure | None = None
    detail: str = ""
    patch: str = ""
    files: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    added: int = 0
    removed: int = 0
    warnings: tuple[PatchWarning, ...] = ()
    hunks: tuple[HunkReport, ...] = ()
    dropped: tuple[DroppedRegion, ...] = ()

    def prediction(self, *, allow_partial: bool = False) -> str:
        """The patch to submit: that of a verdict that applies, on request that of a partial one, else ""."""
        return self.patch if self.status == "applies" or (allow_partial and self.status == "partial") else ""


def detail_line(text: str) -> str:
    """`text` as the detail of a verdict: one line, safe to print, of at most 600 characters."""
    return joined_lines(text, limit=_LONGEST_DETAIL)
