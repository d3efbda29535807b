"""Answers made of the pieces that answers have: no verdict raises, and none says more than its answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unidiff.patch import PatchSet

from swebench_tui.bench.patches import Failure, judge

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

FILES: dict[str, str | bytes] = {
    "app/x.py": "def f():\n    a = 1\n    return a\n\n\ndef g():\n    a = 1\n    return a  \n",
    "crlf.py": "a\r\nb\r\nc\r\nd",
    "tests/test_x.py": "import x\n\tx\n",
    "empty.py": "",
}
DIFFS = [
    "--- a/app/x.py\n+++ b/app/x.py\n",
    "--- app/x.py\n+++ app/x.py\n",
    "diff --git a/crlf.py b/crlf.py\nindex 1234567..89abcde 100644\n--- a/crlf.py\n+++ b/crlf.py\n",
    "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+one\n+two\n",
    "--- a/empty.py\n+++ b/empty.py\n@@ -0,0 +1 @@\n+x\n",
    "diff --git a/crlf.py b/moved.py\nrename from crlf.py\nrename to moved.py\n",
    "@@ -1,3 +1,3 @@\n def f():\n-    a = 1\n+    a = 2\n     return a\n",
    "@@ -6,3 +6,3 @@ def g():\n def g():\n-    a = 1\n+    a = 3\n     return a\n",
    "@@ -2,2 +40,2 @@ def g():\n-    a = 1\n+    a = 4\n     return a\n",
    "@@ @@ def f():\n     a = 1\n-    return a\n+    return a + 1\n",
    "@@ -3,2 +3,3 @@\n c\n-d\n\\ No newline at end of file\n+e\n+f\n",
    "@@ -3,2 +3,2 @@\n c\n-d\n+e\n\\ No newline at end of file\n",
    "@@ -1,2 +1,2 @@\n a\n-b\n+B\n\n",
    "@@ -1,9 +1,9 @@\n 1 | def f():\n-2 |     a = 1\n+2 |     a = 5\n",
]
BLOCKS = [
    "app/x.py\n<<<<<<< SEARCH\ndef f():\n    a = 1\n=======\ndef f():\n    a = 6\n>>>>>>> REPLACE\n",
    "<<<<<<< SEARCH\n\nb\n=======\n\nB\n>>>>>>> REPLACE\n",
    "crlf.py\n<<<<<<< SEARCH\nc\nd\n\n=======\nc\n\n>>>>>>> REPLACE\n",
    "new.py\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n",
]
MARKS = [
    *("```\n", "```diff\n", "````\n", "~~~\n", "<patch>\n", "</patch>\n", "<think>\n", "</think>\n", "   ```diff\n"),
    *("<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "app/x.py\n", "*** Begin Patch\n", "*** End Patch\n"),
    *("*** Update File: app/x.py\n", "Wrong; the final patch:\n", "- a bullet\n", "+ another\n", "\n", " \n", "...\n"),
    *(
        "+\0\n",
        "+\ud800\n",
        "+\u2028x\x0c\x85\n",
        "\r\n",
        "\r",
        "-    a = 1\n",
        "+    a = 7\n",
        " def f():\n",
        "-b\r\n",
    ),
]
fragments = st.lists(st.sampled_from(DIFFS + BLOCKS) | st.sampled_from(MARKS), max_size=10).map("".join)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good answer with a few of its lines dropped, repeated, swapped or given another end."""
    header = draw(st.integers(0, 2))
    hunks = draw(st.lists(st.sampled_from(DIFFS[6:]), min_size=1, max_size=3))
    diff = DIFFS[header] + "".join(hunks)
    answer = draw(st.sampled_from([diff, f"Words.\n```diff\n{diff}```\n", f"<patch>\n{diff}</patch>\n", *BLOCKS]))
    lines = answer.split("\n")
    for _ in range(draw(st.integers(0, 3))):
        index = draw(st.integers(0, len(lines) - 1))
        line = lines[index]
        others = [[], [line, line], [line + "\r"], [line + " "], [" " + line], ["", line]]
        lines[index : index + 1] = draw(st.sampled_from(others))
        lines = lines or [""]
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES)


X_HEADER = "--- a/app/x.py\n+++ b/app/x.py\n"


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> tuple[Counter[str], Counter[str]]:
    """The lines that are only in the files after, and only in those before, without their ends."""

    def lines(files: dict[str, bytes]) -> Counter[str]:
        texts = (content.decode("utf-8", "surrogateescape") for content in files.values())
        return Counter(line.rstrip("\r") for text in texts for line in text.split("\n"))

    return lines(after) - lines(before), lines(before) - lines(after)


@settings(max_examples=150, deadline=None)
@example("```\n<<<<<<< SEARCH\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+one\n+two\n" + BLOCKS[0], False)  # noqa: FBT003
@example("```\n<<<<<<< SEARCH\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+one\n+two\n", False)  # noqa: FBT003
@example(X_HEADER * 2 + "@@ -2,2 +40,2 @@ def g():\n-    a = 1\n+    a = 4\n     return a\n", False)  # noqa: FBT003
@given(fragments | damaged(), st.booleans())
def test_no_answer_raises_or_gets_more_than_it_says(repo: Repo, answer: str, cut: bool) -> None:
    before = repo.files()
    verdict = judge(answer, snapshot=repo.snapshot, finish_reason="length" if cut else "stop")
    assert repo.files() == before
    assert (verdict.status == "applies") == (verdict.failure is None)
    assert verdict.detail.isprintable()
    if verdict.status != "applies":
        assert verdict.failure is not Failure.GIT_UNAVAILABLE
        return
    after = repo.after(verdict.patch)
    assert after != before
    added, removed = changed(before, after)
    known = answer.replace("\r", "")
    assert [line for line in added if line not in known] == []
    assert [line for line in removed if line not in known] == []
    emitted = PatchSet(verdict.patch)
    assert sum(file.added for file in emitted) == verdict.added
    assert sum(file.removed for file in emitted) == verdict.removed
    again = judge(verdict.patch, snapshot=repo.snapshot)
    assert (again.status, again.patch, again.repairs) == ("applies", verdict.patch, ())
