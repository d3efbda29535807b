"""Paths that models write a little wrong, and the file they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, Repair, judge
from tests.app.bench.patches.sample import BLOCK, CODE, ONE, SMALL, SMALL_HUNK, WITH_ONE, assert_leaves, fence

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo({"src/app/x.py": CODE, "one/y.py": SMALL, "two/y.py": SMALL})


NAMES = {
    "a copy": ("a/src/app/x.py.orig", "b/src/app/x.py"),
    "a backup": ("a/src/app/x.py", "b/src/app/x.py.new"),
    "two folders": ("old/src/app/x.py", "new/src/app/x.py"),
    "original and modified": ("original/src/app/x.py", "modified/src/app/x.py"),
    "folders behind prefixes": ("a/old/src/app/x.py", "b/new/src/app/x.py"),
    "the repository": ("a/project/src/app/x.py", "b/project/src/app/x.py"),
    "the repository, no prefix": ("project/src/app/x.py", "project/src/app/x.py"),
    "missing src": ("a/app/x.py", "b/app/x.py"),
    "missing folders": ("a/x.py", "b/x.py"),
    "the sandbox": ("/testbed/src/app/x.py", "/testbed/src/app/x.py"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_diff_finds_the_file_that_its_names_mean(name: str, repo: Repo) -> None:
    old, new = NAMES[name]
    verdict = assert_leaves(repo, fence(ONE, header=f"--- {old}\n+++ {new}\n"), {"src/app/x.py": WITH_ONE})
    assert {Repair.PATH, Repair.FILE_HEADER} & set(verdict.repairs)
    assert verdict.files == ("src/app/x.py",)


@pytest.mark.parametrize("name", ["app/x.py", "project/src/app/x.py", "x.py"])
def test_a_block_finds_the_file_that_its_name_means(name: str, repo: Repo) -> None:
    verdict = assert_leaves(repo, f"{name}\n{BLOCK}", {"src/app/x.py": WITH_ONE})
    assert verdict.repairs == (Repair.PATH,)


@pytest.mark.parametrize(
    ("old", "new", "failure"),
    [
        ("a/y.py", "b/y.py", Failure.FILE_NOT_FOUND),  # two files end in it
        ("a/src/app/z.py", "b/src/app/z.py", Failure.FILE_NOT_FOUND),
        ("a/one/y.py", "b/two/y.py", Failure.MALFORMED),
        ("a/p.py", "b/x.py", Failure.MALFORMED),
        ("a/../src/app/x.py", "b/../src/app/x.py", Failure.UNSAFE_PATH),
    ],
)
def test_a_name_that_means_no_single_file_is_refused(old: str, new: str, failure: Failure, repo: Repo) -> None:
    verdict = judge(fence(SMALL_HUNK, header=f"--- {old}\n+++ {new}\n"), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("does_not_apply", failure)


def test_a_new_file_is_not_taken_for_one_elsewhere(repo: Repo) -> None:
    new = "```diff\n--- /dev/null\n+++ b/app/x.py\n@@ -0,0 +1 @@\n+new = 1\n```\n"
    assert_leaves(repo, new, {"app/x.py": "new = 1\n"})
    block = "app/x.py\n<<<<<<< SEARCH\n=======\nnew = 1\n>>>>>>> REPLACE\n"
    assert_leaves(repo, block, {"app/x.py": "new = 1\n"})


def test_a_whole_file_behind_the_repository_name_is_that_file(repo: Repo) -> None:
    whole = f"project/src/app/x.py\n```python\n{WITH_ONE}```\n"
    assert_leaves(repo, whole, {"src/app/x.py": WITH_ONE})
