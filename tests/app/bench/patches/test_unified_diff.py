"""Reading unified diffs and writing them down again."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.patches import Failure, FileChange, Hunk, PatchError, Repair, emit_diff, judge, parse_diff
from swebench_tui.bench.patches.unified_diff import quote, unquote

BY_GIT = r"""
diff --git a/app/x.py b/app/x.py
index 1234567..89abcde 100644
--- a/app/x.py
+++ b/app/x.py
@@ -1,3 +1,4 @@
 one
+one and a half
 two
 three
@@ -10 +11 @@ def ten():
-ten
+10
\ No newline at end of file
diff --git a/gone.py b/gone.py
deleted file mode 100755
index 1234567..0000000
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-a
-b
diff --git a/new.sh b/new.sh
new file mode 100755
index 0000000..1234567
--- /dev/null
+++ b/new.sh
@@ -0,0 +1 @@
+echo
diff --git a/old name.py b/new name.py
similarity index 90%
rename from old name.py
rename to new name.py
index 1234567..89abcde 100644
--- a/old name.py{tab}
+++ b/new name.py{tab}
@@ -1,2 +1,2 @@
 kept
--- not a header
+++ not one either
diff --git a/run.py b/run.py
old mode 100644
new mode 100755
diff --git "a/\303\274.py" "b/\303\274.py"
index 1234567..89abcde 100644
--- "a/\303\274.py"
+++ "b/\303\274.py"
@@ -1 +1 @@
-a
+b
""".lstrip().replace("{tab}", "\t")


def test_a_diff_by_git_round_trips() -> None:
    assert judge(BY_GIT, snapshot=None).patch == BY_GIT
    assert judge(BY_GIT, snapshot=None).repairs == ()


def test_a_diff_names_its_files_and_counts_its_lines() -> None:
    verdict = judge(BY_GIT, snapshot=None)
    assert verdict.files == ("app/x.py", "gone.py", "new.sh", "old name.py", "new name.py", "run.py", "ü.py")
    assert (verdict.added, verdict.removed) == (5, 5)


@given(st.text().filter(lambda text: "\0" not in text))
def test_quoting_keeps_every_name(name: str) -> None:
    quoted = quote("a/" + name)
    assert unquote(quoted) == "a/" + name.encode("utf-8", "replace").decode()
    assert quoted.isascii()
    assert quoted.isprintable()


def hunks_of(body: str, *, fenced: bool = True) -> list[Hunk]:
    diff = f"--- a/x\n+++ b/x\n{body}"
    return [hunk for change in parse_diff(diff.split("\n"), fenced=fenced).changes for hunk in change.hunks]


def test_counts_keep_a_removed_line_that_resembles_a_header() -> None:
    hunks = hunks_of("@@ -1 +1 @@\n--- a/y\n+++ b/y\n@@ -5 +5 @@\n-a\n+b")
    assert [hunk.lines for hunk in hunks] == [("--- a/y", "+++ b/y"), ("-a", "+b")]


def test_a_second_file_starts_despite_wrong_counts() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -5 +5 @@\n-a\n+b"
    assert [change.old for change in parse_diff(diff.split("\n")).changes] == ["a/x", "a/y"]


@pytest.mark.parametrize("fenced", [True, False])
def test_a_line_that_adds_something_is_never_skipped(fenced: bool) -> None:
    with pytest.raises(
        PatchError, match=r"line 7 of the diff belongs to no hunk: '\+lost'|line 6 of the diff starts with none"
    ):
        hunks_of("@@ -1,9 +1,9 @@\n-a\n+b\nlost its column\n+lost", fenced=fenced)


@pytest.mark.parametrize("counts", ["-1 +1", "-1,2 +1,2", "-1,9 +1,9", "-1,0 +1,0", "-1,3 +1,2"])
def test_a_hunk_has_its_lines_whatever_its_counts(counts: str) -> None:
    hunks = hunks_of(f"@@ {counts} @@\n a\n-b\n+c\n d")
    assert hunks == [Hunk((" a", "-b", "+c", " d"), 1)]


@pytest.mark.parametrize(
    ("start", "hunk"),
    [
        ("@@ -42,1 +10,2 @@", Hunk((" a", "+b"), 42, other_start=10)),
        ("@@ -42,1 +42,2 @@ def f():", Hunk((" a", "+b"), 42, " def f():")),
        ("@@ -10 +42 @@", Hunk((" a", "+b"), 10, other_start=42)),
        ("@@ def f():", Hunk((" a", "+b"), None, " def f():")),
        ("@@ ... @@ class A:", Hunk((" a", "+b"), None, " class A:")),
        ("@@ def f(): @@", Hunk((" a", "+b"), None, "def f():")),
        ("@@ ... @@", Hunk((" a", "+b"))),
        ("@@ near the top @@", Hunk((" a", "+b"))),
        ("@@", Hunk((" a", "+b"))),
    ],
)
def test_what_the_start_of_a_hunk_says_about_its_place(start: str, hunk: Hunk) -> None:
    assert parse_diff(["--- a/x", "+++ b/x", start, " a", "+b"]).changes[0].hunks == (hunk,)


@pytest.mark.parametrize("start", ["-9 +11", "-9 +9"])  # with and without the two lines that the first hunk adds
def test_a_new_start_may_forget_the_shift(start: str) -> None:
    lines = ["--- a/x", "+++ b/x", "@@ -1 +1,3 @@", " a", "+b", "+c", f"@@ {start} @@", "-d", "+e"]
    assert parse_diff(lines).changes[0].hunks[1].other_start is None


@pytest.mark.parametrize("header", ["@@", "@@ @@", "@@ ... @@", "@@ def f(): @@", "@@ -x,y +x,y @@"])
def test_a_hunk_header_without_numbers_has_no_start(header: str) -> None:
    assert [hunk.old_start for hunk in hunks_of(f"{header}\n-a\n+b")] == [None]
    with pytest.raises(PatchError, match="without line numbers"):
        emit_diff([FileChange(old="x", new="x", hunks=(Hunk(("-a", "+b")),))])


def test_small_counts_keep_the_lines_behind_a_blank() -> None:
    assert hunks_of("@@ -1,2 +1,2 @@\n a\n-b\n+c\n\n-d\n+e")[0].lines == (" a", "-b", "+c", " ", "-d", "+e")


def test_a_bullet_list_behind_a_bare_diff_is_prose() -> None:
    assert hunks_of("@@ -1,2 +1,2 @@\n a\n-b\n+c\n\n- I changed b\n- and nothing else", fenced=False)[0].lines == (
        " a",
        "-b",
        "+c",
    )


def test_a_bullet_list_is_prose_behind_wrong_counts_too() -> None:
    assert hunks_of("@@ -1,9 +1,9 @@\n a\n-b\n+c\n\n- I changed b", fenced=False)[0].lines == (" a", "-b", "+c")


def test_prose_between_hunks_of_a_bare_diff_loses_none() -> None:
    hunks = hunks_of("@@ -1 +1 @@\n-a\n+b\nAnd further down:\n@@ -9 +9 @@\n-c\n+d\nDone.", fenced=False)
    assert [hunk.lines for hunk in hunks] == [("-a", "+b"), ("-c", "+d")]


def test_a_mail_signature_is_not_a_patch_line() -> None:
    assert hunks_of("@@ -1 +1 @@\n-a\n+b\n-- \n2.39.0")[0].lines == ("-a", "+b")


@pytest.mark.parametrize(
    ("diff", "failure", "says"),
    [
        (
            "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\nlost its column\n-b",
            Failure.MALFORMED,
            "line 5 of the diff starts with none",
        ),
        (
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n@@ -2 +2 @@\n-a\n+b",
            Failure.MALFORMED,
            "line 3 of the diff starts a hunk without lines",
        ),
        ("--- a/x\n+++ b/x\n\nnothing", Failure.MALFORMED, "without a hunk"),
        ("--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b", Failure.MALFORMED, "names two files, 'x' and 'y'"),
        ("diff --git a/x b/y\ncopy from x\ncopy to y", Failure.MALFORMED, "copies a file"),
        ("diff --git a/x b/y\nrename to y", Failure.MALFORMED, "only one of the two names"),
        ("--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+b", Failure.MALFORMED, "both new and deleted"),
        ("just text", Failure.MALFORMED, "neither a file header nor a hunk"),
        ("- a\n+ b", Failure.MALFORMED, "neither a file header nor a hunk"),
        ("@@ -1 +1 @@\n-a\n+b", Failure.NO_FILE_NAME, "no line names its file"),
        ("diff --git a/x y z b/x\n@@ -1 +1 @@\n-a\n+b", Failure.NO_FILE_NAME, "without a readable name"),
        ("diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 3", Failure.BINARY, "binary patch"),
        ("diff --git a/x b/x\nBinary files a/x and b/x differ", Failure.BINARY, "binary patch"),
        (
            "diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc",
            Failure.UNSAFE_PATH,
            "other than a regular file",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(diff: str, failure: Failure, says: str) -> None:
    with pytest.raises(PatchError, match=says) as refused:
        parse_diff(diff.split("\n"))
    assert refused.value.failure is failure


@pytest.mark.parametrize(
    ("diff", "repair"),
    [
        ("--- a/x\n@@ -1 +1 @@\n-a\n+b", Repair.FILE_HEADER),
        ("+++ b/x\n@@ -1 +1 @@\n-a\n+b", Repair.FILE_HEADER),
        ("diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b", Repair.FILE_HEADER),
        ("--- a/x\n+++ b/x\n@@ -1,5 +1,7 @@\n-a\n+b", Repair.RECOUNTED),
        ("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-a\n+b\n\n c", Repair.BLANK_CONTEXT),
    ],
)
def test_a_mended_form_is_named(diff: str, repair: Repair) -> None:
    parsed = parse_diff(diff.split("\n"))
    assert parsed.repairs == (repair,)
    assert parsed.changes[0].paths == ("a/x", "b/x")


@given(
    st.lists(
        st.sampled_from(
            [
                "@@",
                "@@ -1 +1 @@",
                "--- a/x",
                "+++ b/x",
                "diff --git a/x b/x",
                " a",
                "-a",
                "+a",
                "",
                "\\ No",
                "prose",
                "\r",
            ]
        )
    )
)
def test_any_lines_are_a_diff_or_refused(lines: list[str]) -> None:
    for fenced in (True, False):
        with contextlib.suppress(PatchError):
            changes = parse_diff(lines, fenced=fenced).changes
            assert all(line[0] in " +-\\" for change in changes for hunk in change.hunks for line in hunk.lines)
