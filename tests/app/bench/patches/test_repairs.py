"""The form of a diff is mended until ggit apply --check accepts it; what it adds and removes is never touched."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, PatchVerdict, Repair, judge
from swebench_tui.bench.repositories.snapshot import FolderSnapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.app.bench.patches.conftest import MakeRepo, Repo

LINES = [f"line {number}" for number in range(1, 31)]
CODE = "".join(line + "\n" for line in LINES)
GIT_LINE = "diff --git a/app/x.py b/app/x.py\n"
NEW_FILE = "diff --git a/new.py b/new.py\nnew file mode 100644\n"
HUNK = "@@ -4,7 +4,7 @@\n line 4\n line 5\n line 6\n-line 7\n+LINE 7\n line 8\n line 9\n line 10\n"
CLEAN = "--- a/app/x.py\n+++ b/app/x.py\n" + HUNK
CHANGED = CODE.replace("line 7\n", "LINE 7\n")


def fence(diff: str, mark: str = "```diff") -> str:
    return f"Some words.\n\n{mark}\n{diff}{mark[: mark.count(mark[0])]}\n\nMore words.\n"


def assert_changes(
    repo: Repo, answer: str, expected: Mapping[str, str | bytes | None], repairs: list[Repair]
) -> PatchVerdict:
    """`answer` applies with just these repairs and leaves just these files different (None: gone)."""
    before = repo.files()
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.status == "applies", f"{verdict.failure}: {verdict.detail}"
    assert list(verdict.repairs) == repairs
    wanted = {
        name: text.encode() if isinstance(text, str) else text for name, text in expected.items() if text is not None
    }
    kept = {name: content for name, content in before.items() if name not in expected}
    assert repo.after(verdict.patch) == kept | wanted
    assert verdict.patch.endswith("\n")
    return verdict


@pytest.mark.parametrize(
    "answer",
    [
        CLEAN,
        fence(CLEAN),
        fence(CLEAN, "```"),
        fence(CLEAN, "````diff"),
        fence(CLEAN, "~~~patch"),
        fence(CLEAN, "```python"),
        f"<patch>\n{CLEAN}</patch>",
        f"Words.\n<diff>\n{CLEAN}</diff>\nWords.",
        f"<patch>\n```diff\n{CLEAN}```\n</patch>\n",
        f"Words before.\n{CLEAN}\nWords after, as it is.\n",
        "1. In a list:\n" + "".join(f"   {line}\n" for line in f"```diff\n{CLEAN}```".split("\n")),
        fence(CLEAN).replace("\n", "\r\n"),
        fence(GIT_LINE + CLEAN),
    ],
)
def test_a_clean_diff_applies_as_it_stands_wherever_it_stands(answer: str, make_repo: MakeRepo) -> None:
    verdict = assert_changes(make_repo({"app/x.py": CODE}), answer, {"app/x.py": CHANGED}, [])
    assert verdict.patch.removeprefix(GIT_LINE) == CLEAN
    assert (verdict.files, verdict.added, verdict.removed) == (("app/x.py",), 1, 1)
    assert verdict.detail == "git apply --check accepts it"


WRAPPED = f"````markdown\nThe patch:\n```diff\n{CLEAN}```\n````\n"
HEADERS = "--- a/app/x.py\n+++ b/app/x.py\n"
HEADERS_X = "--- a/x.py\n+++ b/x.py\n@@ @@\n"
NUMBERED_LINES = "@@ -5,4 +5,4 @@\n 5 | line 5\n 6 | line 6\n-7 | line 7\n+7 | LINE 7\n 8 | line 8\n"


def renamed(old: str, new: str) -> str:
    return CLEAN.replace("a/app", old).replace("b/app", new)


MENDED = {
    "counts too small": (CLEAN.replace("-4,7 +4,7", "-4,3 +4,3"), [Repair.RECOUNTED]),
    "counts too large": (CLEAN.replace("-4,7 +4,7", "-4,17 +4,18"), [Repair.RECOUNTED]),
    "new start wrong": (CLEAN.replace("+4,7", "+9,7"), [Repair.RECOUNTED]),
    "no counts": (CLEAN.replace("@@ -4,7 +4,7 @@", "@@ @@"), [Repair.NUMBERED]),
    "no hunk header": (CLEAN.replace("@@ -4,7 +4,7 @@\n", ""), [Repair.NUMBERED]),
    "wrong line": (CLEAN.replace("-4,7 +4,7", "-14,7 +14,7"), [Repair.MOVED]),
    "no +++": (CLEAN.replace("+++ b/app/x.py\n", ""), [Repair.FILE_HEADER]),
    "no ---": (CLEAN.replace("--- a/app/x.py\n", ""), [Repair.FILE_HEADER]),
    "only a git line": (GIT_LINE + HUNK, [Repair.FILE_HEADER]),
    "no prefixes": (renamed("app", "app"), [Repair.PREFIXES]),
    "testbed path": (renamed("/testbed/app", "/testbed/app"), [Repair.PATH, Repair.PREFIXES]),
    "testbed path behind a prefix": (renamed("a/testbed/app", "b/testbed/app"), [Repair.PATH]),
    "absolute path behind a prefix": (renamed("a//tmp/r/app", "b//tmp/r/app"), [Repair.PATH]),
    "dot path": (renamed("./app", "./app"), [Repair.PATH, Repair.PREFIXES]),
    "made-up index line": (GIT_LINE + "index 1234567..89abcde 100644\n" + CLEAN, [Repair.INDEX_LINE]),
    "numbers in the lines": (HEADERS + NUMBERED_LINES, [Repair.LINE_NUMBERS]),
    "a blank line behind the last hunk": (CLEAN + " \n\n", []),
    "blank context that is not in the file": (
        CLEAN.replace("-4,7 +4,7", "-4,9 +4,9") + " \n\n",
        [Repair.BLANK_CONTEXT, Repair.TRAILING_BLANK_CONTEXT],
    ),
    "no context at the end": (CLEAN.partition(" line 8")[0].replace("-4,7 +4,7", "-4,4 +4,4"), [Repair.CONTEXT]),
    "no context at all": (HEADERS + "@@ -7 +7 @@\n-line 7\n+LINE 7\n", [Repair.CONTEXT]),
}  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_a_damaged_form_is_mended(name: str, make_repo: MakeRepo) -> None:
    damaged, repairs = MENDED[name]
    assert_changes(make_repo({"app/x.py": CODE}), fence(damaged), {"app/x.py": CHANGED}, repairs)


@pytest.mark.parametrize(
    ("answer", "repairs"),
    [
        (WRAPPED, []),
        ("```diff\n" + CLEAN, [Repair.FENCE_CLOSED]),
        ("```diff\n" + CLEAN.removesuffix("\n"), [Repair.FENCE_CLOSED, Repair.FINAL_NEWLINE]),
        (CLEAN.removesuffix("\n"), [Repair.FINAL_NEWLINE]),
        ("`app/x.py`:\n```diff\n" + HUNK + "```\n", [Repair.FILE_HEADER]),
        ("```diff app/x.py\n" + HUNK + "```\n", [Repair.FILE_HEADER]),
        (CLEAN + "\nAlso note:\n- one\n- two\n", []),
    ],
)
def test_what_surrounds_a_diff_is_mended(answer: str, repairs: list[Repair], make_repo: MakeRepo) -> None:
    assert_changes(make_repo({"app/x.py": CODE}), answer, {"app/x.py": CHANGED}, repairs)


def test_a_true_index_line_is_kept(make_repo: MakeRepo) -> None:
    blob = hashlib.sha1(b"blob %d\0" % len(CODE) + CODE.encode(), usedforsecurity=False).hexdigest()
    header = f"{GIT_LINE}index {blob[:9]}..89abcde 100644\n"
    assert judge(fence(header + CLEAN), snapshot=make_repo({"app/x.py": CODE}).snapshot).patch == header + CLEAN


BLANKS = "def f():\n    a = 1\n\n    b = 2\n\n    return a\n"


def test_blank_context_lines_get_their_space_back(make_repo: MakeRepo) -> None:
    answer = fence(
        "--- a/x.py\n+++ b/x.py\n@@ -1,6 +1,6 @@\n def f():\n     a = 1\n\n-    b = 2\n+    b = 3\n\n     return a\n"
    )
    assert_changes(
        make_repo({"x.py": BLANKS}), answer, {"x.py": BLANKS.replace("b = 2", "b = 3")}, [Repair.BLANK_CONTEXT]
    )


def test_blanks_at_the_end_of_context_lines_follow_the_file(make_repo: MakeRepo) -> None:
    code = BLANKS.replace("\n\n", "\n    \n").replace("a = 1", "a = 1  ")
    answer = fence(
        "--- a/x.py\n+++ b/x.py\n@@ -1,6 +1,6 @@\n def f():\n     a = 1\n \n-    b = 2\n+    b = 3\n \n     return a\n"
    )
    assert_changes(
        make_repo({"x.py": code}), answer, {"x.py": code.replace("b = 2", "b = 3")}, [Repair.TRAILING_BLANKS]
    )


def test_blanks_at_the_end_of_a_removed_line_are_content(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": BLANKS.replace("b = 2", "b = 2  ")})
    verdict = judge(fence("--- a/x.py\n+++ b/x.py\n@@ -4 +4 @@\n-    b = 2\n+    b = 3\n"), snapshot=repo.snapshot)
    assert verdict.failure is Failure.WHITESPACE


def test_line_ends_follow_the_file(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE.replace("\n", "\r\n")})
    assert_changes(repo, fence(CLEAN), {"app/x.py": CHANGED.replace("\n", "\r\n")}, [Repair.LINE_ENDS])
    repo = make_repo({"app/x.py": CODE})
    crlf_lines = HEADERS + HUNK.replace("\n", "\r\n")
    assert_changes(repo, fence(crlf_lines), {"app/x.py": CHANGED}, [Repair.LINE_ENDS])


def test_a_diff_with_the_files_crlf_is_unchanged(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE.replace("\n", "\r\n")})
    header, body = HUNK.split("\n", 1)
    diff = f"{HEADERS}{header}\n" + body.replace("\n", "\r\n")
    assert assert_changes(repo, fence(diff), {"app/x.py": CHANGED.replace("\n", "\r\n")}, []).patch == diff


@pytest.mark.parametrize("crlf", [False, True])
def test_a_file_without_final_newline_keeps_none(make_repo: MakeRepo, crlf: bool) -> None:
    def form(text: str) -> str:
        return text.replace("\n", "\r\n") if crlf else text

    repo = make_repo({"x.py": form("a\nb\nc")})
    repairs = [Repair.LINE_ENDS, Repair.END_OF_FILE] if crlf else [Repair.END_OF_FILE]
    changed = fence("--- a/x.py\n+++ b/x.py\n@@ -2,2 +2,2 @@\n b\n-c\n+d\n")
    assert_changes(repo, changed, {"x.py": form("a\nb\nd")}, repairs)
    appended = fence("--- a/x.py\n+++ b/x.py\n@@ -2,2 +2,3 @@\n b\n c\n+d\n")
    assert_changes(repo, appended, {"x.py": form("a\nb\nc\nd")}, repairs)


MARK = "\\ No newline at end of file\n"


@pytest.mark.parametrize(
    ("before", "body", "after", "repairs"),
    [
        ("a\nb", f"-b\n{MARK}+c\n", "a\nc\n", []),
        ("a\nb", f"-b\n{MARK}+c\n{MARK}", "a\nc", []),
        ("a\nb\n", f"-b\n+c\n{MARK}", "a\nc", []),
        ("a\nb\n", f"-b\n{MARK}+c\n{MARK}", "a\nc\n", [Repair.END_OF_FILE]),
        ("a\nb\nz\n", f"-b\n+c\n{MARK}", "a\nc\nz\n", [Repair.END_OF_FILE]),
    ],
)
def test_the_no_newline_marker_counts_where_it_tells_the_truth(
    before: str, body: str, after: str, repairs: list[Repair], make_repo: MakeRepo
) -> None:
    answer = fence("--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a\n" + body)
    assert_changes(make_repo({"x.py": before}), answer, {"x.py": after}, repairs)


CRLF_ENDS = {
    "the last line loses its newline": ("a\nb\n", f"-b\n+c\n{MARK}", "a\nc", [Repair.LINE_ENDS]),
    "a new last line has none": ("a\nb\n", f" b\n+c\n{MARK}", "a\nb\nc", [Repair.LINE_ENDS]),
    "only the newline goes": ("a\nb\n", f"-b\n+b\n{MARK}", "a\nb", [Repair.LINE_ENDS]),
    "the last line gets a newline": ("a\nb\nc", f" b\n-c\n{MARK}+d\n", "a\nb\nd\n", [Repair.LINE_ENDS]),
    "a line follows the last one": ("a\nb\nc", f" b\n-c\n{MARK}+c\n+d\n", "a\nb\nc\nd\n", [Repair.LINE_ENDS]),
    "the last line goes": ("a\nb\nc", f" b\n-c\n{MARK}", "a\nb\n", [Repair.LINE_ENDS]),
}


@pytest.mark.parametrize("name", CRLF_ENDS)
def test_a_crlf_file_ends_in_a_whole_line_end(name: str, make_repo: MakeRepo) -> None:
    before, body, after, repairs = CRLF_ENDS[name]
    answer = fence(HEADERS_X + " a\n" * (not body.startswith(" b")) + body)
    repo = make_repo({"x.py": before.replace("\n", "\r\n")})
    verdict = judge(answer, snapshot=repo.snapshot)
    assert verdict.status == "applies", verdict.detail
    assert repo.after(verdict.patch)["x.py"] == after.replace("\n", "\r\n").encode()
    assert set(repairs) <= set(verdict.repairs)


def test_crlf_of_a_diff_leaves_no_lone_return(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": "a\r\nb\r\n", "y.py": "a\r\nb"})
    answer = fence(f"{HEADERS_X} a\r\n-b\r\n+c\r\n{MARK}")
    assert repo.after(judge(answer, snapshot=repo.snapshot).patch)["x.py"] == b"a\r\nc"
    only_last = fence(f"--- a/y.py\n+++ b/y.py\n@@ -2 +2 @@\n-b\n{MARK}+c\n")
    assert repo.after(judge(only_last, snapshot=repo.snapshot).patch)["y.py"] == b"a\r\nc\r\n"
    new = fence(f"--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\r\n+b\r\n{MARK}")
    assert repo.after(judge(new, snapshot=repo.snapshot).patch)["new.py"] == b"a\r\nb"


def test_a_return_that_ends_the_file_is_kept(make_repo: MakeRepo) -> None:
    repo = make_repo({"x.py": "a\nb\nc\r"})
    assert_changes(repo, fence(f"{HEADERS_X} a\n-b\n+d\n"), {"x.py": "a\nd\nc\r"}, [Repair.NUMBERED])


@pytest.mark.parametrize("ends", [1, 2])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_return_that_ends_the_answer_is_not_content(newline: str, ends: int, make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE})
    whole = f"{CLEAN}+added\n".replace("-4,7 +4,7", "-4,7 +4,8")
    for answer in (whole, f"```diff\n{whole}", f"{HEADERS}{HUNK}+added\n"):
        cut = answer.replace("\n", newline).removesuffix(newline) + "\r" * ends
        verdict = judge(cut, snapshot=repo.snapshot)
        assert repo.after(verdict.patch)["app/x.py"] == CHANGED.replace("line 10\n", "line 10\nadded\n").encode()


TWINS = "".join(f"def f{n}():\n    a()\n    b()\n    return {n}\n\n\n" for n in range(1, 9))


def twin_diff(start: int, heading: str = "") -> str:
    return fence(f"--- a/x.py\n+++ b/x.py\n@@ -{start},2 +{start},2 @@{heading}\n     a()\n-    b()\n+    c()\n")


@pytest.mark.parametrize(
    ("start", "heading", "place"),
    [
        (8, "", 8),  # exactly there: one of eight places, and the stated line decides
        (9, " def f2():", 8),  # near, and the heading agrees
        (3, " def f1():", 2),
        (60, "", None),  # all are far
        (52, "", None),  # one is within reach, but another one nearly so
        (9, " def f3():", None),  # near, but the heading names another function
        (9, "", None),  # two places within reach
        (11, " def f2():", None),  # as far from the second place as from the third
    ],
)
def test_stated_line_or_heading_decides_between_equal_matches(
    start: int, heading: str, place: int | None, make_repo: MakeRepo
) -> None:
    repo = make_repo({"x.py": TWINS})
    if place is None:
        assert judge(twin_diff(start, heading), snapshot=repo.snapshot).failure is Failure.CONTEXT_AMBIGUOUS
    else:
        lines = TWINS.split("\n")
        lines[place] = "    c()"
        repairs = [Repair.CONTEXT] if place == start else [Repair.MOVED]
        assert_changes(repo, twin_diff(start, heading), {"x.py": "\n".join(lines)}, repairs)


@pytest.mark.parametrize(
    ("start", "place"),
    [
        ("@@ -42,3 +10,3 @@", None),
        ("@@ -10,3 +42,3 @@", None),
        ("@@ -42,3 +42,3 @@", 42),
        ("@@ -42,3 +43,3 @@", 42),
        ("@@ -42,3 +42,3 @@ def g():", 42),
        ("@@ -42,3 +42,3 @@ def f():", None),
        ("@@ -30,3 +30,3 @@ def f():", None),
        ("@@ def f():", 10),
        ("@@ def g(): @@", 42),
    ],
)
def test_git_does_not_choose_between_places_that_contradict(start: str, place: int | None, make_repo: MakeRepo) -> None:
    lines = [f"# {number}" for number in range(60)]
    lines[7:12] = lines[39:44] = ["def f():", "", "    a()", "    b()", "    c()"]
    lines[39] = "def g():"
    repo = make_repo({"x.py": "\n".join(lines) + "\n"})
    verdict = judge(
        fence(f"--- a/x.py\n+++ b/x.py\n{start}\n     a()\n-    b()\n+    d()\n     c()\n"), snapshot=repo.snapshot
    )
    if place is None:
        assert verdict.failure is Failure.CONTEXT_AMBIGUOUS
    else:
        lines[place] = "    d()"
        assert repo.after(verdict.patch)["x.py"].decode() == "\n".join(lines) + "\n"


def test_a_place_within_reach_wins_when_no_other_is(make_repo: MakeRepo) -> None:
    filler = "".join(f"# {number}\n" for number in range(60))
    code = f"a()\nb()\n{filler}a()\nb()\n"
    answer = fence("--- a/x.py\n+++ b/x.py\n@@ -7,2 +7,2 @@\n a()\n-b()\n+c()\n")
    assert_changes(make_repo({"x.py": code}), answer, {"x.py": f"a()\nc()\n{filler}a()\nb()\n"}, [Repair.MOVED])


def test_an_exact_match_beats_one_that_differs_in_blanks(make_repo: MakeRepo) -> None:
    code = "a  \nb\n\na\nb\n"
    answer = fence("--- a/x.py\n+++ b/x.py\n@@ @@\n a\n-b\n+c\n")
    assert_changes(make_repo({"x.py": code}), answer, {"x.py": "a  \nb\n\na\nc\n"}, [Repair.NUMBERED])


def test_an_empty_file_takes_its_first_lines(make_repo: MakeRepo) -> None:
    answer = fence("--- a/x.py\n+++ b/x.py\n@@ -0,0 +1,2 @@\n+a\n+b\n")
    assert_changes(make_repo({"x.py": ""}), answer, {"x.py": "a\nb\n"}, [])


def test_hunks_that_share_context_are_merged(make_repo: MakeRepo) -> None:
    second = "@@ -7,4 +7,5 @@\n line 8\n line 9\n line 10\n+LINE 10.5\n line 11\n"
    expected = CHANGED.replace("line 10\n", "line 10\nLINE 10.5\n")
    answer = fence(CLEAN + second.replace("-7,4 +7,5", "-8,4 +8,5"))
    assert_changes(make_repo({"app/x.py": CODE}), answer, {"app/x.py": expected}, [Repair.CONTEXT])


def test_unordered_hunks_and_repeated_files_make_one_patch(make_repo: MakeRepo) -> None:
    later = "@@ -20,3 +20,2 @@\n line 20\n-line 21\n line 22\n"
    expected = {"app/x.py": CHANGED.replace("line 21\n", "")}
    repo = make_repo({"app/x.py": CODE})
    assert_changes(repo, fence(HEADERS + later + HUNK), expected, [Repair.RECOUNTED, Repair.CONTEXT])
    assert_changes(repo, fence(CLEAN + HEADERS + later), expected, [])


def test_new_deleted_renamed_and_executable_files_are_understood(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE, "old.py": "a\nb\nc\n", "gone.py": "x\n", "tool": "#!/bin/sh\n"})
    diff = (
        "--- /dev/null\n+++ b/app/new.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
        "diff --git a/gone.py b/gone.py\ndeleted file mode 100644\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "diff --git a/old.py b/app/moved.py\nrename from old.py\nrename to app/moved.py\n"
        "--- a/old.py\n+++ b/app/moved.py\n"
        "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        "diff --git a/tool b/tool\nold mode 100644\nnew mode 100755\n"
        "diff --git a/empty.py b/empty.py\nnew file mode 100644\nindex 0000000..e69de29\n"
    )
    expected: dict[str, str | bytes | None] = {
        "app/new.py": "one\ntwo\n",
        "gone.py": None,
        "old.py": None,
        "app/moved.py": "a\nB\nc\n",
        "empty.py": "",
    }
    verdict = assert_changes(repo, fence(diff), expected, [])
    assert verdict.files == ("app/new.py", "gone.py", "old.py", "app/moved.py", "tool", "empty.py")
    damaged = fence(diff.replace("-1,3 +1,3", "-1,9 +2,9"))
    again = assert_changes(repo, damaged, expected, [Repair.RECOUNTED])
    assert (again.added, again.removed) == (verdict.added, verdict.removed) == (3, 2)
    moved = fence(diff.replace("@@ -1,3 +1,3 @@", "@@ @@"))
    assert "old mode 100644\nnew mode 100755\n" in assert_changes(repo, moved, expected, [Repair.NUMBERED]).patch


@pytest.mark.parametrize(
    ("body", "repairs"),
    [
        ("--- /dev/null\n+++ b/new.py\n@@ -1,0 +1,2 @@\n+a\n+b\n", [Repair.RECOUNTED, Repair.CONTEXT]),
        ("--- /dev/null\n+++ b/new.py\n@@ @@\n+a\n+b\n", [Repair.NUMBERED]),
        ("--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+a\n@@ -0,0 +2 @@\n+b\n", [Repair.CONTEXT]),
        ("--- a/new.py\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n", [Repair.FILE_HEADER]),
        (
            "diff --git a/new.py b/new.py\nnew file mode 100644\n--- a/new.py\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n",
            [Repair.FILE_HEADER],
        ),
    ],
)
def test_a_new_file_with_a_wrong_header_is_created(body: str, repairs: list[Repair], make_repo: MakeRepo) -> None:
    assert_changes(make_repo({}), fence(body), {"new.py": "a\nb\n"}, repairs)


def test_a_folder_named_a_is_told_from_the_prefix(make_repo: MakeRepo) -> None:
    repo = make_repo({"a/x.py": "1\n2\n", "b/x.py": "1\n2\n"})
    assert_changes(
        repo, fence("--- a/x.py\n+++ a/x.py\n@@ -1,2 +1,2 @@\n-1\n+0\n 2\n"), {"a/x.py": "0\n2\n"}, [Repair.PREFIXES]
    )
    assert_changes(repo, fence("--- a/b/x.py\n+++ b/b/x.py\n@@ -1,2 +1,2 @@\n-1\n+0\n 2\n"), {"b/x.py": "0\n2\n"}, [])


def test_names_with_spaces_quotes_and_umlauts_are_found(make_repo: MakeRepo) -> None:
    repo = make_repo({"my file.py": "1\n2\n", "ü.py": "1\n2\n"})
    body = "@@ -1,2 +1,2 @@\n-1\n+0\n 2\n"
    for name in ("my file.py", '"a/\\303\\274.py"', "ü.py"):
        old, new = (name, name.replace("a/", "b/")) if name.startswith('"') else ("a/" + name, "b/" + name)
        plain = "ü.py" if "my" not in name else name
        assert_changes(repo, fence(f"--- {old}\n+++ {new}\n{body}"), {plain: "0\n2\n"}, [])


def test_lines_only_end_at_a_line_feed(make_repo: MakeRepo) -> None:
    code = "a\u2028b\n\x0cc\x1d\n\x85d\n"
    answer = fence("--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,3 @@\n a\u2028b\n-\x0cc\x1d\n+C\u2029\n \x85d\n")
    assert_changes(make_repo({"x.py": code}), answer, {"x.py": "a\u2028b\nC\u2029\n\x85d\n"}, [])


def test_a_checkout_inside_another_repository_is_still_checked(make_repo: MakeRepo) -> None:
    repo = make_repo({"inner/app/x.py": CODE})
    wrong = judge(fence(CLEAN.replace("line 5", "line five")), snapshot=FolderSnapshot(repo.root / "inner"))
    assert wrong.failure is Failure.CONTEXT_NOT_FOUND
    assert judge(fence(CLEAN), snapshot=FolderSnapshot(repo.root / "inner")).status == "applies"


def test_the_users_git_configuration_does_not_matter(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make_repo({"app/x.py": CODE})
    repo.write(
        {
            "home/.gitconfig": "[apply]\n\twhitespace = error-all\n[diff]\n\tnoprefix = true\n[color]\n\tui = always\n",
        }
    )
    monkeypatch.setenv("HOME", str(repo.root / "home"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    trailing = fence(HEADERS + "@@ @@\n-line 7\n+LINE 7  \n")
    verdict = judge(trailing, snapshot=repo.snapshot)
    assert (verdict.status, verdict.added) == ("applies", 1)


def test_a_cut_behind_the_patch_applies_with_a_warning(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/x.py": CODE})
    for verdict in (
        judge(fence(CLEAN), snapshot=repo.snapshot, finish_reason="length"),
        judge(fence(CLEAN), snapshot=repo.snapshot, incomplete=True),
        judge(CLEAN + "\nThis change is", snapshot=repo.snapshot, finish_reason="length"),
    ):
        assert verdict.status == "applies"
        assert "cut off at the output limit" in verdict.detail
    assert "cut off" not in judge(fence(CLEAN), snapshot=repo.snapshot, finish_reason="stop").detail


def test_warnings_name_test_only_patches_and_helper_scripts(make_repo: MakeRepo) -> None:
    repo = make_repo({"app/tests/x.py": CODE, "app/x.py": CODE})
    assert "touches only tests" in judge(fence(CLEAN.replace("app/", "app/tests/")), snapshot=repo.snapshot).detail
    script = "--- /dev/null\n+++ b/reproduce_bug.py\n@@ -0,0 +1 @@\n+x\n"
    assert "adds a helper script, reproduce_bug.py" in judge(fence(CLEAN + script), snapshot=repo.snapshot).detail


def test_a_refusal_shows_the_diff_and_what_git_says(make_repo: MakeRepo) -> None:
    verdict = judge(fence(CLEAN.replace("line 5", "line five")), snapshot=make_repo({"app/x.py": CODE}).snapshot)
    assert verdict.patch == CLEAN.replace("line 5", "line five")
    assert verdict.files == ("app/x.py",)
    assert "hunk 1 of 1" in verdict.detail
    assert "error: patch failed: app/x.py:4" in verdict.detail
