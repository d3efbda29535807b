"""Patches in the form of the tool `apply_patch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, Repair, judge
from tests.app.bench.patches.sample import CODE, FILES, SMALL, WITH_ONE, assert_leaves

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

UPDATE = "*** Update File: app/x.py\n@@ def one(a, b):\n-    total = a - b\n+    total = a + b\n"
BLANK = "*** Update File: app/x.py\n@@\n import os\n\n-\n def one(a, b):\n"


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES | {"twice.py": "def a():\n    go()\n\n\ndef b():\n    go()\n"})


def patch(*files: str) -> str:
    return f"*** Begin Patch\n{''.join(files)}*** End Patch\n"


@pytest.mark.parametrize(
    "around", ["{}", "```\n{}```\n", "```diff\n{}```\n", "```bash\napply_patch <<'EOF'\n{}EOF\n```\n"]
)
def test_an_update_is_applied_where_its_lines_are(around: str, repo: Repo) -> None:
    verdict = assert_leaves(repo, "Done:\n\n" + around.format(patch(UPDATE)), {"app/x.py": WITH_ONE})
    assert verdict.repairs[0] is Repair.APPLY_PATCH


def test_files_are_added_deleted_and_moved(repo: Repo) -> None:
    answer = patch(
        UPDATE,
        "*** Add File: new/n.py\n+x = 1\n+\n+y = 2\n",
        "*** Delete File: twice.py\n",
        "*** Update File: y.py\n*** Move to: z.py\n@@\n-a = 1\n+a = 9\n b = 2\n",
    )
    before = repo.files()
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.status == "applies", verdict.detail
    gone = {"twice.py", "y.py"}
    expected = {name: text for name, text in before.items() if name not in gone}
    new = {"app/x.py": WITH_ONE, "new/n.py": "x = 1\n\ny = 2\n", "z.py": SMALL.replace("a = 1", "a = 9")}
    assert repo.after(verdict.patch) == expected | {name: text.encode() for name, text in new.items()}


def test_a_heading_chooses_among_equal_places(repo: Repo) -> None:
    update = "*** Update File: twice.py\n@@ def b():\n-    go()\n+    stop()\n"
    assert_leaves(repo, patch(update), {"twice.py": "def a():\n    go()\n\n\ndef b():\n    stop()\n"})
    verdict = judge(patch(update.replace("@@ def b():", "@@")), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("does_not_apply", Failure.CONTEXT_AMBIGUOUS)


def test_blank_lines_and_several_hunks_are_read(repo: Repo) -> None:
    second = "@@ def two(c):\n-    value = c * 2\n+    value = c * 3\n     print(value)\n*** End of File\n"
    expected = CODE.replace("a - b", "a + b").replace("c * 2", "c * 3")
    assert_leaves(repo, patch(UPDATE, second), {"app/x.py": expected})
    assert_leaves(repo, patch(BLANK), {"app/x.py": CODE.replace("import os\n\n\n", "import os\n\n")})


@pytest.mark.parametrize(
    "answer",
    [
        "*** Begin Patch\n" + UPDATE,
        patch(UPDATE.replace("-    total", "    total", 1).replace("    total", "total", 1)),
        patch(),
        patch("*** Add File: n.py\nx = 1\n"),
        patch("words\n"),
    ],
)
def test_what_cannot_be_read_is_malformed(answer: str, repo: Repo) -> None:
    verdict = judge(answer, snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("does_not_apply", Failure.MALFORMED)
    assert "patch" in verdict.detail


@pytest.mark.parametrize("path", ["../y.py", "/etc/passwd", ".git/config"])
def test_a_path_that_leads_elsewhere_is_refused(path: str, repo: Repo) -> None:
    for file in (f"*** Add File: {path}\n+x\n", f"*** Delete File: {path}\n", f"*** Update File: {path}\n@@\n-a\n+b\n"):
        verdict = judge(patch(file), snapshot=repo.snapshot)
        assert verdict.failure in {Failure.UNSAFE_PATH, Failure.FILE_NOT_FOUND}


def test_without_a_repository_it_needs_one() -> None:
    assert judge(patch(UPDATE), snapshot=None).failure is Failure.NEEDS_CHECKOUT
