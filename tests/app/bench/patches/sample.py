"""A small repository, hunks of it, and the answers that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.bench.patches import judge

if TYPE_CHECKING:
    from swebench_tui.bench.patches import PatchVerdict
    from tests.app.bench.patches.conftest import Repo

CODE = """\
import os


def one(a, b):
    total = a - b
    return total


def two(c):
    value = c * 2
    print(value)
    return value


def three():
    items = []
    for i in range(3):
        items.append(i)
    return items


LIMIT = 10
"""
SMALL = "a = 1\nb = 2\nc = 3\n"
FILES: dict[str, str | bytes] = {"app/x.py": CODE, "y.py": SMALL}

HEADER = "--- a/app/x.py\n+++ b/app/x.py\n"
ONE = "@@ -4,3 +4,3 @@\n def one(a, b):\n-    total = a - b\n+    total = a + b\n     return total\n"
OTHER_ONE = ONE.replace("a + b", "b + a")
TWO = "@@ -9,3 +9,3 @@\n def two(c):\n-    value = c * 2\n+    value = c * 3\n     print(value)\n"
THREE = "@@ -17,2 +17,2 @@\n-    for i in range(3):\n+    for i in range(4):\n         items.append(i)\n"
SMALL_HUNK = "@@ -1,2 +1,2 @@\n-a = 1\n+a = 9\n b = 2\n"

WITH_ONE = CODE.replace("a - b", "a + b")
WITH_OTHER_ONE = CODE.replace("a - b", "b + a")

BLOCK = "<<<<<<< SEARCH\n    total = a - b\n=======\n    total = a + b\n>>>>>>> REPLACE\n"
OTHER_BLOCK = BLOCK.replace("a + b", "b + a")


def fence(*hunks: str, header: str = HEADER) -> str:
    return f"```diff\n{header}{''.join(hunks)}```\n"


def small_diff() -> str:
    return f"--- a/y.py\n+++ b/y.py\n{SMALL_HUNK}"


def assert_leaves(repo: Repo, answer: str, changed: dict[str, str]) -> PatchVerdict:
    """The answer applies and leaves the repository's files with `changed` ones."""
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.status == "applies", f"{verdict.failure}: {verdict.detail}\n{answer}"
    after = repo.after(verdict.patch)
    assert after == repo.files() | {name: text.encode() for name, text in changed.items()}
    return verdict
