"""The index on disk: made whole or not at all, read again, and never trusted when damaged."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from swebench_tui.bench.context import index as index_module
from swebench_tui.bench.context.errors import ContextError, ContextStoppedError
from swebench_tui.bench.context.index import open_index
from swebench_tui.bench.context.query import Query
from tests.app.bench.context.trees import MemoryTree

COMMIT = "c0ffee00" * 5
FILES = {
    "pkg/spans.py": "class Span:\n    def overlap(self): ...\nLIMIT = 3\n",
    "pkg/rooms.py": "def book(room): ...\ndef overlap(): ...\n",
    "pkg/beds.py": "def book(bed): ...\n",
}
QUERY = Query((("span", 2.0), ("room", 1.0)), {"Span": 1.0, "overlap": 0.5})


def paths(folder: Path, tree: MemoryTree | None = None, repo: str = "owner/name", commit: str = COMMIT) -> list[str]:
    with open_index(tree or MemoryTree(FILES), repo, commit, folder) as index:
        return list(index.paths)


def scores(folder: Path) -> Mapping[str, float]:
    with open_index(MemoryTree(FILES), "owner/name", COMMIT, folder) as index:
        return index.text_scores(QUERY)


def test_scores_of_the_text_are_not_zero(tmp_path: Path) -> None:
    found = scores(tmp_path)
    assert found["pkg/spans.py"] > found["pkg/rooms.py"] > 0
    assert "pkg/beds.py" not in found


def test_a_path_counts_as_text(tmp_path: Path) -> None:
    with open_index(MemoryTree(FILES), "owner/name", COMMIT, tmp_path) as index:
        assert index.text_scores(Query((("beds", 1.0),), {})).keys() == {"pkg/beds.py"}


def test_definitions_share_the_weight_of_a_name(tmp_path: Path) -> None:
    with open_index(MemoryTree(FILES), "owner/name", COMMIT, tmp_path) as index:
        defining, rare = index.definition_scores(QUERY)
    assert defining == pytest.approx({"pkg/spans.py": 2.0 + 0.5 / 2**0.5, "pkg/rooms.py": 0.5 / 2**0.5})
    assert rare == {"Span", "overlap"}


def test_a_name_that_many_files_define_is_not_rare(tmp_path: Path) -> None:
    tree = MemoryTree({f"{number}.py": "def overlap(): ...\n" for number in range(4)})
    with open_index(tree, "owner/name", COMMIT, tmp_path) as index:
        assert index.definition_scores(QUERY)[1] == frozenset()


def test_the_second_question_reads_no_file(tmp_path: Path) -> None:
    assert paths(tmp_path) == sorted(FILES)
    again = MemoryTree({})
    assert paths(tmp_path, again) == sorted(FILES)
    assert again.reads == []


def test_each_repository_and_commit_has_its_own(tmp_path: Path) -> None:
    paths(tmp_path)
    others = [("owner/name", "0" * 40), ("owner-name", COMMIT), ("../../owner/name", COMMIT), ("", COMMIT)]
    assert [paths(tmp_path, MemoryTree({}), repo, commit) for repo, commit in others] == [[], [], [], []]
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("commit", ["main", "", "../../x", COMMIT.upper(), COMMIT + "\n"])
def test_nothing_is_kept_for_a_name_that_may_move(tmp_path: Path, commit: str) -> None:
    assert paths(tmp_path, commit=commit) == sorted(FILES)
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_another_schema_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths(tmp_path)
    monkeypatch.setattr(index_module, "SCHEMA", index_module.SCHEMA + 1)
    assert paths(tmp_path, MemoryTree({})) == []


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda data: b"x" * len(data), lambda data: data[:4096], lambda data: data[:-5000]]
)
def test_a_damaged_index_is_made_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    paths(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with contextlib.suppress(ContextError):  # damage that shows late
        scores(tmp_path)
    assert scores(tmp_path).keys() == {"pkg/spans.py", "pkg/rooms.py"}


def test_damage_that_shows_late_is_an_error(tmp_path: Path) -> None:
    paths(tmp_path)
    (file,) = tmp_path.iterdir()
    with (
        pytest.raises(ContextError, match="was damaged") as caught,
        open_index(MemoryTree(FILES), "owner/name", COMMIT, tmp_path),
    ):
        raise sqlite3.DatabaseError("database disk image is malformed")
    assert caught.value.hint == "Try again: it is gone."
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ContextError, match="cannot be written") as caught:
        paths(tmp_path / "file")
    assert caught.value.hint == "Free disk space, or make the folder writable."


def test_an_index_appears_by_its_renaming_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ContextError, match="No space left on device"):
        paths(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_work_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    calls = iter([False, False, True])
    with (
        pytest.raises(ContextStoppedError),
        open_index(MemoryTree(FILES), "owner/name", COMMIT, tmp_path, should_stop=lambda: next(calls)),
    ):
        pytest.fail("there is no index")
    assert list(tmp_path.iterdir()) == []


BUILD = """
import sys, pathlib
from swebench_tui.bench.context.index import open_index
from tests.app.bench.context.trees import MemoryTree
class Slow(MemoryTree):
    def read(self, path):
        print("reading", flush=True)
        if len(self.reads) > 20:
            sys.stdin.readline()
        return super().read(path)
