"""Every failure class comes out of a real repository and an answer that deserves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from swebench_tui.bench.git import runner as git_module
from swebench_tui.bench.patches import Failure, judge
from swebench_tui.bench.repositories.snapshot import FolderSnapshot

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

CODE = "".join(f"line {number}\n" for number in range(1, 31))
FILES: dict[str, str | bytes] = {
    "app/x.py": CODE,
    "app/tabs.py": "def f():\n\tif True:\n\t\treturn 1\n",
    "app/twice.py": "def a():\n    go()\n    return 1\n\n\ndef b():\n    go()\n    return 1\n",
    "app/same.py": "same\n" * 300,
    "app/latin.py": "# caf\u00e9\nx = 1\ny = 2\n".encode("latin-1"),
    ".gitattributes": "ident.txt ident\n",
    "ident.txt": "$Id: 0123 $\nversion 1\n",  # git compares the first line as $Id$
    "logo.png": b"\x89PNG\0\0data\n",
}


class Case(NamedTuple):
    answer: str
    failure: Failure
    says: str
    status: str = "does_not_apply"
    finish_reason: str = "stop"


def diff(body: str, name: str = "app/x.py") -> str:
    return f"Here it is:\n```diff\n--- a/{name}\n+++ b/{name}\n{body}\n```\n"


def block(search: str, replace: str, name: str = "app/x.py") -> str:
    return f"{name}\n```python\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n```\n"


NESTED = """```diff
--- a/app/x.py
+++ b/app/x.py
@@ -1,3 +1,6 @@
 line 1
+Example:
```
+code
 line 2
 line 3
```
"""
CUT_DIFF = "Sure.\n```diff\n--- a/app/x.py\n+++ b/app/x.py\n@@ -1,2 +1,2 @@\n-line 1\n+LINE 1\n line 2\n"

NEW_WITH_OLD_LINES = diff("@@ -1 +1,2 @@\n line 1\n+x", "app/new.py").replace("--- a/app/new.py", "--- /dev/null")
SOME_NUMBERED = diff("@@ -1,2 +1,3 @@\n 1: line 1\n-2: line 2\n+2: x\n+y")

