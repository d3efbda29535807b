"""The place of a hunk: what its lines, its stated lines and its heading say about it, and where they disagree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.patches import Failure, Hunk, PatchError, Repair
from swebench_tui.bench.patches.match import candidate_starts, match
from swebench_tui.bench.patches.scopes import Agreement, Scopes
from swebench_tui.bench.patches.text import FileText, Splice

BODY = ("    a()", "    b()", "")
METHODS = (
    "class A:",
    "    def f(self):",
    "        a()",
    "        b()",
    "",
    "    def g(self):",
    "        a()",
    "        b()",
)
HUNK = (" " + BODY[0], "-" + BODY[1], "+    c()")
METHOD_HUNK = ("         a()", "-        b()", "+        c()")


def text_of(*lines: str) -> FileText:
    return FileText(lines)


def functions(*names: str, filler: int = 0) -> FileText:
    """For each name a function with the same body."""
    return text_of(*(line for name in names for line in (f"def {name}():", *BODY, *["# filler"] * filler)))


def place_of(hunk: Hunk, text: FileText) -> int | None:
    """The line, from 1, of the hunk; None where it is ambiguous."""
    try:
        return match(hunk, text).start + 1
    except PatchError as error:
        return None if error.failure is Failure.CONTEXT_AMBIGUOUS else 0


@pytest.mark.parametrize(
    ("start", "other", "heading", "expected"),
    [
        (2, None, "", 2),
        (6, None, " def g():", 6),
        (2, None, " def g():", None),  # there, but the heading fits another match
        (2, None, " def g(x, y):", None),
        (2, None, " def unknown():", 2),  # there, and nothing fits the heading better
        (3, None, " def unknown():", None),
        (2, 6, "", None),  # one match for each of two starts
        (6, 2, "", None),
        (2, 40, "", None),  # not there, but nearer to the other match
        (40, 2, "", None),
        (2, 3, "", 2),
        (None, None, " def g():", 6),  # without a number, the heading decides
        (None, None, "", None),
        (None, None, " def unknown():", None),
    ],
)
def test_place_among_two_functions(start: int | None, other: int | None, heading: str, expected: int | None) -> None:
    assert place_of(Hunk(HUNK, start, heading, other), functions("f", "g")) == expected


@pytest.mark.parametrize(
    ("start", "heading", "expected"),
    [
        (None, " def f(self):", 3),
        (None, " class A:", None),
        (8, " class A:", 7),
        (8, " def f(self):", None),
        (8, " A = 1", None),
    ],
)
def test_place_among_two_methods(start: int | None, heading: str, expected: int | None) -> None:
    assert place_of(Hunk(METHOD_HUNK, start, heading), text_of(*METHODS)) == expected


def test_a_single_match_under_another_heading_needs_its_line() -> None:
    text = text_of("def f():", "    x()", "", "def g():", "    y()")
    for heading, expected in [(" def g():", None), (" def f():", 2), (" def h():", 2), (" y", 2), ("", 2)]:
        assert place_of(Hunk(("-    x()",), 4, heading), text) == expected
        assert place_of(Hunk(("-    x()",), None, heading), text) == expected
        assert place_of(Hunk(("-    x()",), 2, heading), text) == 2


def test_a_heading_within_the_hunk_is_the_hunks() -> None:
    text = text_of("def f():", "    x()", "", "def g():", "    y()")
    assert place_of(Hunk(("     x()", " ", " def g():", "-    y()"), None, " def g():"), text) == 2
    assert place_of(Hunk((" ", " def g():", "-    y()"), None, " def f():"), text) == 3


@pytest.mark.parametrize(("start", "expected"), [(2, 1), (11, 1), (12, None), (50, None), (60, 112), (113, 112)])
def test_the_near_match_wins_whatever_its_blanks(start: int, expected: int | None) -> None:
    text = text_of("x  ", "y", *["# filler"] * 109, "x", "y")
    assert place_of(Hunk((" x", "-y"), start), text) == expected


def test_the_equal_match_wins_without_stated_line_or_as_nearest() -> None:
    text = text_of("x  ", "y", *["# filler"] * 30, "x", "y", *["# filler"] * 30, "x\t", "y")
    assert place_of(Hunk((" x", "-y")), text) == 33
    assert place_of(Hunk((" x", "-y"), 45), text) == 33
    assert place_of(Hunk((" x", "-y"), 52), text) is None


def test_near_needs_the_next_match_twice_as_far() -> None:
    text = text_of("x", *["# filler"] * 30, "x")
    assert place_of(Hunk(("-x",), 11), text) is None
    assert place_of(Hunk(("-x",), 10), text) == 1
    assert place_of(Hunk((" x", "-y"), 11), text_of("x", "y", *["#"] * 18, "x ", "y")) is None


def test_an_unknown_heading_forbids_the_near_match() -> None:
    text = functions("f", "g", filler=60)
    assert place_of(Hunk(HUNK, 3), text) == 2
    assert place_of(Hunk(HUNK, 3, " def unknown():"), text) is None


def test_a_blank_line_too_many_in_front_moves_nothing() -> None:
    assert Repair.MOVED not in match(Hunk((" ", " x", "-y"), 1), text_of("a", "x", "y")).repairs


def test_more_matches_than_are_counted() -> None:
    text = text_of(*["x"] * 1000)
    assert place_of(Hunk(("-x",), 900), text) == 900
    assert place_of(Hunk(("-x",)), text) is None
    assert len(candidate_starts(Hunk(("-x",)), text)) == 201


def test_new_lines_at_the_stated_line_are_applied_already() -> None:
    text = text_of("a", "b", "x", "a", "c")
    with pytest.raises(PatchError) as error:
        match(Hunk((" a", "+b", "+x", " a"), 1), text_of("a", "b", "x", "a", "a"))
    assert error.value.failure is Failure.ALREADY_APPLIED
    assert match(Hunk((" a", "+b", " c"), 1), text).start == 3
    assert match(Hunk((" x", "-a", " c"), 1), text).start == 2


def test_too_many_lines_that_differ_in_blanks_only() -> None:
    text = text_of(*["x"] * 10_000, *["x "] * 500)
    hunk = Hunk((*[" x"] * 999, "-x "))
    with pytest.raises(PatchError, match="trailing blanks only"):
        match(hunk, text)


def test_a_match_names_its_function_and_its_rivals() -> None:
    found = match(Hunk(HUNK, 6), functions("f", "g", "h"))
    assert (found.start, found.rivals, found.function) == (5, (1, 9), "def g():")
    assert match(Hunk(("-a",), 1), text_of("a")).function == ""


@pytest.mark.parametrize(
    ("lines", "start", "place", "left"),
    [
        ((" ", " x", "-y"), 1, 1, (" x", "-y")),
        ((" ", " ", " x", "-y", " "), None, 1, (" x", "-y")),
        (("-y", " z", " ", " "), 2, 2, ("-y", " z")),
        ((" w", " ", "-x"), None, None, ()),
        ((*[" "] * 6, " x", "-y"), None, None, ()),
    ],
)
def test_blank_context_at_the_ends_may_be_missing(
    lines: tuple[str, ...], start: int | None, place: int | None, left: tuple[str, ...]
) -> None:
    text = text_of("x", "y", "z", "w", "x")
    if place is None:
        with pytest.raises(PatchError):
            match(Hunk(lines, start), text)
    else:
        found = match(Hunk(lines, start), text)
        assert (found.start + 1, found.hunk.lines) == (place, left)
        assert Repair.TRAILING_BLANK_CONTEXT in found.repairs


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (("-", "-x", "+z"), ("-x", "+z")),
        (("-x", "-", "+z"), ("-x", "+z")),
        (("-", "-x", "-", "+z", "+"), ("-x", "+z", "+")),
        (("-", "-", "-x", "+z"), None),
        (("-x", "-", "-", "+z"), None),
    ],
)
def test_a_block_may_have_one_blank_line_too_many(lines: tuple[str, ...], left: tuple[str, ...] | None) -> None:
    text = text_of("w", "x", "y")
    with pytest.raises(PatchError):
        match(Hunk(lines), text)
    if left is None:
        with pytest.raises(PatchError):
            match(Hunk(lines), text, block=True)
    else:
        assert match(Hunk(lines), text, block=True).hunk.lines == left


SOURCES = {
    "    async def f(self):": ("f", 4),
    "class A(B):  # c": ("A", 0),
    "export default function name(x) {": ("name", 0),
    "pub(crate) fn go<T>(x: T) -> T": ("go", 0),
    "\tfunc (r *R) Do() error {": ("Do", 8),
    "impl Trait for Name {": ("Trait", 0),
    "  def ready?": ("ready?", 2),
}


@pytest.mark.parametrize("line", SOURCES)
def test_definitions_of_several_languages(line: str) -> None:
    scopes = Scopes(["", line, "x"])
    assert scopes.agreement(line, 2, 3, ()) is Agreement.SAME_LINE
    assert scopes.agreement(f"def {SOURCES[line][0]}(): ...", 2, 3, ()) is Agreement.SAME_NAME
    assert scopes.agreement(line, 0, 1, ()) is Agreement.ELSEWHERE


@pytest.mark.parametrize(
    "line", ["class of its own", "def", "x = function(", "return class", "# def f():", "default: x"]
)
def test_other_lines_define_nothing(line: str) -> None:
    assert Scopes([line, "x"]).agreement(f"{line}?", 1, 2, ()) is Agreement.UNKNOWN
    assert Scopes([f"  {line}", "x"]).agreement("def of(x):", 1, 2, ()) is Agreement.NOWHERE


letters = st.lists(st.sampled_from(["a", "a ", "b", "a\r", ""]), max_size=12)


@given(letters, letters)
def test_candidates_are_all_places_of_the_old_lines(lines: list[str], old: list[str]) -> None:
    hunk = Hunk(tuple(f"{' -'[number % 2]}{line}" for number, line in enumerate(old)))

    def fits(start: int) -> bool:
        here = lines[start : start + len(old)]
        return len(here) == len(old) and all(
            one.rstrip() == other.rstrip() and (number % 2 == 0 or one.rstrip("\r") == other.rstrip("\r"))
            for number, (one, other) in enumerate(zip(here, old, strict=True))
        )

    expected = [start for start in range(len(lines)) if old and fits(start)]
    assert candidate_starts(hunk, FileText(tuple(lines))) == expected


@given(letters, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), letters), max_size=4))
def test_a_spliced_text_is_like_a_new_one(lines: list[str], edits: list[tuple[int, int, list[str]]]) -> None:
    before = FileText(tuple(lines))
    assert before.carriage_returns >= 0
    assert not before.index.holds([], 0)
    splices: list[Splice] = []
    end = 0
    for gap, removed, added in edits:
        start = min(len(lines), end + gap)
        splices.append(Splice(start, min(removed, len(lines) - start), tuple(added)))
        end = start + splices[-1].removed
    after = before.spliced(splices, final_newline=False)
    expected = list(lines)
    for splice in reversed(splices):
        expected[splice.start : splice.start + splice.removed] = splice.added
    fresh = FileText(tuple(expected), final_newline=False)
    assert (after, after.crlf) == (fresh, fresh.crlf)
    for run in (expected[:2], expected[1:], [*lines[:1], "never"], ["a"]):
        assert list(after.index.find(run)) == list(fresh.index.find(run))
        assert after.index.missing(run) == fresh.index.missing(run)
