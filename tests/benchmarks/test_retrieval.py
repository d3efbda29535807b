"""The benchmark of retrieval measures rows whose repositories are at hand, and fails where there are none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench.context import ContextFile, Window
from swebench_tui.bench.instance import Instance
from tests.app.bench.context.trees import MemoryTree
from tests.benchmarks.not_measured import NotMeasuredError
from tests.benchmarks.retrieval import (
    BUDGETS,
    Outcome,
    Summary,
    changed_lines,
    clone_of,
    main,
    measure,
    read_rows,
    shows,
    summarize,
)

MODULES = 30
PATCH = """\
diff --git a/pkg/spans.py b/pkg/spans.py
--- a/pkg/spans.py
+++ b/pkg/spans.py
@@ -1,3 +1,4 @@
 class Span:
-    def overlap(self, other):
+    def overlap(self, other, touching=False):
+        "Whether they share a point."
         return self.end > other.start
"""
ISSUE = "Spans that touch overlap\n\n`Span.overlap` is wrong for spans that touch.\n"


def make_clone(folder: Path) -> str:
    """A repository of many modules, one of which has the bug; its commit."""
    (folder / "pkg").mkdir(parents=True)
    spans = "class Span:\n    def overlap(self, other):\n        return self.end > other.start\n\n"
    (folder / "pkg" / "spans.py").write_text(spans + "# spans that touch\n", encoding="utf-8")
    for number in range(MODULES):
        text = f"def function_{number}(value):\n" + f"    value = value * {number}  # overlap\n" * 200
        (folder / "pkg" / f"module_{number}.py").write_text(text, encoding="utf-8")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def row(commit: str, patch: str = PATCH, repo: str = "owner/name") -> Instance:
    return Instance(repo=repo, instance_id="owner__name-1", base_commit=commit, problem_statement=ISSUE, patch=patch)


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("clones")
    return folder, make_clone(folder / "owner+name" / "repo")


def rows_file(folder: Path, *rows: Instance) -> str:
    file = folder / "rows.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in rows))
    return str(file)


def test_a_small_run_measures_search_and_plain(
    clones: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, commit = clones
    rows = rows_file(tmp_path, row(commit), row("0" * 40), row(commit, repo="owner/missing"))
    assert main(["--rows", rows, "--clones", str(folder), "--json"]) == 0
    one, total = capsys.readouterr().out.splitlines()
    outcome, summary = msgspec.json.decode(one, type=Outcome), msgspec.json.decode(total, type=Summary)
    assert (outcome.rank, outcome.strong, outcome.listed) == (1, True, True)
    assert outcome.whole == outcome.lines == dict.fromkeys(BUDGETS, True)
    assert all(0 < tokens <= budget for budget, tokens in outcome.tokens.items())
    assert (summary.rows, summary.ranks[1], summary.lines[BUDGETS[0]]) == (1, 100.0, 100.0)


def test_the_table_has_a_line_for_each_method(
    clones: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, commit = clones
    assert main(["--rows", rows_file(tmp_path, row(commit)), "--clones", str(folder)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["1", "rows", "r@1", "r@3", "r@5", "r@10", "13k", "27k", "50k"]
    assert table[2].split()[-7:] == ["100.0"] * 7


@pytest.mark.parametrize("rows", [[], [row("0" * 40)]])
def test_a_run_without_a_measured_row_fails(
    clones: tuple[Path, str], rows: list[Instance], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--rows", rows_file(tmp_path, *rows), "--clones", str(clones[0])]) == 1
    message = "not measured: no row has its repository and base commit among the clones\n"
    assert capsys.readouterr() == ("", message)


def test_rows_that_cannot_be_read_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rows", str(tmp_path / "missing.jsonl"), "--clones", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("not measured: ")
    (tmp_path / "rows.jsonl").write_text("{}\n", encoding="utf-8")
    assert main(["--rows", str(tmp_path / "rows.jsonl"), "--clones", str(tmp_path)]) == 1


def test_a_patch_of_new_files_alone_is_not_measured(tmp_path: Path) -> None:
    patch = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
    with pytest.raises(NotMeasuredError, match="changes no file"):
        measure(row("0" * 40, patch), MemoryTree({"a.py": ""}), len, tmp_path)


def test_no_outcomes_are_no_summary() -> None:
    with pytest.raises(NotMeasuredError):
        summarize([])


@pytest.mark.parametrize("name", ["owner+name/repo", "owner+name", "owner__name", "owner/name", "name", "name.git"])
def test_clones_are_found_in_every_layout(clones: tuple[Path, str], name: str, tmp_path: Path) -> None:
    folder, commit = clones
    target = tmp_path / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(folder / "owner+name" / "repo")
    assert clone_of(row(commit), tmp_path) == target
    assert clone_of(row("0" * 40), tmp_path) is None


def test_removed_lines_and_neighbours_of_insertions_are_changed() -> None:
    assert changed_lines(PATCH) == {"pkg/spans.py": {2, 3}}
    assert changed_lines("--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x\n+-- y\n@@ -9,2 +10 @@\n-- a/b.py\n z\n") == {
        "a.py": {1, 2, 9}
    }


@pytest.mark.parametrize(
    ("windows", "shown"),
    [([(1, 4)], True), ([(2, 3)], True), ([(2, 2), (3, 3)], True), ([(1, 2)], False), ([(3, 9)], False), ([], False)],
)
def test_every_changed_line_must_be_in_a_window(windows: list[tuple[int, int]], *, shown: bool) -> None:
    parts = tuple(Window(first, "x\n" * (last - first + 1)) for first, last in windows)
    assert shows([ContextFile("pkg/spans.py", 9, parts, whole=False)], changed_lines(PATCH)) is shown


def test_nothing_stands_behind_the_last_line() -> None:
    gold = {"a.py": {0, 1, 2}}
    assert shows([ContextFile("a.py", 1, (Window(1, "x\n"),))], gold)
    assert not shows([ContextFile("b.py", 1, (Window(1, "x\n"),))], gold)


def test_rows_are_read_from_all_files(tmp_path: Path) -> None:
    file = Path(rows_file(tmp_path, row("0" * 40), row("1" * 40)))
    assert [each.base_commit for each in read_rows([file, file])] == ["0" * 40, "1" * 40] * 2
