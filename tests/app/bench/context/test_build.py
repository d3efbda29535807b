"""`build_context` in each of its modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from swebench_tui.bench.context import Context, ContextMode, LeftOut
from swebench_tui.bench.context.build import build_context, grouped_paths, ranked_paths
from swebench_tui.bench.context.errors import ContextError, ContextStoppedError
from swebench_tui.bench.context.markup import render_files
from tests.app.bench.context.trees import MemoryTree, count_roughly, task

Build = Callable[..., Context]

PACKAGE = {
    "pkg/__init__.py": "from pkg.spans import Span\n",
    "pkg/spans.py": "class Span:\n    def overlap(self, other):\n        return self.end > other.start\n",
    "pkg/rooms.py": "def book(room, hour):\n    return room, hour\n",
    "tests/test_spans.py": "def test_overlap():\n    assert Span(1, 2).overlap(Span(1, 3))\n",
    "README.md": "# pkg\n",
}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def run(
        mode: ContextMode,
        issue: str,
        files: Mapping[str, str | bytes],
        *,
        budget: int | None = 10_000,
        picked: Sequence[str] = (),
        patch: str = "",
        count: Callable[[str], int] = count_roughly,
        **options: object,
    ) -> Context:
        return build_context(
            mode,
            task(issue, patch=patch),
            MemoryTree(files),
            budget=budget,
            count=count,
            index_folder=tmp_path,
            picked=picked,
            **options,  # type: ignore[arg-type]  # each test passes its own
        )

    return run


def paths(context: Context) -> list[str]:
    return [file.path for file in context.files]


def test_no_context_reads_nothing(tmp_path: Path) -> None:
    tree = MemoryTree(PACKAGE)
    context = build_context(
        ContextMode.NONE, task("Span"), tree, budget=100, count=count_roughly, index_folder=tmp_path
    )
    assert (context.files, context.tokens, tree.reads) == ((), 0, [])


def test_a_search_puts_the_likely_file_first(build: Build) -> None:
    context = build(ContextMode.SEARCH, "`Span.overlap` is wrong for spans that touch", PACKAGE)
    assert paths(context)[0] == "pkg/spans.py"
    assert context.files[0].whole
    assert (context.match, context.note) == ("strong", "")
    assert context.tokens == count_roughly(render_files(context.files))


def test_a_search_without_names_is_a_weak_match(build: Build) -> None:
    context = build(ContextMode.SEARCH, "Booking the same room twice gives no warning", PACKAGE)
    assert context.match == "weak"
    assert context.note == "the issue names no file and no rare definition: weak match; try the context `pick`"


def test_all_source_files_come_sorted_without_tests(build: Build) -> None:
    context = build(ContextMode.ALL, "anything", PACKAGE)
    assert paths(context) == ["pkg/__init__.py", "pkg/rooms.py", "pkg/spans.py"]
    assert context.left_out == (LeftOut("tests/test_spans.py", "a test"),)
    assert context.note == ""


def test_a_file_over_the_budget_is_passed_over_and_named(build: Build) -> None:
    files = {"a.py": "x = 1\n" * 5, "b.py": "y = 1\n" * 500, "c.py": "z = 1\n" * 5}
    context = build(ContextMode.ALL, "anything", files, budget=100)
    assert paths(context) == ["a.py", "c.py"]
    assert context.left_out == (LeftOut("b.py", "over budget: 2,004 tokens"),)
    assert context.note == "2 of 3 source files fit: the mode `all` is for small repositories"
    assert context.tokens <= 100


def test_the_oracle_shows_the_gold_files_and_says_so(build: Build) -> None:
    patch = "--- a/pkg/rooms.py\n+++ b/pkg/rooms.py\n@@ -1 +1 @@\n-def book\n+def cook\n"
    context = build(ContextMode.ORACLE, "Span", PACKAGE, patch=patch)
    assert paths(context) == ["pkg/rooms.py"]
    assert context.note == "the files that the gold patch touches: the solution was read"


def test_picked_paths_are_checked_against_the_tree(build: Build) -> None:
    picked = ["./pkg/rooms.py", "pkg/missing.py", "../../etc/passwd", "pkg", "pkg/rooms.py", ""]
    context = build(ContextMode.PICK, "Span", PACKAGE, picked=picked)
    assert paths(context) == ["pkg/rooms.py"]
    assert [entry.path for entry in context.left_out] == ["pkg/missing.py", "../../etc/passwd", "pkg"]
    assert {entry.reason for entry in context.left_out} == {"not a file of the base commit"}


def test_the_work_stops_when_the_caller_wants(build: Build, tmp_path: Path) -> None:
    with pytest.raises(ContextStoppedError):
        build(ContextMode.SEARCH, "Span", PACKAGE, should_stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_ranked_paths_are_cut_at_the_budget(tmp_path: Path) -> None:
    files = {f"pkg/module_{number}.py": f"value = {number}\n" for number in range(50)}
    ranked = ranked_paths(
        task("`pkg/module_7.py` is wrong"), MemoryTree(files), count=count_roughly, index_folder=tmp_path, budget=20
    )
    assert ranked[0] == "pkg/module_7.py"
    assert count_roughly("\n".join(ranked)) == 19


def test_paths_are_grouped_by_folder() -> None:
    assert grouped_paths(MemoryTree({**PACKAGE, "setup.py": ""})) == (
        "./: setup.py\npkg/: __init__.py rooms.py spans.py"
    )


LONG = {
    "pkg/long.py": "".join(f"def part_{number}():\n" + f"    value_{number} = 1\n" * 30 for number in range(60)),
    "pkg/short.py": "def short():\n    return 1\n",
}


def test_a_search_shows_the_part_that_the_issue_names(build: Build) -> None:
    context = build(ContextMode.SEARCH, "Wrong in `part_40`", LONG, budget=400)
    (file,) = [file for file in context.files if file.path == "pkg/long.py"]
    assert not file.whole
    assert any("def part_40():" in window.text for window in file.windows)
    assert context.tokens == count_roughly(render_files(context.files)) <= 400


def test_a_search_with_a_large_budget_shows_whole_files(build: Build) -> None:
    context = build(ContextMode.SEARCH, "Wrong in `part_40` and `short`", LONG, budget=40_000)
    assert {file.path: file.whole for file in context.files} == {"pkg/long.py": True, "pkg/short.py": True}


def test_a_search_shows_every_matching_file_of_a_small_repository(build: Build) -> None:
    files = {f"pkg/m{number}.py": f"def overlap_{number}(): ...\n" for number in range(30)}
    context = build(ContextMode.SEARCH, " ".join(f"`overlap_{number}`" for number in range(30)), files)
    assert sorted(paths(context)) == sorted(files)


def test_a_search_without_a_limit_has_one_and_says_which(build: Build) -> None:
    assert build(ContextMode.SEARCH, "Span", PACKAGE, budget=None).budget == 27_000


def test_lines_with_numbers_are_counted_with_them(build: Build) -> None:
    context = build(ContextMode.ALL, "anything", PACKAGE, numbered=True)
    assert context.numbered
    assert context.tokens == count_roughly(render_files(context.files, numbered=True))
    assert context.tokens > build(ContextMode.ALL, "anything", PACKAGE).tokens


def test_windows_do_not_tell_what_the_gold_patch_changes(build: Build) -> None:
    header = "--- a/pkg/long.py\n+++ b/pkg/long.py\n"
    patches = [
        f"{header}@@ -{line},1 +{line},1 @@\n-    value_{part} = 1\n+    value_{part} = 2\n"
        for part, line in ((3, 95), (50, 1552))
    ]
    one, other = (build(ContextMode.ORACLE, "Wrong in `part_40`", LONG, patch=patch, budget=400) for patch in patches)
    assert one == other
    assert not one.files[0].whole


def test_the_headers_of_a_gold_patch_name_its_files(build: Build) -> None:
    patch = (
        "diff --git a/pkg/rooms.py b/pkg/rooms.py\n--- a/pkg/rooms.py\n+++ b/pkg/rooms.py\n"
        "@@ -1,2 +1,1 @@\n--- a/pkg/spans.py\n def book\n"
    )
    assert paths(build(ContextMode.ORACLE, "Span", PACKAGE, patch=patch)) == ["pkg/rooms.py"]


def test_a_gold_patch_that_is_no_diff_is_an_error(build: Build) -> None:
    with pytest.raises(ContextError, match="the gold patch of owner__name-1 cannot be read"):
        build(ContextMode.ORACLE, "Span", PACKAGE, patch="--- a/pkg/rooms.py\n+++ b/pkg/rooms.py\n@@ -1 +1 @@\nx")


def test_new_files_of_the_gold_patch_are_not_shown(build: Build) -> None:
    patch = "--- /dev/null\n+++ b/pkg/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
    context = build(ContextMode.ORACLE, "Span", PACKAGE, patch=patch)
    assert (context.files, context.left_out) == ((), ())


@pytest.mark.parametrize("mode", [ContextMode.SEARCH, ContextMode.PICK, ContextMode.ALL])
def test_nothing_fits_into_nothing(build: Build, mode: ContextMode) -> None:
    context = build(mode, "`Span`", PACKAGE, budget=0, picked=["pkg/spans.py"])
    assert (context.files, context.tokens) == ((), 0)
    assert LeftOut("pkg/spans.py", "over budget: 16 tokens") in context.left_out


def test_a_path_that_no_marker_can_hold_is_named(build: Build) -> None:
    context = build(ContextMode.PICK, "Span", {'a".py': "x = 1\n"}, picked=['a".py'])
    assert context.left_out == (LeftOut('a".py', "its name cannot stand in a prompt"),)


def test_an_empty_repository_has_no_context(build: Build) -> None:
    for mode in ContextMode:
        assert build(mode, "`Span`", {}, picked=[]).files == ()


def test_what_is_left_out_is_bounded(build: Build) -> None:
    files = {f"pkg/m{number}.py": f"overlap_{number} = 1\n" * 50 for number in range(300)}
    for mode in (ContextMode.SEARCH, ContextMode.ALL, ContextMode.PICK):
        context = build(mode, "overlap", files, budget=60, picked=[f"x{number}.py" for number in range(500)])
        assert len(context.left_out) <= 50
