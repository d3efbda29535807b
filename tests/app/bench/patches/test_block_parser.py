"""Markers of SEARCH/REPLACE blocks as models misspell them, and what only looks like them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, Repair, judge, parse_blocks
from tests.app.bench.patches.sample import (
    BLOCK,
    CODE,
    FILES,
    OTHER_BLOCK,
    WITH_ONE,
    WITH_OTHER_ONE,
    assert_leaves,
)

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

CONFLICT = "<<<<<<< HEAD\nleft\n=======\nright\n>>>>>>> topic\n"
NAME = "app/x.py\n"

MARKERS = {
    "lower case": ("<<<<<<< search", "=======", ">>>>>>> replace"),
    "mixed case": ("<<<<<<< Search", "=======", ">>>>>>> Replace"),
    "other words": ("<<<<<<< ORIGINAL", "=======", ">>>>>>> UPDATED"),
    "half other words": ("<<<<<<< SEARCH", "=======", ">>>>>>> UPDATED"),
    "a conflict": ("<<<<<<< HEAD", "=======", ">>>>>>> fix"),
    "four signs": ("<<<< SEARCH", "====", ">>>> REPLACE"),
    "ten signs": ("<" * 10 + " SEARCH", "=" * 10, ">" * 10 + " REPLACE"),
    "unequal signs": ("<<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"),
    "indented": ("  <<<<<<< SEARCH", "  =======", "  >>>>>>> REPLACE"),
    "dashes and plus signs": ("------- SEARCH", "=======", "+++++++ REPLACE"),
    "escaped": ("&lt;" * 7 + " SEARCH", "=======", "&gt;" * 7 + " REPLACE"),
    "without a blank": ("<<<<<<<SEARCH", "=======", ">>>>>>>REPLACE"),
    "closed the wrong way": ("<<<<<<< SEARCH", "=======", "<<<<<<< REPLACE"),
}


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES | {"conflict.txt": f"one\n{CONFLICT}two\n"})


def block(opening: str, divider: str, close: str) -> str:
    return f"{opening}\n    total = a - b\n{divider}\n    total = a + b\n{close}\n"


@pytest.mark.parametrize("around", ["{}", "```python\n{}```\n", "```diff\n{}```\n", "````\n{}````\n"])
@pytest.mark.parametrize("markers", MARKERS)
def test_misspelt_markers_are_read(markers: str, around: str, repo: Repo) -> None:
    verdict = assert_leaves(repo, NAME + around.format(block(*MARKERS[markers])), {"app/x.py": WITH_ONE})
    assert (Repair.MARKERS in verdict.repairs) == (markers not in {"without a blank", "unequal signs"})


@pytest.mark.parametrize(
    "markers",
    [
        ("<<<<<<< CURRENT", "=======", ">>>>>>> PROPOSED"),
        ("<<<<<<<", "=======", ">>>>>>>"),
        ("<<<<<<< SEARCH", "-------", ">>>>>>> REPLACE"),
        ("<<<<<<< SEARCH", "=======", "======="),
        ("<SEARCH>", "</SEARCH>", "<REPLACE>"),
    ],
)
def test_a_fence_with_unclear_markers_is_no_file(markers: tuple[str, str, str], make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE, "new/z.py": ""})
    for name in ("app/x.py", "new/z.py", "new/n.py"):
        verdict = judge(f"{name}\n```python\n{block(*markers)}```\n", snapshot=repo.snapshot)
        assert (verdict.status, verdict.failure) == ("does_not_apply", Failure.MALFORMED)


def test_the_indentation_of_a_whole_block_is_cut(repo: Repo) -> None:
    listed = "".join(f"   {line}\n" for line in f"{NAME}{BLOCK}".splitlines())
    assert_leaves(repo, f"1. Change this:\n\n{listed}", {"app/x.py": WITH_ONE})
    inside = "".join(f"    {line.strip()}\n" for line in BLOCK.splitlines())  # the code's own indentation
    assert_leaves(repo, f"{NAME}{inside}", {"app/x.py": WITH_ONE})


def test_escaped_code_is_unescaped_with_its_markers(make_repo: MakeRepo) -> None:
    repo = make_repo({"z.py": "if a < b and c:\n    pass\n"})
    escaped = block("&lt;" * 7 + " SEARCH", "=======", "&gt;" * 7 + " REPLACE").replace(
        "    total = a - b", "if a &lt; b and c:"
    )
    answer = "z.py\n" + escaped.replace("    total = a + b", "if a &gt; b &amp; c:")
    assert_leaves(repo, answer, {"z.py": "if a > b & c:\n    pass\n"})


def test_conflicts_inside_a_block_are_lines_of_the_file(repo: Repo) -> None:
    answer = f"conflict.txt\n<<<<<<< SEARCH\n{CONFLICT}=======\nright\n>>>>>>> REPLACE\n"
    assert_leaves(repo, answer, {"conflict.txt": "one\nright\ntwo\n"})
    half = "conflict.txt\n<<<<<<< SEARCH\n<<<<<<< HEAD\nleft\n=======\nleft\n>>>>>>> REPLACE\n"
    assert_leaves(repo, half, {"conflict.txt": f"one\n{CONFLICT}two\n".replace("<<<<<<< HEAD\n", "")})


def test_a_quoted_conflict_is_no_block(repo: Repo) -> None:
    """The file has the conflict itself, so its first side must not replace the second one."""
    verdict = judge(f"The file has:\nconflict.txt\n```\n{CONFLICT}```\n", snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("does_not_apply", Failure.MALFORMED)
    diff = "--- a/conflict.txt\n+++ b/conflict.txt\n@@ -1,7 +1,3 @@\n one\n-<<<<<<< HEAD\n left\n-=======\n-right\n"
    answer = f"It has:\n```\n{CONFLICT}```\nso:\n```diff\n{diff}->>>>>>> topic\n two\n```\n"
    assert_leaves(repo, answer, {"conflict.txt": "one\nleft\ntwo\n"})


def test_the_correction_of_a_block_replaces_it(repo: Repo) -> None:
    for prose in ("", "Wait, the order matters:\n"):
        verdict = assert_leaves(repo, f"{NAME}{BLOCK}{prose}{NAME}{OTHER_BLOCK}", {"app/x.py": WITH_OTHER_ONE})
        assert verdict.repairs == (Repair.DRAFT_DROPPED,)
        assert [(region.first, region.last) for region in verdict.dropped] == [(2, 6)]
    wider = OTHER_BLOCK.replace("SEARCH\n", "SEARCH\ndef one(a, b):\n").replace("=\n", "=\ndef one(a, b):\n")
    assert_leaves(repo, f"{NAME}{BLOCK}{NAME}{wider}", {"app/x.py": WITH_OTHER_ONE})


def test_an_insertion_that_is_taken_back_is_a_draft(repo: Repo) -> None:
    insertion = "<<<<<<< SEARCH\nimport os\n=======\nimport os\nimport {}\n>>>>>>> REPLACE\n"
    first, second = NAME + insertion.format("sys"), NAME + insertion.format("re")
    expected = {"app/x.py": CODE.replace("import os\n", "import os\nimport re\n")}
    assert_leaves(repo, f"{first}No, that's wrong.\n{second}", expected)
    both = {"app/x.py": CODE.replace("import os\n", "import os\nimport re\nimport sys\n")}
    assert_leaves(repo, first + second, both)


def test_a_block_that_shows_a_changed_line_does_not_fit(repo: Repo) -> None:
    """It shows the line that another block changes as it was: neither is a draft of the other for sure."""
    lines = "    total = a - b\n    return {}\n"
    other = f"<<<<<<< SEARCH\n{lines.format('total')}=======\n{lines.format(0)}>>>>>>> REPLACE\n"
    verdict = judge(f"{NAME}{BLOCK}{NAME}{other}", snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("partial", Failure.SEARCH_NOT_FOUND)


def test_a_mark_glued_to_a_block_closes_it(repo: Repo) -> None:
    assert_leaves(repo, f"{NAME}```python\n{BLOCK.removesuffix(chr(10))}```\n", {"app/x.py": WITH_ONE})


def test_a_block_knows_its_lines_in_the_answer() -> None:
    (found,) = parse_blocks(["words", "x.py", *BLOCK.splitlines()]).blocks
    assert (found.name, found.first, found.last) == ("x.py", 3, 7)
