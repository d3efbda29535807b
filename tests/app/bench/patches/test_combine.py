"""Several diffs in one answer: parts, drafts, repetitions, and what does not fit."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, Repair, WarningCode, judge
from swebench_tui.bench.patches.retractions import retracts
from tests.app.bench.patches.sample import (
    CODE,
    FILES,
    HEADER,
    ONE,
    OTHER_ONE,
    SMALL,
    THREE,
    TWO,
    WITH_ONE,
    WITH_OTHER_ONE,
    assert_leaves,
    fence,
    small_diff,
)

if TYPE_CHECKING:
    from swebench_tui.bench.patches import PatchVerdict
    from tests.app.bench.patches.conftest import MakeRepo, Repo

ALL = WITH_ONE.replace("c * 2", "c * 3").replace("range(3)", "range(4)")


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES)


def codes(verdict: PatchVerdict) -> list[WarningCode]:
    return [warning.code for warning in verdict.warnings]


@pytest.mark.parametrize("order", list(permutations([ONE, TWO, THREE])))
def test_hunks_in_fences_of_their_own_are_one_patch(order: tuple[str, ...], repo: Repo) -> None:
    verdict = assert_leaves(repo, "\nand\n\n".join(fence(hunk) for hunk in order), {"app/x.py": ALL})
    assert verdict.repairs[:1] == (Repair.FENCES_JOINED,)
    assert codes(verdict) == [WarningCode.JOINED]
    assert "several diffs for the same file are joined" in verdict.detail


def test_a_fence_without_a_header_continues_the_file(repo: Repo) -> None:
    verdict = assert_leaves(repo, fence(ONE) + "Then:\n" + fence(TWO, THREE, header=""), {"app/x.py": ALL})
    assert Repair.FILE_HEADER in verdict.repairs


def test_bare_diffs_and_tags_are_joined_like_fences(repo: Repo) -> None:
    answer = f"First:\n\n{HEADER}{ONE}\n<patch>\n{HEADER}{TWO}</patch>\n{fence(THREE)}"
    assert_leaves(repo, answer, {"app/x.py": ALL})


def test_the_last_version_of_a_hunk_counts(repo: Repo) -> None:
    expected = {"app/x.py": WITH_OTHER_ONE.replace("range(3)", "range(4)")}
    verdict = assert_leaves(repo, fence(ONE, THREE) + fence(OTHER_ONE), expected)
    assert Repair.DRAFT_DROPPED in verdict.repairs
    assert WarningCode.DROPPED_FITS in codes(verdict)
    (dropped,) = verdict.dropped
    assert (dropped.first, dropped.last) == (2, 12)
    assert "changes the same lines" in dropped.reason


def test_a_redraft_of_a_file_keeps_the_others(repo: Repo) -> None:
    first = f"```diff\n{HEADER}{ONE}{small_diff()}```\n"
    expected = {"app/x.py": WITH_OTHER_ONE, "y.py": SMALL.replace("a = 1", "a = 9")}
    assert_leaves(repo, first + "Wait, this is wrong:\n" + fence(OTHER_ONE), expected)


def test_a_diff_that_is_taken_back_is_a_draft(repo: Repo) -> None:
    verdict = assert_leaves(
        repo, fence(ONE, TWO) + "Wait, that's not quite right.\n" + fence(ONE), {"app/x.py": WITH_ONE}
    )
    assert codes(verdict) == [WarningCode.DROPPED_FITS]
    assert_leaves(repo, fence(TWO) + "No, that was wrong.\n" + fence(ONE), {"app/x.py": WITH_ONE})


@pytest.mark.parametrize(
    ("line", "takes_back"),
    [
        ("Wait, that is wrong.", True),
        ("Hmm, the above patch is not right.", True),
        ("Actually, no.", True),
        ("Scratch that:", True),
        ("Here is the corrected version:", True),
        ("I made a mistake there.", True),
        ("Wait, there is also another place.", False),
        ("And in the second function:", False),
        ("Note that callers wait for this.", False),
        ("Use a set instead of a list:", False),
        ("", False),
    ],
)
def test_prose_takes_an_edit_back_or_goes_on(line: str, takes_back: bool) -> None:
    assert retracts([line]) == takes_back


@pytest.mark.parametrize(
    "answer",
    [
        fence(ONE, ONE),
        f"```diff\n{HEADER}{ONE}{HEADER}{ONE}```\n",
        fence(ONE) * 3,
        fence(ONE) + "To sum up:\n" + f"<diff>\n{HEADER}{ONE}</diff>\n",
        fence(ONE) + fence(ONE.replace("@@ -4,3 +4,3 @@", "@@ -40,3 +40,3 @@")),
    ],
)
def test_the_same_hunk_twice_is_applied_once(answer: str, repo: Repo) -> None:
    verdict = assert_leaves(repo, answer, {"app/x.py": WITH_ONE})
    assert Repair.REPEATED_BLOCK in verdict.repairs


def test_an_insertion_twice_is_applied_once(repo: Repo) -> None:
    insertion = "@@ -1,2 +1,3 @@\n import os\n+import sys\n \n"
    expected = {"app/x.py": CODE.replace("import os\n", "import os\nimport sys\n")}
    assert_leaves(repo, f"```diff\n{HEADER}{insertion}{HEADER}{insertion}```\n", expected)


def test_a_draft_that_shows_a_changed_line_is_no_part(repo: Repo) -> None:
    """One changes a line that the other shows unchanged: a draft or a part, nothing tells."""
    other = "@@ -4,3 +4,3 @@\n def one(a, b):\n     total = a - b\n-    return total\n+    return abs(total)\n"
    shifted = "@@ -5,2 +5,2 @@\n     total = a - b\n-    return total\n+    return abs(total)\n"
    verdict = judge(fence(ONE) + fence(shifted), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("partial", Failure.OVERLAPPING_HUNKS)
    expected = {"app/x.py": CODE.replace("return total", "return abs(total)")}
    assert_leaves(repo, fence(ONE) + fence(other), expected)


def test_a_diff_for_the_result_of_another_is_applied(repo: Repo) -> None:
    second = ONE.replace("a - b", "a + b").replace("+    total = a + b", "+    total = b + a")
    assert_leaves(repo, fence(ONE) + "And then:\n" + fence(second), {"app/x.py": WITH_OTHER_ONE})


WRONG = {
    "a hunk": fence(ONE, TWO.replace("c * 2", "c * 5")),
    "a fence": fence(ONE) + fence(TWO.replace("c * 2", "c * 5")),
    "a file": f"```diff\n{HEADER}{ONE}{small_diff().replace('y.py', 'gone.py')}```\n",
    "an unreadable diff": fence(ONE) + fence(THREE.replace("+    for", "    for").replace("        items", "items")),
    "a path": f"```diff\n{HEADER}{ONE}{small_diff().replace('y.py', '../y.py')}```\n",
}


@pytest.mark.parametrize("part", WRONG)
def test_a_patch_without_a_part_is_partial(part: str, repo: Repo) -> None:
    verdict = judge(WRONG[part], snapshot=repo.snapshot)
    assert (verdict.status, verdict.prediction()) == ("partial", "")
    assert verdict.failure is not None
    assert verdict.detail.startswith("1 of 2 parts apply; ")
    assert Repair.FENCE_LEFT_OUT in verdict.repairs
    assert repo.after(verdict.prediction(allow_partial=True))["app/x.py"] == WITH_ONE.encode()


def test_an_elided_hunk_is_no_quote_of_an_equal_one(make_repo: MakeRepo) -> None:
    """Two hunks change equal lines at different places: the one that does not fit is missing."""
    code = CODE + CODE.replace("one", "uno")
    repo = make_repo({"app/x.py": code})
    second = ONE.replace("@@ -4,3 +4,3 @@", "@@ -26,3 +26,3 @@").replace("one", "uno")
    elided = ONE.replace(" def one(a, b):", " ...")
    for answer in (fence(elided, second), fence(elided) + fence(second)):
        verdict = judge(answer, snapshot=repo.snapshot)
        assert (verdict.status, verdict.failure) == ("partial", Failure.ELISION)


def test_a_diff_that_only_quotes_the_patch_is_no_part(repo: Repo) -> None:
    quote = "The core of it:\n```diff\n@@ ... @@\n-    total = a - b\n+    total = a + b\n something else\n```\n"
    verdict = assert_leaves(repo, fence(ONE, THREE) + quote, {"app/x.py": WITH_ONE.replace("range(3)", "range(4)")})
    assert verdict.dropped[0].reason == "another diff says the same"


def test_blocks_and_diffs_for_different_files_are_joined(repo: Repo) -> None:
    block = "app/x.py\n<<<<<<< SEARCH\n    total = a - b\n=======\n    total = a + b\n>>>>>>> REPLACE\n"
    expected = {"app/x.py": WITH_ONE, "y.py": SMALL.replace("a = 1", "a = 9")}
    verdict = assert_leaves(repo, block + f"```diff\n{small_diff()}```\n", expected)
    assert Repair.FENCES_JOINED in verdict.repairs
    same = assert_leaves(repo, block + fence(ONE), {"app/x.py": WITH_ONE})
    assert codes(same) == []
    other = assert_leaves(repo, block + fence(OTHER_ONE), {"app/x.py": WITH_ONE})
    assert codes(other) == [WarningCode.DROPPED_FITS]


def test_every_hunk_is_reported(repo: Repo) -> None:
    verdict = judge(fence(ONE, TWO.replace("c * 2", "c * 5")) + fence(THREE), snapshot=repo.snapshot)
    found = [(hunk.file, hunk.number, hunk.stated, hunk.line, hunk.failure) for hunk in verdict.hunks]
    assert found == [
        ("app/x.py", 1, 4, 4, None),
        ("app/x.py", 1, 17, 17, None),
        ("app/x.py", 2, 9, None, Failure.CONTEXT_NOT_FOUND),
    ]
    assert verdict.hunks[1].function == "def three():"
    assert "hunk 2 of 2 has an old line" in verdict.hunks[2].detail


def test_a_new_file_beside_a_diff_is_left_out(repo: Repo) -> None:
    verdict = assert_leaves(repo, fence(ONE) + "app/new.py\n```python\nx = 1\n```\n", {"app/x.py": WITH_ONE})
    assert codes(verdict) == [WarningCode.LEFT_OUT]
    assert "'app/new.py' was left out" in verdict.detail
    quote = assert_leaves(repo, fence(ONE) + f"y.py\n```python\n{SMALL}```\n", {"app/x.py": WITH_ONE})
    assert (quote.warnings, quote.dropped) == ((), ())
