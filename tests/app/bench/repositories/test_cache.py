"""Clones of the cache: listed, removed, and never removed while they are in use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from swebench_tui.bench.git import GitError
from swebench_tui.bench.repositories import cache
from swebench_tui.bench.repositories.clone import Clone
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.fetch import fetch_commits
from swebench_tui.bench.repositories.in_use import USE_FILE
from swebench_tui.bench.repositories.remote import Remote
from tests.git_repositories import bare_clone, commit, make_checkout

REPOS = ("a/one", "a/three", "a/two")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Remote, str]:
    folder = tmp_path_factory.mktemp("served")
    checkout = make_checkout(folder / "checkout", {"x.py": "x = 1\n" * 100})
    head = commit(checkout)
    (folder / "a").mkdir()
    for repo in REPOS:
        bare_clone(checkout, folder / f"{repo}.git")
    return Remote(f"file://{folder}/{{repo}}.git"), head


@pytest.fixture
def folder(tmp_path: Path, served: tuple[Remote, str]) -> Path:
    """A cache in which one was used last, and three longest ago."""
    remote, head = served
    for used, repo in ((3, "a/one"), (1, "a/three"), (2, "a/two")):
        clone = Clone(tmp_path / "cache", repo)
        fetch_commits(clone, [head], remote)
        os.utime(clone.folder / USE_FILE, (used, used))
    return tmp_path / "cache"


def repos(folder: Path) -> list[str]:
    return [clone.repo for clone in cache.list_clones(folder)]


def test_clones_are_listed_with_their_facts(folder: Path) -> None:
    (folder / "notes.git").mkdir()
    (folder / "a__b.git").mkdir()
    (folder / "starter__x-0123").mkdir()
    clones = cache.list_clones(folder)
    assert [(clone.repo, clone.commits, clone.last_used) for clone in clones] == [
        ("a/one", 1, 3.0),
        ("a/three", 1, 1.0),
        ("a/two", 1, 2.0),
    ]
    on_disk = sum(file.stat().st_size for file in clones[0].path.rglob("*") if file.is_file())
    assert clones[0].size == on_disk > 500


def test_a_missing_folder_has_no_clones(tmp_path: Path) -> None:
    assert cache.list_clones(tmp_path / "none") == []
    assert cache.shrink(tmp_path / "none", 0) == cache.Pruned((), ())


def test_reading_a_clone_is_using_it(folder: Path, served: tuple[Remote, str]) -> None:
    before = cache.list_clones(folder)[1].last_used
    with CommitSnapshot(folder / "a__three.git", served[1]).open():
        pass
    assert cache.list_clones(folder)[1].last_used > before + 1000


def test_the_clone_that_was_not_used_for_longest_goes_first(folder: Path) -> None:
    total = sum(clone.size for clone in cache.list_clones(folder))
    assert [clone.repo for clone in cache.oldest(cache.list_clones(folder), total - 1)] == ["a/three"]
    assert [clone.repo for clone in cache.shrink(folder, total - 1).removed] == ["a/three"]
    assert repos(folder) == ["a/one", "a/two"]
    assert cache.shrink(folder, total) == cache.Pruned((), ())
    assert cache.shrink(folder, None) == cache.Pruned((), ())
    assert [clone.repo for clone in cache.shrink(folder, 0, keep=["a/two"]).removed] == ["a/one"]
    assert repos(folder) == ["a/two"]


def test_a_clone_that_is_read_stays(folder: Path, served: tuple[Remote, str]) -> None:
    with CommitSnapshot(folder / "a__three.git", served[1]).open() as tree:
        pruned = cache.prune(folder, ["a/three", "a/one"])
        assert [clone.repo for clone in pruned.in_use] == ["a/three"]
        assert [clone.repo for clone in pruned.removed] == ["a/one"]
        assert tree.read("x.py") == b"x = 1\n" * 100
    assert [clone.repo for clone in cache.prune(folder, ["a/three"]).removed] == ["a/three"]


READ = """
import sys
from pathlib import Path
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
with CommitSnapshot(Path(sys.argv[1]), sys.argv[2]).open():
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_clone_that_another_process_reads_stays(folder: Path, served: tuple[Remote, str]) -> None:
    command = [sys.executable, "-c", READ, str(folder / "a__one.git"), served[1]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        assert [clone.repo for clone in cache.prune(folder, ["a/one"]).in_use] == ["a/one"]
        reader.kill()
        reader.wait()
    assert [clone.repo for clone in cache.prune(folder, ["a/one"]).removed] == ["a/one"]


def test_a_clone_that_is_being_fetched_stays(folder: Path) -> None:
    with FileLock(folder / "a__one.lock"):
        assert [clone.repo for clone in cache.prune(folder, ["a/one"]).in_use] == ["a/one"]
    assert repos(folder) == list(REPOS)


def test_what_a_killed_removal_left_is_cleared_away(folder: Path) -> None:
    left_over = folder / ".removing-abc"
    (folder / "a__one.git").rename(left_over)
    cache.prune(folder, ["a/two"])
    assert not left_over.exists()
    assert repos(folder) == ["a/three"]


def test_a_removed_clone_is_an_error_to_read(folder: Path, served: tuple[Remote, str]) -> None:
    cache.prune(folder, ["a/one"])
    with pytest.raises(GitError, match="not a git repository"), CommitSnapshot(folder / "a__one.git", served[1]).open():
        pass
