"""Which parts of an answer are tried, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.patches import Diff, Edits, Failure, Files, Repair, find_candidates, judge
from swebench_tui.bench.patches.extract import touches_only_tests
from swebench_tui.bench.patches.file_names import name_alone, name_in, name_in_info
from swebench_tui.bench.patches.regions import read_regions

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo

CODE = "".join(f"line {number}\n" for number in range(1, 21))


def fence(line: int, text: str, name: str = "x.py") -> str:
    """A diff fence that puts `text` for one line of CODE."""
    body = f"@@ -{line - 1},3 +{line - 1},3 @@\n line {line - 1}\n-line {line}\n+{text}\n line {line + 1}\n"
    return f"```diff\n--- a/{name}\n+++ b/{name}\n{body}```\n"


def test_of_two_fences_for_a_file_the_last_one_counts(make_repo: MakeRepo) -> None:
    answer = fence(3, "draft") + "Wait, better:\n" + fence(5, "final")
    verdict = judge(answer, snapshot=make_repo({"x.py": CODE}).snapshot)
    assert "+final" in verdict.patch
    assert "draft" not in verdict.patch
    assert verdict.repairs == (Repair.DRAFT_DROPPED,)


def test_a_fence_that_does_not_apply_is_left_out(make_repo: MakeRepo) -> None:
    answer = fence(3, "first") + fence(9, "second") + fence(25, "third")
    verdict = judge(answer, snapshot=make_repo({"x.py": CODE}).snapshot)
    assert (verdict.status, verdict.failure) == ("partial", Failure.CONTEXT_NOT_FOUND)
    assert verdict.repairs == (Repair.FENCES_JOINED, Repair.FENCE_LEFT_OUT)
    assert "+first" in verdict.patch
    assert "+second" in verdict.patch
    assert verdict.detail.startswith("2 of 3 parts apply; x.py: hunk 1 of 1 has an old line that is not in the file")
    assert (verdict.prediction(), verdict.prediction(allow_partial=True)) == ("", verdict.patch)


def test_fences_for_different_files_are_one_patch(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": CODE, "y.py": CODE, "tests/test_x.py": CODE})
    answer = (
        fence(3, "draft")
        + fence(3, "a")
        + "and\n"
        + fence(5, "b", "y.py")
        + "and the test:\n"
        + fence(7, "c", "tests/test_x.py")
    )
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.files == ("x.py", "y.py", "tests/test_x.py")
    assert verdict.repairs == (Repair.DRAFT_DROPPED, Repair.FENCES_JOINED)
    assert "draft" not in verdict.patch


def test_a_fix_is_not_lost_for_its_tests(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": CODE, "tests/test_x.py": CODE})
    good_fix = judge(fence(3, "fix") + fence(25, "test", "tests/test_x.py"), snapshot=repo.snapshot)
    assert (good_fix.status, good_fix.files) == ("partial", ("x.py",))
    assert good_fix.repairs == (Repair.FENCE_LEFT_OUT,)
    bad_fix = judge(fence(25, "fix") + fence(3, "test", "tests/test_x.py"), snapshot=repo.snapshot)
    assert bad_fix.failure is Failure.CONTEXT_NOT_FOUND
    unreadable_fix = judge(
        fence(3, "fix").replace("-line 3", "line 3") + fence(3, "test", "tests/test_x.py"), snapshot=repo.snapshot
    )
    assert unreadable_fix.failure is Failure.MALFORMED


def test_an_unclosed_draft_does_not_swallow_the_final_diff(make_repo: MakeRepo) -> None:
    answer = fence(3, "draft").removesuffix("```\n") + "Wait.\n" + fence(5, "final")
    verdict = judge(answer, snapshot=make_repo({"x.py": CODE}).snapshot)
    assert verdict.status == "applies"
    assert "draft" not in verdict.patch


def test_blocks_come_before_diffs_and_diffs_before_files() -> None:
    block = "x.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"
    whole = "x.py\n```python\na\n```\n"
    assert [type(one) for one in find_candidates(whole + fence(3, "a") + block).candidates] == [Edits, Diff]
    assert [type(one) for one in find_candidates(whole + fence(3, "a")).candidates] == [Diff]
    assert [type(one) for one in find_candidates(whole).candidates] == [Files]


def test_a_diff_is_taken_when_the_blocks_do_not_fit(make_repo: MakeRepo) -> None:
    block = "x.py\n<<<<<<< SEARCH\nnot there\n=======\nb\n>>>>>>> REPLACE\n"
    verdict = judge(block + fence(3, "a"), snapshot=make_repo({"x.py": CODE}).snapshot)
    assert (verdict.status, verdict.repairs) == ("partial", (Repair.FENCE_LEFT_OUT,))
    same = block.replace("\nb\n", "\nTHREE\n")
    verdict = judge(same + fence(3, "THREE"), snapshot=make_repo({"x.py": CODE}).snapshot)
    assert (verdict.status, verdict.repairs) == ("applies", (Repair.FENCE_LEFT_OUT,))


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("a/tests/x.py", True),
        ("test_x.py", True),
        ("testing/x_test.py", True),
        ("conftest.py", True),
        ("django/test/client.py", False),
        ("numpy/testing/utils.py", False),
        ("runtests.py", False),
        ("contest.py", False),
    ],
)
def test_a_path_is_a_test_by_its_name(path: str, is_test: bool) -> None:
    assert touches_only_tests([path]) == is_test


def test_a_whole_draft_survives_a_cut_off_final_diff(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": CODE, "y.py": CODE})
    cut = fence(5, "final").partition("+++")[0]
    verdict = judge(fence(3, "draft") + cut, snapshot=repo.snapshot, finish_reason="length")
    assert verdict.failure is Failure.TRUNCATED
    cut = fence(5, "final").removesuffix(" line 6\n```\n")
    verdict = judge(fence(3, "draft") + cut, snapshot=repo.snapshot, finish_reason="length")
    assert (verdict.status, verdict.repairs) == ("partial", (Repair.FENCE_LEFT_OUT,))
    assert "cut off" in verdict.detail
    other = cut.replace("x.py", "y.py")
    assert judge(fence(3, "draft") + other, snapshot=repo.snapshot, finish_reason="length").failure is Failure.TRUNCATED


@pytest.mark.parametrize(
    "answer",
    [
        "x.py\n```python\n{}```\n",
        "**`x.py`**\n\n```python\n{}```\n",
        "### File: x.py\n```\n{}```\n",
        "```python x.py\n{}```\n",
        "```x.py\n{}```\n",
        '```python title="x.py"\n{}```\n',
        "x.py\n````\n{}````\n",
        "x.py\n```python\n" + CODE + "```\nNo:\nx.py\n```python\n{}```\n",
    ],
)
def test_a_named_fence_is_a_whole_file(answer: str, make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": CODE})
    verdict = judge(answer.format(CODE.replace("line 7", "LINE 7")), snapshot=repo.snapshot)
    assert (verdict.status, verdict.added, verdict.removed) == ("applies", 1, 1)
    assert repo.after(verdict.patch) == {"x.py": CODE.replace("line 7", "LINE 7").encode()}


@pytest.mark.parametrize(
    "answer",
    [
        "The bug is in `x.py`, which should be:\n```python\nline 1\n```\n",  # a sentence: perhaps only an excerpt
        "x.py\n```bash\npython x.py\n```\n",
        "x.py\n```text\nTraceback\n```\n",
        "```python\nline 1\n```\n",
        "some/thing\n```python\nline 1\n```\n",
        "x.py\n```python\n\n```\n",
    ],
)
def test_other_fences_are_not_whole_files(answer: str, make_repo: MakeRepo) -> None:
    verdict = judge(answer, snapshot=make_repo({"x.py": "line 1\n"}).snapshot)
    assert (verdict.status, verdict.failure) == ("no_patch", Failure.NO_DIFF)


def test_whole_files_may_be_new_and_keep_line_ends(make_repo: MakeRepo) -> None:
    repo = make_repo({"crlf.py": "a\r\nb\r\n", "open.py": "a\nb"})
    answer = "new/n.py\n```\nx\n```\ncrlf.py\n```\na\nc\n```\nopen.py\n```\na\nc\n```\n"
    verdict = judge(answer, snapshot=repo.snapshot)
    assert repo.after(verdict.patch) == {"new/n.py": b"x\n", "crlf.py": b"a\r\nc\r\n", "open.py": b"a\nc"}
    assert verdict.repairs == (Repair.LINE_ENDS, Repair.END_OF_FILE)


def test_regions_are_cut_at_their_own_marks() -> None:
    answer = "a\n```diff\n ```\n+```\n```\nb\n  ~~~~py\n  x\n  ~~~\n~~~~\n  ~~~~\n<patch>p\nq\n</patch>\nend\n"
    regions = read_regions(answer).regions
    assert [(region.kind, region.info, region.lines) for region in regions] == [
        ("prose", "", ("a",)),
        ("fence", "diff", (" ```", "+```")),
        ("prose", "", ("b",)),
        ("fence", "py", ("  x", "  ~~~", "~~~~")),
        ("tag", "", ("p", "q")),
        ("prose", "", ("end",)),
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("app/x.py", "app/x.py"),
        ("  **app/x.py**:", "app/x.py"),
        ("#### 1. `app/x.py`", "app/x.py"),
        ("# app/x.py", "app/x.py"),
        ("// src/x.js", "src/x.js"),
        ("<!-- a/x.html -->", "a/x.html"),
        ("- Filename: x.py", "x.py"),
        ("file.py", "file.py"),
        ("/testbed/x.py", "/testbed/x.py"),
        ("Makefile", None),
        ("See `a.py` and `b.py`", None),
        ("This is it.", None),
        ("", None),
        (">>>>>>> REPLACE", None),
        ("https://example.org/x.py", None),
    ],
)
def test_a_line_names_one_file_or_none(line: str, name: str | None) -> None:
    assert name_in(line) == name


def test_only_a_line_of_its_own_names_a_whole_file() -> None:
    assert name_in("Now `app/x.py` is right") == "app/x.py"
    assert name_alone("Now `app/x.py` is right") is None
    assert name_in_info("python") is None


PARTS = [
    "```",
    "```diff",
    "````",
    "~~~",
    "   ```py",
    "<patch>",
    "</patch>",
    "--- a/x",
    "+++ b/x",
    "@@ -1 +1 @@",
    "-a",
    "+b",
]
PARTS += [
    " c",
    "",
    "\r",
    "x.py",
    "prose",
    "<<<<<<< SEARCH",
    "=======",
    ">>>>>>> REPLACE",
    "diff --git a/x b/x",
    "\\ No newline",
]
parts = st.sampled_from(PARTS)


@given(st.lists(parts, max_size=40), st.booleans())
def test_every_answer_has_candidates_or_a_reason(lines: list[str], cut: bool) -> None:
    found = find_candidates("\n".join(lines), cut=cut)
    assert found.candidates or found.errors


@given(st.lists(parts, max_size=40))
def test_regions_lose_no_line_but_the_marks(lines: list[str]) -> None:
    answer = read_regions("\n".join(lines))
    assert len(answer.lines) == max(1, len(lines) - (len(lines) > 1 and lines[-1] == ""))
    kept = [line for region in answer.regions for line in region.lines]
    marks = ("```", "````", "~~~", "   ```py", "```diff", "<patch>", "</patch>")
    assert all(kept.count(line) == lines.count(line) for line in set(lines) if line.strip() and line not in marks)


@given(st.text())
def test_any_text_gets_a_verdict(text: str) -> None:
    verdict = judge(text, snapshot=None)
    assert verdict.status != "applies"
    assert verdict.detail.isprintable()
