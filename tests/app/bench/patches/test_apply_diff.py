"""Splices of hunks into a text: which may touch, and which line ends added lines get."""

from __future__ import annotations

import pytest

from swebench_tui.bench.patches import Failure, Hunk, PatchError, Repair
from swebench_tui.bench.patches.apply_diff import splice
from swebench_tui.bench.patches.match import Match, match
from swebench_tui.bench.patches.text import FileText

NO_NEWLINE = "\\ No newline at end of file"


def test_two_insertions_in_one_place_overlap() -> None:
    matches = [Match(Hunk((" a", "+x"), 1), 0), Match(Hunk((" a", "+y"), 1), 0)]
    with pytest.raises(PatchError) as error:
        splice(FileText(("a", "b")), matches)
    assert error.value.failure is Failure.OVERLAPPING_HUNKS


def test_changes_of_neighbouring_lines_do_not_overlap() -> None:
    matches = [Match(Hunk(("-a", "+x"), 1), 0), Match(Hunk(("-b", "+y"), 2), 1)]
    assert splice(FileText(("a", "b")), matches)[0].lines == ("x", "y")


@pytest.mark.parametrize(
    ("lines", "added"),
    [
        (("a\r", "b"), "x"),  # as many with CR as without
        (("a", "b\r", "c\r"), "x\r"),  # the first line is as written, the others are not
        (("a", "b"), "x"),
    ],
)
def test_added_lines_end_like_most_lines_around_them(lines: tuple[str, ...], added: str) -> None:
    hunk = Hunk((*(" " + line.rstrip("\r") for line in lines), "+x"), 1)
    text = FileText(lines)
    assert splice(text, [match(hunk, text)])[0].lines == (*lines, added)


def test_a_return_without_newline_is_a_repair() -> None:
    text = FileText(("a\r", "b\r"))
    edited, repairs = splice(text, [match(Hunk(("-b\r", "+c\r", NO_NEWLINE), 2), text)])
    assert (edited.render(), repairs) == ("a\r\nc", (Repair.LINE_ENDS,))