files = {f"pkg/m{n}.py": f"def f{n}(): ...\\n" * 400 for n in range(60)}
with open_index(Slow(files), "owner/name", "c0ffee00" * 5, pathlib.Path(sys.argv[1])) as index:
    print("built", len(index.paths), flush=True)
"""


def builder(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def wait_until_half_built(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for _ in range(22):
        assert process.stdout.readline() == "reading\n"


def test_a_killed_process_leaves_no_index(tmp_path: Path) -> None:
    with builder(tmp_path) as process:
        wait_until_half_built(process)
        process.send_signal(signal.SIGKILL)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".making-")
    assert paths(tmp_path) == sorted(FILES)
    assert left.exists()  # it may still be at work
    os.utime(left, (time.time() - 7200, time.time() - 7200))
    paths(tmp_path, commit="0" * 40)
    assert not left.exists()


def test_two_processes_at_once_get_whole_indexes(tmp_path: Path) -> None:
    with builder(tmp_path) as first, builder(tmp_path) as second:
        for process in (first, second):
            wait_until_half_built(process)
        outputs = [process.communicate("\n" * 100)[0] for process in (first, second)]
    assert all(output.endswith("built 60\n") for output in outputs)
    (file,) = tmp_path.iterdir()
    assert len(paths(tmp_path, MemoryTree({}))) == 60
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_threads_may_ask_at_the_same_time(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(paths(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [sorted(FILES)] * 8


def test_the_longest_unused_go_when_the_folder_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, commit in enumerate("abc"):
        paths(tmp_path, commit=commit * 40)
        (file,) = tmp_path.glob(f"*{commit * 40}*")
        os.utime(file, (number, number))
    size = max(file.stat().st_size for file in tmp_path.iterdir())
    monkeypatch.setattr(index_module, "MAX_FOLDER_BYTES", 2 * size)
    paths(tmp_path, MemoryTree({}), commit="a" * 40)  # used again
    paths(tmp_path, commit="d" * 40)
    assert {commit for commit in "abcd" if list(tmp_path.glob(f"*{commit * 40}*"))} == {"a", "c", "d"}


def test_no_text_is_in_the_index(tmp_path: Path) -> None:
    paths(tmp_path, MemoryTree({"a.py": "secret = 'correct horse battery staple'\n"}))
    (file,) = tmp_path.iterdir()
    assert b"correct horse battery" not in file.read_bytes()


def test_files_that_cannot_be_shown_are_named(tmp_path: Path) -> None:
    tree = MemoryTree({"a.py": b"\0", "b.py": "b = 1\n"})
    with open_index(tree, "owner/name", COMMIT, tmp_path) as index:
        assert list(index.paths) == ["b.py"]
        assert list(index.skipped) == [("a.py", "not text")]
