"""Lists behind bare diffs, and lines of a diff that look like lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, Repair, judge, parse_diff
from tests.app.bench.patches.sample import FILES, HEADER, ONE, WITH_ONE, assert_leaves

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

NOTES = "# Notes\n\n one\n two\n\n three\n four\n"
NOTES_HEADER = "--- a/notes.txt\n+++ b/notes.txt\n"


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES | {"notes.txt": NOTES})


LISTS = {
    "right behind": "- This adds the two.\n- It was a typo.\n",
    "with other bullets": "* This adds the two.\n",
    "behind a blank line": "\n- This adds the two.\n+ And it is tested.\n",
    "numbered": "1. This adds the two.\n",
    "a rule": "\n---\n\nDone.\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_behind_a_bare_diff_is_ignored(kind: str, repo: Repo) -> None:
    assert_leaves(repo, f"Here:\n\n{HEADER}{ONE}{LISTS[kind]}", {"app/x.py": WITH_ONE})


@pytest.mark.parametrize("start", ["@@ -4,3 +4,3 @@", "@@ -4,9 +4,7 @@", "@@ ... @@"])
def test_the_file_shows_what_is_a_list(start: str, repo: Repo) -> None:
    answer = f"{HEADER}{ONE}- This adds the two.\n".replace("@@ -4,3 +4,3 @@", start)
    verdict = assert_leaves(repo, answer, {"app/x.py": WITH_ONE})
    assert Repair.BULLETS in verdict.repairs


@pytest.mark.parametrize("start", ["@@ -3,5 +3,5 @@", "@@ -3,9 +3,9 @@", "@@ ... @@"])
def test_lines_behind_a_lost_blank_are_lines(start: str, repo: Repo) -> None:
    """A blank context line lost its space, and what follows looks like a list but is in the file."""
    hunk = f"{start}\n  one\n- two\n+ TWO\n\n- three\n+ THREE\n  four\n"
    expected = NOTES.replace("two", "TWO").replace("three", "THREE")
    assert_leaves(repo, NOTES_HEADER + hunk, {"notes.txt": expected})
    at_the_end = hunk.removesuffix("  four\n").replace("-3,5 +3,5", "-3,4 +3,4")
    assert_leaves(repo, NOTES_HEADER + at_the_end, {"notes.txt": expected})


def test_added_blank_lines_behind_a_lost_blank_are_lines(repo: Repo) -> None:
    hunk = "@@ -1,9 +1,9 @@\n # Notes\n\n+\n  one\n"
    assert_leaves(repo, NOTES_HEADER + hunk, {"notes.txt": NOTES.replace("\n\n one", "\n\n\n one")})


def test_added_lines_that_can_be_a_list_are_refused(repo: Repo) -> None:
    verdict = judge(f"{HEADER}{ONE}+ This adds the two.\n", snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("does_not_apply", Failure.MALFORMED)
    assert "both would apply" in verdict.detail


def test_a_fence_has_no_lists() -> None:
    lines = [*HEADER.splitlines(), "@@ -1,9 +1,9 @@", " a", "- b", "+ c"]
    assert parse_diff(lines).changes[0].hunks[0].lines == (" a", "- b", "+ c")
    assert parse_diff(lines).other == ()
