"""SEARCH/REPLACE blocks, as models really write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.patches import Failure, Repair, judge, parse_blocks
from swebench_tui.bench.patches.block_parser import as_hunk

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

CODE = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"
OTHER = "x = 1\ny = 2\n"
BLOCK = "<<<<<<< SEARCH\n    return 1\n=======\n    return 10\n>>>>>>> REPLACE\n"
CHANGED = CODE.replace("return 1\n", "return 10\n")


def assert_leaves(repo: Repo, answer: str, expected: dict[str, str], repairs: tuple[Repair, ...] = ()) -> None:
    before = repo.files()
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.status == "applies", f"{verdict.failure}: {verdict.detail}"
    assert verdict.repairs == repairs
    assert repo.after(verdict.patch) == before | {name: text.encode() for name, text in expected.items()}


NAMED = {
    "above the fence": f"app/x.py\n```python\n{BLOCK}```\n",
    "above the fence, with a blank line": f"app/x.py\n\n```python\n{BLOCK}```\n",
    "inside the fence": f"```python\napp/x.py\n{BLOCK}```\n",
    "inside the fence, as a comment": f"```python\n# app/x.py\n{BLOCK}```\n",
    "in the info string": f"```python app/x.py\n{BLOCK}```\n",
    "in the info string, behind a colon": f"```python:app/x.py\n{BLOCK}```\n",
    "in a heading": f"### `app/x.py`\n```python\n{BLOCK}```\n",
    "in bold": f"**app/x.py**\n```python\n{BLOCK}```\n",
    "behind a label": f"File: app/x.py\n```python\n{BLOCK}```\n",
    "in a sentence": f"In `app/x.py`, the number is wrong:\n```python\n{BLOCK}```\n",
    "behind the marker": f"```\n{BLOCK.replace('SEARCH', 'SEARCH app/x.py')}```\n",
    "without a fence": f"app/x.py\n{BLOCK}",
    "in a diff fence": f"app/x.py\n```diff\n{BLOCK}```\n",
    "four backticks": f"app/x.py\n````python\n{BLOCK}````\n",
    "an indented list": "1. app/x.py\n" + "".join(f"   {line}\n" for line in f"```python\n{BLOCK}```".split("\n")),
    "a fence nobody closed": f"app/x.py\n```python\n{BLOCK}",
    "CRLF": f"app/x.py\n```python\n{BLOCK}```\n".replace("\n", "\r\n"),
    "longer markers": f"app/x.py\n```python\n{BLOCK}```\n".replace("<<<<<<<", "<<<<<<<<<").replace("=======", "====="),
    "with ./": f"./app/x.py\n{BLOCK}",
    "as an absolute path": f"/testbed/app/x.py\n{BLOCK}",
}


@pytest.mark.parametrize("where", NAMED)
def test_a_block_finds_its_file_name(where: str, make_repo: MakeRepo) -> None:
    mended = where in {"with ./", "as an absolute path"}
    repo = make_repo({"app/x.py": CODE, "y.py": OTHER})
    assert_leaves(repo, NAMED[where], {"app/x.py": CHANGED}, (Repair.PATH,) if mended else ())


def test_blocks_for_several_files_are_one_patch_in_order(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE, "y.py": OTHER})
    second = "<<<<<<< SEARCH\n    return 2\n=======\n    return 20\n>>>>>>> REPLACE\n"
    third = "y.py\n```\n<<<<<<< SEARCH\ny = 2\n=======\n>>>>>>> REPLACE\n```\n"
    new = "app/new.py\n```python\n<<<<<<< SEARCH\n=======\nnew = 1\n>>>>>>> REPLACE\n```\n"
    answer = f"app/x.py\n```python\n{BLOCK}\n{second}```\nThen:\n{third}And:\n{new}"
    assert_leaves(
        repo, answer, {"app/x.py": CHANGED.replace("2\n", "20\n"), "y.py": "x = 1\n", "app/new.py": "new = 1\n"}
    )
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.files == ("app/x.py", "y.py", "app/new.py")
    assert (verdict.added, verdict.removed) == (3, 3)


def test_a_block_sees_what_the_ones_before_it_left(make_repo: MakeRepo) -> None:
    second = "app/x.py\n<<<<<<< SEARCH\n    return 10\n=======\n    return 100\n>>>>>>> REPLACE\n"
    assert_leaves(
        make_repo({"app/x.py": CODE}), f"app/x.py\n{BLOCK}{second}", {"app/x.py": CODE.replace("1\n", "100\n")}
    )


def test_if_one_block_does_not_fit_the_patch_is_partial(make_repo: MakeRepo) -> None:
    wrong = "app/x.py\n<<<<<<< SEARCH\nnot there\n=======\n>>>>>>> REPLACE\n"
    repo = make_repo({"app/x.py": CODE})
    verdict = judge(f"app/x.py\n{BLOCK}{wrong}", snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure, verdict.prediction()) == ("partial", Failure.SEARCH_NOT_FOUND, "")
    assert verdict.detail.startswith("1 of 2 parts apply; block 2 of 2: app/x.py: its SEARCH text")
    assert repo.after(verdict.prediction(allow_partial=True)) == {"app/x.py": CHANGED.encode()}


def test_an_unnamed_block_applies_to_the_only_matching_file(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE, "y.py": OTHER, "z.py": "    return 1 or 2\n"})
    assert_leaves(repo, f"Like this:\n```python\n{BLOCK}```\n", {"app/x.py": CHANGED}, (Repair.FILE_HEADER,))


@pytest.mark.parametrize("copies", [0, 2])
def test_an_unnamed_block_with_no_unique_file_is_refused(copies: int, make_repo: MakeRepo) -> None:
    repo = make_repo({f"{number}.py": CODE for number in range(copies)})
    verdict = judge(BLOCK, snapshot=repo.snapshot)
    assert verdict.failure is Failure.NO_FILE_NAME
    assert ("2 files contain" if copies else "no file contains") in verdict.detail


def test_a_search_text_at_two_places_is_refused(make_repo: MakeRepo) -> None:
    verdict = judge(f"x.py\n{BLOCK}", snapshot=make_repo({"x.py": CODE + "\n\ndef three():\n    return 1\n"}).snapshot)
    assert verdict.failure is Failure.SEARCH_AMBIGUOUS
    assert "lines 5, 13" in verdict.detail


def test_as_many_equal_blocks_as_places_leave_no_choice(make_repo: MakeRepo) -> None:
    code = CODE + "\n\ndef three():\n    return 1\n"
    repo = make_repo({"x.py": code})
    assert_leaves(
        repo,
        f"x.py\n{BLOCK}\nx.py\n{BLOCK}",
        {"x.py": code.replace("return 1\n", "return 10\n")},
        (Repair.REPEATED_BLOCK,),
    )
    assert_leaves(
        repo,
        BLOCK * 2,
        {"x.py": code.replace("return 1\n", "return 10\n")},
        (Repair.FILE_HEADER, Repair.REPEATED_BLOCK),
    )
    crlf = make_repo({"x.py": code.replace("\n", "\r\n")})
    changed = code.replace("return 1\n", "return 10\n").replace("\n", "\r\n")
    assert_leaves(crlf, f"x.py\n{BLOCK}" * 2, {"x.py": changed}, (Repair.LINE_ENDS, Repair.REPEATED_BLOCK))
    assert judge(f"x.py\n{BLOCK}" * 3, snapshot=repo.snapshot).failure is Failure.SEARCH_AMBIGUOUS


def test_a_block_said_twice_is_done_once(make_repo: MakeRepo) -> None:
    insertion = "x.py\n<<<<<<< SEARCH\nimport os\n=======\nimport os\nimport sys\n>>>>>>> REPLACE\n"
    expected = {"x.py": CODE.replace("import os\n", "import os\nimport sys\n")}
    assert_leaves(make_repo({"x.py": CODE}), insertion * 2, expected, (Repair.REPEATED_BLOCK,))


@pytest.mark.parametrize(
    "search",
    [
        "return 1\n",  # leading blanks lost
        "  return 1\n",
        "\treturn 1\n",
        "    return  1\n",
        "    return 1 \n",  # removed, so its blanks count
        "def one():\n    ...\n",
        "def one():\n    return 1\n\ndef two():\n",  # one blank line of two
        "    return 1\n\n\n\n",
        "return",
    ],
)
def test_almost_the_text_is_not_the_text(search: str, make_repo: MakeRepo) -> None:
    answer = f"x.py\n<<<<<<< SEARCH\n{search.removesuffix(chr(10))}\n=======\n    x\n>>>>>>> REPLACE\n"
    verdict = judge(answer, snapshot=make_repo({"x.py": CODE}).snapshot)
    assert (verdict.status, verdict.failure, verdict.patch) == ("does_not_apply", Failure.SEARCH_NOT_FOUND, "")


def test_line_ends_and_a_missing_final_newline_follow_the_file(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE.replace("\n", "\r\n")})
    assert_leaves(repo, f"app/x.py\n{BLOCK}", {"app/x.py": CHANGED.replace("\n", "\r\n")}, (Repair.LINE_ENDS,))
    repo = make_repo({"y.py": OTHER.removesuffix("\n")})
    last = "y.py\n<<<<<<< SEARCH\ny = 2\n=======\ny = 3\nz = 4\n>>>>>>> REPLACE\n"
    assert_leaves(repo, last, {"y.py": "x = 1\ny = 3\nz = 4"})


def test_an_empty_search_creates_or_fills_a_file(make_repo: MakeRepo) -> None:
    block = "<<<<<<< SEARCH\n=======\na = 1\n\nb = 2\n>>>>>>> REPLACE\n"
    repo = make_repo({"empty.py": "", "y.py": OTHER})
    assert_leaves(repo, f"deep/down/new.py\n{block}", {"deep/down/new.py": "a = 1\n\nb = 2\n"})
    assert_leaves(repo, f"empty.py\n{block}", {"empty.py": "a = 1\n\nb = 2\n"})
    assert judge(f"y.py\n{block}", snapshot=repo.snapshot).failure is Failure.FILE_EXISTS


def test_an_underline_like_the_divider_needs_other_markers(make_repo: MakeRepo) -> None:
    rst = "Heading\n=======\n\nText.\n"
    repo = make_repo({"doc.rst": rst})
    block = "doc.rst\n<<<<<<< SEARCH\nHeading\n=======\n\nText.\n=======\nHeading\n=======\n\nMore.\n>>>>>>> REPLACE\n"
    verdict = judge(block, snapshot=repo.snapshot)
    assert verdict.failure is Failure.MALFORMED
    assert "3 `=======` lines instead of one" in verdict.detail
    longer = block.replace("<<<<<<<", "<<<<<<<<<").replace("Text.\n=======", "Text.\n=========")
    assert_leaves(repo, longer, {"doc.rst": rst.replace("Text", "More")})


def test_fences_inside_a_block_are_text(make_repo: MakeRepo) -> None:
    readme = "# A\n\n```\nrun\n```\n"
    block = "<<<<<<< SEARCH\n```\nrun\n```\n=======\n```bash\nrun --fast\n```\n>>>>>>> REPLACE\n"
    answer = f"README.md\n```markdown\n{block}```\n"
    assert_leaves(make_repo({"README.md": readme}), answer, {"README.md": "# A\n\n```bash\nrun --fast\n```\n"})


def test_distant_changes_in_one_block_become_small_hunks(make_repo: MakeRepo) -> None:
    code = "".join(f"{number}\n" for number in range(1, 31))
    block = f"x.py\n<<<<<<< SEARCH\n{code}=======\n{code.replace('3', 'three')}>>>>>>> REPLACE\n"
    repo = make_repo({"x.py": code})
    assert_leaves(repo, block, {"x.py": code.replace("3", "three")})
    assert judge(block, snapshot=repo.snapshot).removed == 4


lines = st.lists(st.sampled_from(["a", "b", "", "    c"]), max_size=6)


@given(lines, lines)
def test_a_block_as_a_hunk_keeps_both_sides(search: list[str], replace: list[str]) -> None:
    hunk = as_hunk(search, replace)
    assert (hunk.old, hunk.new) == (search, replace)
    assert not hunk.count("+-") or search != replace


@given(st.lists(st.sampled_from(["<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "x.py", "```", "", "text"])))
def test_any_lines_are_blocks_up_to_the_first_broken_one(lines: list[str]) -> None:
    blocks = parse_blocks(lines)
    assert len(blocks.blocks) + bool(blocks.error) <= lines.count("<<<<<<< SEARCH")
    assert all("=======" not in block.search + block.replace for block in blocks.blocks)