CASES = [
    Case(NEW_WITH_OLD_LINES, Failure.MALFORMED, "old lines"),
    Case(SOME_NUMBERED, Failure.CONTEXT_NOT_FOUND, "'1: line 1'"),
    Case("app/x.py\n```python\nline 1\n```bash\nrun\n```\n", Failure.NESTED_FENCE, "a fence inside 'app/x.py'"),
    Case(diff("@@ -1 +1 @@\n-line 1\n+x") * 201, Failure.TOO_LARGE, "more than 200 diffs"),
    Case("".join(f"{n}.py\n```\nx\n```\n" for n in range(201)), Failure.TOO_LARGE, "more than 200 files"),
    Case(block("line 1\n", "x\n") * 2001, Failure.TOO_LARGE, "more than 2000 blocks"),
    Case(diff("@@ @@\n-same\n+x", "app/same.py"), Failure.CONTEXT_AMBIGUOUS, "lines 1, 2, 3, 4, ..."),
    Case("", Failure.EMPTY_ANSWER, "empty", "no_patch"),
    Case(" \n\n", Failure.EMPTY_ANSWER, "empty", "no_patch"),
    Case("The bug is in `f`. I would change it.", Failure.PROSE_ONLY, "no code", "no_patch"),
    Case("Like this:\n```python\nprint(1)\n```\n", Failure.NO_DIFF, "no diff, no SEARCH/REPLACE block", "no_patch"),
    Case("I start by", Failure.TRUNCATED, "cut off at the output limit", "no_patch", "length"),
    Case("", Failure.TRUNCATED, "cut off at the output limit", "no_patch", "length"),
    Case(CUT_DIFF, Failure.TRUNCATED, "in the middle of a diff", "no_patch", "length"),
    Case(CUT_DIFF.replace("```diff\n", ""), Failure.TRUNCATED, "in the middle of a diff", "no_patch", "length"),
    Case(
        block("line 1\n", "LINE\n") + "<<<<<<< SEARCH\nline",
        Failure.TRUNCATED,
        "in the middle of a SEARCH",
        "partial",
        "length",
    ),
    Case(
        "app/x.py\n```python\nline 1\n", Failure.TRUNCATED, "in the middle of the file 'app/x.py'", "no_patch", "length"
    ),
    Case(
        diff("@@ -1 +1 @@\n-nowhere\n+x"), Failure.TRUNCATED, "before a patch that applies", "does_not_apply", "length"
    ),
    Case(diff("@@ -1,2 +1,2 @@\n line 1\n line 2"), Failure.NO_CHANGE, "changes no file", "no_patch"),
    Case(block("line 1\n", "line 1\n"), Failure.NO_CHANGE, "changes no file", "no_patch"),
    Case(diff("@@ -1,2 +1,2 @@\n-line 1\nline 2"), Failure.MALFORMED, "line 5 of the diff starts with none of"),
    Case("app/x.py\n```python\n" + CODE, Failure.MALFORMED, "the fence with the file 'app/x.py' is not closed"),
    Case("x.py\n<<<<<<< SEARCH\na\n=======\nb\n", Failure.MALFORMED, "has no `>>>>>>> REPLACE`"),
    Case("x.py\n<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", Failure.MALFORMED, "0 `=======` lines"),
    Case(
        diff("@@ -1,29 +0,0 @@\n" + "".join(f"-line {n}\n" for n in range(1, 30))).replace("b/app/x.py", "/dev/null"),
        Failure.MALFORMED,
        "not all of its lines are removed",
    ),
    Case(NESTED, Failure.NESTED_FENCE, "fence inside the diff"),
    Case("```diff\n@@ -1 +1 @@\n-line 1\n+x\n```\n", Failure.NO_FILE_NAME, "no line names its file"),
    Case(
        "<<<<<<< SEARCH\n    go()\n=======\n    stop()\n>>>>>>> REPLACE\n", Failure.SEARCH_AMBIGUOUS, "several places"
    ),
    Case("<<<<<<< SEARCH\nnowhere\n=======\nx\n>>>>>>> REPLACE\n", Failure.NO_FILE_NAME, "no file contains"),
    Case(
        "```diff\ndiff --git a/logo.png b/logo.png\nindex 1..2 100644\nGIT binary patch\nliteral 3\nabc\n```\n",
        Failure.BINARY,
        "binary patch",
    ),
    Case(diff("@@ -1 +1 @@\n-data\n+x", "logo.png"), Failure.BINARY, "'logo.png' is a binary file"),
    Case(block("x = 1\n", "x = 3\n", "app/latin.py"), Failure.NOT_UTF8, "not UTF-8"),
    Case(block("line 1\n", "\ud800\n"), Failure.NOT_UTF8, "UTF-8"),
    Case(
        "```diff\n" + "--- a/app/x.py\n+++ b/app/x.py\n@@ -1 +1 @@\n-line 1\n+x\n" * 1001 + "```",
        Failure.TOO_LARGE,
        "more than 2000",
    ),
    Case(
        diff("@@ -1,2 +1,2 @@\n-line 1\n+x\n line 2\n@@ -1,2 +1,2 @@\n-line 1\n+y\n line 2"),
        Failure.OVERLAPPING_HUNKS,
        "change line 1",
    ),
    Case(diff("@@ -1 +1 @@\n-line 1\n+x", "../../etc/passwd"), Failure.UNSAFE_PATH, "not a path inside"),
    Case(diff("@@ -1 +1 @@\n-line 1\n+x", "app/gone.py"), Failure.FILE_NOT_FOUND, "no file 'app/gone.py'"),
    Case(block("line 1\n", "x\n", "app/gone.py"), Failure.FILE_NOT_FOUND, "no file 'app/gone.py'"),
    Case(
        diff("@@ -0,0 +1 @@\n+x").replace("--- a/app/x.py", "--- /dev/null"),
        Failure.FILE_EXISTS,
        "the repository has it already",
    ),
    Case(block("", "x\n"), Failure.FILE_EXISTS, "already there"),
    Case(diff("@@ -3,2 +3,2 @@\n line 3\n-line four\n+x"), Failure.CONTEXT_NOT_FOUND, "'line four'"),
    Case(diff("@@ -3,2 +3,2 @@\n line 3\n-line 5\n+x"), Failure.CONTEXT_NOT_FOUND, "are not consecutive"),
    Case(diff("@@ -1 +1 @@\n     go()\n+    x", "app/twice.py"), Failure.CONTEXT_AMBIGUOUS, "lines 2, 7"),
    Case(diff("@@ ... @@\n-    go()\n+    x", "app/twice.py"), Failure.CONTEXT_AMBIGUOUS, "lines 2, 7"),
    Case(diff("@@ -5,0 +6 @@\n+x"), Failure.CONTEXT_AMBIGUOUS, "no old line"),
    Case(block("nowhere\n", "x\n"), Failure.SEARCH_NOT_FOUND, "'nowhere'"),
    Case(block("if True:\n\treturn 1\n", "x\n", "app/tabs.py"), Failure.SEARCH_NOT_FOUND, "differs in whitespace"),
    Case(block("line 1\n...\nline 9\n", "x\n"), Failure.SEARCH_NOT_FOUND, "`...`"),
    Case(block("    go()\n", "    stop()\n", "app/twice.py"), Failure.SEARCH_AMBIGUOUS, "lines 2, 7"),
    Case(diff("@@ -3,2 +3,2 @@\n-old 3\n+line 3\n line 4"), Failure.ALREADY_APPLIED, "already applied"),
    Case(diff("@@ -3,3 +3,3 @@\n line 3\n ...\n-line 9\n+x"), Failure.ELISION, "`...`"),
    Case("app/x.py\n```python\nline 1\n# ... rest of the file ...\n```\n", Failure.ELISION, "`...`"),
    Case(
        diff("@@ -2,2 +2,2 @@\n     if True:\n-        return 1\n+        return 2", "app/tabs.py"),
        Failure.TABS_AS_SPACES,
        "tabs",
    ),
    Case(diff("@@ -2,2 +2,2 @@\n   go()\n-  return 1\n+  return 2", "app/twice.py"), Failure.WHITESPACE, "whitespace"),
    Case("app/x.py\n```python\nline 1\nline 2\n```\n", Failure.PARTIAL_FILE, "2 lines for a file of 30"),
    Case(block("", "x\n", "app/x.py/y.py"), Failure.FILE_EXISTS, "'app/x.py' is a file, not a folder"),
    Case(block("", "x\n", "app"), Failure.NO_FILE_NAME, "names no file"),
    Case(block("", "x\n", "./app"), Failure.FILE_EXISTS, "the repository has it already"),
    Case(block("version 1\n", "version 2\n", "ident.txt"), Failure.GIT_REFUSED, "patch failed: ident.txt:1"),
]


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    """One repository for all cases; no verdict changes it."""
    return make_repo(FILES)


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.failure}" for number, case in enumerate(CASES)])
def test_an_answer_is_refused_with_its_class(case: Case, repo: Repo) -> None:
    before = repo.files()
    verdict = judge(case.answer, snapshot=repo.snapshot, finish_reason=case.finish_reason)
    assert (verdict.failure, verdict.status) == (case.failure, case.status), verdict.detail
    assert case.says in verdict.detail
    assert verdict.detail.isprintable()
    assert repo.files() == before


