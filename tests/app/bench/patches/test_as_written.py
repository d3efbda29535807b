"""Whatever git takes whole is not refused, and what git cuts or misplaces is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, WarningCode, judge
from tests.app.bench.patches.sample import FILES, HEADER, ONE, SMALL, WITH_ONE, assert_leaves, fence

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

TWICE = "def a():\n    go()\n    return 1\n" + "\n" * 40 + "def b():\n    go()\n    return 1\n"
COPY = "diff --git a/y.py b/z.py\nsimilarity index 100%\ncopy from y.py\ncopy to z.py\n"


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES | {"twice.py": TWICE})


@pytest.mark.parametrize("junk", ["some words\n", "===\n", "Index: app/x.py\n"])
def test_junk_that_git_skips_does_not_matter(junk: str, repo: Repo) -> None:
    assert_leaves(repo, fence(ONE, junk), {"app/x.py": WITH_ONE})


def test_a_copy_is_taken_as_git_takes_it(repo: Repo) -> None:
    assert assert_leaves(repo, f"```diff\n{COPY}```\n", {"z.py": SMALL}).files == ("z.py",)


def test_git_places_a_hunk_that_nothing_else_does(repo: Repo) -> None:
    header = "--- a/twice.py\n+++ b/twice.py\n"
    hunk = "@@ -30,2 +30,2 @@\n-    go()\n+    stop()\n     return 1\n"
    verdict = judge(fence(hunk, header=header), snapshot=repo.snapshot)
    assert (verdict.status, [warning.code for warning in verdict.warnings]) == ("applies", [WarningCode.PLACED_BY_GIT])
    named = judge(fence(hunk.replace("@@\n", "@@ def a():\n"), header=header), snapshot=repo.snapshot)
    assert "def a" in str(named.hunks) or named.failure is Failure.CONTEXT_AMBIGUOUS


REFUSED = {
    "a hunk that git would cut": (fence(ONE, "junk\n+    more = 1\n"), Failure.MALFORMED),
    "a hunk that git would put at the end": (fence("@@ -5,0 +6 @@\n+x = 1\n"), Failure.CONTEXT_AMBIGUOUS),
    "a name that git would cut": (
        fence("@@ -1,2 +1,2 @@\n-a = 1\n+a = 9\n b = 2\n", header="--- gone/y.py\n+++ gone/y.py\nx\n"),
        Failure.MALFORMED,
    ),
    "no change": (fence("@@ -1,2 +1,2 @@\n import os\n \n"), Failure.NO_CHANGE),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_git_takes_in_another_way_is_refused(kind: str, repo: Repo) -> None:
    answer, failure = REFUSED[kind]
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.status in {"does_not_apply", "no_patch"}
    assert verdict.failure is failure


def test_a_patch_is_not_applied_twice(make_repo: MakeRepo) -> None:
    repeated = "    ),\n]\n"
    repo = make_repo({"x.py": "a\n" + repeated + "new = 1\n" + repeated})
    insertion = "@@ -2,2 +2,4 @@\n     ),\n ]\n+new = 1\n+    ),\n"
    verdict = judge(fence(insertion, header="--- a/x.py\n+++ b/x.py\n"), snapshot=repo.snapshot)
    assert verdict.status in {"applies", "does_not_apply"}
    assert HEADER not in verdict.patch


def test_a_heading_counts_whatever_else_is_wrong(repo: Repo) -> None:
    header = "--- a/twice.py\n+++ b/twice.py\n"
    hunk = "@@ -30,2 +30,2 @@ def a():\n-    go()\n+    stop()\n     return 1\n"
    bare, twice = (judge(fence(hunk, header=each), snapshot=repo.snapshot) for each in (header, header * 2))
    if bare.status == "applies":
        assert twice.patch == bare.patch
    else:
        assert (bare.status, twice.status) == ("does_not_apply", "does_not_apply")
