"""The order of the files: what counts, that nothing of the solution does, and that it is the same everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.context.build import build_context
from swebench_tui.bench.context.index import SearchIndex, open_index
from swebench_tui.bench.context.query import Query
from swebench_tui.bench.context.ranking import Ranking, rank, read_question
from tests.app.bench.context.trees import MemoryTree, count_roughly, task

FILES = {
    "pkg/spans.py": "class Span:\n    def overlap(self, other):\n        return self.end > other.start\n",
    "pkg/rooms.py": "def book(room, hour):\n    return room, hour\n",
    "pkg/beds.py": "def make(bed):\n    return bed\n",
    "pkg/util.py": "def book(bed):\n    return bed\n",
    "docs/spans.py": "def overlap():\n    pass\n",
    "setup.py": "name = 'overlap span'\n",
}


def ranked(issue: str, files: dict[str, str], folder: Path) -> Ranking:
    with open_index(MemoryTree(files), "owner/name", "main", folder) as index:
        return rank(index, read_question(issue))


@pytest.mark.parametrize(
    ("issue", "first"),
    [
        ("The hour is lost\n\nroom and hour", "pkg/rooms.py"),
        ("Beds\n\nsee `pkg/util.py` please", "pkg/util.py"),
        ("Oops\n\nthe `Span` goes wrong", "pkg/spans.py"),
        (
            'Oops\n\nTraceback (most recent call last):\n  File "/x/pkg/beds.py", line 1, in make\nKeyError',
            "pkg/beds.py",
        ),
        ("overlap", "pkg/spans.py"),
    ],
)
def test_what_brings_a_file_to_the_front(issue: str, first: str, tmp_path: Path) -> None:
    ranking = ranked(issue, FILES, tmp_path)
    assert next(iter(ranking.scores)) == first
    assert len(ranking.scores) == len(FILES)


def test_the_last_bits_of_a_score_do_not_count() -> None:
    class Scores(SearchIndex):
        def __init__(self) -> None:
            self.paths = ["pkg/a.py", "pkg/b.py", "pkg/c.py"]

        def text_scores(self, query: Query) -> dict[str, float]:  # noqa: ARG002 - always these
            return {"pkg/a.py": 1.0 - 1e-9, "pkg/b.py": 1.0, "pkg/c.py": 0.9}

        def definition_scores(self, query: Query) -> tuple[dict[str, float], frozenset[str]]:  # noqa: ARG002
            return {}, frozenset()

    assert list(rank(Scores(), read_question("x")).scores) == ["pkg/a.py", "pkg/b.py", "pkg/c.py"]


def test_a_file_without_a_match_is_not_among_the_best(tmp_path: Path) -> None:
    best = ranked("`Span`", FILES, tmp_path).best(10)
    assert best[0] == ("pkg/spans.py", 1.0)
    assert "pkg/beds.py" not in dict(best)


@pytest.mark.parametrize("issue", ["", "\n\n", "the", "\ud800 \x00 ''\"\" OR NEAR(", "NOT \u0130\u0131 ﬁ ß Ⅷ"])
def test_an_issue_without_matches_ranks_by_path(issue: str, tmp_path: Path) -> None:
    ranking = ranked(issue, FILES, tmp_path)
    assert list(ranking.scores) == sorted(FILES)
    assert ranking.weakness == "the issue names no file and no rare definition: weak match"


def test_no_file_stands_out_among_many_alike(tmp_path: Path) -> None:
    files = {f"pkg/m{number}.py": f"def rare_{number}(): ...\n" for number in range(8)}
    issue = " ".join(f"`rare_{number}`" for number in range(8))
    assert ranked(issue, files, tmp_path).weakness == "no file stands out: weak match"


def test_a_clear_winner_is_no_weak_match(tmp_path: Path) -> None:
    assert ranked("`Span.overlap` in pkg/spans.py", FILES, tmp_path).weakness == ""


def test_patch_tests_and_hints_change_nothing(tmp_path: Path) -> None:
    plain = task("Booking a room twice")
    telling = msgspec.structs.replace(
        plain,
        patch="--- a/pkg/beds.py\n+++ b/pkg/beds.py\n@@ -1 +1 @@\n-def make(bed):\n+def make_bed(bed):\n",
        test_patch="pkg/beds.py",
        hints_text="pkg/beds.py",
        fail_to_pass='["pkg/beds.py::make"]',
    )
    contexts = [
        build_context(
            ContextMode.SEARCH,
            instance,
            MemoryTree(FILES),
            budget=500,
            count=count_roughly,
            index_folder=tmp_path / name,
        )
        for name, instance in (("plain", plain), ("telling", telling))
    ]
    assert contexts[0] == contexts[1]


SCRIPT = """
import json, pathlib, sys
from swebench_tui.bench.context.build import build_context, ranked_paths
from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from tests.app.bench.context.trees import count_roughly, task
kind, folder, commit, index = sys.argv[1:]
snapshot = FolderSnapshot(pathlib.Path(folder)) if kind == "folder" else CommitSnapshot(pathlib.Path(folder), commit)
instance = task("Words alpha beta `thing_7` and pkg/m3.py\\n\\ngamma delta", commit=commit)
with snapshot.open() as tree:
    paths = ranked_paths(instance, tree, count=count_roughly, index_folder=pathlib.Path(index))
    context = build_context(
        ContextMode.SEARCH, instance, tree, budget=900, count=count_roughly, index_folder=pathlib.Path(index)
    )
print(json.dumps([paths, [[f.path, [[w.first, w.text] for w in f.windows]] for f in context.files]]))
"""


def test_the_order_is_the_same_in_every_process_and_snapshot(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    vocabulary = ["alpha", "beta", "gamma", "delta", "epsilon"]
    for number in range(40):
        file = folder / "pkg" / f"m{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        functions = (f"def thing_{number}_{part}():\n" + f"    {vocabulary[part % 5]} = 1\n" * 30 for part in range(12))
        file.write_text("".join(functions), encoding="utf-8")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "base"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, kind, str(folder), commit, str(tmp_path / index)],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[4],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed},
        ).stdout
        for kind, index, seed in (("folder", "one", "1"), ("commit", "two", "2"), ("commit", "one", "3"))
    ]
    assert outputs[0] == outputs[1] == outputs[2]
    paths, files = json.loads(outputs[0])
    assert len(paths) == 40
    assert paths[0] == "pkg/m3.py"
    assert files
