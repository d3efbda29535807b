"""Answers that mean harm, or are merely huge."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swebench_tui.bench.patches import Failure, PatchError, judge
from swebench_tui.bench.patches.paths import Locator
from swebench_tui.bench.patches.verdict import MOST_ANSWER_LINES, MOST_CHARACTERS, MOST_LINES
from swebench_tui.bench.repositories.snapshot import FolderSnapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.bench.patches.conftest import MakeRepo, Repo

PATHS = [
    "../x.py",
    "app/../../x.py",
    "app/../x.py",
    "/etc/passwd",
    "//x.py",
    "/testbed/new.py",
    "~/x.py/..",
    ".git/config",
    "app/.git/hooks/pre-commit",
    ".GIT/config",
    ".git /config",
    ".git./config",
    "GIT~1/config",
    "app//x.py",
    "app/./x.py",
    "app\\x.py",
    "C:\\x.py",
    "app/x\x1b[2J.py",
    "app/x\u202e.py",
    "app/x\0.py",
    "app/",
    ".",
    "a" * 300,
    "a/" * 900 + "x",
    "link/secret.py",
    "linked.py",
]


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no patch may reach."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.py").write_text("old\n")
    return folder


@pytest.fixture(scope="module")
def trapped(make_repo: MakeRepo, outside: Path) -> Path:
    """A checkout with a file, a link to the folder outside, and a link to a file in it."""
    repo = make_repo({"app/x.py": "old\n"})
    (repo.root / "link").symlink_to(outside)
    (repo.root / "linked.py").symlink_to(outside / "secret.py")
    return repo.root


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_leads_elsewhere_is_refused_in_every_format(path: str, trapped: Path, outside: Path) -> None:
    answers = [
        f"{path}\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n",
        f"<<<<<<< SEARCH {path}\n=======\nnew\n>>>>>>> REPLACE\n",
        f"```python {path}\nnew\n```\n",
        f"```diff\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-old\n+new\n```\n",
        f"```diff\n--- {path}\n+++ {path}\n@@ -1 +1 @@\n-old\n+new\n```\n",
        f"```diff\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+new\n```\n",
        f"```diff\ndiff --git a/app/x.py b/{path}\nrename from app/x.py\nrename to {path}\n```\n",
        f"```diff\n--- a/{path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n```\n",
    ]
    for answer in answers:
        verdict = judge(answer, snapshot=FolderSnapshot(trapped))
        # A name that does not look like one is no name, and then the one file that holds the text is meant.
        assert verdict.status in {"does_not_apply", "no_patch"} or verdict.files == ("app/x.py",), answer
        assert verdict.patch == "" or verdict.failure in {None, Failure.FILE_NOT_FOUND}
        assert verdict.detail.isprintable()
        assert all(file.isprintable() for file in verdict.files)
    assert judge(answers[5], snapshot=FolderSnapshot(trapped)).failure is Failure.UNSAFE_PATH
    assert (outside / "secret.py").read_text() == "old\n"


@given(st.text(st.sampled_from("./\\ab~ gitGIT\0\n\x1b\ud800é"), max_size=30))
def test_a_path_that_passes_stays_inside(path: str) -> None:
    try:
        located, _ = Locator(None).from_text(path)
    except PatchError:
        return
    assert located.isprintable()
    assert not {"", ".", "..", ".git"} & {part.lower() for part in located.split("/")}


@pytest.mark.parametrize("mode", ["120000", "160000", "100777", "040000"])
def test_nothing_but_regular_files_can_be_made(mode: str, make_repo: MakeRepo) -> None:
    header = f"diff --git a/new b/new\nnew file mode {mode}\n--- /dev/null\n+++ b/new\n"
    verdict = judge(f"```diff\n{header}@@ -0,0 +1 @@\n+/etc/passwd\n```\n", snapshot=make_repo({"x": "y\n"}).snapshot)
    assert (verdict.status, verdict.failure) == (
        ("applies", None) if not mode else ("does_not_apply", Failure.UNSAFE_PATH)
    )
    assert "120000" not in verdict.patch


def test_terminal_escapes_reach_the_patch_but_no_message(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": "a\nb\n"})
    fits = judge("x.py\n<<<<<<< SEARCH\na\n=======\n\x1b]0;title\x07\n>>>>>>> REPLACE\n", snapshot=repo.snapshot)
    assert "+\x1b]0;title\x07\n" in fits.patch
    for answer in (
        "x.py\n<<<<<<< SEARCH\n\x1b[31mred\n=======\n>>>>>>> REPLACE\n",
        "```diff\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n\x1b[31m\n```\n",
        "```diff\n--- a/\x1b[31m.py\n+++ b/\x9b.py\n@@ -1 +1 @@\n-a\n+b\n```\n",
        "```diff\ndiff --git a/x b/x\nnew file mode \x1b[31m\n```\n",
    ):
        assert judge(answer, snapshot=repo.snapshot).detail.isprintable()


MEGABYTE = 1_000_000
NOISE = random.Random(7)
TOKENS = [
    "```",
    "```diff",
    "--- a/x.py",
    "+++ b/x.py",
    "@@ -1,2 +1,2 @@",
    "@@",
    "<<<<<<< SEARCH",
    "=======",
    ">>>>>>> REPLACE",
]
TOKENS += [
    "<patch>",
    "</patch>",
    " a",
    "-a",
    "+b",
    "diff --git a/x.py b/x.py",
    "x.py",
    "\\ No newline",
    "rename from x",
    "new file mode 100644",
]
HEADERS = "--- a/x.py\n+++ b/x.py\n"


def filled(unit: str, before: str = "", after: str = "") -> str:
    return before + unit * (MEGABYTE // len(unit)) + after


HUGE = {
    "fences": filled("```\n"),
    "diff fences": filled("```diff\n"),
    "empty diffs": filled("```diff\n@@\n```\n"),
    "diffs": filled(f"```diff\n{HEADERS}@@ -1 +1 @@\n-line 1\n+b\n```\n"),
    "hunk headers": filled("@@ -1,3 +1,3 @@\n"),
    "hunks": filled("@@ -1,3 +1,3 @@\n line 1\n-b\n+c\n\n", "```diff\n" + HEADERS),
    "blank lines behind hunks": filled("@@ -1 +1 @@\n-b\n+c\n" + "\n" * 500, HEADERS),
    "a hunk of blanks": filled(" \n", f"```diff\n{HEADERS}@@ -1,3 +1,3 @@\n-zzz\n", "```"),
    "a hunk of added lines": filled("+x\n", f"```diff\n{HEADERS}@@\n", "```"),
    "git lines": filled("diff --git a/x b/x\n"),
    "file names": filled(HEADERS),
    "search markers": filled("<<<<<<< SEARCH\n"),
    "blocks": filled("x.py\n<<<<<<< SEARCH\nline 1\n=======\nb\n>>>>>>> REPLACE\n"),
    "dividers": filled("=======\n", "x.py\n<<<<<<< SEARCH\n", ">>>>>>> REPLACE\n"),
    "tags": filled("<patch>\n"),
    "whole files": filled("x.py\n```python\nx\n```\n"),
    "backticks": "`" * MEGABYTE,
    "a fence line of blanks": "```" + " " * MEGABYTE + "x",
    "a search line of blanks": "<<<<<<< SEARCH " + " " * MEGABYTE + "x",
    "one line": "x" * MEGABYTE,
    "one path": filled("a/", "```diff\n--- a/", "\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```"),
    "one number": "@@ -" + "1" * MEGABYTE,
    "quoted octal": filled("\\303", '```diff\n--- "a/', '"\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```'),
    "noise": "".join(NOISE.choices("`~<>=@+- \n\tabdiff/\\\r", k=MEGABYTE)),
    "tokens": "\n".join(NOISE.choices(TOKENS, k=MEGABYTE // 12)),
}


@pytest.fixture(scope="module")
def long_file(make_repo: MakeRepo) -> Repo:
    """A repository with a file whose lines stand in many places."""
    return make_repo({"x.py": "".join(f"line {number % 50}\n" for number in range(5000))})


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HUGE)
def test_a_megabyte_of_nonsense_is_refused_in_linear_time(name: str, long_file: Repo) -> None:
    started = time.process_time()
    verdict = judge(HUGE[name], snapshot=long_file.snapshot)
    assert verdict.status in {"does_not_apply", "no_patch"}
    assert len(verdict.detail) <= 600
    # A second by hand, where the machine is quiet; anything quadratic takes minutes.
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ("x" * (MOST_CHARACTERS + 1), Failure.TOO_LARGE),
        ("x\n" * (MOST_ANSWER_LINES + 1), Failure.TOO_LARGE),
        ("x" * MOST_CHARACTERS, Failure.PROSE_ONLY),
        ("x\n" * MOST_ANSWER_LINES, Failure.PROSE_ONLY),
        (" " * (MOST_CHARACTERS + 1), Failure.EMPTY_ANSWER),
        ("x.py\n<<<<<<< SEARCH\n" + "a\n" * (MOST_LINES + 1) + "=======\n>>>>>>> REPLACE\n", Failure.TOO_LARGE),
    ],
    ids=["characters", "lines", "just few enough characters", "just few enough lines", "blanks", "block"],
)
def test_answers_have_a_largest_size(answer: str, failure: Failure, long_file: Repo) -> None:
    assert judge(answer, snapshot=long_file.snapshot).failure is failure


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([*TOKENS, "", "line 1", " line 2", "-line 3", "+x"]), max_size=30))
def test_random_tokens_never_break_the_judge_or_the_checkout(make_repo: MakeRepo, lines: list[str]) -> None:
    repo = make_repo({"x.py": "line 1\nline 2\nline 3\n"})
    before = repo.files()
    verdict = judge("\n".join(lines), snapshot=repo.snapshot)
    assert (verdict.status == "applies") == (verdict.failure is None)
    assert repo.files() == before
