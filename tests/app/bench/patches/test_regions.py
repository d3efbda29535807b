"""Marks of fences that stand in the wrong place, and the indentation of fences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Repair, judge
from swebench_tui.bench.patches.regions import read_regions
from tests.app.bench.patches.sample import BLOCK, FILES, HEADER, ONE, THREE, WITH_ONE, assert_leaves, fence

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

README = "# T\n\n```\nrun\n```\n\nend\n"
README_DIFF = "--- a/README.md\n+++ b/README.md\n@@ -2,5 +2,5 @@\n \n ```\n-run\n+go\n ```\n \n"
CHANGED = README.replace("run", "go")


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES | {"README.md": README})


def indented(text: str, blanks: str) -> str:
    return "".join(blanks + line if line.strip() else line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize("blanks", ["  ", "    ", "\t"])
def test_indentation_that_all_lines_have_is_cut(blanks: str, repo: Repo) -> None:
    answer = f"1. Like this:\n\n{indented(fence(ONE), blanks)}\n"
    assert_leaves(repo, answer, {"app/x.py": WITH_ONE})


@pytest.mark.parametrize("blanks", ["  ", "    "])
def test_flush_content_of_an_indented_fence_keeps_its_indentation(blanks: str, repo: Repo) -> None:
    whole = f"{blanks}```python app/x.py\n{WITH_ONE}{blanks}```\n"
    assert_leaves(repo, whole, {"app/x.py": WITH_ONE})
    block = f"{blanks}```python\napp/x.py\n{BLOCK}{blanks}```\n"
    assert_leaves(repo, block, {"app/x.py": WITH_ONE})
    assert_leaves(repo, f"{blanks}```diff\n{HEADER}{ONE}{blanks}```\n", {"app/x.py": WITH_ONE})


@pytest.mark.parametrize("behind", ["", "\n", "\nThis fixes it.\n", "\n- This fixes it.\n", "\n" + "```\nmore\n```\n"])
@pytest.mark.parametrize("mark", [" ```", "  ```", "   ```"])
def test_a_closing_mark_one_column_in_closes(mark: str, behind: str, repo: Repo) -> None:
    answer = f"```diff\n{HEADER}{ONE}{mark}{behind}"
    if "more" in behind:
        return  # the bare mark of the next fence closes this one
    assert Repair.FENCE_CLOSED in assert_leaves(repo, answer, {"app/x.py": WITH_ONE}).repairs


def test_a_fence_in_a_diff_is_a_line_of_it(repo: Repo) -> None:
    assert_leaves(repo, f"```diff\n{README_DIFF}```\n", {"README.md": CHANGED})
    unclosed = README_DIFF.replace("@@ -2,5 +2,5 @@\n \n", "@@ -3,3 +3,3 @@\n").removesuffix(" \n")
    assert_leaves(repo, f"```diff\n{unclosed}", {"README.md": CHANGED})
    assert_leaves(repo, f"```diff\n{README_DIFF}", {"README.md": CHANGED})


GLUED = {
    "a fence": f"```diff\n{HEADER}{ONE.rstrip()}```\nDone.\n",
    "a fence at the end": f"```diff\n{HEADER}{ONE.rstrip()}```",
    "tildes": f"~~~diff\n{HEADER}{ONE.rstrip()}~~~\n",
    "four backticks": f"````diff\n{HEADER}{ONE.rstrip()}````\n",
    "a tag": f"<patch>\n{HEADER}{ONE.rstrip()}</patch>\nDone.\n",
    "a diff tag": f"<diff>\n{HEADER}{ONE.rstrip()}</diff>",
    "a whole file": f"app/x.py\n```python\n{WITH_ONE.rstrip()}```\n",
}


@pytest.mark.parametrize("kind", GLUED)
def test_a_mark_glued_to_the_last_line_is_no_code(kind: str, repo: Repo) -> None:
    verdict = assert_leaves(repo, GLUED[kind], {"app/x.py": WITH_ONE})
    assert Repair.FENCE_CLOSED in verdict.repairs


def test_a_glued_mark_ends_its_fence_before_the_next(repo: Repo) -> None:
    answer = f"```diff\n{HEADER}{ONE.rstrip()}```\nand\n{fence(THREE)}"
    assert_leaves(repo, answer, {"app/x.py": WITH_ONE.replace("range(3)", "range(4)")})


def test_backticks_in_code_do_not_close_a_fence(repo: Repo) -> None:
    """Two lines could be the end, or the diff goes on: no guess."""
    inside = ONE.replace("a + b", "a + b  # ```")
    verdict = judge(fence(inside), snapshot=repo.snapshot)
    assert "+    total = a + b  # ```\n" in verdict.patch
    regions = read_regions("```diff\n+a```\n+b```\n c\n").regions
    assert [region.lines for region in regions] == [("+a```", "+b```", " c")]