def test_every_class_has_a_case() -> None:
    elsewhere = {
        Failure.GIT_UNAVAILABLE,
        Failure.NEEDS_CHECKOUT,
        Failure.TIMED_OUT,
    }  # below: they are not about the answer
    assert {case.failure for case in CASES} | elsewhere == set(Failure)


@pytest.mark.parametrize(
    "answer", [block("line 1\n", "x\n"), diff("@@ ... @@\n-line 1\n+x"), "app/x.py\n```\nline 1\n```\n"]
)
def test_without_a_checkout_some_answers_cannot_become_a_diff(answer: str) -> None:
    verdict = judge(answer, snapshot=None)
    assert (verdict.status, verdict.failure, verdict.patch) == ("unchecked", Failure.NEEDS_CHECKOUT, "")
    assert verdict.files == ("app/x.py",)


def test_without_a_checkout_no_diff_is_better_than_unchecked() -> None:
    good = judge(diff("@@ -1 +1 @@\n-a\n+b"), snapshot=None)
    assert (good.status, good.failure, good.added, good.removed) == ("unchecked", None, 1, 1)
    assert good.patch == "--- a/app/x.py\n+++ b/app/x.py\n@@ -1 +1 @@\n-a\n+b\n"
    assert judge(diff("@@ -1 +1 @@\n-a\n+b", "../x"), snapshot=None).failure is Failure.UNSAFE_PATH
    assert judge(diff("@@ -1 +1 @@\n-a\nb"), snapshot=None).failure is Failure.MALFORMED


def test_a_missing_checkout_is_no_fault_of_the_answer(tmp_path: Path) -> None:
    verdict = judge(diff("@@ -1 +1 @@\n-a\n+b"), snapshot=FolderSnapshot(tmp_path / "gone"))
    assert (verdict.status, verdict.failure) == ("unchecked", Failure.GIT_UNAVAILABLE)
    assert "no checkout" in verdict.detail


def test_a_missing_git_is_no_fault_of_the_answer(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    verdict = judge(diff("@@ -1 +1 @@\n-line 1\n+x\n line 2"), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("unchecked", Failure.GIT_UNAVAILABLE)
    assert "git was not found" in verdict.detail


def test_a_git_that_hangs_is_stopped(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hanging = tmp_path / "bin" / "git"
    hanging.parent.mkdir()
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", str(hanging.parent))
    monkeypatch.setattr(git_module, "TIME_LIMIT", 0.2)
    verdict = judge(diff("@@ -1,2 +1,2 @@\n-line 1\n+x\n line 2"), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("unchecked", Failure.GIT_UNAVAILABLE)
    assert "did not finish" in verdict.detail


def test_a_checkouts_own_configuration_is_not_read(make_repo: MakeRepo) -> None:
    broken = make_repo(FILES)
    (broken.root / ".git" / "config").write_text("not a configuration")
    assert judge(diff("@@ -1,2 +1,2 @@\n-line 1\n+x\n line 2"), snapshot=broken.snapshot).status == "applies"


def test_a_folder_without_git_is_no_fault_of_the_answer(tmp_path: Path) -> None:
    unnamed = judge("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n", snapshot=FolderSnapshot(tmp_path))
    assert (unnamed.status, unnamed.failure) == ("unchecked", Failure.GIT_UNAVAILABLE)
    assert "not a git repository" in unnamed.detail


def test_a_checkout_is_short_for_its_snapshot(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": "line 1\nline 2\n"})
    answer = diff("@@ -1,2 +1,2 @@\n-line 1\n+x\n line 2")
    assert judge(answer, checkout=repo.root) == judge(answer, snapshot=repo.snapshot)
    assert judge(answer, checkout=repo.root).status == "applies"
